"""The layouts that come with the tool: one row each (DESIGN, Layouts)."""

from __future__ import annotations

from assembler.layout.classroom import CLASSROOM, GRID, PRESENTER, SPEAKER, classroom, speaker
from assembler.layout.divide import (
    BLACK,
    MARGIN,
    MOST_USERS,
    SLATE,
    WIDE,
    largest_filled,
    make_even,
    make_rect,
    make_slot,
    stage_slots,
    tile_cells,
    user_slots,
    usual_shape,
)
from assembler.layout.model import Accepts, Canvas, Layout
from assembler.layout.row import LayoutRow, Needs


def tiw_1(needs: Needs) -> Layout:
    """The vendor's layout with the users below the board; its places follow from its sizes and a margin of 8."""
    users = user_slots([make_rect(8 + 328 * k, 976, 320, 240) for k in range(4)])
    canvas = Canvas(width=1320, height=1224, background=BLACK)
    return Layout(name="tiw-1", canvas=canvas, slots=(*stage_slots(make_rect(20, 8, 1280, 960)), *users))


def tiw_2(needs: Needs) -> Layout:
    """The vendor's layout with the users at the right of the board."""
    users = user_slots([make_rect(1296, 8 + 248 * k, 320, 240) for k in range(4)])
    canvas = Canvas(width=1624, height=1000, background=SLATE)
    return Layout(name="tiw-2", canvas=canvas, slots=(*stage_slots(make_rect(8, 8, 1280, 960)), *users))


def stage(needs: Needs) -> Layout:
    """Board or screen share alone; one camera where there is neither.

    The canvas has the size of what it shows, so that a lone stream can be copied. Where that is not one size it is
    1280 wide, in 4:3 or 16:9, whichever is nearer to its shape.
    """
    shape = usual_shape(needs.stage if needs.has_stage else needs.camera)
    width, height = make_even(needs.one_size) if needs.one_size else (1280, 720 if shape == WIDE else 960)
    canvas, rect = Canvas(width=width, height=height, background=BLACK), make_rect(0, 0, width, height)
    return Layout(
        name="stage", canvas=canvas, slots=tuple(stage_slots(rect) if needs.has_stage else user_slots([rect]))
    )


def presenter(needs: Needs) -> Layout:
    """Stage at the left, the teacher large at the right, the students below: as many as are ever there at once."""
    height = 720 if usual_shape(needs.stage) == WIDE else 960
    shape = usual_shape(needs.camera)
    top, gap = (1080 - height) // 2, 16
    wide, high = largest_filled(592, shape)
    below = top + high + gap
    area = make_rect(1312, below, 592, 1020 - below)
    students = tile_cells(area, max(1, min(MOST_USERS, needs.users) - 1), shape, widest=288)
    users = user_slots([make_rect(1312, top, wide, high), *students])
    canvas = Canvas(width=1920, height=1080, background=SLATE)
    return Layout(name="presenter", canvas=canvas, slots=(*stage_slots(make_rect(gap, top, 1280, height)), *users))


def grid(needs: Needs) -> Layout:
    """All cameras, as large as they fit into 1280 x 720; as many places as users are ever there at once."""
    area = make_rect(MARGIN, MARGIN, 1280 - 2 * MARGIN, 720 - 2 * MARGIN)
    cells = tile_cells(area, min(MOST_USERS, needs.users), usual_shape(needs.camera), widest=area.width)
    down = (area.bottom - cells[-1].bottom) // 4 * 2
    cells = [make_rect(cell.x, cell.y + down, cell.width, cell.height) for cell in cells]
    canvas = Canvas(width=1280, height=720, background=SLATE)
    return Layout(name="grid", canvas=canvas, slots=tuple(user_slots(cells)))


def mix(needs: Needs) -> Layout:
    """One mixed stream on a canvas of its own size (an odd one grows to even)."""
    width, height = make_even(needs.mixed)
    canvas = Canvas(width=width, height=height, background=BLACK)
    return Layout(name="mix", canvas=canvas, slots=(make_slot("mix", make_rect(0, 0, width, height), 1, Accepts.MIX),))


LAYOUTS: dict[str, LayoutRow] = {
    row.name: row
    for row in (
        LayoutRow("classroom", "board or share, and those who are there", classroom, reflow=CLASSROOM),
        LayoutRow("speaker", "board or share, and who speaks", speaker, reflow=SPEAKER),
        LayoutRow("tiw-1", "the vendor's, users below", tiw_1),
        LayoutRow("tiw-2", "the vendor's, users at the right", tiw_2),
        LayoutRow("stage", "board or screen share alone", stage),
        LayoutRow("presenter", "the teacher large, the students small", presenter, reflow=PRESENTER),
        LayoutRow("grid", "cameras alone", grid, reflow=GRID),
        LayoutRow("mix", "a mixed stream, as the vendor made it", mix),
    )
}
"""Built-in layouts by name, in the order in which they are listed."""
