"""Row of LAYOUTS: how a canvas is divided into places, and who is seated in which of them when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from assembler.layout.model import Layout
from assembler.layout.reflow import Reflow
from assembler.layout.seating import SEATINGS, Present, Seated, Seating
from assembler.values import Value


class Needs(Value):
    """Facts of a class that the division of a canvas depends on."""

    users: int = Field(default=1, ge=1)
    """Maximum number of users ever seen at once, a reserved teacher always counted."""
    stage: tuple[int, int] = (4, 3)
    """Shape of the board, or of the screen share where there is no board."""
    has_stage: bool = True
    """True if there is a board or a screen share to be seen."""
    one_size: tuple[int, int] | None = None
    """Size in upright pixels of every board and screen share (without any: of every camera); None where they differ
    or change, and where it is unknown."""
    camera: tuple[int, int] = (4, 3)
    """Shape that most cameras have for most of the time."""
    mixed: tuple[int, int] = (1280, 960)
    """Size of the mixed picture shown, in pixels."""


@dataclass(frozen=True)
class LayoutRow:
    """Layout with its division and its seatings; a CustomLayout file becomes one as well."""

    name: str
    """Name on the command line; of a file its base name."""
    sentence: str
    """Phrase on its looks, as the README has it."""
    divide: Callable[[Needs], Layout]
    """Function that divides the canvas into places."""
    seatings: tuple[Seating, ...] = SEATINGS
    """Functions that seat those present, each some of them."""
    reflow: Reflow | None = None
    """Rules by which the canvas is divided anew whenever somebody joins or leaves; None where it never is."""

    def seat(self, layout: Layout, present: Present) -> Seated:
        """Seat everybody by all of the seatings."""
        seated = [seating(layout, present) for seating in self.seatings]
        return Seated(
            placements=tuple(placement for part in seated for placement in part.placements),
            findings=tuple(finding for part in seated for finding in part.findings),
        )
