"""Damaged places of one file's audio, told from holes that were recorded; in a child process only."""

from __future__ import annotations

from assembler.times import SAMPLE_RATE

Place = tuple[int, int]
"""(First sample, sample behind the last one), 48 kHz, file axis."""

MERGE_GAP = SAMPLE_RATE
"""Minimum distance of two damaged places, in samples; nearer ones are one: a damaged length swallows what follows."""


class DamagedPlaces:
    """Collects what a reader meets, in any order within about a second."""

    def __init__(self) -> None:
        self._undecodable: list[Place] = []
        self._marked: list[Place] = []
        self._holes: list[Place] = []

    def add_undecodable(self, start: int, end: int) -> None:
        """Add a packet that the decoder refused: nothing is heard there."""
        _add(self._undecodable, start, end)

    def add_marked(self, start: int, end: int) -> None:
        """Add a packet that its container calls damaged; it may be whole (at a joint of two streams it is)."""
        _add(self._marked, start, end)

    def add_hole(self, start: int, end: int) -> None:
        """Add a place for which there are no packets."""
        self._holes.append((start, end))

    def classify(self) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Return (damaged places, other holes); a hole near damage is what the damage took."""
        near = [*self._undecodable, *self._marked]
        taken = [hole for hole in self._holes if any(_touch(hole, place) for place in near)]
        places: list[Place] = []
        for start, end in sorted([*self._undecodable, *taken]):
            _add(places, start, end)
        return tuple(places), tuple(hole for hole in self._holes if hole not in taken)


def _add(places: list[Place], start: int, end: int) -> None:
    if places and _touch(places[-1], (start, end)):
        start, end = min(places[-1][0], start), max(places.pop()[1], end)
    places.append((start, end))


def _touch(one: Place, other: Place) -> bool:
    return one[0] - other[1] < MERGE_GAP and other[0] - one[1] < MERGE_GAP
