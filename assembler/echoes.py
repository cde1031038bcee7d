"""Echoes: sound of one file in another's. Measured like facts, and kept beside them."""

from __future__ import annotations

from dataclasses import dataclass

from assembler.messages import Message


@dataclass(frozen=True)
class Peak(Message):
    """Lag at which two sounds are alike."""

    late: int
    """Time by which the other file has the sound later than its source, on the playback axis as declared, in µs."""
    height: int
    """Number of windows that agree, in hundredths."""


@dataclass(frozen=True)
class Echo(Message):
    """Sound of one file compared with another's, added up over some windows."""

    source: str
    """Video id of the file that was the loudest of all in these windows."""
    other: str
    """Video id of the file that may hold the same sound."""
    windows: int
    """Number of windows."""
    peaks: tuple[Peak, ...]
    """Highest peaks, the highest first; none lies within 25 ms of another."""


@dataclass(frozen=True)
class Echoes(Message):
    """Sounds of several files that were compared."""

    echoes: tuple[Echo, ...]
    """Comparisons, whether the sounds are alike or not."""
