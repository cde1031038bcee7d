"""A layout is a row of a division and its seatings: one may depend on who is there and who shares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lessons import board, camera, recording, screen

from assembler.errors import InputError
from assembler.layout import LAYOUTS
from assembler.layout.arrange import find_row
from assembler.layout.row import Needs
from assembler.layout.seating import SEATINGS
from assembler.options import Options
from assembler.pipeline.decide import plan_only
from assembler.recording import Segment
from layout.arranging import arranged, layout_file, shown
from layout.spotlight import SPOTLIGHT

LESSON = [
    board("wb", 0, 9000),
    camera("ann", "ann", 0, 9000),
    camera("bob", "bob", 0, 9000),
    screen("slides", "bob", 3000, 3000),
]


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "spotlight", SPOTLIGHT)
    monkeypatch.setitem(LAYOUTS, "plain", replace(SPOTLIGHT, name="plain", seatings=SEATINGS))


def cameras(segments: Sequence[Segment], layout: str) -> list[dict[str, str]]:
    """Whose camera is in which slot, of each scene of the plan."""
    plan = plan_only(recording(segments), Options(layout=layout))[1]
    return [{s.slot: s.video_id for s in scene.shown if s.slot.startswith("user")} for scene in plan.scenes]


class TestALayoutOfOneRow:
    def test_seats_who_shares_in_the_large_place_for_as_long_as_they_share(self) -> None:
        assert [part for part in shown(arranged(LESSON, layout="spotlight")) if part[0].startswith("user")] == [
            ("user 2", "ann", 0, 9), ("user 3", "bob", 0, 3), ("user 1", "bob", 3, 6), ("user 3", "bob", 6, 9),
        ]  # fmt: skip

    def test_seats_boards_and_shares_as_every_layout_does(self) -> None:
        for layout in ("spotlight", "plain"):
            parts = shown(arranged(LESSON, layout=layout))
            assert {("board", "wb", 0, 9), ("screen", "slides", 3, 6)} <= set(parts)

    def test_makes_another_plan_of_who_shares(self) -> None:
        other = [*LESSON[:3], screen("slides", "ann", 3000, 3000)]
        assert cameras(LESSON, "spotlight") == [
            {"user 2": "ann", "user 3": "bob"}, {"user 2": "ann", "user 1": "bob"}, {"user 2": "ann", "user 3": "bob"},
        ]  # fmt: skip
        assert cameras(other, "spotlight")[1] == {"user 1": "ann", "user 3": "bob"}

    def test_makes_the_plan_of_any_other_layout_without_its_seating(self) -> None:
        assert cameras(LESSON, "plain") == [{"user 1": "ann", "user 2": "bob"}] * 3

    def test_is_named_where_a_name_is_wrong(self) -> None:
        with pytest.raises(InputError, match="Did you mean spotlight"):
            find_row("spotligth")


def test_a_layout_file_is_a_row_with_the_seatings_of_every_layout() -> None:
    row = find_row(layout_file("two-shares"))
    assert (row.name, row.seatings) == ("two-shares", SEATINGS)
    places = json.loads(Path(layout_file("two-shares")).read_text("utf-8"))["InputStreamList"]
    assert len(row.divide(Needs()).slots) == len(places)
