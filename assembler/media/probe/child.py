"""The child process of a probe: looks into untrusted files, one after the other, and writes down what it found.

``python -m assembler.media.probe.child REQUEST ANSWERS``. It may crash, hang or eat memory: its parent (``probe``)
knows by the answers which file did that. Each finished file is one line ``out_time_us=...`` on standard output, which
is how ``processes.run`` sees that it is alive.
"""

from __future__ import annotations

import contextlib
import errno
import resource
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

from assembler.facts import Facts, PictureFacts, SoundFacts
from assembler.media.libav import COVERS, chosen_streams, further_pictures
from assembler.media.probe.audio import SoundWatch
from assembler.media.probe.by_sample_table import take_by_tables
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.container import FETCH_AGAIN, Container, sniff
from assembler.media.probe.order import (
    UNFORESEEN,
    BadStream,
    ProbeAnswer,
    Request,
    Surprised,
    Unusable,
    Wanted,
    named,
)
from assembler.media.probe.straightened import probe_straightened
from assembler.media.probe.video import PictureWatch, round_ms
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4
from assembler.times import FileMs

TRUNCATED_SECONDS = 1
"""A file that ends this much before its declared length is truncated (less is rounding and missing last durations)."""
Taking = Callable[[InputContainer, PictureWatch | None, Sequence[SoundWatch], Reach], bool]
"""A way through a file: every packet comes to the knowledge of its watch; True if the file is cut."""
KEYS = "Fetching it again does not help: ask whoever recorded it for files that are not encrypted."
DAMAGED = "The file is damaged: fetch it again, or play it to see whether it can be used at all."


def main(request_file: Path, answer_file: Path) -> None:
    request = Request.from_json(request_file.read_bytes())
    _limit_memory(request.memory)
    av.logging.set_level(None)
    with answer_file.open("a", encoding="utf-8") as answers:
        for number, wanted in enumerate(request.files, 1):
            _put(answers, ProbeAnswer(video_id=wanted.video_id))
            _put(answers, _answer(wanted))
            print(f"out_time_us={number * 1_000_000}", flush=True)


def _put(answers: IO[str], answer: ProbeAnswer) -> None:
    print(answer.to_json(), file=answers, flush=True)


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(wanted: Wanted) -> ProbeAnswer:
    try:
        return probe_straightened(wanted, probe_file)
    except Unusable as exc:
        problem, hint = exc.problem, exc.hint
    except av.FFmpegError as exc:
        problem, hint = f"cannot be read: {exc.strerror or type(exc).__name__}", DAMAGED
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(exc.errno)
        problem, hint = f"cannot be opened: {exc.strerror}", "ProbeFile at its place and permissions."
    except UNFORESEEN as exc:
        problem, hint = f"cannot be read: {named(exc)}", DAMAGED
    except MemoryError:
        problem, hint = "takes too much memory to read", DAMAGED
    return ProbeAnswer(video_id=wanted.video_id, problem=problem, hint=hint)


def probe_file(wanted: Wanted, *, may_skip: bool = True) -> tuple[Facts, Reach]:
    """The facts of one file; ``may_skip`` allows to take from a plain mp4's tables what they say of its packets.

    Raises Unusable or libav's error where there is nothing to show and nothing to hear.
    """
    container = sniff(wanted.path)
    if may_skip and container.name == "mov" and not container.is_cut:
        with contextlib.suppress(UnsupportedMp4):
            return probe_by(wanted, container, partial(take_by_tables, wanted.path, read_tables(wanted.path)))
    return probe_by(wanted, container, _take_every_packet)


def probe_by(wanted: Wanted, container: Container, take: Taking) -> tuple[Facts, Reach]:
    """As ``probe_file``, by one way through the file; without the streams at which a library fails."""
    bad: dict[int, str] = {}
    while True:
        try:
            return _probe(wanted, container, take, bad)
        except BadStream as exc:
            bad[exc.index] = str(exc)


def _probe(wanted: Wanted, container: Container, take: Taking, bad: Mapping[int, str]) -> tuple[Facts, Reach]:
    """Raises BadStream, never of a stream that is named as ``bad``, with what was wrong with it."""
    reach = Reach(wanted.hole, container.name)
    with av.open(
        str(wanted.path),
        "r",
        format=container.name,
        options={"protocol_whitelist": "file"} | ({"enable_drefs": "0"} if container.name == "mov" else {}),
        metadata_errors="replace",
    ) as opened:
        picture, sounds = _watches(opened, container, bad)
        is_cut = take(opened, picture, sounds, reach) or container.is_cut
        if container.name == "mov":
            is_cut |= _has_samples_behind(opened, wanted.path.stat().st_size)
        left_out = _left_out(opened, container, picture, sounds, bad)
        facts = _facts(wanted, container, opened.duration, picture, sounds, is_cut, left_out)
        return replace(facts, left_out=left_out), reach


@contextlib.contextmanager
def _blamed(stream: VideoStream | AudioStream) -> Iterator[None]:
    """Whatever goes wrong inside is this stream's fault."""
    try:
        yield
    except (av.FFmpegError, UnsupportedMp4):
        raise
    except UNFORESEEN as exc:
        raise BadStream(stream.index, exc) from exc


def _watches(
    opened: InputContainer, container: Container, bad: Collection[int]
) -> tuple[PictureWatch | None, list[SoundWatch]]:
    """The picture stream that is shown, and all sound streams, encrypted ones apart; data streams are ignored."""
    picture, sounds = chosen_streams(opened, bad)
    if picture is not None and container.is_encrypted(picture.id):
        picture = None
    heard = []
    for stream in sounds:
        if not container.is_encrypted(stream.id):
            with _blamed(stream):
                heard.append(SoundWatch(stream, container))
    if picture is None:
        return None, heard
    with _blamed(picture):
        return PictureWatch(picture, container), heard


def _left_out(
    opened: InputContainer,
    container: Container,
    picture: PictureWatch | None,
    sounds: Sequence[SoundWatch],
    bad: Mapping[int, str],
) -> tuple[str, ...]:
    """What cannot be decoded (empty sounds apart), and further pictures, in words."""
    told = []
    used = {sound.stream.index for sound in sounds if sound.start is not None or not sound.has_packets}
    streams: list[Any] = [*opened.streams.video, *opened.streams.audio]
    for s in streams:
        codec = s.codec.canonical_name if s.codec_context else "of an unknown codec"
        if s.type == "audio":
            what, verb, is_bad = f"a sound track (stream {s.index}, {codec})", "heard", s.index not in used
        else:
            what, verb, is_bad = f"a picture (stream {s.index}, {codec})", "seen", s.codec_context is None
        if container.is_encrypted(s.id):
            told.append(f"{what} that is encrypted: it is not {verb}.")
        elif s.index in bad:
            told.append(f"{what} at which its reader failed ({bad[s.index]}): it is not {verb}.")
        elif is_bad and not s.disposition & COVERS:
            told.append(f"{what} that cannot be decoded: it is not {verb}.")
    known = [*bad, *(s.index for s in streams if container.is_encrypted(s.id))]
    return (*told, *further_pictures(opened, picture.stream.index if picture is not None else None, known))


def _take_every_packet(
    opened: InputContainer, picture: PictureWatch | None, sounds: Sequence[SoundWatch], reach: Reach
) -> bool:
    """Hand every packet to its watch; True if reading ended in an error or in the middle of a packet."""
    watches = [watch for watch in (picture, *sounds) if watch is not None]
    takers: dict[int, Callable[[Packet[Any], bool], None]] = {watch.stream.index: watch.add_packet for watch in watches}
    for stream in opened.streams:  # one that nobody asked for, cut off, would end the reading
        if stream.index not in takers:
            stream.discard = Discard.all
    is_cut = False
    taking: int | None = None
    try:
        for packet in opened.demux([watch.stream for watch in watches]) if watches else ():
            if packet.size:
                taking = packet.stream_index
                takers[taking](packet, reach.is_there(packet))
                taking = None
    except av.FFmpegError:
        is_cut = True
    except UNFORESEEN as exc:
        if taking is not None:
            raise BadStream(taking, exc) from exc
        if isinstance(exc, IndexError):
            raise Surprised("a stream begins that was not announced") from exc
        raise
    for watch in watches:
        if watch.is_last_cut:
            watch.forget_last()
            is_cut = True
    return is_cut


def _has_samples_behind(opened: InputContainer, size: int) -> bool:
    """True if an mp4's tables name samples behind the end of the file."""
    return any(entry.pos + entry.size > size for stream in opened.streams for entry in stream.index_entries)


def _facts(
    wanted: Wanted,
    container: Container,
    duration: int | None,
    picture: PictureWatch | None,
    sounds: Sequence[SoundWatch],
    is_cut: bool,
    left_out: Sequence[str],
) -> Facts:
    """All streams on one axis: file time 0 is the earliest of their first presented samples."""
    shown: list[int] = []
    if picture is not None:
        with _blamed(picture.stream):
            shown = picture.presented()
    starts = [picture.begins * picture.base] if picture is not None and shown else []
    starts += [sound.start for sound in sounds if sound.start is not None]
    if not starts:
        known = [what.partition(": it is not")[0] for what in left_out]
        if known:
            raise Unusable(f"holds {' and '.join(known)}", KEYS if "encrypted" in known[0] else "")
        if is_cut:
            raise Unusable("is cut so early that it has no picture and no sound", FETCH_AGAIN)
        raise Unusable("has no picture and no sound that can be decoded", DAMAGED)
    origin = min(starts)
    facts = Facts(
        video_id=wanted.video_id,
        size=wanted.path.stat().st_size,
        container=container.name,
        origin=origin,
        declared=round_ms(Fraction(duration, av.time_base)) if duration and container.has_length else None,
        picture=_picture_facts(picture, shown, origin, wanted) if picture is not None and shown else None,
        sounds=tuple(_sound_facts(sound, origin) for sound in sounds if sound.start is not None),
        is_truncated=is_cut,
    )
    is_early = facts.declared is not None and facts.end + round_ms(origin) + TRUNCATED_SECONDS * 1000 < facts.declared
    if is_early and not is_cut and not facts.sounds and (wanted.size or 0) <= facts.size:
        # one picture for minutes: nothing contradicts the header, as a sound that stops too would
        return replace(facts, stated=FileMs((facts.declared or 0) - round_ms(origin)))
    # an mp4's tables are exact, so it is judged by them; other headers are judged by the length they declare
    return replace(facts, is_truncated=is_cut or (is_early and container.name != "mov"))


def _picture_facts(picture: PictureWatch, shown: list[int], origin: Fraction, wanted: Wanted) -> PictureFacts:
    with _blamed(picture.stream):
        return picture.facts(shown, origin, keep_stamps=wanted.keep_stamps)


def _sound_facts(sound: SoundWatch, origin: Fraction) -> SoundFacts:
    with _blamed(sound.stream):
        return sound.facts(origin)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
