"""Every built-in layout by the same measure, and the vendor's two by their published numbers."""

from __future__ import annotations

from itertools import combinations

import pytest

from assembler.layout import LAYOUTS, find_layout
from assembler.layout.divide import MOST_USERS
from assembler.layout.model import Accepts, Layout, Rect
from assembler.layout.row import Needs

CLASSES = {
    "one user": Needs(),
    "three users": Needs(users=3),
    "seven wide cameras": Needs(users=7, camera=(16, 9)),
    "twelve users and a wide share": Needs(users=12, stage=(1920, 1080)),
    "a crowd": Needs(users=1000, camera=(1280, 720)),
    "a camera and no stage": Needs(has_stage=False),
    "a stage of an odd size": Needs(one_size=(1367, 769)),
    "an odd mix": Needs(mixed=(1281, 721)),
    "a mix of one pixel": Needs(mixed=(1, 1)),
}


@pytest.mark.parametrize("needs", CLASSES.values(), ids=CLASSES.keys())
@pytest.mark.parametrize("name", LAYOUTS)
class TestEveryLayout:
    def test_is_called_by_its_name(self, name: str, needs: Needs) -> None:
        assert LAYOUTS[name].divide(needs).name == name
        assert find_layout(name, needs) == LAYOUTS[name].divide(needs)

    def test_has_only_even_rectangles_inside_an_even_canvas(self, name: str, needs: Needs) -> None:
        layout = LAYOUTS[name].divide(needs)
        whole = Rect(x=0, y=0, width=layout.canvas.width, height=layout.canvas.height)
        rects = [slot.rect for slot in layout.slots]
        assert rects
        assert all(whole.covers(rect) for rect in rects)
        assert all(n % 2 == 0 for r in [whole, *rects] for n in (r.x, r.y, r.width, r.height))

    def test_has_places_for_users_that_touch_nothing_else(self, name: str, needs: Needs) -> None:
        slots = LAYOUTS[name].divide(needs).slots
        pairs = [(a, b) for a, b in combinations(slots, 2) if Accepts.USER in (a.accepts, b.accepts)]
        assert not [(a.name, b.name) for a, b in pairs if a.rect.meets(b.rect)]

    def test_names_every_slot_once(self, name: str, needs: Needs) -> None:
        names = [slot.name for slot in LAYOUTS[name].divide(needs).slots]
        assert len(set(names)) == len(names)


def places(layout: Layout) -> dict[str, tuple[int, int, int, int]]:
    return {s.name: (s.rect.x, s.rect.y, s.rect.width, s.rect.height) for s in layout.slots}


class TestVendorLayouts:
    def test_tiw_1_has_four_users_below_the_board(self) -> None:
        layout = LAYOUTS["tiw-1"].divide(Needs(users=9))
        assert (layout.canvas.width, layout.canvas.height, layout.canvas.background) == (1320, 1224, "#000000")
        assert places(layout) == {
            "board": (20, 8, 1280, 960),
            "screen": (20, 8, 1280, 960),
            "user 1": (8, 976, 320, 240),
            "user 2": (336, 976, 320, 240),
            "user 3": (664, 976, 320, 240),
            "user 4": (992, 976, 320, 240),
        }

    def test_tiw_2_has_four_users_beside_the_board(self) -> None:
        layout = LAYOUTS["tiw-2"].divide(Needs(users=9))
        assert (layout.canvas.width, layout.canvas.height, layout.canvas.background) == (1624, 1000, "#34363B")
        assert places(layout) == {
            "board": (8, 8, 1280, 960),
            "screen": (8, 8, 1280, 960),
            "user 1": (1296, 8, 320, 240),
            "user 2": (1296, 256, 320, 240),
            "user 3": (1296, 504, 320, 240),
            "user 4": (1296, 752, 320, 240),
        }

    @pytest.mark.parametrize("name", ["tiw-1", "tiw-2", "stage", "presenter"])
    def test_a_screen_share_lies_over_the_board(self, name: str) -> None:
        slots = {slot.accepts: slot for slot in LAYOUTS[name].divide(Needs()).slots}
        board, screen = slots[Accepts.WHITEBOARD], slots[Accepts.SCREEN]
        assert board.z < screen.z
        assert screen.rect == board.rect


class TestOwnLayouts:
    @pytest.mark.parametrize(
        ("shape", "height"), [((4, 3), 960), ((1, 2), 960), ((14, 9), 960), ((16, 10), 720), ((1920, 1080), 720)]
    )
    def test_a_stage_is_as_wide_as_what_it_shows(self, shape: tuple[int, int], height: int) -> None:
        assert places(LAYOUTS["stage"].divide(Needs(stage=shape)))["board"] == (0, 0, 1280, height)

    @pytest.mark.parametrize("users", [1, 2, 3, 7, 12, 40])
    def test_a_presenter_is_larger_than_the_students_and_all_have_a_place(self, users: int) -> None:
        layout = LAYOUTS["presenter"].divide(Needs(users=users))
        first, *others = [s.rect for s in layout.slots if s.accepts is Accepts.USER]
        assert (layout.canvas.width, layout.canvas.height) == (1920, 1080)
        assert len(others) >= users - 1
        assert all(other.width * 2 <= first.width for other in others)
        assert all(other.width >= 80 for other in others)

    def test_two_students_sit_side_by_side_under_the_presenter(self) -> None:
        teacher, one, two = (
            s.rect for s in LAYOUTS["presenter"].divide(Needs(users=3)).slots if s.accepts is Accepts.USER
        )
        assert teacher.bottom < one.y == two.y
        assert one.right < two.x

    @pytest.mark.parametrize(("users", "width"), [(1, 936), (2, 624), (3, 464), (4, 464), (7, 310), (12, 304)])
    def test_a_grid_makes_every_user_as_large_as_fits(self, users: int, width: int) -> None:
        slots = LAYOUTS["grid"].divide(Needs(users=users)).slots
        assert [slot.rect.width for slot in slots] == [width] * users

    def test_a_grid_of_wide_cameras_has_wide_places(self) -> None:
        rect = LAYOUTS["grid"].divide(Needs(users=1, camera=(1280, 720))).slots[0].rect
        assert (rect.width, rect.height) == (1248, 702)

    def test_a_grid_puts_an_incomplete_row_in_the_middle(self) -> None:
        rects = [slot.rect for slot in LAYOUTS["grid"].divide(Needs(users=3)).slots]
        assert rects[2].y > rects[0].y == rects[1].y
        assert abs((rects[2].x + rects[2].right) - (rects[0].x + rects[1].right)) <= 2

    def test_a_grid_ends_where_places_would_be_too_small(self) -> None:
        slots = LAYOUTS["grid"].divide(Needs(users=5000)).slots
        assert len(slots) == MOST_USERS
        assert slots[0].rect.width >= 90

    def test_a_mix_has_its_own_size_grown_to_even(self) -> None:
        canvas = LAYOUTS["mix"].divide(Needs(mixed=(853, 479))).canvas
        assert (canvas.width, canvas.height) == (854, 480)
