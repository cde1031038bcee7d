"""Dividing a canvas into places: shapes and slots that layouts are made of."""

from __future__ import annotations

from fractions import Fraction

from assembler.choices import Fill
from assembler.layout.fit import pictured_size
from assembler.layout.model import Accepts, Rect, Slot

BLACK, SLATE = "#000000", "#34363B"
"""Colours of a canvas and of bars."""
NARROW, WIDE = (4, 3), (16, 9)
"""Shapes of a stage, width to height."""
MARGIN = 8
"""Pixels between two users."""
MOST_USERS = 100
"""Maximum number of places for users; more would be under 90 pixels wide, so who finds none is heard and reported."""


def make_slot(name: str, rect: Rect, z: int, accepts: Accepts) -> Slot:
    """Make a place of this kind for anybody."""
    return Slot(name=name, rect=rect, z=z, accepts=accepts, user="", fill=Fill.FIT, background=BLACK)


def make_rect(x: int, y: int, width: int, height: int) -> Rect:
    """Make a rectangle."""
    return Rect(x=x, y=y, width=width, height=height)


def stage_slots(rect: Rect) -> tuple[Slot, Slot]:
    """Make a board, and the screen share over it in the same rectangle."""
    return make_slot("board", rect, 1, Accepts.WHITEBOARD), make_slot("screen", rect, 2, Accepts.SCREEN)


def user_slots(rects: list[Rect]) -> list[Slot]:
    """Make places for users, numbered in the order in which they are given."""
    return [make_slot(f"user {number}", rect, 3, Accepts.USER) for number, rect in enumerate(rects, 1)]


def usual_shape(size: tuple[int, int]) -> tuple[int, int]:
    """Find 4:3 or 16:9, whichever is nearer."""
    return WIDE if Fraction(*size) > Fraction(14, 9) else NARROW


def tile_cells(area: Rect, number: int, shape: tuple[int, int], *, widest: int) -> list[Rect]:
    """Tile an area with equal rectangles of this shape, as large as so many fit, every row in its middle."""

    def room(columns: int) -> int:
        rows = -(-number // columns)
        wide, high = (area.width + MARGIN) // columns - MARGIN, (area.height + MARGIN) // rows - MARGIN
        return min(wide, high * shape[0] // shape[1], widest)

    columns = max(range(1, number + 1), key=lambda n: (room(n), n if room(n) == widest else -n))
    wide, high = largest_filled(room(columns), shape)
    cells = []
    for row in range(-(-number // columns)):
        here = min(columns, number - row * columns)
        left = area.x + (area.width - here * (wide + MARGIN) + MARGIN) // 4 * 2
        top = area.y + row * (high + MARGIN)
        cells += [make_rect(left + k * (wide + MARGIN), top, wide, high) for k in range(here)]
    return cells


def largest_filled(widest: int, shape: tuple[int, int]) -> tuple[int, int]:
    """Find the largest even size that a picture of this shape fills without a bar."""
    for wide in range(widest // 2 * 2, 2, -2):
        high = wide * shape[1] // shape[0] // 2 * 2
        fitted = pictured_size(shape, make_rect(0, 0, wide, high), Fill.FIT) if high else None
        if fitted is not None and (fitted.width, fitted.height) == (wide, high):
            return wide, high
    return 2, 2


def make_even(size: tuple[int, int]) -> tuple[int, int]:
    """Round a size up: an odd side becomes one pixel longer."""
    width, height = (max(2, side + side % 2) for side in size)
    return width, height
