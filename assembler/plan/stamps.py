"""Presentation stamps of every picture of a finished file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

from assembler.messages import Message


@dataclass(frozen=True)
class Stamps(Message):
    """The presentation stamps of all picture packets, in order, run-length coded."""

    time_scale: int
    """Ticks per second."""
    first: int
    """Stamp of the first picture, ticks."""
    steps: tuple[tuple[int, int], ...]
    """(ticks to the next picture, how many times in a row)."""

    @property
    def count(self) -> int:
        """Number of pictures."""
        return 1 + sum(times for _, times in self.steps)

    def unfolded(self) -> list[int]:
        """Every stamp in ticks."""
        stamps = [self.first]
        for step, times in self.steps:
            start = stamps[-1]
            stamps.extend(start + step * n for n in range(1, times + 1))
        return stamps


def folded(stamps: list[int], time_scale: int) -> Stamps:
    """Sorted stamps as ``Stamps``; at least one is needed."""
    runs = ((step, len(list(same))) for step, same in groupby(b - a for a, b in pairwise(stamps)))
    return Stamps(time_scale=time_scale, first=stamps[0], steps=tuple(runs))
