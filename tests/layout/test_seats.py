"""Who sits where when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.choices import Fill
from assembler.layout.model import Accepts, Rect, Slot
from assembler.layout.seats import find_stays, hand_out, most_at_once
from assembler.timeline.model import Clip
from assembler.times import FileMs, span

Times = tuple[int, int]


def slot(name: str, user: str = "") -> Slot:
    rect = Rect(x=0, y=0, width=2, height=2)
    return Slot(name=name, rect=rect, z=1, accepts=Accepts.USER, user=user, fill=Fill.FIT, background="#000000")


def clip(video_id: str, times: Times, picture: Times | None = None) -> Clip:
    seen = span(*(picture or times))
    return Clip(
        video_id=video_id,
        span=span(*times),
        file_start=FileMs(0),
        picture=seen,
        sound=None,
        is_known=picture is not None,
    )


def clips(**users: Sequence[Times]) -> list[tuple[str, Clip]]:
    """``ann=[(0, 5), (9, 12)]``: ann is there from second 0 to 5 and from 9 to 12."""
    return [
        (user, clip(f"{user}{number}", (start * 1000, end * 1000)))
        for user, times in users.items()
        for number, (start, end) in enumerate(times)
    ]


FREE = (slot("1"), slot("2"))


def seated(
    pairs: Sequence[tuple[str, Clip]], slots: Sequence[Slot] = FREE, teacher: str | None = None
) -> list[tuple[str, str, float]]:
    """(user, slot, second from which)."""
    seats, _ = hand_out(find_stays(pairs), slots, teacher)
    return [(seat.stay.user, seat.slot.name, seat.start / 1000) for seat in seats]


class TestOrder:
    def test_who_comes_first_gets_the_lowest_place(self) -> None:
        assert seated(clips(ann=[(2, 9)], zoe=[(1, 9)])) == [("zoe", "1", 1), ("ann", "2", 2)]

    def test_who_come_together_go_by_user_id(self) -> None:
        assert seated(clips(zoe=[(1, 9)], ann=[(1, 9)])) == [("ann", "1", 1), ("zoe", "2", 1)]

    def test_the_play_time_counts_and_not_the_moment_of_the_first_frame(self) -> None:
        late = ("ann", clip("a", (0, 9000), picture=(700, 9000)))
        assert seated([late, ("bob", clip("b", (100, 9000)))]) == [("ann", "1", 0), ("bob", "2", 0.1)]

    def test_a_picture_that_starts_long_after_its_sound_takes_no_place_before(self) -> None:
        late = ("ann", clip("a", (0, 9000), picture=(5000, 9000)))
        assert seated([late, ("bob", clip("b", (100, 9000)))]) == [("bob", "1", 0.1), ("ann", "2", 5)]

    def test_a_clip_without_a_picture_takes_no_place(self) -> None:
        heard = clip("a", (0, 9000)).model_copy(update={"picture": None})
        assert seated([("ann", heard), ("bob", clip("b", (100, 9000)))]) == [("bob", "1", 0.1)]
        assert seated([("ann", clip("a", (0, 9000), picture=(50, 50)))]) == []

    def test_stays_may_be_given_in_any_order(self) -> None:
        stays = find_stays(clips(ann=[(1, 9)], bob=[(1, 9)], cat=[(1, 9)]))
        assert hand_out(stays[::-1], FREE, None) == hand_out(stays, FREE, None)


class TestReturning:
    def test_a_user_who_comes_back_gets_the_old_place(self) -> None:
        assert seated(clips(ann=[(0, 2)], bob=[(0, 4), (10, 12)]))[-1] == ("bob", "2", 10)

    def test_and_another_one_where_somebody_else_sits_there_now(self) -> None:
        there = clips(ann=[(0, 2), (10, 12)], bob=[(0, 4)], cat=[(5, 20)])
        assert seated(there)[-2:] == [("cat", "1", 5), ("ann", "2", 10)]

    def test_who_comes_back_goes_before_a_newcomer_of_the_same_instant(self) -> None:
        assert seated(clips(zoe=[(0, 2), (10, 12)], ann=[(10, 12)]))[1:] == [("zoe", "1", 10), ("ann", "2", 10)]

    @pytest.mark.parametrize("gap", [0, 400, 1000])
    def test_a_user_at_a_pause_keeps_the_place(self, gap: int) -> None:
        before = [("ann", clip("a1", (0, 5000))), ("bob", clip("b1", (0, 5000)))]
        after = [("bob", clip("b2", (5000, 9000))), ("ann", clip("a2", (5000 + gap, 9000)))]
        there = [*before, *after, ("cat", clip("c", (5000, 9000)))]
        assert seated(there) == [("ann", "1", 0), ("bob", "2", 0)]

    def test_a_longer_gap_is_a_leaving(self) -> None:
        there = [("ann", clip("a1", (0, 5000))), ("ann", clip("a2", (6001, 9000))), ("bob", clip("b", (5000, 9000)))]
        assert seated(there) == [("ann", "1", 0), ("bob", "1", 5), ("ann", "2", 6.001)]


class TestWaiting:
    def test_who_waits_gets_the_first_place_that_becomes_free(self) -> None:
        there = clips(ann=[(0, 9)], bob=[(0, 5)], cat=[(1, 20)])
        assert seated(there)[-1] == ("cat", "2", 5)

    def test_who_has_waited_longest_goes_first_even_before_one_who_comes_back(self) -> None:
        there = clips(ann=[(0, 1), (6, 9)], cat=[(1, 6)], bob=[(0, 9)], dan=[(2, 9)], eve=[(3, 9)])
        assert seated(there)[-1] == ("dan", "1", 6)

    def test_who_leaves_while_waiting_gets_none(self) -> None:
        seats, late = hand_out(find_stays(clips(ann=[(0, 9)], bob=[(1, 9)], cat=[(2, 9)])), FREE, None)
        assert ([s.stay.user for s in seats], [s.user for s in late]) == (["ann", "bob"], ["cat"])

    def test_nobody_waits_where_waiting_is_off(self) -> None:
        stays = find_stays(clips(ann=[(0, 2)], bob=[(0, 9)], cat=[(1, 9)]))
        seats, late = hand_out(stays, FREE, None, waits=False)
        assert ([s.stay.user for s in seats], [s.user for s in late]) == (["ann", "bob"], ["cat"])


class TestTeacher:
    def test_the_first_place_stays_free_until_the_teacher_comes(self) -> None:
        there = clips(ann=[(0, 9)], bob=[(1, 9)], tom=[(5, 9)])
        assert seated(there, teacher="tom") == [("ann", "2", 0), ("tom", "1", 5)]

    def test_and_after_the_teacher_has_gone(self) -> None:
        there = clips(tom=[(0, 3)], ann=[(0, 9)], bob=[(1, 9)])
        assert seated(there, teacher="tom") == [("ann", "2", 0), ("tom", "1", 0)]

    def test_a_teacher_with_a_named_place_leaves_the_first_to_the_others(self) -> None:
        slots = [slot("1"), slot("tom", "tom")]
        assert seated(clips(tom=[(0, 3)], ann=[(0, 9)]), slots, "tom") == [("ann", "1", 0), ("tom", "tom", 0)]

    def test_nobody_takes_the_teachers_named_place(self) -> None:
        slots = [slot("t", "t")]
        assert seated(clips(tim=[(0, 9)], tom=[(1, 9)]), slots, "tom") == [("tom", "t", 1)]


class TestNamedPlaces:
    def test_a_name_matches_user_ids_that_begin_with_it_and_no_others(self) -> None:
        slots = [slot("ann", "ann")]
        assert seated(clips(ann_7=[(0, 3)], xann=[(4, 9)]), slots) == [("ann_7", "ann", 0)]

    def test_the_longer_name_is_meant(self) -> None:
        slots = [slot("al", "al"), slot("alice", "alice")]
        assert seated(clips(alice=[(0, 9)], albert=[(1, 9)]), slots) == [("alice", "alice", 0), ("albert", "al", 1)]

    def test_a_second_user_with_the_name_takes_a_free_place(self) -> None:
        slots = [slot("1"), slot("al", "al")]
        assert seated(clips(al_1=[(0, 9)], al_2=[(1, 9)]), slots) == [("al_1", "al", 0), ("al_2", "1", 1)]


users = st.sampled_from(["ann", "bob", "cat", "dan", "eve", "fay"])


@st.composite
def classes(draw: st.DrawFn) -> list[tuple[str, Clip]]:
    """Users whose clips do not overlap, as a timeline's tracks have them."""
    pairs = []
    for user in draw(st.lists(users, unique=True, min_size=1)):
        at = 0
        for number in range(draw(st.integers(1, 4))):
            start = at + draw(st.sampled_from([0, 1, 500, 1000, 1001, 3000]))
            at = start + draw(st.sampled_from([1, 40, 1000, 5000]))
            pairs.append((user, clip(f"{user}{number}", (start, at))))
    return draw(st.permutations(pairs))


layouts = st.sampled_from([FREE, FREE[:1], (slot("a", "a"), *FREE), (slot("an", "an"), slot("a", "a"), FREE[0])])
teachers = st.sampled_from([None, "ann", "bob"])


@given(classes(), layouts, teachers)
def test_no_two_users_are_ever_in_one_place(
    there: list[tuple[str, Clip]], slots: tuple[Slot, ...], teacher: str | None
) -> None:
    seats, _ = hand_out(find_stays(there), slots, teacher)
    held = sorted((seat.slot.name, seat.start, seat.stay.span.end) for seat in seats)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(held))


@given(classes(), layouts, teachers)
def test_the_order_of_segments_does_not_matter(
    there: list[tuple[str, Clip]], slots: tuple[Slot, ...], teacher: str | None
) -> None:
    assert seated(there, slots, teacher) == seated(sorted(there, key=lambda pair: pair[1].video_id), slots, teacher)


@given(classes(), layouts)
def test_nobody_is_without_a_place_while_one_they_may_take_is_free(
    there: list[tuple[str, Clip]], slots: tuple[Slot, ...]
) -> None:
    stays = find_stays(there)
    seats, _ = hand_out(stays, slots, None)
    place = {seat.stay: seat for seat in seats}
    for at in {s.span.start for s in stays} | {s.span.end for s in stays}:
        taken = {seat.slot.name for seat in seats if seat.start <= at < seat.stay.span.end}
        for stay in stays:
            if stay.span.holds(at) and not (stay in place and place[stay].start <= at):
                assert all(s.name in taken for s in slots if stay.user.startswith(s.user))


@given(classes(), teachers)
def test_as_many_places_as_users_at_once_seat_everybody_at_once(
    there: list[tuple[str, Clip]], teacher: str | None
) -> None:
    stays = find_stays(there)
    slots = [slot(str(n)) for n in range(most_at_once(stays, teacher))]
    seats, late = hand_out(stays, slots, teacher)
    assert not late
    assert all(seat.start == seat.stay.span.start for seat in seats)
