"""Probe a plain mp4 by its sample tables: of its packets only key frames, and the first and last audio ones, are read.

libav's own index has to agree at both ends, and the NAL unit type of every sample with the sync sample table, so that
the facts are those that demuxing all packets finds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from assembler.media.libav import discard_others
from assembler.media.probe.audio import AudioProbe
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.order import UNFORESEEN
from assembler.media.probe.video import VideoProbe
from assembler.mp4.nal_units import walk_units
from assembler.mp4.sample_tables import Mp4Track, Tables, UnsupportedMp4

LAST_AUDIO_PACKETS = 4
"""Count of audio packets read at the end; two are needed."""
SLICE, IDR = 1, 5
"""NAL unit types of H.264 for a slice, and for one at which decoding may start (ITU-T H.264, table 7-1)."""
PARAMETER_SETS = (7, 8)
"""NAL unit types of parameter sets."""
SLICE_TYPES = range(1, 6)
"""NAL unit types of all slices."""
MAX_UNITS = 100
"""Maximum count of NAL units read before a sample's first slice."""
Read = Callable[[int, int], bytes]
"""Function that reads (size, position) of the file."""


def probe_sample_tables(
    path: Path,
    tables: Tables,
    opened: InputContainer,
    video: VideoProbe | None,
    audios: Sequence[AudioProbe],
    reach: Reach,
) -> bool:
    """Feed the sample tables to all probes; False, as a plain file is not cut.

    Raises UnsupportedMp4 where packets have to be read; the probes must not be used then.
    """
    tracks = [_matched_track(tables, probe.stream) for probe in (video, *audios) if probe is not None]
    try:
        for audio, (track, stamps) in zip(audios, tracks[-len(audios) :], strict=bool(audios)):
            _probe_audio(opened, audio, stamps, sum(track.sizes), reach)
        if video is not None:
            last = _last_duration(opened, video.stream, tracks[0][1])
            with path.open("rb", buffering=0) as file:
                _probe_video(video, *tracks[0], last, reach, lambda size, at: os.pread(file.fileno(), size, at))
    except (av.FFmpegError, *UNFORESEEN) as exc:  # demuxing all packets shows which stream's fault it is
        raise UnsupportedMp4(str(exc)) from exc
    if reach.hole is not None:
        reach.add_all([_sample_ends(track, stamps) for track, stamps in tracks])
    return False


def _matched_track(tables: Tables, stream: VideoStream | AudioStream) -> tuple[Mp4Track, list[int]]:
    """Find the stream's track, and the stamps of its samples on libav's axis, edit list applied."""
    track = next((track for track in tables.tracks if track.number == stream.id), None)
    if track is None or stream.time_base is None or 1 / stream.time_base != track.scale:
        raise UnsupportedMp4("a stream has no track")
    entries, ticks = stream.index_entries, track.decode_times()
    if len(entries) != track.count:
        raise UnsupportedMp4("libav sees other samples")
    first, last = entries[0], entries[len(entries) - 1]
    is_same = (first.pos, first.size, last.size) == (track.offsets[0], track.sizes[0], track.sizes[-1])
    is_same &= last.pos + last.size == track.end and last.timestamp - first.timestamp == ticks[-2]
    if not is_same:
        raise UnsupportedMp4("libav sees other samples")
    return track, [first.timestamp + tick for tick in ticks[:-1]]


def _discarded(stream: VideoStream | AudioStream) -> set[int]:
    """Find the samples that the edit list cuts off: at the start and at the end only, as there is but one edit."""
    entries, found = stream.index_entries, set[int]()
    for way in (range(len(entries)), range(len(entries) - 1, -1, -1)):
        for index in way:
            if not entries[index].is_discard:
                break
            found.add(index)
    return found


def _probe_video(probe: VideoProbe, track: Mp4Track, stamps: list[int], last: int, reach: Reach, read: Read) -> None:
    extradata = bytes(probe.stream.codec_context.extradata or b"")
    if probe.stream.codec.canonical_name != "h264" or len(extradata) < 7 or extradata[0] != 1:
        raise UnsupportedMp4("it is not H.264 with length prefixes")
    width, offsets = (extradata[4] & 3) + 1, track.sample_offsets()
    _check_keys(track, offsets, width, reach, read)

    def keys() -> Iterator[tuple[int, bytes | None]]:
        for index in range(track.count) if track.keys is None else track.keys:
            at, size = offsets[index], track.sizes[index]
            yield index, read(size, at) if reach.holds(at, at + size) else None

    probe.add_table(stamps, last, _discarded(probe.stream), keys())


def _last_duration(opened: InputContainer, stream: VideoStream, stamps: list[int]) -> int:
    """Find the duration of the last frame in ticks: until the declared end of the track, else as libav guesses."""
    lasts = (stream.duration or 0) - stamps[-1]
    if lasts > 0:
        return lasts
    discard_others(opened, stream)
    opened.seek(stamps[-1], stream=stream)
    packets = [packet for packet in opened.demux(stream) if packet.size]
    if not packets or packets[-1].pts != stamps[-1]:
        raise UnsupportedMp4("libav sees other samples")
    return packets[-1].duration or 0


def _check_keys(track: Mp4Track, offsets: list[int], width: int, reach: Reach, read: Read) -> None:
    """Raise UnsupportedMp4 unless exactly the sync samples are IDR, and no other sample holds parameter sets."""
    keys = frozenset(range(track.count) if track.keys is None else track.keys)
    for index, (at, size) in enumerate(zip(offsets, track.sizes, strict=True)):
        if not reach.holds(at, at + size):
            continue
        head = read(width + 1, at)
        if len(head) > width and head[width] & 0x1F == (IDR if index in keys else SLICE):
            continue
        kind, has_sets = _kind(read, at, at + size, width)
        if kind != IDR if index in keys else kind == IDR or has_sets:
            raise UnsupportedMp4("the samples have other key frames than the sync sample table")


def _kind(read: Read, at: int, end: int, width: int) -> tuple[int, bool]:
    """Read a sample's first slice: (NAL unit type, whether parameter sets precede it)."""
    has_sets = False
    for first, _, _ in islice(walk_units(read, at, end, width), MAX_UNITS):
        kind = first & 0x1F
        if kind in SLICE_TYPES:
            return kind, has_sets
        has_sets |= kind in PARAMETER_SETS
    raise UnsupportedMp4("a sample has no slice")


def _probe_audio(opened: InputContainer, probe: AudioProbe, stamps: list[int], size: int, reach: Reach) -> None:
    """Feed the probe the first packets until enough are decoded, the last ones, and the stamps of all."""
    discard_others(opened, probe.stream)
    opened.seek(stamps[0], stream=probe.stream)  # back from the end of the track before
    for packet in opened.demux(probe.stream):
        if not probe.is_decoding or not packet.size:
            break
        if not _is_there(packet, reach):
            raise UnsupportedMp4("the first audio packet is not downloaded yet")
        probe.add_packet(packet)
    opened.seek(stamps[-min(LAST_AUDIO_PACKETS, len(stamps))], stream=probe.stream)
    last = [packet for packet in opened.demux(probe.stream) if packet.size]
    if not 0 < len(last) <= len(stamps) or [packet.pts for packet in last] != stamps[-len(last) :]:
        raise UnsupportedMp4("libav sees other samples")
    discarded = _discarded(probe.stream)
    heard = [s for n, s in enumerate(stamps) if n not in discarded] if discarded else stamps
    probe.add_table(heard, last, size)


def _is_there(packet: Packet[Any], reach: Reach) -> bool:
    return packet.pos is not None and reach.holds(packet.pos, packet.pos + packet.size)


def _sample_ends(track: Mp4Track, stamps: list[int]) -> tuple[int, list[int], list[int]]:
    """List (ticks per second, stamps, end of each sample in the file)."""
    return track.scale, stamps, [at + size for at, size in zip(track.sample_offsets(), track.sizes, strict=True)]
