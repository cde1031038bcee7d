"""What the parent (``sound``) and the mixing child (``mixdown``) tell each other: an order, a state, a report."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from assembler.messages import Message


@dataclass(frozen=True)
class MixInput(Message):
    """One file that is heard."""

    video_id: str
    """The segment."""
    path: Path
    """Where it is, absolute."""
    container: str
    """The demuxer to open it with; no other is tried."""
    origin: Fraction
    """Seconds on the container's axis at file time 0."""
    pace: Fraction
    """As ``VideoFacts.pace``: 1, or a rate that is nearly 1 at which its sound is stretched."""
    tracks: tuple[tuple[int, int], ...]
    """The sound streams that are heard: (index in the file, where it ends in samples of 48 kHz, file axis)."""
    available: Path | None = None
    """Where it says how many bytes of the file are there by now (``BytesAvailable``); None: all."""


@dataclass(frozen=True)
class Part(Message):
    """One piece of a file's sound at its place."""

    video_id: str
    """Its file."""
    start: int
    """First playback sample in which it is heard."""
    end: int
    """Playback sample behind the last one."""
    shift: int
    """Playback sample at file time 0 (may be negative)."""


@dataclass(frozen=True)
class Order(Message):
    """What the child has to mix."""

    sources: tuple[MixInput, ...]
    """The files."""
    parts: tuple[Part, ...]
    """Sorted by start; added up in this order."""
    length: int
    """Samples to deliver, no more and no less."""
    block: int
    """Samples that are mixed at a time: changes the memory needed, never a sample."""
    state: Path
    """Where the child keeps its ``State``."""
    report: Path
    """Where the child writes its ``Report`` at the end."""


@dataclass(frozen=True)
class FileReport(Message):
    """What happened while one file was read; lengths are in samples of 48 kHz."""

    video_id: str
    """The segment."""
    problem: str = ""
    """Why the file could not be read, or not to its end; "" where it could."""
    is_opened: bool = True
    """False if nothing of the file could be read."""
    damaged: tuple[tuple[int, int], ...] = ()
    """Places where packets cannot be decoded or were lost: (first sample, sample behind the last one), file axis."""
    holes: int = 0
    """Other places where the stamps jump forward."""
    hole_samples: int = 0
    """Silence put there."""
    dropped_samples: int = 0
    """Sound whose stamps lie before sound already placed: left out."""
    missing_samples: int = 0
    """How much too early its sound ended for the part of it that was to be heard."""


@dataclass(frozen=True)
class Report(Message):
    """What the child says at the end."""

    accounts: tuple[FileReport, ...]
    """One for each reading of a sound stream."""


class State(NamedTuple):
    """How far the child is; kept in a small mapped file, so that it outlives a crash."""

    reading: int
    """1 + index of the file that is in libav's hands right now; 0: none."""
    steps: int
    """Counts everything that was done: a child is alive while it rises."""
    samples: int
    """Samples delivered."""

    def to_bytes(self) -> bytes:
        return _STATE.pack(*self)

    @staticmethod
    def from_bytes(raw: bytes) -> State:
        """Raises ValueError where these are not a whole state."""
        if len(raw) != STATE_BYTES:
            raise ValueError("not a state")
        return State(*_STATE.unpack(raw))


class BytesAvailable(NamedTuple):
    """How much of a file is there; kept in a small file, written over and over by whoever fetches it."""

    have: int
    """Bytes from the start."""
    tail: int
    """From here on all bytes are there too."""

    def to_bytes(self) -> bytes:
        return _GROWN.pack(*self)

    @staticmethod
    def from_bytes(raw: bytes) -> BytesAvailable:
        """Nothing is there where these are not a whole one."""
        return BytesAvailable(*_GROWN.unpack(raw)) if len(raw) == _GROWN.size else BytesAvailable(0, 1 << 62)


_GROWN = struct.Struct("<qq")
_STATE = struct.Struct("<qqq")
STATE_BYTES = _STATE.size
PIPE_CLOSED = 3
"""The child's exit code where nobody takes its samples any more."""
