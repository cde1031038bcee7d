"""Messages between ``pipe`` and the mixing child: an order, a state, a report."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from assembler.messages import Message


class TwoSided(Exception):
    """Raised where one channel was wanted and left and right differ."""


@dataclass(frozen=True)
class MixInput(Message):
    """Source file of the mixdown."""

    video_id: str
    """Segment it belongs to."""
    path: Path
    """Absolute path."""
    container: str
    """Name of the demuxer; no other is tried."""
    origin: Fraction
    """Seconds on the container's axis at file time 0."""
    pace: Fraction
    """Factor, nearly 1, by which its audio is stretched, as ``VideoFacts.pace``."""
    tracks: tuple[tuple[int, int], ...]
    """Audio streams to mix: (index in the file, end in samples of 48 kHz, file axis)."""
    available: Path | None = None
    """File of its ``BytesAvailable`` while it is downloaded; None: all bytes are there."""
    levels: Path | None = None
    """File for its ``Levels``, measured as far as it is decoded; None: they are not measured."""


@dataclass(frozen=True)
class Part(Message):
    """Piece of a file's audio at its place."""

    video_id: str
    """Segment of its file."""
    start: int
    """First playback sample of the piece."""
    end: int
    """Playback sample behind the last one."""
    shift: int
    """Playback sample at file time 0 (may be negative)."""


@dataclass(frozen=True)
class Order(Message):
    """Order for the child."""

    sources: tuple[MixInput, ...]
    """Source files."""
    parts: tuple[Part, ...]
    """Pieces, sorted by start; added up in this order."""
    length: int
    """Exact count of samples to write."""
    channels: int
    """2, interleaved; or 1, which ends with ``TWO_SIDED`` where that would lose something."""
    block: int
    """Count of samples mixed at a time, up to twice as many at the end; changes the memory needed, and over how long
    left and right are compared, never a sample."""
    state: Path
    """Path of the file for the ``State``."""
    report: Path
    """Path of the file for the ``Report``, written at the end."""


@dataclass(frozen=True)
class FileReport(Message):
    """Report about one reading of a file; lengths are in samples of 48 kHz."""

    video_id: str
    """Segment of the file."""
    problem: str = ""
    """Reason why the file could not be read, or not to its end; "" where it could."""
    is_opened: bool = True
    """False if nothing of the file could be read."""
    damaged: tuple[tuple[int, int], ...] = ()
    """Places where packets cannot be decoded or were lost: (first sample, sample behind the last one), file axis."""
    holes: int = 0
    """Other places where the stamps jump forward."""
    hole_samples: int = 0
    """Silence in those places."""
    dropped_samples: int = 0
    """Audio left out as its stamps lie before audio already placed."""
    missing_samples: int = 0
    """Silence at its end, for audio that was to be heard and is not there."""


@dataclass(frozen=True)
class Report(Message):
    """Answer of the child."""

    accounts: tuple[FileReport, ...]
    """Reports, one for each reading of an audio stream."""


class State(NamedTuple):
    """State of the child, in a small mapped file that outlives a crash."""

    reading: int
    """1 + index of the file that libav is reading; 0: none."""
    steps: int
    """Count of all steps done; a child is alive while it rises."""
    samples: int
    """Count of samples written."""

    def to_bytes(self) -> bytes:
        """Encode the state."""
        return _STATE.pack(*self)

    @staticmethod
    def from_bytes(raw: bytes) -> State:
        """Decode a state; raises ValueError where the bytes are not one."""
        if len(raw) != STATE_BYTES:
            raise ValueError("not a state")
        return State(*_STATE.unpack(raw))


class BytesAvailable(NamedTuple):
    """Bytes of a file that are downloaded, in a small file that the download rewrites."""

    have: int
    """End of the bytes downloaded from the start."""
    tail: int
    """Start of the bytes downloaded at the end."""

    def to_bytes(self) -> bytes:
        """Encode the value."""
        return _AVAILABLE.pack(*self)

    @staticmethod
    def from_bytes(raw: bytes) -> BytesAvailable:
        """Decode the value; bytes that are not one mean that nothing is there."""
        return BytesAvailable(*_AVAILABLE.unpack(raw)) if len(raw) == _AVAILABLE.size else BytesAvailable(0, 1 << 62)


_AVAILABLE = struct.Struct("<qq")
_STATE = struct.Struct("<qqq")
STATE_BYTES = _STATE.size
"""Size of an encoded state, in bytes."""
PIPE_CLOSED = 3
"""Exit code of the child where the pipe's reader has gone."""
TWO_SIDED = 4
"""Exit code of the child where left and right differ, and it was to mix to one channel."""
