"""Remux packets into mp4 with planned pts, one by one: for every container, codec and order of frames.

Decode order is kept, pts are planned, and dts are derived from them here: the encoder's own differ in chunks shorter
than its B-frame delay (DESIGN, Copying).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from heapq import merge
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from assembler.errors import MediaError
from assembler.media.libav import InBandSets, discard_others, time_base_of
from assembler.media.mux.by_sample_table import round_ticks
from assembler.media.mux.order import AudioTrack, Cut, Join, PacketRun
from assembler.mp4.write import write_mp4

OPEN = {"protocol_whitelist": "file"}
"""Options of libav's demuxer."""
CAPTIONS_SCALE = 1000
"""Ticks per second of captions, and of the file that they are taken from."""
HEVC_TAG = "hvc1"
"""Codec tag of HEVC that some players require; libavformat's own choice is another."""


def join_by_packets(order: Join) -> None:
    """Mux the finished file: video and audio interleaved, moov first. Raises MediaError and OSError."""
    with _foreign_errors():
        _join(order)


def cut_packets(order: Cut) -> None:
    """Write the packets of one stretch to a file of its own, all stamps moved alike. Raises OSError."""
    with _foreign_errors():
        _cut(order)


@contextmanager
def _foreign_errors() -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as exc:
        raise OSError(exc.errno, str(exc)) from exc


def _join(order: Join) -> None:
    options = {"movflags": "+faststart", "movie_timescale": str(order.time_scale)}
    with av.open(order.out, "w", format="mp4", options=options) as out:
        first = order.runs[0]
        with _opened(first.name, first.container) as template:
            # opaque: a decoder need not have an encoder of its name (libdav1d)
            shown: Any = template.streams[first.stream]
            video_out = out.add_stream_from_template(shown, opaque=True)
            if shown.codec_context.codec_tag == HEVC_TAG:
                video_out.codec_context.codec_tag = HEVC_TAG
        video_out.time_base = Fraction(1, order.time_scale)
        audio = None
        if order.audio is not None:
            with _opened(order.audio.name, order.audio.container) as template:
                audio = out.add_stream_from_template(_audio_stream(order.audio, template))
        _set_chapters(out, order)
        packets = [_video_packets(order, video_out)]
        if order.audio is not None:
            packets.append(_audio_packets(order.audio, audio))
        for number, (title, texts) in enumerate(order.captions):
            source = Path(f"captions-{number}.mp4")
            write_mp4(source, CAPTIONS_SCALE, [], (), order.length, [(title, texts)])
            with _opened(str(source), "mov") as template:
                captions: Any = out.add_stream_from_template(template.streams.subtitles[0], opaque=True)
            captions.metadata["handler_name"] = title
            packets.append(_caption_packets(source, captions))
        for packet in _interleaved(packets):
            out.mux_one(packet)


def _opened(name: str, container: str) -> InputContainer:
    opened: InputContainer = av.open(name, format=container, options=OPEN)
    return opened


def _video_packets(order: Join, stream: Any) -> Iterator[Packet[Any]]:
    dts = _DtsSequence(order)
    extradata: bytes | None = None
    for run in order.runs:
        with _opened(run.name, run.container) as source:
            video: Any = source.streams[run.stream]
            if extradata is None:
                extradata = video.codec_context.extradata
            elif run.stamps is None and video.codec_context.extradata != extradata:
                raise MediaError(f"{Path(run.name).name} was encoded with other parameter sets than the chunks before")
            clock, seen = stream.time_base, 0
            for packet, stamp in stamped_packets(run, source, order.time_scale, order.frame_ticks):
                seen += 1
                packet.stream = stream
                packet.time_base = clock
                # matters for the last one: libavformat guesses it, but not for AV1, which lost it
                packet.duration = order.frame_ticks if run.stamps is None else run.lasts
                packet.pts, packet.dts = stamp, dts.next(stamp)
                yield packet
            if seen != run.frames:
                raise MediaError(f"{Path(run.name).name} holds {seen} pictures, {run.frames} were planned")


def stamped_packets(
    run: PacketRun, source: InputContainer, time_scale: int, frame_ticks: int
) -> Iterator[tuple[Packet[Any], int]]:
    """Demux the packets of a run, in decode order, each with the tick at which it is presented in the playback."""
    video: Any = source.streams[run.stream]
    discard_others(source, video)
    up, down = (time_base_of(video) * time_scale / frame_ticks).as_integer_ratio()
    for number, packet in enumerate(islice(_real(source.demux(video)), run.first_packet, run.end_packet)):
        if run.stamps is not None:
            yield packet, run.stamps[number]
        else:
            yield packet, run.start + round_ticks(packet.pts or 0, up, down) * frame_ticks


def _real(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    return (packet for packet in packets if packet.pts is not None and packet.size)


class _DtsSequence:
    """Sequence of dts: the pts in order, earlier by the deepest reordering of all runs."""

    def __init__(self, order: Join) -> None:
        self._index = -1
        self._step = order.frame_ticks
        self._sorted: list[int] | None = None
        if any(run.stamps is not None for run in order.runs):
            decode = [stamp for run in order.runs for stamp in run.stamps or ()]
            self._sorted = sorted(decode)
            ranks = (bisect_left(self._sorted, stamp) for stamp in decode)
            self._delay = max((index - rank for index, rank in enumerate(ranks)), default=0)
        else:
            self._delay = max(_delay(run, order) for run in order.runs)

    def next(self, pts: int) -> int:
        if not self._delay:
            return pts  # also at a variable rate, which has no reordering
        self._index += 1
        at = self._index - self._delay
        if self._sorted is None:
            return at * self._step
        if at >= 0:
            return self._sorted[at]
        return self._sorted[0] + at * self._shortest()

    def _shortest(self) -> int:
        assert self._sorted is not None
        return min((b - a for a, b in zip(self._sorted[:50], self._sorted[1:50], strict=False)), default=1)


def _delay(run: PacketRun, order: Join) -> int:
    """Count the frames by which a chunk's first packet is decoded before it is presented."""
    with _opened(run.name, run.container) as source:
        packet = next(_real(source.demux(source.streams[run.stream])), None)
        if packet is None or packet.dts is None or packet.pts is None or packet.time_base is None:
            return 0
        return round((packet.pts - packet.dts) * packet.time_base * order.time_scale / order.frame_ticks)


def _audio_stream(track: AudioTrack, source: InputContainer) -> Any:
    return source.streams.audio[0] if track.index is None else source.streams[track.index]


def _audio_packets(track: AudioTrack, stream: Any) -> Iterator[Packet[Any]]:
    with _opened(track.name, track.container) as source:
        audio = _audio_stream(track, source)
        discard_others(source, audio)
        rate = audio.codec_context.sample_rate
        shift = round(track.offset * rate)
        sample = Fraction(1, rate)
        up, down = (time_base_of(audio) * rate).as_integer_ratio()
        end = None if track.end is None else track.end * rate // 1000
        for packet in _real(source.demux(audio)):
            # fractions are slow, and an hour has 170,000 of these packets
            packet.stream = stream
            at, length = round_ticks(packet.pts or 0, up, down) + shift, round_ticks(packet.duration or 0, up, down)
            if end is not None and at >= end:
                break
            packet.time_base = sample
            packet.pts = packet.dts = at
            packet.duration = length
            yield packet


def _caption_packets(source: Path, stream: Any) -> Iterator[Packet[Any]]:
    with _opened(str(source), "mov") as opened:
        for packet in _real(opened.demux(opened.streams.subtitles[0])):
            packet.stream = stream
            yield packet


def _interleaved(tracks: Sequence[Iterator[Packet[Any]]]) -> Iterator[Packet[Any]]:
    """Merge packets of all tracks in order of dts (exactly: the muxer's own queue is then never deep)."""
    return (packet for _, packet in merge(*(_timed(track) for track in tracks), key=itemgetter(0)))


def _timed(track: Iterator[Packet[Any]]) -> Iterator[tuple[float, Packet[Any]]]:
    """Pair packets with their dts in s; all of a track have one time base."""
    base: float | None = None
    for packet in track:
        if base is None:
            base = float(packet.time_base or 0)
        yield (packet.dts or 0) * base, packet


def _set_chapters(out: OutputContainer, order: Join) -> None:
    if len(order.chapters) < 2:
        return
    ends = [*(at for at, _ in order.chapters[1:]), order.length]
    out.set_chapters(
        [
            {"id": number, "start": at, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
            for number, ((at, title), end) in enumerate(zip(order.chapters, ends, strict=True), 1)
        ]
    )


def _cut(order: Cut) -> None:
    with _opened(order.name, order.container) as source, av.open(order.out, "w", format="nut") as out:
        video: Any = source.streams[order.stream]
        discard_others(source, video)
        stream = out.add_stream_from_template(video, opaque=True)
        stream.time_base = video.time_base
        sets, is_inside = InBandSets(video, stream), False
        for packet in _real(source.demux(video)):
            assert packet.pts is not None
            if packet.is_keyframe:
                is_inside = packet.pts >= order.start and (order.end is None or packet.pts < order.end)
            whole = sets.with_sets(packet)
            if is_inside:
                whole.pts = packet.pts + order.late
                whole.dts = None if packet.dts is None else packet.dts + order.late
                whole.duration, whole.time_base, whole.stream = packet.duration, video.time_base, stream
                out.mux_one(whole)
