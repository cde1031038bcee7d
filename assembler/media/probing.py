"""The child process of a probe: looks into untrusted files, one after the other, and writes down what it found.

``python -m assembler.media.probing REQUEST ANSWERS``. It may crash, hang or eat memory: its parent (``probe``) knows
by the answers which file did that. Each finished file is one line ``out_time_us=...`` on standard output, which is
how ``processes.run`` sees that it is alive.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.container.input import InputContainer
from av.packet import Packet
from av.stream import Disposition

from assembler.facts import Facts
from assembler.media.probing_picture import PictureWatch, round_ms
from assembler.media.probing_sniff import FETCH_AGAIN, Container, sniff
from assembler.media.probing_sound import SoundWatch
from assembler.media.probing_wire import Answer, Request, Unusable, Wanted
from assembler.times import FileMs

TRUNCATED_SECONDS = 1
"""A file that ends this much before its declared length is truncated (less is rounding and missing last durations)."""
DAMAGED = "The file is damaged: fetch it again, or play it to see whether it can be used at all."


def main(request_file: Path, answer_file: Path) -> None:
    request = Request.from_json(request_file.read_bytes())
    _limit_memory(request.memory)
    av.logging.set_level(None)
    with answer_file.open("a", encoding="utf-8") as answers:
        for number, wanted in enumerate(request.files, 1):
            _put(answers, Answer(video_id=wanted.video_id))
            _put(answers, _answer(wanted))
            print(f"out_time_us={number * 1_000_000}", flush=True)


def _put(answers: IO[str], answer: Answer) -> None:
    print(answer.to_json(), file=answers, flush=True)


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(wanted: Wanted) -> Answer:
    reach = _Reach(wanted.hole)
    try:
        facts = look(wanted, reach)
        return Answer(video_id=wanted.video_id, facts=facts, reach=reach.on_file_axis(facts.origin))
    except Unusable as exc:
        problem, hint = exc.problem, exc.hint
    except av.FFmpegError as exc:
        problem, hint = f"cannot be read: {exc.strerror or type(exc).__name__}", DAMAGED
    except OSError as exc:
        problem, hint = f"cannot be opened: {exc.strerror}", "Look at its place and permissions."
    except MemoryError:
        problem, hint = "takes too much memory to read", DAMAGED
    return Answer(video_id=wanted.video_id, problem=problem, hint=hint)


def look(wanted: Wanted, reach: _Reach) -> Facts:
    """The facts of one file.

    Raises Unusable or libav's error where there is nothing to show and nothing to hear.
    """
    container = sniff(wanted.path)
    with av.open(
        str(wanted.path),
        "r",
        format=container.name,
        options={"protocol_whitelist": "file"} | ({"enable_drefs": "0"} if container.name == "mov" else {}),
        metadata_errors="replace",
    ) as opened:
        picture, sound = _watches(opened, container)
        is_cut = _demux(opened, picture, sound, reach) or container.is_cut
        if container.name == "mov":
            is_cut |= _has_samples_behind(opened, wanted.path.stat().st_size)
        return _facts(wanted, container, opened.duration, picture, sound, is_cut)


def _watches(opened: InputContainer, container: Container) -> tuple[PictureWatch | None, SoundWatch | None]:
    """The first picture stream that is no cover art, and the first sound stream; data streams are ignored."""
    picture = next(
        (s for s in opened.streams.video if s.codec_context and not s.disposition & Disposition.attached_pic), None
    )
    sound = next((s for s in opened.streams.audio if s.codec_context), None)
    return (
        PictureWatch(picture, container) if picture else None,
        SoundWatch(sound, container) if sound else None,
    )


class _Reach:
    """How far into the file packets lie, where only its tables and ends are there."""

    def __init__(self, hole: tuple[int, int] | None) -> None:
        self._hole = hole
        self._ends: list[tuple[Fraction, int]] = []
        self._furthest = 0
        self._keys: dict[int, set[int]] = {}

    def is_there(self, packet: Packet[Any]) -> bool:
        """Notes the packet; False if its bytes are not there."""
        if self._hole is None:
            return True
        start, end = self._hole
        if packet.stream_index not in self._keys:
            entries = packet.stream.index_entries
            self._keys[packet.stream_index] = {entry.pos for entry in entries if entry.is_keyframe}
        at, size = packet.pos or 0, packet.size
        stamp = packet.dts if packet.dts is not None else packet.pts
        seconds = (stamp or 0) * (packet.time_base or Fraction(1))
        if not self._ends or seconds >= self._ends[-1][0] + 1:
            self._ends.append((seconds, self._furthest))
        self._furthest = max(self._furthest, at + size)
        if at + size <= start or at >= end:
            return True
        packet.is_keyframe = at in self._keys[packet.stream_index]  # libav asks the bytes, which are not there
        return False

    def on_file_axis(self, origin: Fraction) -> tuple[tuple[int, int], ...]:
        return tuple((int((seconds - origin) * 1000), at) for seconds, at in self._ends)


def _demux(opened: InputContainer, picture: PictureWatch | None, sound: SoundWatch | None, reach: _Reach) -> bool:
    """Hand every packet to its watch; True if reading ended in an error or in the middle of a packet."""
    watches = [watch for watch in (picture, sound) if watch is not None]
    takers: dict[int, Callable[[Packet[Any], bool], None]] = {watch.stream.index: watch.take for watch in watches}
    is_cut = False
    try:
        for packet in opened.demux([watch.stream for watch in watches]) if watches else ():
            if packet.size:
                takers[packet.stream_index](packet, reach.is_there(packet))
    except av.FFmpegError:
        is_cut = True
    for watch in watches:
        if watch.is_last_cut:
            watch.forget_last()
            is_cut = True
    return is_cut


def _has_samples_behind(opened: InputContainer, size: int) -> bool:
    """True if an mp4's tables name samples behind the end of the file."""
    return any(
        len(stream.index_entries) and stream.index_entries[-1].pos + stream.index_entries[-1].size > size
        for stream in opened.streams
    )


def _facts(
    wanted: Wanted,
    container: Container,
    duration: int | None,
    picture: PictureWatch | None,
    sound: SoundWatch | None,
    is_cut: bool,
) -> Facts:
    """Both streams on one axis: file time 0 is the earlier of their first presented samples."""
    shown = picture.presented() if picture is not None else []
    starts = [shown[0] * picture.base] if picture is not None and shown else []
    if sound is not None and sound.start is not None:
        starts.append(sound.start)
    if not starts:
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
        picture=picture.facts(shown, origin, keep_stamps=wanted.keep_stamps) if picture is not None and shown else None,
        sound=sound.facts(origin) if sound is not None and sound.start is not None else None,
        is_truncated=is_cut,
    )
    return replace(facts, is_truncated=is_cut or _ends_early(facts))


def _ends_early(facts: Facts) -> bool:
    """An mp4's tables are exact, so it is judged by them; other headers are judged by the length they declare."""
    if facts.declared is None or facts.container == "mov":
        return False
    return FileMs(facts.end + round_ms(facts.origin) + TRUNCATED_SECONDS * 1000) < facts.declared


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
