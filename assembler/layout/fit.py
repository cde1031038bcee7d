"""Fit of a picture in its slot: even numbers, its shape kept."""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field

from assembler.choices import Fill
from assembler.layout.model import Rect
from assembler.values import Value

LONGEST_SIDE = 8192
"""Maximum side of a cropped picture after scaling, in pixels (unless its slot is longer): sources are untrusted, and 16
x 4096 pixels cropped to 1280 x 960 would be frames of 630 MB. Such a strip is squeezed instead."""


class Fitted(Value):
    """A picture's size after scaling, and its place: for FIT where it lies inside the slot, for CROP where the slot
    lies inside it. All four numbers are even."""

    x: int = Field(ge=0)
    """Left edge in the slot; with CROP, of the slot in the picture."""
    y: int = Field(ge=0)
    """Top edge, likewise."""
    width: int = Field(ge=2)
    """Width of the scaled picture."""
    height: int = Field(ge=2)
    """Height of the scaled picture."""


def pictured_size(source: tuple[int, int], rect: Rect, fill: Fill) -> Fitted:
    """``source``: width and height in square pixels, upright."""
    ratios = Fraction(rect.width, source[0]), Fraction(rect.height, source[1])
    if fill is Fill.FIT:
        scale = min(ratios)
        width = min(rect.width, max(2, _even(source[0] * scale)))
        height = min(rect.height, max(2, _even(source[1] * scale)))
        return Fitted(x=(rect.width - width) // 4 * 2, y=(rect.height - height) // 4 * 2, width=width, height=height)
    scale = max(ratios)
    width = max(rect.width, min(LONGEST_SIDE, _even(source[0] * scale)))
    height = max(rect.height, min(LONGEST_SIDE, _even(source[1] * scale)))
    return Fitted(x=(width - rect.width) // 4 * 2, y=(height - rect.height) // 4 * 2, width=width, height=height)


def _even(length: Fraction) -> int:
    """The nearest even number."""
    return 2 * round(length / 2)
