"""The layouts that come with the tool: one function and one row each (DESIGN, Layouts)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from pydantic import Field

from assembler.layout.fit import pictured_size
from assembler.layout.model import Accepts, Canvas, Layout, Rect, Slot
from assembler.options import Fill
from assembler.values import Value

BLACK, SLATE = "#000000", "#34363B"
NARROW, WIDE = (4, 3), (16, 9)
MARGIN = 8
"""Pixels between two users."""
MOST_USERS = 100
"""More places than this would be under 90 pixels wide; who finds none is heard and reported."""


class Needs(Value):
    """What a layout must know of a class."""

    users: int = Field(default=1, ge=1)
    """Most users ever seen at once, a reserved teacher always counted."""
    stage: tuple[int, int] = NARROW
    """Shape of the board, or of the screen share where there is no board."""
    has_stage: bool = True
    """True if there is a board or a screen share to be seen."""
    one_size: tuple[int, int] | None = None
    """Size in upright pixels of every board and screen share (without any: of every camera); None where they differ
    or change, and where it is unknown."""
    camera: tuple[int, int] = NARROW
    """Shape that most cameras have for most of the time."""
    mixed: tuple[int, int] = (1280, 960)
    """Size of the mixed picture shown, in pixels."""


def _slot(name: str, rect: Rect, z: int, accepts: Accepts) -> Slot:
    return Slot(name=name, rect=rect, z=z, accepts=accepts, user="", fill=Fill.FIT, background=BLACK)


def _rect(x: int, y: int, width: int, height: int) -> Rect:
    return Rect(x=x, y=y, width=width, height=height)


def _stage(rect: Rect) -> tuple[Slot, Slot]:
    """A board, and the screen share over it in the same rectangle."""
    return _slot("board", rect, 1, Accepts.WHITEBOARD), _slot("screen", rect, 2, Accepts.SCREEN)


def _users(rects: list[Rect]) -> list[Slot]:
    return [_slot(f"user {number}", rect, 3, Accepts.USER) for number, rect in enumerate(rects, 1)]


def _shape(size: tuple[int, int]) -> tuple[int, int]:
    """4:3 or 16:9, whichever is nearer."""
    return WIDE if Fraction(*size) > Fraction(14, 9) else NARROW


def _cells(area: Rect, number: int, shape: tuple[int, int], *, widest: int) -> list[Rect]:
    """Equal rectangles of this shape, as large as so many fit side by side, every row in the middle of the area."""

    def room(columns: int) -> int:
        rows = -(-number // columns)
        wide, high = (area.width + MARGIN) // columns - MARGIN, (area.height + MARGIN) // rows - MARGIN
        return min(wide, high * shape[0] // shape[1], widest)

    columns = max(range(1, number + 1), key=lambda n: (room(n), n if room(n) == widest else -n))
    wide, high = _filled(room(columns), shape)
    cells = []
    for row in range(-(-number // columns)):
        here = min(columns, number - row * columns)
        left = area.x + (area.width - here * (wide + MARGIN) + MARGIN) // 4 * 2
        cells += [_rect(left + k * (wide + MARGIN), area.y + row * (high + MARGIN), wide, high) for k in range(here)]
    return cells


def _filled(widest: int, shape: tuple[int, int]) -> tuple[int, int]:
    """The largest even size that a picture of this shape fills without a bar."""
    for wide in range(widest // 2 * 2, 2, -2):
        high = wide * shape[1] // shape[0] // 2 * 2
        fitted = pictured_size(shape, _rect(0, 0, wide, high), Fill.FIT) if high else None
        if fitted is not None and (fitted.width, fitted.height) == (wide, high):
            return wide, high
    return 2, 2


def _even(size: tuple[int, int]) -> tuple[int, int]:
    """The size, an odd side one pixel larger."""
    width, height = (max(2, side + side % 2) for side in size)
    return width, height


def tiw_1(needs: Needs) -> Layout:
    """The vendor's layout with the users below the board; its places follow from its sizes and a margin of 8."""
    users = _users([_rect(8 + 328 * k, 976, 320, 240) for k in range(4)])
    canvas = Canvas(width=1320, height=1224, background=BLACK)
    return Layout(name="tiw-1", canvas=canvas, slots=(*_stage(_rect(20, 8, 1280, 960)), *users))


def tiw_2(needs: Needs) -> Layout:
    """The vendor's layout with the users at the right of the board."""
    users = _users([_rect(1296, 8 + 248 * k, 320, 240) for k in range(4)])
    canvas = Canvas(width=1624, height=1000, background=SLATE)
    return Layout(name="tiw-2", canvas=canvas, slots=(*_stage(_rect(8, 8, 1280, 960)), *users))


def stage(needs: Needs) -> Layout:
    """Board or screen share alone; one camera where there is neither.

    The canvas has the size of what it shows, so that a lone stream can be copied. Where that is not one size it is
    1280 wide, in 4:3 or 16:9, whichever is nearer to its shape.
    """
    shape = _shape(needs.stage if needs.has_stage else needs.camera)
    width, height = _even(needs.one_size) if needs.one_size else (1280, 720 if shape == WIDE else 960)
    canvas, rect = Canvas(width=width, height=height, background=BLACK), _rect(0, 0, width, height)
    return Layout(name="stage", canvas=canvas, slots=tuple(_stage(rect) if needs.has_stage else _users([rect])))


def presenter(needs: Needs) -> Layout:
    """Stage at the left, the teacher large at the right, the students below: as many as are ever there at once."""
    height = 720 if _shape(needs.stage) == WIDE else 960
    shape = _shape(needs.camera)
    top, gap = (1080 - height) // 2, 16
    wide, high = _filled(592, shape)
    below = top + high + gap
    area = _rect(1312, below, 592, 1020 - below)
    students = _cells(area, max(1, min(MOST_USERS, needs.users) - 1), shape, widest=288)
    users = _users([_rect(1312, top, wide, high), *students])
    canvas = Canvas(width=1920, height=1080, background=SLATE)
    return Layout(name="presenter", canvas=canvas, slots=(*_stage(_rect(gap, top, 1280, height)), *users))


def grid(needs: Needs) -> Layout:
    """All cameras, as large as they fit into 1280 x 720; as many places as users are ever there at once."""
    area = _rect(MARGIN, MARGIN, 1280 - 2 * MARGIN, 720 - 2 * MARGIN)
    cells = _cells(area, min(MOST_USERS, needs.users), _shape(needs.camera), widest=area.width)
    down = (area.bottom - cells[-1].bottom) // 4 * 2
    cells = [_rect(cell.x, cell.y + down, cell.width, cell.height) for cell in cells]
    canvas = Canvas(width=1280, height=720, background=SLATE)
    return Layout(name="grid", canvas=canvas, slots=tuple(_users(cells)))


def mix(needs: Needs) -> Layout:
    """One mixed stream on a canvas of its own size (an odd one grows to even)."""
    width, height = _even(needs.mixed)
    canvas = Canvas(width=width, height=height, background=BLACK)
    return Layout(name="mix", canvas=canvas, slots=(_slot("mix", _rect(0, 0, width, height), 1, Accepts.MIX),))


LAYOUTS: dict[str, Callable[[Needs], Layout]] = {
    "tiw-1": tiw_1,
    "tiw-2": tiw_2,
    "stage": stage,
    "presenter": presenter,
    "grid": grid,
    "mix": mix,
}
