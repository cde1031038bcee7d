"""AAC of a long mix, encoded in windows side by side: an encoder has one thread, and takes twice what mixing takes.

Windows overlap. A frame of AAC is heard through the one before it, whose second half fades out as its first half fades
in, so one window may take over from another where both have blocks of the same shape there: the fades then cancel what
each leaves of the other's time, as in one run. What lies before a window's own frames lets limiter and encoder come to
the state that one run would have, and is dropped.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO

from assembler.errors import MediaError
from assembler.media.mixdown.frames import Frames
from assembler.media.mux.by_sample_table import AAC_FRAME
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import Mp4Track, UnsupportedMp4
from assembler.processes import Stop
from assembler.times import SAMPLE_RATE
from assembler.workspace import unwritable

LENGTH, LEAD, TAIL = 1406, 24, 16
"""Frames of a window (30 s), and of what is encoded before and behind them."""
AT_END = 4
"""Frames at the end of what was encoded in which the encoder may know that it is the end."""
FLOAT_BYTES = 4
"""Size of a sample of the mix, in bytes."""
READ_BYTES = 1 << 20
"""Maximum size of one read from the mixer, in bytes."""
POLL_SECONDS = 0.25
"""Maximum time until a stop is noticed, in s."""


class NotJoinable(Exception):
    """Raised for windows that cannot be joined without a trace; the mix can still be encoded in one run."""


@dataclass(frozen=True)
class Window:
    """Samples that are encoded in one run."""

    first: int
    """First frame that is the window's own, counted from the start of the mix."""
    start: int
    """First sample that is encoded."""
    end: int
    """Sample behind the last one."""


Encoded = Sequence[tuple[Window, Path]]
"""Encoded windows, in order."""


def cut_windows(length: int) -> list[Window]:
    """Cut a mix of ``length`` samples; a last piece shorter than half a window belongs to the one before it."""
    count = max(1, (length // AAC_FRAME + LENGTH // 2) // LENGTH)
    firsts = [number * LENGTH for number in range(count)]
    ends = [*((first + TAIL) * AAC_FRAME for first in firsts[1:]), length]
    return [Window(first, max(0, first - LEAD) * AAC_FRAME, end) for first, end in zip(firsts, ends, strict=True)]


@dataclass
class WindowEncoders:
    """Takes the mix from a pipe and has its windows encoded; at most ``count + 1`` of them are on disk as samples."""

    windows: Sequence[Window]
    """Windows of the whole mix, in order."""
    channels: int
    """Count of channels of the mix."""
    count: int
    """Maximum count of encoders at work."""
    encode: Callable[[Path, Path], None]
    """Encodes a file of samples into an mp4, or raises; called from threads."""
    work: Path
    """Folder for short-lived files."""
    stop: Stop
    """Stops the encoders; set where the ``with`` is left before they have ended."""
    parts: list[Path] = field(default_factory=list)
    """The encoded windows, in order."""
    _waiting: list[Future[None]] = field(default_factory=list)
    _is_short: bool = False

    @contextmanager
    def taking(self, pcm: IO[bytes]) -> Iterator[WindowEncoders]:
        """Take the mix in the background; leaving the ``with`` ends it."""
        with ThreadPoolExecutor(self.count + 1, thread_name_prefix="sound") as pool:
            reading = pool.submit(self._read, pcm, pool)
            self._waiting.append(reading)
            try:
                yield self
            finally:
                if not all(one.done() for one in self._waiting):
                    self.stop.set()

    def poll(self) -> int | None:
        """Tell how far it is, as a child process does: None while it is under way, 0 at its end, 1 where it failed."""
        if any(one.done() and one.exception() is not None for one in self._waiting):
            return 1
        return 0 if all(one.done() for one in self._waiting) else None

    def check(self) -> None:
        """Raise what an encoder raised, and MediaError where the mix was shorter than it was to be."""
        for one in self._waiting:
            if one.done():  # where one has failed, the others are not waited for
                one.result()
        if self._is_short:
            raise MediaError("the mix of the sound ended before its time")

    def _read(self, pcm: IO[bytes], pool: ThreadPoolExecutor) -> None:
        free = threading.Semaphore(self.count + 1)
        size = FLOAT_BYTES * self.channels
        content = bytearray()
        for number, window in enumerate(self.windows):
            while not free.acquire(timeout=POLL_SECONDS):
                if self.stop.is_set():
                    return
            del content[: -(LEAD + TAIL) * AAC_FRAME * size]  # what is left the next window begins with
            if not self._fill(content, pcm, (window.end - window.start) * size):
                return
            samples, part = self.work / f"sound-{number}.pcm", self.work / f"sound-{number}.m4a"
            try:
                samples.write_bytes(content)
            except OSError as exc:
                samples.unlink(missing_ok=True)
                raise unwritable(samples, exc) from exc
            self.parts.append(part)
            waiting = pool.submit(self._encode, samples, part)
            waiting.add_done_callback(lambda _: free.release())
            self._waiting.append(waiting)

    def _fill(self, content: bytearray, pcm: IO[bytes], size: int) -> bool:
        """Read until there are ``size`` bytes; False where it was stopped, or the mixer is gone."""
        while len(content) < size:
            if not select.select([pcm], [], [], POLL_SECONDS)[0]:
                if self.stop.is_set():
                    return False
                continue
            got = os.read(pcm.fileno(), min(READ_BYTES, size - len(content)))
            if not got:  # why, the mixer's exit code tells
                self._is_short = True
                return False
            content += got
        return True

    def _encode(self, samples: Path, part: Path) -> None:
        try:
            self.encode(samples, part)
        finally:
            samples.unlink(missing_ok=True)


def join_windows(encoded: Encoded, out: Path) -> None:
    """Write the frames of encoded windows as one mp4, with the edit list of one run.

    Raises NotJoinable where two of them nowhere have blocks of the same shape, or where a file is none that our encoder
    writes.
    """
    try:
        opened = [_Encoded(window, part, _own_track(part)) for window, part in encoded]
    except UnsupportedMp4 as exc:
        raise NotJoinable(str(exc)) from exc
    borders = [-1, *(_find_border(one, other) for one, other in pairwise(opened)), opened[-1].end]
    frames = Frames()
    for one, (first, end) in zip(opened, pairwise(borders), strict=True):
        frames.take(one.part, one.track, first - one.base, end - one.base)
    lasts = opened[-1].track.durations[-1][1]
    frames.write(out, opened[0].track.description, SAMPLE_RATE, first=-AAC_FRAME, lasts=lasts)


def _own_track(part: Path) -> Mp4Track:
    track = read_tables(part).track(b"soun")
    ticks = {ticks for _, ticks in track.durations[:-1]} | {AAC_FRAME}
    if track.scale != SAMPLE_RATE or track.edit is None or track.edit[:2] != (0, AAC_FRAME) or ticks != {AAC_FRAME}:
        raise NotJoinable(f"{part.name} does not begin with one frame of silence, or has frames of other lengths")
    return track


@dataclass(frozen=True)
class _Encoded:
    """Frames of one encoded window; frames are counted from the start of the mix, its silence being frame -1."""

    window: Window
    part: Path
    track: Mp4Track

    @property
    def base(self) -> int:
        """First frame in its file, which is silence."""
        return self.window.start // AAC_FRAME - 1

    @property
    def end(self) -> int:
        """Frame behind the last one."""
        return self.base + self.track.count

    def shape(self, frame: int) -> int | None:
        """Read the shape of a frame's blocks."""
        at = self.track.sample_offsets()[frame - self.base]
        with self.part.open("rb") as file:
            return block_shape(os.pread(file.fileno(), FRAME_HEAD, at))


def _find_border(one: _Encoded, other: _Encoded) -> int:
    """Find the first frame to take from the other window: it and the one before it have the same blocks in both."""
    first = other.window.first
    for frame in range(first, min(first + TAIL, one.end) - AT_END):
        shapes = [(one.shape(at), other.shape(at)) for at in (frame - 1, frame)]
        if all(a is not None and a == b for a, b in shapes):
            return frame
    raise NotJoinable(f"{other.part.name} has other blocks than {one.part.name}")


FRAME_HEAD = 4
"""Size of what ``block_shape`` reads of a frame, in bytes."""
SINGLE, PAIR = 0, 1
"""Element types of one channel, and of two (ISO/IEC 14496-3, table 4.85)."""


def block_shape(frame: bytes) -> int | None:
    """Read window_sequence and window_shape of a raw frame of one or two channels (ISO/IEC 14496-3, 4.4.2.1 and
    4.4.2.7); None where two channels have blocks of their own, or another element comes first."""
    bits = int.from_bytes(frame[:FRAME_HEAD].ljust(FRAME_HEAD, b"\0"), "big")

    def field_at(at: int, count: int) -> int:
        return bits >> (8 * FRAME_HEAD - at - count) & (1 << count) - 1

    element = field_at(0, 3)
    if element == SINGLE:
        return field_at(16, 3)
    if element == PAIR and field_at(7, 1):
        return field_at(9, 3)
    return None
