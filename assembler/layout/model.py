"""WHERE things are shown: a canvas, its slots, and who is in which slot when. Pure values."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from assembler.findings import Finding
from assembler.options import Fill
from assembler.recording import StreamKind
from assembler.times import Span
from assembler.values import Value


class Rect(Value):
    """A rectangle on the canvas in pixels, origin top left; all four numbers are even."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(ge=2)
    height: int = Field(ge=2)

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def covers(self, other: Rect) -> bool:
        return self.x <= other.x and self.y <= other.y and self.right >= other.right and self.bottom >= other.bottom

    def meets(self, other: Rect) -> bool:
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


class Canvas(Value):
    width: int = Field(ge=2)
    """Pixels, even."""
    height: int = Field(ge=2)
    """Pixels, even."""
    background: str
    """Colour where nothing is shown, ``#RRGGBB``."""


class Accepts(StrEnum):
    """Who may take a slot."""

    WHITEBOARD = "whiteboard"
    SCREEN = "screen"
    USER = "user"
    """Cameras: of the user whose id starts with ``Slot.user``, or of anybody where that is ""."""
    MIX = "mix"


class Slot(Value):
    """A place on the canvas."""

    name: str
    """Unique within its layout: "board", "screen", "user 1"... What plan and playback.json call it."""
    rect: Rect
    """Where it is."""
    z: int
    """Order: higher covers lower; equal ones in the order of the layout's slots."""
    accepts: Accepts
    """What kind of stream may take it."""
    user: str
    """Prefix of the user ids that may take it; "" for whoever comes."""
    fill: Fill
    """Fit with bars, or fill and crop."""
    background: str
    """Colour of the bars, ``#RRGGBB``."""


class Layout(Value):
    name: str
    """What the user chose: a built-in name or the base name of the CustomLayout file."""
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
    """What kind of stream it is."""
    span: Span
    """When it holds the slot, playback axis."""


class Arrangement(Value):
    """A layout with everything that is seen in it."""

    layout: Layout
    """The layout in use."""
    reason: str
    """Why this layout: the user's choice, or what ``auto`` decided on."""
    placements: tuple[Placement, ...]
    """Sorted by start, then slot order. Within one slot they may overlap only for screen shares and the board
    (several shares at once: the later one is on top), never for users."""
    findings: tuple[Finding, ...]
    """Users without a slot, mixed streams not shown..."""
