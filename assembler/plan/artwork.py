"""Artwork: drawn pictures that lie on a tile, and when. Pure values; ``media.artwork`` draws them."""

from __future__ import annotations

from enum import StrEnum

from assembler.times import Frame
from assembler.values import Value

NARROWEST, LOWEST = 96, 54
"""Minimum width and height of a tile with text on it, in pixels; a smaller one has a picture at most."""
LABEL_HEIGHTS = 22, 48
"""Minimum and maximum height of a label, in pixels; letters are two thirds of it."""


class ArtworkKind(StrEnum):
    """Kind of drawn picture."""

    LABEL = "label"
    """Name over a camera, as wide as the name is."""
    CARD = "card"
    """Initials in a circle and the name below, in place of a camera."""
    SILHOUETTE = "silhouette"
    """Figure and the name below, in place of the camera of an anonymous person."""
    FRAME = "frame"
    """Thin border around who speaks, else transparent."""


class Artwork(Value):
    """One drawn picture."""

    kind: ArtworkKind
    """Kind of picture."""
    text: str = ""
    """Name to draw, as somebody typed it; "" for none."""
    user: str = ""
    """User id: chooses the colour of a card, and is drawn where the name cannot be."""
    width: int
    """Width in pixels; of a label the maximum."""
    height: int
    """Height in pixels."""


class Overlay(Value):
    """Drawn picture on a tile for a range of output frames."""

    artwork: Artwork
    """Picture."""
    x: int = 0
    """Left edge within the tile, even."""
    y: int = 0
    """Top edge within the tile, even."""
    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""

    @property
    def is_card(self) -> bool:
        """True if it stands in place of a picture instead of lying on one."""
        return self.artwork.kind in (ArtworkKind.CARD, ArtworkKind.SILHOUETTE)


def label_height(width: int, height: int) -> int:
    """Find the height of a label on a tile of this size, even; 0 where the tile is too small for one."""
    if width < NARROWEST or height < LOWEST:
        return 0
    least, most = LABEL_HEIGHTS
    return max(least, min(most, height // 7, width // 11)) // 2 * 2


def label_margin(height: int) -> int:
    """Find the distance of a label from the edges of a tile of this height, even."""
    return max(4, height // 40) // 2 * 2
