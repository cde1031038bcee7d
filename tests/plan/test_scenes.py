"""Pictures over frames: runs, lanes and the parts of a copy say of every frame what its part shows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assembler.layout.builtin import tiw_2
from assembler.layout.row import Needs
from assembler.plan.scenes import Holding, Visible, build_lanes, drawing_order, find_runs, without_gaps
from assembler.times import Frame, PlayMs

LAYOUT = tiw_2(Needs())
PICTURES = [
    Holding(Frame(0), Frame(99), name, PlayMs(start), PlayMs(0), PlayMs(99), slot)
    for name, start, slot in [("w", 0, 0), ("s", 0, 1), ("a", 0, 2), ("a", 40, 2), ("b", 0, 3)]
]
SLOTS = {0: {0}, 1: {1}, 2: {2, 3}, 3: {4}}
"""Which pictures can be in which slot: one at a time."""


@st.composite
def partitions(draw: st.DrawFn) -> list[Visible]:
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    parts, first = [], 0
    for length in lengths:
        chosen = [draw(st.sampled_from([None, *sorted(own)])) for own in SLOTS.values()]
        shown = tuple(PICTURES[index] for index in chosen if index is not None)
        parts.append(Visible(Frame(first), Frame(first + length), shown))
        first += length
    return parts


@given(partitions())
def test_runs_show_at_every_frame_what_the_parts_show(parts: list[Visible]) -> None:
    runs = find_runs(parts)
    for part in parts:
        for frame in range(part.first, part.end):
            assert {h for first, end, h in runs if first <= frame < end} == set(part.shown)
    assert all(one[:2] <= other[:2] or one[0] <= other[0] for one, other in pairwise(runs))


@given(partitions())
def test_lanes_hold_the_same_pictures_lowest_first_and_no_two_at_once(parts: list[Visible]) -> None:
    lanes = build_lanes(find_runs(parts), LAYOUT, {})
    assert [lane.z for lane in lanes] == sorted(lane.z for lane in lanes)
    for part in parts:
        for frame in range(part.first, part.end):
            pieces = [(lane.slot, p) for lane in lanes for p in lane.pieces if p.first <= frame < p.end]
            found = {(slot, piece.video_id, piece.play_start) for slot, piece in pieces}
            assert found == {(LAYOUT.slots[h.slot].name, h.video_id, h.play_start) for h in part.shown}
    for lane in lanes:
        joined = [(a, b) for a, b in pairwise(lane.pieces) if a.end == b.first]
        assert all((a.video_id, a.play_start) != (b.video_id, b.play_start) for a, b in joined), "these are one piece"


@given(partitions())
def test_the_parts_of_a_copy_fill_it_and_keep_what_is_shown(parts: list[Visible]) -> None:
    if not any(part.shown for part in parts):
        parts = [*parts, Visible(parts[-1].end, Frame(parts[-1].end + 1), (PICTURES[0],))]
    filled = without_gaps(parts, parts[-1].end)
    assert (filled[0].first, filled[-1].end) == (0, parts[-1].end)
    assert all(a.end == b.first and a.first < a.end for a, b in pairwise(filled))
    for part in parts:
        if part.shown:
            assert [f.shown for f in filled if f.first <= part.first < f.end] == [part.shown]


def test_equal_heights_are_drawn_in_the_order_of_the_slots() -> None:
    low, high, other = (LAYOUT.slots[0].model_copy(update={"z": z}) for z in (1, 3, 1))
    assert drawing_order([high, low, other]) == {0: 2, 1: 0, 2: 1}
