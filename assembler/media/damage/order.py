"""What a parent (``repair``) and the child that looks for damage (``damage``) tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class Suspect(Message):
    """A range of one file that is looked at."""

    name: str
    """The file."""
    container: str
    """Its demuxer."""
    stream: int
    """Which of its streams is the picture."""
    seek: int | None
    """Stamp of the key frame at which reading starts, ticks of the picture; None: from the file's start."""
    late: int
    """Seconds by which its stamps were moved."""
    end: Fraction
    """Second of the container's axis behind which nothing is of interest."""
    known: tuple[tuple[Fraction | None, Fraction | None], ...] = ()
    """From where to where its facts already say that nothing can be shown, same axis, both ends included; None: from
    its start, to its end. A complaint about these packets is no damage."""

    def explains(self, at: Fraction) -> bool:
        """True if the facts already say that the packet with this stamp cannot be shown."""
        return any((start is None or start <= at) and (end is None or at <= end) for start, end in self.known)


@dataclass(frozen=True)
class Search(Message):
    suspects: tuple[Suspect, ...]
    """What to look at."""
    answer: str
    """File for the ``Damage``."""


@dataclass(frozen=True)
class Damage(Message):
    ranges: tuple[tuple[tuple[Fraction, Fraction | None], ...], ...]
    """For each suspect: from where to where its picture is damaged, seconds on the container's axis; the end is
    the next key frame behind the damage, None where there is none."""
