"""Child process of a probe: reads untrusted files one after the other and writes the facts of each.

``python -m assembler.media.probe.child REQUEST ANSWERS``. It may crash, hang or eat memory: its parent (``probe``)
knows by the answers which file did that. Each finished file is one line ``out_time_us=...`` on standard output, which
is how ``processes.run`` sees that it is alive.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any

import av
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from assembler.facts import AudioFacts, Facts, VideoFacts
from assembler.media.libav import COVERS, INDEX_ONLY, choose_streams, describe_further_video, limit_memory
from assembler.media.probe.audio import AudioProbe
from assembler.media.probe.by_sample_table import probe_sample_tables
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.container import FETCH_AGAIN, Container, sniff
from assembler.media.probe.entry_points import find_entry_points
from assembler.media.probe.order import (
    UNFORESEEN,
    BadStream,
    LateStream,
    ProbeAnswer,
    ProbeInput,
    Request,
    UnusableFile,
    describe_error,
)
from assembler.media.probe.straightened import probe_straightened
from assembler.media.probe.video import VideoProbe
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4
from assembler.times import FileMs, round_ms

TRUNCATED_SECONDS = 1
"""Minimum time between a file's end and its declared end, in s, that counts as truncation; less is rounding and missing
last durations."""
ReadStreams = Callable[[InputContainer, VideoProbe | None, Sequence[AudioProbe], Reach], bool]
"""Function that feeds a file's packets, or its sample tables, to the probes; True if the file is cut."""

KEYS = "Fetching it again does not help: ask whoever recorded it for files that are not encrypted."
"""Hint for encrypted files."""
DAMAGED = "The file is damaged: fetch it again, or play it to see whether it can be used at all."
"""Hint for files at which the decoder or the demuxer fails."""


def main(request_file: Path, answer_file: Path) -> None:
    """Answer every file of a request, one line when it is begun and one when it is done."""
    request = Request.from_json(request_file.read_bytes())
    limit_memory(request.memory)
    av.logging.set_level(None)
    with answer_file.open("a", encoding="utf-8") as answers:
        for number, wanted in enumerate(request.files, 1):
            _write(answers, ProbeAnswer(video_id=wanted.video_id))
            _write(answers, _answer(wanted))
            print(f"out_time_us={number * 1_000_000}", flush=True)


def _write(answers: IO[str], answer: ProbeAnswer) -> None:
    print(answer.to_json(), file=answers, flush=True)


def _answer(wanted: ProbeInput) -> ProbeAnswer:
    try:
        return probe_straightened(wanted, probe_file)
    except UnusableFile as exc:
        problem, hint = exc.problem, exc.hint
    except av.FFmpegError as exc:
        problem, hint = f"cannot be read: {exc.strerror or type(exc).__name__}", DAMAGED
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(exc.errno)
        problem, hint = f"cannot be opened: {exc.strerror}", "Check its place and permissions."
    except UNFORESEEN as exc:
        problem, hint = f"cannot be read: {describe_error(exc)}", DAMAGED
    except MemoryError:
        problem, hint = "takes too much memory to read", DAMAGED
    return ProbeAnswer(video_id=wanted.video_id, problem=problem, hint=hint)


def probe_file(wanted: ProbeInput, *, may_skip: bool = True) -> tuple[Facts, Reach]:
    """Probe one file; with ``may_skip`` a plain mp4 is probed by its sample tables instead of its packets.

    Raises Unusable or libav's error where it has neither video nor audio.
    """
    container = sniff(wanted.path)
    if may_skip and container.name == "mov" and not container.is_cut:
        with contextlib.suppress(UnsupportedMp4):
            read = partial(probe_sample_tables, wanted.path, read_tables(wanted.path))
            return probe_by(wanted, container, read, INDEX_ONLY)
    return probe_by(wanted, container, _demux)


def probe_by(
    wanted: ProbeInput, container: Container, read: ReadStreams, options: Mapping[str, str] | None = None
) -> tuple[Facts, Reach]:
    """Probe one file with this reader and these options of libav, leaving out the streams at which a library fails."""
    bad: dict[int, str] = {}
    while True:
        try:
            return _probe(wanted, container, read, options or {}, bad)
        except BadStream as exc:
            bad[exc.index] = str(exc)


def _probe(
    wanted: ProbeInput, container: Container, read: ReadStreams, options: Mapping[str, str], bad: Mapping[int, str]
) -> tuple[Facts, Reach]:
    """Probe the streams that are not in ``bad`` (index to problem); raises BadStream at another one."""
    reach = Reach(wanted.hole, container.name)
    with av.open(
        str(wanted.path),
        "r",
        format=container.name,
        options={"protocol_whitelist": "file", **options, **({"enable_drefs": "0"} if container.name == "mov" else {})},
        metadata_errors="replace",
    ) as opened:
        video, audios = _build_probes(opened, container, bad)
        is_cut = read(opened, video, audios, reach) or container.is_cut
        left_out = _left_out(opened, container, video, audios, bad)
        facts = _facts(wanted, container, opened.duration, video, audios, is_cut, left_out)
        if container.name == "mpegts" and video is not None and facts.picture is not None:
            entries = find_entry_points(wanted.path, facts.picture, video.places)
            facts = replace(facts, picture=replace(facts.picture, entries=entries))
        return replace(facts, left_out=left_out), reach


@contextlib.contextmanager
def _blamed(stream: VideoStream | AudioStream) -> Iterator[None]:
    """Turn unforeseen errors raised inside into a BadStream of this stream."""
    try:
        yield
    except (av.FFmpegError, UnsupportedMp4):
        raise
    except UNFORESEEN as exc:
        raise BadStream(stream.index, exc) from exc


def _build_probes(
    opened: InputContainer, container: Container, bad: Collection[int]
) -> tuple[VideoProbe | None, list[AudioProbe]]:
    """Build the probes of the video stream that is shown and of all audio streams, but encrypted ones."""
    video, audios = choose_streams(opened, bad)
    if video is not None and container.is_encrypted(video.id):
        video = None
    heard = []
    for stream in audios:
        if not container.is_encrypted(stream.id):
            with _blamed(stream):
                heard.append(AudioProbe(stream, container))
    if video is None:
        return None, heard
    with _blamed(video):
        return VideoProbe(video, container), heard


def _left_out(
    opened: InputContainer,
    container: Container,
    video: VideoProbe | None,
    audios: Sequence[AudioProbe],
    bad: Mapping[int, str],
) -> tuple[str, ...]:
    """Describe the streams that cannot be decoded (but empty audio), and further video streams."""
    messages = []
    used = {audio.stream.index for audio in audios if audio.start is not None or not audio.has_packets}
    streams: list[Any] = [*opened.streams.video, *opened.streams.audio]
    for s in streams:
        codec = s.codec.canonical_name if s.codec_context else "of an unknown codec"
        if s.type == "audio":
            what, verb, is_bad = f"a sound track (stream {s.index}, {codec})", "heard", s.index not in used
        else:
            what, verb, is_bad = f"a picture (stream {s.index}, {codec})", "seen", s.codec_context is None
        if container.is_encrypted(s.id):
            messages.append(f"{what} that is encrypted: it is not {verb}.")
        elif s.index in bad:
            messages.append(f"{what} at which its reader failed ({bad[s.index]}): it is not {verb}.")
        elif is_bad and not s.disposition & COVERS:
            messages.append(f"{what} that cannot be decoded: it is not {verb}.")
    known = [*bad, *(s.index for s in streams if container.is_encrypted(s.id))]
    return (*messages, *describe_further_video(opened, video.stream.index if video is not None else None, known))


def _demux(opened: InputContainer, video: VideoProbe | None, audios: Sequence[AudioProbe], reach: Reach) -> bool:
    """Demux every packet to its probe; True if reading ended in an error or in the middle of a packet, or if the file
    is shorter than its index."""
    probes = [probe for probe in (video, *audios) if probe is not None]
    add_packet: dict[int, Callable[[Packet[Any], bool], None]] = {
        probe.stream.index: probe.add_packet for probe in probes
    }
    for stream in opened.streams:  # an unwanted stream that is cut off would end the demuxing
        if stream.index not in add_packet:
            stream.discard = Discard.all
    is_cut, is_there = False, reach.is_there
    current: int | None = None
    try:
        for packet in opened.demux([probe.stream for probe in probes]) if probes else ():
            if packet.size:
                current = packet.stream_index
                add_packet[current](packet, is_there(packet))
                current = None
    except av.FFmpegError:
        is_cut = True
    except UNFORESEEN as exc:
        if current is not None:
            raise BadStream(current, exc) from exc
        if isinstance(exc, IndexError):
            raise LateStream("a stream begins that was not announced") from exc
        raise
    for probe in probes:
        if probe.is_last_cut:
            probe.forget_last()
            is_cut = True
    return is_cut or ("mov" in opened.format.name and _has_samples_behind(opened))


def _has_samples_behind(opened: InputContainer) -> bool:
    """True if an mp4's tables name samples behind the end of the file."""
    return any(entry.pos + entry.size > opened.size for stream in opened.streams for entry in stream.index_entries)


def _facts(
    wanted: ProbeInput,
    container: Container,
    duration: int | None,
    video: VideoProbe | None,
    audios: Sequence[AudioProbe],
    is_cut: bool,
    left_out: Sequence[str],
) -> Facts:
    """Build the facts, all streams on one axis: file time 0 is the earliest of their first presented samples."""
    shown: list[int] = []
    if video is not None:
        with _blamed(video.stream):
            shown = video.presented()
    starts = [video.begins * video.base] if video is not None and shown else []
    starts += [audio.start for audio in audios if audio.start is not None]
    if not starts:
        known = [what.partition(": it is not")[0] for what in left_out]
        if known:
            raise UnusableFile(f"holds {' and '.join(known)}", KEYS if "encrypted" in known[0] else "")
        if is_cut:
            raise UnusableFile("is cut so early that it has no picture and no sound", FETCH_AGAIN)
        raise UnusableFile("has no picture and no sound that can be decoded", DAMAGED)
    origin = min(starts)
    facts = Facts(
        video_id=wanted.video_id,
        size=wanted.path.stat().st_size,
        container=container.name,
        origin=origin,
        declared=round_ms(Fraction(duration, av.time_base)) if duration and container.has_length else None,
        picture=_video_facts(video, shown, origin, wanted) if video is not None and shown else None,
        sounds=tuple(_audio_facts(audio, origin) for audio in audios if audio.start is not None),
        is_truncated=is_cut,
    )
    is_early = facts.declared is not None and facts.end + round_ms(origin) + TRUNCATED_SECONDS * 1000 < facts.declared
    if is_early and not is_cut and not facts.sounds and (wanted.size or 0) <= facts.size:
        # one frame for minutes: nothing contradicts the header, as audio that stops too would
        return replace(facts, stated=FileMs((facts.declared or 0) - round_ms(origin)))
    # an mp4's tables are exact, so it is judged by them; other headers are judged by the length they declare
    return replace(facts, is_truncated=is_cut or (is_early and container.name != "mov"))


def _video_facts(video: VideoProbe, shown: list[int], origin: Fraction, wanted: ProbeInput) -> VideoFacts:
    with _blamed(video.stream):
        return video.facts(shown, origin, keep_stamps=wanted.keep_stamps)


def _audio_facts(audio: AudioProbe, origin: Fraction) -> AudioFacts:
    with _blamed(audio.stream):
        return audio.facts(origin)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
