"""Arrangement: WHERE things are shown: a canvas, its slots, and who is in which slot when. Pure values."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from pydantic import Field

from assembler.choices import Fill
from assembler.findings import Finding
from assembler.recording import StreamKind
from assembler.times import Span
from assembler.values import Value


class Rect(Value):
    """A rectangle on the canvas in pixels, origin top left; all four numbers are even."""

    x: int = Field(ge=0)
    """Left edge."""
    y: int = Field(ge=0)
    """Top edge."""
    width: int = Field(ge=2)
    """Width."""
    height: int = Field(ge=2)
    """Height."""

    @property
    def right(self) -> int:
        """First column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.y + self.height

    def covers(self, other: Rect) -> bool:
        """Tell whether all of the other lies inside."""
        return self.x <= other.x and self.y <= other.y and self.right >= other.right and self.bottom >= other.bottom

    def meets(self, other: Rect) -> bool:
        """Tell whether the two share at least one pixel."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


def find_uncovered(rects: Sequence[Rect], width: int, height: int) -> list[Rect]:
    """Split the part of a canvas that lies under none of these disjoint rectangles into rectangles."""
    free: list[Rect] = []
    for top, bottom in pairwise(sorted({0, height, *(r.y for r in rects), *(r.bottom for r in rects)})):
        at = 0
        for rect in sorted((r for r in rects if r.y <= top and bottom <= r.bottom), key=lambda r: r.x):
            if at < rect.x:
                free.append(Rect(x=at, y=top, width=rect.x - at, height=bottom - top))
            at = rect.right
        if at < width:
            free.append(Rect(x=at, y=top, width=width - at, height=bottom - top))
    return free


class Canvas(Value):
    """Size and background of the playback's picture."""

    width: int = Field(ge=2)
    """Pixels, even."""
    height: int = Field(ge=2)
    """Pixels, even."""
    background: str
    """Colour where nothing is shown, ``#RRGGBB``."""


class Accepts(StrEnum):
    """Kind of stream that may take a slot."""

    WHITEBOARD = "whiteboard"
    """Board."""
    SCREEN = "screen"
    """Screen share of any user."""
    USER = "user"
    """Cameras: of the user whose id starts with ``Slot.user``, or of anybody where that is ""."""
    MIX = "mix"
    """Mixed stream."""


class Slot(Value):
    """A place on the canvas."""

    name: str
    """Unique within its layout: "board", "screen", "user 1"... What plan and playback.json call it."""
    rect: Rect
    """Place on the canvas."""
    z: int
    """Order: higher covers lower; equal ones in the order of the layout's slots."""
    accepts: Accepts
    """Kind of stream that may take it."""
    user: str
    """Prefix of the user ids that may take it; "" for anybody."""
    fill: Fill
    """Fit with bars, or fill and crop."""
    background: str
    """Colour of the bars, ``#RRGGBB``."""


class Layout(Value):
    """Canvas and slots."""

    name: str
    """Name that the user chose: a built-in one or the base name of the CustomLayout file."""
    canvas: Canvas
    """The whole picture."""
    teacher: str = ""
    """User who gets the first place throughout, where the vendor's MixStream names one; "" where it does not."""
    slots: tuple[Slot, ...]
    """Places; free user slots are handed out in this order."""


class Placement(Value):
    """One clip (or a part of it) seen in a slot."""

    slot: str
    """Name of the slot."""
    video_id: str
    """The segment."""
    kind: StreamKind
    """Kind of stream."""
    span: Span
    """Time in which it holds the slot, playback axis."""


class CardPlacement(Value):
    """A drawn card (name, or silhouette) in a slot, for a person whose picture is not to be seen."""

    slot: str
    """Name of the slot."""
    user: str
    """User id of the person (``people``)."""
    span: Span
    """Time in which it holds the slot, playback axis."""


class Arrangement(Value):
    """A layout with everything that is seen in it."""

    layout: Layout
    """The layout in use."""
    reason: str
    """Reason for this layout: the user's choice, or what ``auto`` decided on."""
    placements: tuple[Placement, ...]
    """Sorted by start, then slot order. Within one slot they may overlap only for screen shares and the board
    (several shares at once: the later one is on top), never for users."""
    cards: tuple[CardPlacement, ...] = ()
    """Drawn cards of people without a picture, sorted by start, then slot order; none overlaps another placement of a
    user in its slot."""
    findings: tuple[Finding, ...]
    """Users without a slot, mixed streams not shown..."""
    wants_speech: bool = False
    """True if others would be seen, or frames drawn, where it is known who speaks when, and that was not measured."""
