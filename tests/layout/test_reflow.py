"""A canvas that is divided anew whenever somebody joins or leaves: who is seen, where, and what never happens."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lessons import board, camera, facts, recording, screen, segment

from assembler.layout import arrange
from assembler.layout.divisions import (
    Crowd,
    divide_classroom,
    divide_grid,
    divide_presenter,
    divide_speaker,
    most_beside,
)
from assembler.layout.model import Arrangement, Rect
from assembler.layout.presence import GATHERED
from assembler.options import load_options
from assembler.people import Cast
from assembler.recording import Segment, StreamKind
from assembler.timeline import build_timeline
from assembler.times import PlayMs, Span, span, union

STAGE = {StreamKind.WHITEBOARD, StreamKind.SCREEN}
FLOWING = ["classroom", "speaker", "grid", "presenter"]
PEOPLE = [f"u{number:02}" for number in range(30)]

streams = st.tuples(
    st.sampled_from([StreamKind.CAMERA, StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.WHITEBOARD, StreamKind.AUDIO]),
    st.sampled_from(PEOPLE),
    st.integers(0, 60_000),
    st.integers(1, 60_000),
)
words = st.dictionaries(
    st.sampled_from(PEOPLE), st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 9000)), max_size=4)
)


def said(words: dict[str, list[tuple[int, int]]]) -> dict[str, tuple[Span, ...]]:
    return {user: tuple(union(span(at, at + length) for at, length in own)) for user, own in words.items()}


def flowed(
    lesson: list[Segment], speaking: dict[str, tuple[Span, ...]] | None = None, **options: object
) -> Arrangement:
    chosen = load_options(**{"layout": "classroom", "reflow": True, **options})
    known = {s.video_id: facts(s.video_id, s.duration or 1, picture=s.kind is not StreamKind.AUDIO) for s in lesson}
    timeline = build_timeline(recording(lesson), known)
    return arrange(timeline, known, {}, chosen, Cast(teacher=chosen.teacher), speaking)


def in_force(got: Arrangement) -> list[tuple[Span, str, Rect, bool]]:
    """Span, slot, rectangle, and whether it is the stage's, of everything that is ever shown."""
    rects = {slot.name: slot.rect for slot in got.layout.slots}
    shown = [(p.span, p.slot, rects[p.slot], p.kind in STAGE) for p in got.placements]
    return shown + [(c.span, c.slot, rects[c.slot], False) for c in got.cards]


def lesson_of(given_streams: list[tuple[StreamKind, str, int, int]]) -> list[Segment]:
    return [
        segment(f"v{n}", kind, "" if kind is StreamKind.WHITEBOARD else user, start, length)
        for n, (kind, user, start, length) in enumerate(given_streams)
    ]


class TestWhateverTheClass:
    @given(st.lists(streams, min_size=1, max_size=40), words, st.sampled_from(FLOWING), st.booleans())
    def test_no_two_are_in_one_place_and_no_places_meet(
        self, given_streams: list[tuple[StreamKind, str, int, int]], spoken: dict[str, list[tuple[int, int]]],
        layout: str, is_known: bool,
    ) -> None:  # fmt: skip
        got = flowed(lesson_of(given_streams), said(spoken) if is_known else None, layout=layout)
        shown = in_force(got)
        canvas = Rect(x=0, y=0, width=got.layout.canvas.width, height=got.layout.canvas.height)
        assert all(canvas.covers(rect) for _, _, rect, _ in shown)
        assert {slot for _, slot, _, _ in shown} == {slot.name for slot in got.layout.slots}
        for one, other in combinations(shown, 2):
            if one[0].meets(other[0]) and not (one[3] and other[3]):
                assert not one[2].meets(other[2])

    @given(st.lists(streams, min_size=1, max_size=12), st.sampled_from(["classroom", "grid", "presenter"]))
    @example([(StreamKind.CAMERA, "u00", 0, 60_000), (StreamKind.CAMERA, "u01", 1999, 1)], "classroom")
    def test_everybody_who_fits_is_seen_from_the_first_picture_to_the_last(
        self, given_streams: list[tuple[StreamKind, str, int, int]], layout: str
    ) -> None:
        lesson = lesson_of(given_streams)[:10]
        got = flowed(lesson, layout=layout)
        timeline = build_timeline(recording(lesson), {s.video_id: facts(s.video_id, s.duration or 1) for s in lesson})
        for track, clip in timeline.clips():
            if track.kind is StreamKind.CAMERA:
                shown = union(p.span for p in got.placements if p.video_id == clip.video_id)
                assert sum(part.length for part in shown) == sum(
                    part.length
                    for part in union(c.picture for c in track.clips if c.picture and c.video_id == clip.video_id)
                )
        assert not [f for f in got.findings if "No place" in f.sentence]

    @given(st.lists(streams, min_size=1, max_size=40), words, st.randoms(use_true_random=False))
    def test_the_order_of_the_files_does_not_matter(
        self, given_streams: list[tuple[StreamKind, str, int, int]], spoken: dict[str, list[tuple[int, int]]],
        random: Random,
    ) -> None:  # fmt: skip
        lesson = lesson_of(given_streams)
        got = flowed(lesson, said(spoken))
        random.shuffle(lesson)
        assert flowed(lesson, said(spoken)) == got

    @given(st.lists(streams, min_size=1, max_size=40), words)
    def test_nobody_loses_a_place_while_speaking(
        self, given_streams: list[tuple[StreamKind, str, int, int]], spoken: dict[str, list[tuple[int, int]]]
    ) -> None:
        lesson, speaking = [s for s in lesson_of(given_streams) if s.kind is StreamKind.CAMERA], said(spoken)
        got = flowed([*lesson, board("w", 0, 120_000)], speaking)
        users = {s.video_id: s.user for s in lesson}
        seen: dict[str, list[Span]] = {}
        for p in got.placements:
            seen.setdefault(users.get(p.video_id, ""), []).append(p.span)
        there: dict[str, list[Span]] = {}
        for s in lesson:
            there.setdefault(s.user, []).append(span(s.play_time, s.play_time + (s.duration or 0)))
        for user in users.values():
            ends = {part.end for part in union(seen.get(user, []))} - {part.end for part in union(there[user])}
            assert not [end for end in ends if any(w.start < end < w.end for w in speaking.get(user, ()))]

    @given(st.lists(streams, min_size=1, max_size=40), words, st.sampled_from(["classroom", "grid"]))
    def test_no_two_changes_of_the_division_are_less_than_2_s_apart(
        self, given_streams: list[tuple[StreamKind, str, int, int]], spoken: dict[str, list[tuple[int, int]]],
        layout: str,
    ) -> None:  # fmt: skip
        people = [s for s in lesson_of(given_streams) if s.kind not in STAGE]
        got = flowed([*people, board("w", 0, 120_000)], said(spoken), layout=layout)
        by_file: dict[str, list[tuple[int, int, str]]] = {}
        for p in got.placements:
            by_file.setdefault(p.video_id, []).append((p.span.start, p.span.end, p.slot))
        moves = sorted({b[0] for own in by_file.values() for a, b in pairwise(sorted(own)) if a[1] == b[0]})
        assert all(later - earlier >= GATHERED for earlier, later in pairwise(moves))


SHAPES = [(4, 3), (16, 9)]


class TestDivision:
    @given(
        st.sampled_from([(1600, 900), (1920, 1080), (1280, 720), (320, 180), (3840, 2160), (1280, 960), (720, 1280)]),
        st.sampled_from(SHAPES),
        st.sampled_from([None, (4, 3), (16, 9), (1, 1), (2, 1)]),
        st.booleans(),
        st.integers(1, 60),
        st.sampled_from([divide_classroom, divide_speaker, divide_presenter, divide_grid]),
    )
    def test_places_are_inside_the_canvas_and_never_meet(
        self, canvas: tuple[int, int], camera_shape: tuple[int, int], stage: tuple[int, int] | None, has_large: bool,
        number: int, divide: object,
    ) -> None:  # fmt: skip
        crowd = Crowd(canvas, camera_shape, number, stage, has_large)
        crowd = Crowd(canvas, camera_shape, min(number, most_beside(crowd)), stage, has_large)
        division = divide(crowd)  # type: ignore[operator]
        rects = [*division.users, *([division.stage] if division.stage else [])]
        assert len(division.users) == crowd.number
        assert all(Rect(x=0, y=0, width=canvas[0], height=canvas[1]).covers(rect) for rect in rects)
        assert not any(a.meets(b) for a, b in combinations(rects, 2))

    @pytest.mark.parametrize("camera_shape", SHAPES)
    @pytest.mark.parametrize("stage", [None, *SHAPES])
    def test_fills_most_of_the_canvas(self, camera_shape: tuple[int, int], stage: tuple[int, int] | None) -> None:
        crowd = Crowd((1600, 900), camera_shape, 0, stage)
        shares = {}
        for number in range(0 if stage else 1, most_beside(crowd) + 1):
            division = divide_classroom(Crowd((1600, 900), camera_shape, number, stage))
            rects = [*division.users, *([division.stage] if division.stage else [])]
            shares[number] = sum(r.width * r.height for r in rects) / (1600 * 900)
        assert min(shares.values()) > (0.64 if stage else 0.45), shares


def places(got: Arrangement) -> list[tuple[int, int, str, tuple[int, int, int, int]]]:
    """(start, end, file or user of a card, rectangle) of all that is shown, seconds, in order."""
    rects = {s.name: (s.rect.x, s.rect.y, s.rect.width, s.rect.height) for s in got.layout.slots}
    shown = [(p.span, p.video_id, rects[p.slot]) for p in got.placements]
    shown += [(c.span, f"card of {c.user}", rects[c.slot]) for c in got.cards]
    return sorted((s.start // 1000, s.end // 1000, what, rect) for s, what, rect in shown)


class TestClassroom:
    def test_one_camera_alone_fills_the_canvas(self) -> None:
        assert places(flowed([camera("a", "ann", 0, 9000)])) == [(0, 9, "a", (200, 0, 1200, 900))]

    def test_a_board_alone_fills_the_canvas(self) -> None:
        assert places(flowed([board("w", 0, 9000)])) == [(0, 9, "w", (200, 0, 1200, 900))]

    def test_makes_room_when_somebody_joins_and_closes_it_when_they_leave(self) -> None:
        got = places(flowed([camera("a", "ann", 0, 30_000), camera("b", "bob", 10_000, 10_000)]))
        assert [part[:3] for part in got] == [(0, 10, "a"), (10, 20, "a"), (10, 20, "b"), (20, 30, "a")]
        assert got[0][3] == got[3][3] != got[1][3]

    def test_whoever_joins_within_2_s_has_a_place_from_the_first_change_on(self) -> None:
        got = places(flowed([camera(u, u, at, 60_000 - at) for u, at in [("a", 0), ("b", 1000), ("c", 1900)]]))
        assert len({rect for *_, rect in got}) == len(got) == 3

    def test_who_is_back_within_2_s_keeps_the_place_and_moves_nobody(self) -> None:
        lesson = [camera("a", "a", 0, 60_000), camera("b1", "b", 0, 20_000), camera("b2", "b", 21_900, 20_000)]
        got = {what: rect for _, _, what, rect in places(flowed(lesson))[:3]}
        assert got["b1"] == got["b2"]

    def test_the_teacher_comes_first_and_is_large_where_nothing_else_is(self) -> None:
        lesson = [camera(u, u, 0, 60_000) for u in ("ann", "bob", "tom")]
        alone = places(flowed(lesson, teacher="tom"))
        assert max(alone, key=lambda part: part[3][2])[2] == "tom"
        beside = {what: rect for _, _, what, rect in places(flowed([*lesson, board("w", 0, 60_000)], teacher="tom"))}
        assert min(("ann", "bob", "tom"), key=lambda u: beside[u][1]) == "tom"
        assert beside["w"][2] > 1000

    def test_what_is_large_leaves_no_hole_even_within_2_s_of_another_change(self) -> None:
        lesson = [camera("a", "ann", 0, 60_000), camera("b", "bob", 0, 15_000), screen("s", "ann", 5000, 11_000)]
        got = places(flowed([*lesson, camera("c", "cem", 0, 60_000)], teacher="ann"))
        assert [(s, e) for s, e, who, _ in got if who == "s"] == [(5, 15), (15, 16)]
        assert [(s, e) for s, e, who, rect in got if who == "a" and rect[2] > 1000] == [(0, 5), (16, 60)]

    def test_a_share_has_the_stage_and_takes_it_from_the_board(self) -> None:
        lesson = [board("w", 0, 60_000), screen("s", "tom", 20_000, 20_000), camera("a", "ann", 0, 60_000)]
        got = flowed(lesson)
        assert [(p.video_id, p.slot) for p in got.placements if p.kind in STAGE and p.span.holds(30_000)] == [
            ("w", "board"), ("s", "screen"),
        ]  # fmt: skip

    def test_without_a_teacher_the_speaker_is_large(self) -> None:
        lesson = [camera(u, u, 0, 60_000) for u in ("ann", "bob", "cem")]
        speaking = {"bob": (span(10_000, 20_000),), "cem": (span(30_000, 40_000), span(50_000, 50_500))}
        got = places(flowed(lesson, speaking))
        assert [(s, e, who) for s, e, who, rect in got if rect[2] > 1000] == [(10, 30, "bob"), (30, 60, "cem")]
        assert len({rect for s, _, _, rect in got if s == 0}) == 3

    @pytest.mark.parametrize(
        ("size", "shown"), [((16, 4096), (9, 16)), ((4000, 20), (21, 9)), ((1367, 769), (1367, 769))]
    )
    def test_a_stage_is_never_a_line(self, size: tuple[int, int], shown: tuple[int, int]) -> None:
        lesson = [screen("s", "ann", 0, 9000), camera("a", "ann", 0, 9000)]
        known = {"s": facts("s", 9000, size=size), "a": facts("a", 9000)}
        got = arrange(build_timeline(recording(lesson), known), known, {}, load_options(layout="classroom"), Cast())
        rect = next(slot.rect for slot in got.layout.slots if slot.name == "screen")
        assert abs(rect.width / rect.height - shown[0] / shown[1]) < 0.02

    @given(words, st.integers(0, 59_000))
    def test_the_picture_follows_who_alone_speaks_within_2_s(
        self, spoken: dict[str, list[tuple[int, int]]], at: int
    ) -> None:
        lesson = [camera(u, u, 0, 90_000) for u in PEOPLE[:6]]
        speaking = {user: own for user, own in said(spoken).items() if user in PEOPLE[:6]}
        got = flowed(lesson, speaking)
        large = {slot.name for slot in got.layout.slots if slot.rect.width > 1000}
        lately = {user for user, own in speaking.items() if any(s.meets(span(at, at + GATHERED + 1)) for s in own)}
        if len(lately) == 1 and any(s.start <= at and at + GATHERED < s.end for s in speaking[min(lately)]):
            seen = [p.video_id for p in got.placements if p.slot in large and p.span.holds(PlayMs(at + GATHERED))]
            assert seen == [*lately]

    def test_of_more_people_than_places_those_who_spoke_last_are_seen(self) -> None:
        lesson = [board("w", 0, 60_000), *(camera(u, u, 0, 60_000) for u in PEOPLE[:12])]
        first = flowed(lesson)
        assert {p.video_id for p in first.placements} == {"w", *PEOPLE[:10]}
        assert first.wants_speech
        got = flowed(lesson, {"u11": (span(30_000, 40_000),), "u09": (span(0, 5000),)})
        assert [p.span.start for p in got.placements if p.video_id == "u11"] == [30_000]
        assert [p.span.end for p in got.placements if p.video_id == "u08"] == [30_000]
        assert not got.wants_speech

    @pytest.mark.parametrize(("teacher", "seen"), [("tom", [(0, "tom"), (10, "ann")]), (None, [(0, "ann")])])
    def test_the_speaker_is_shown_whoever_is_the_teacher(
        self, teacher: str | None, seen: list[tuple[int, str]]
    ) -> None:
        lesson = [camera(u, u, 0, 60_000) for u in ("ann", "tom")] + [screen("s", "tom", 0, 60_000)]
        got = flowed(lesson, {"ann": (span(10_000, 20_000),)}, layout="speaker", teacher=teacher)
        assert [(p.span.start // 1000, p.video_id) for p in got.placements if p.kind not in STAGE] == seen
        assert not [f for f in got.findings if f.where == "teacher"]

    def test_it_wants_to_know_who_speaks_where_that_changes_what_is_seen(self) -> None:
        cameras = [camera(u, u, 0, 60_000) for u in ("ann", "bob")]
        assert flowed(cameras).wants_speech
        assert not flowed(cameras, teacher="ann").wants_speech
        assert not flowed([*cameras, board("w", 800, 59_000)]).wants_speech
        assert not flowed([*cameras, board("w", 800, 59_000)], layout="grid").wants_speech
        assert flowed([*cameras, board("w", 0, 60_000)], layout="speaker").wants_speech

    def test_who_is_heard_without_a_picture_has_a_card(self) -> None:
        lesson = [camera("a", "ann", 0, 60_000), segment("s", StreamKind.AUDIO, "bob", 10_000, 20_000)]
        assert [part[:3] for part in places(flowed(lesson)) if part[2] != "a"] == [(10, 30, "card of bob")]

    def test_a_size_is_asked_for(self) -> None:
        canvas = flowed([camera("a", "ann", 0, 9000)], size="1280x720").layout.canvas
        assert (canvas.width, canvas.height) == (1280, 720)
