"""The layouts that come with the tool: one function and one row each (DOMAIN section 4 for the vendor's)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from pydantic import Field

from assembler.layout.model import Accepts, Canvas, Layout, Rect, Slot
from assembler.options import Fill
from assembler.values import Value

BLACK, SLATE = "#000000", "#34363B"


class Needs(Value):
    """What a layout must know of a class."""

    users: int = Field(default=1, ge=1)
    """Most users ever seen at once, a reserved teacher always counted."""
    stage: tuple[int, int] = (4, 3)
    """Shape of the board, or of the screen share where there is no board."""
    mixed: tuple[int, int] = (1280, 960)
    """Size of the mixed picture shown, in pixels."""


def _slot(name: str, rect: Rect, z: int, accepts: Accepts) -> Slot:
    return Slot(name=name, rect=rect, z=z, accepts=accepts, user="", fill=Fill.FIT, background=BLACK)


def _rect(x: int, y: int, width: int, height: int) -> Rect:
    return Rect(x=x, y=y, width=width, height=height)


def _stage(rect: Rect) -> tuple[Slot, Slot]:
    """A board, and the screen share over it in the same rectangle."""
    return _slot("board", rect, 1, Accepts.WHITEBOARD), _slot("screen", rect, 2, Accepts.SCREEN)


def tiw_1(needs: Needs) -> Layout:
    """The vendor's layout with the users below the board; its places follow from its sizes and a margin of 8."""
    users = [_slot(f"user {k + 1}", _rect(8 + 328 * k, 976, 320, 240), 3, Accepts.USER) for k in range(4)]
    canvas = Canvas(width=1320, height=1224, background=BLACK)
    return Layout(name="tiw-1", canvas=canvas, slots=(*_stage(_rect(20, 8, 1280, 960)), *users))


def tiw_2(needs: Needs) -> Layout:
    """The vendor's layout with the users at the right of the board."""
    users = [_slot(f"user {k + 1}", _rect(1296, 8 + 248 * k, 320, 240), 3, Accepts.USER) for k in range(4)]
    canvas = Canvas(width=1624, height=1000, background=SLATE)
    return Layout(name="tiw-2", canvas=canvas, slots=(*_stage(_rect(8, 8, 1280, 960)), *users))


def stage(needs: Needs) -> Layout:
    """Board or screen share alone, in 4:3 or 16:9, whichever is nearer to its shape."""
    wide = Fraction(*needs.stage) > Fraction(14, 9)  # halfway between 4:3 and 16:9
    height = 720 if wide else 960
    canvas = Canvas(width=1280, height=height, background=BLACK)
    return Layout(name="stage", canvas=canvas, slots=_stage(_rect(0, 0, 1280, height)))


def presenter(needs: Needs) -> Layout:
    """Stage at the left, the teacher large at the right, four students below."""
    teacher = _slot("user 1", _rect(1312, 60, 592, 444), 3, Accepts.USER)
    students = [
        _slot(f"user {2 + k}", _rect(1312 + 304 * (k % 2), 546 + 258 * (k // 2), 288, 216), 3, Accepts.USER)
        for k in range(4)
    ]
    canvas = Canvas(width=1920, height=1080, background=SLATE)
    return Layout(name="presenter", canvas=canvas, slots=(*_stage(_rect(16, 60, 1280, 960)), teacher, *students))


def grid(needs: Needs) -> Layout:
    """All cameras, as large as they fit into 1280 x 720 in 4:3; as many places as users are ever there at once."""
    width, height, margin = 1280, 720, 8

    def cell(columns: int) -> tuple[int, int]:
        rows = -(-needs.users // columns)
        wide, high = (width - margin) // columns - margin, (height - margin) // rows - margin
        wide = min(wide, high * 4 // 3)
        return wide // 4 * 4, wide // 4 * 3 // 2 * 2

    columns = max(range(1, needs.users + 1), key=lambda n: (cell(n)[0], -n))
    rows = -(-needs.users // columns)
    wide, high = (max(2, side) for side in cell(columns))
    left = (width - columns * wide - (columns - 1) * margin) // 4 * 2
    top = (height - rows * high - (rows - 1) * margin) // 4 * 2
    users = [
        _slot(
            f"user {k + 1}",
            _rect(left + (wide + margin) * (k % columns), top + (high + margin) * (k // columns), wide, high),
            1,
            Accepts.USER,
        )
        for k in range(needs.users)
    ]
    return Layout(name="grid", canvas=Canvas(width=width, height=height, background=SLATE), slots=tuple(users))


def mix(needs: Needs) -> Layout:
    """One mixed stream on a canvas of its own size (an odd one grows to even)."""
    width, height = (max(2, side + side % 2) for side in needs.mixed)
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
