"""Messages between a parent (``repair``) and the child that searches for damage."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class Suspect(Message):
    """Range of one file that is searched."""

    url: str
    """Name of the file in the folder of the child, or URL of a part of it."""
    options: tuple[tuple[str, str], ...]
    """Options with which it is opened."""
    container: str
    """Name of the demuxer."""
    stream: int
    """Index of its video stream."""
    seek: int | None
    """Stamp of the key frame at which reading starts, ticks of the stream; None: where what is opened begins."""
    late: int
    """Seconds that were added to its stamps."""
    end: Fraction
    """End of the search, in s on the container's axis."""
    known: tuple[tuple[Fraction | None, Fraction | None], ...] = ()
    """Ranges that cannot be decoded by its facts already, same axis, both ends included; None: from its start, to its
    end. An error there is not reported again."""

    def explains(self, at: Fraction) -> bool:
        """True if the packet with this stamp is in a known range."""
        return any((start is None or start <= at) and (end is None or at <= end) for start, end in self.known)


@dataclass(frozen=True)
class Search(Message):
    """Order for the child."""

    suspects: tuple[Suspect, ...]
    """Ranges to search."""
    answer: str
    """Path of the file for the ``Damage``."""


@dataclass(frozen=True)
class Damage(Message):
    """Answer of the child."""

    ranges: tuple[tuple[tuple[Fraction, Fraction | None], ...], ...]
    """Damaged ranges of each suspect, in s on the container's axis; the end is the next key frame behind the damage,
    None where there is none."""
