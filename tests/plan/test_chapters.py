"""Chapters of a plan: pauses with their times of day, shares, new pages, and those of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, omission, recording, screen, segment

from assembler.choices import Show
from assembler.class_card import CardPerson, ClassCard
from assembler.errors import InputError
from assembler.options import load_options
from assembler.pipeline.decide import decide
from assembler.pipeline.timelines import in_order
from assembler.plan.chapters import LAST, MOST, NEAREST, with_pages
from assembler.plan.model import Plan
from assembler.plan.stage import find_stage, name_pages
from assembler.recording import Recording, StreamKind
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Chapter
from assembler.times import PlayMs

MINUTE = 60_000


def planned(lesson: Recording, card: ClassCard | None = None, **options: Any) -> Plan:
    chosen = load_options(**options)
    return decide(in_order(lesson, chosen, card), SegmentFiles(), chosen)[1]


def told(plan: Plan) -> list[tuple[int, str]]:
    return [(chapter.at, chapter.title) for chapter in plan.chapters]


def page(at: int) -> Chapter:
    return Chapter(at=PlayMs(at), title="New page")


PAUSED = recording(
    [camera("v1", "ann", 0, 10 * MINUTE), camera("v2", "ann", 10 * MINUTE, 10 * MINUTE)],
    total=20 * MINUTE,
    omissions=[omission(10 * MINUTE, 10 * MINUTE, 10 * MINUTE + 252_000)],
)
"""It starts at 2020-09-13 12:26:40 UTC."""
SHARED = recording(
    [camera("v1", "tea", 0, 10 * MINUTE), screen("v2", "bob", MINUTE, MINUTE), screen("v3", "bob", 130_000, MINUTE),
     screen("v4", "ann", 5 * MINUTE, 5 * MINUTE)],
    total=10 * MINUTE,
)  # fmt: skip


class TestPauses:
    @pytest.mark.parametrize(
        ("options", "times"),
        [
            ({}, "12:36-12:40 UTC"),
            ({"timezone": "Asia/Shanghai"}, "20:36-20:40"),
            ({"timezone": "Asia/Kathmandu"}, "18:21-18:25"),
        ],
    )
    def test_a_pause_is_a_chapter_with_its_times_of_day(self, options: dict[str, str], times: str) -> None:
        plan = planned(PAUSED, **options)
        assert told(plan) == [(0, "Start"), (10 * MINUTE, f"Break of 4:12 ({times})")]
        assert plan.keyframes == (10 * 60 * plan.fps,)

    def test_the_card_names_the_time_zone_unless_the_options_do(self) -> None:
        card = ClassCard(timezone="Europe/Berlin")
        assert told(planned(PAUSED, card))[1][1] == "Break of 4:12 (14:36-14:40)"
        assert told(planned(PAUSED, card, timezone="UTC"))[1][1] == "Break of 4:12 (12:36-12:40)"
        assert planned(PAUSED, card).timezone == "Europe/Berlin"

    def test_a_class_whose_start_nobody_knows_has_no_times_of_day(self) -> None:
        unknown = PAUSED.model_copy(update={"start": None, "omissions": ()})
        titles = [title for _, title in told(planned(unknown))]
        assert all("(" not in title for title in titles)

    def test_a_pause_within_a_minute_is_told_in_seconds(self) -> None:
        short = PAUSED.model_copy(update={"omissions": (omission(600_000, 600_000, 610_400),)})
        assert told(planned(short))[1][1] == "Break of 0:10 (12:36:40-12:36:50 UTC)"

    def test_a_time_zone_that_does_not_exist_is_refused_at_once(self) -> None:
        with pytest.raises(InputError, match="is not a time zone"):
            planned(PAUSED, timezone="Mars/Olympus")


class TestShares:
    def test_a_share_begins_and_ends_a_chapter_and_one_that_comes_back_soon_goes_on(self) -> None:
        assert told(planned(SHARED)) == [
            (0, "Start"),
            (MINUTE, "bob shares the screen"),
            (190_000, "bob stops sharing"),
            (5 * MINUTE, "ann shares the screen"),
        ]

    def test_people_have_the_names_of_the_card_and_hidden_ones_no_chapter(self) -> None:
        people = (CardPerson(id="bob", name="Bob <b>"), CardPerson(id="ann", show=Show.NO))
        assert [t for _, t in told(planned(SHARED, ClassCard(people=people)))][1:] == [
            "Bob <b> shares the screen", "Bob <b> stops sharing",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("shares", "expected"),
        [
            ([("ann", 8, 22), ("ann", 38, 52), ("ann", 68, 82)], ["0:38 ann shares", "1:08 ann shares"]),
            ([("ann", 30, 44), ("ann", 60, 74)], ["0:30 ann shares", "1:00 ann shares"]),
            ([("ann", 30, 44), ("bob", 60, 74)], ["0:30 ann shares", "1:00 bob shares"]),
            ([("ann", 30, 60), ("bob", 60, 90)], ["0:30 ann shares", "1:00 bob shares", "1:30 bob stops"]),
            ([("ann", 30, 80), ("bob", 55, 100)],
             ["0:30 ann shares", "0:55 bob shares", "1:20 ann stops", "1:40 bob stops"]),
            ([("ann", 25, 35), ("ann", 40, 50), ("ann", 55, 65)], ["0:25 ann shares", "1:05 ann stops"]),
            ([("ann", 5, 40)], ["0:40 ann stops"]),
            ([("ann", 105, 120)], ["1:45 ann shares"]),
            ([("ann", 60, 112)], ["1:00 ann shares"]),
            ([("ann", 60, 110)], ["1:00 ann shares", "1:50 ann stops"]),
            ([("ann", 112, 120)], []),
            ([("bob", 10, 25), ("eve", 40, 105)], ["0:40 eve shares", "1:45 eve stops"]),
            ([("ann", at, at + 4) for at in range(10, 110, 15)],
             ["0:25 ann shares", "0:55 ann shares", "1:25 ann shares"]),
        ],
        ids=[
            "three short", "two short", "two sharers", "in turn", "at once", "with breaks", "soon after the start",
            "soon before the end", "end too late", "end in time", "too late", "end close to a start", "many short",
        ],
    )  # fmt: skip
    def test_a_start_goes_before_an_end_that_is_close(
        self, shares: list[tuple[str, int, int]], expected: list[str]
    ) -> None:
        screens = [
            screen(f"s{n}", who, start * 1000, (end - start) * 1000) for n, (who, start, end) in enumerate(shares)
        ]
        plan = planned(recording([camera("v1", "tea", 0, 2 * MINUTE), *screens], total=2 * MINUTE))
        assert told(plan)[0] == (0, "Start")
        short = [(at, title.replace(" the screen", "").replace(" sharing", "")) for at, title in told(plan)[1:]]
        assert [f"{at // MINUTE}:{at // 1000 % 60:02d} {title}" for at, title in short] == expected

    def test_who_shares_in_two_streams_stops_when_both_have_ended(self) -> None:
        screens = [
            segment("s1", StreamKind.SCREEN, "bob", 30_000, 60_000, stream="one"),
            segment("s2", StreamKind.SCREEN, "bob", 60_000, 90_000, stream="two"),
        ]
        lesson = recording([camera("v1", "tea", 0, 3 * MINUTE), *screens], total=3 * MINUTE)
        assert told(planned(lesson))[1:] == [(30_000, "bob shares the screen"), (150_000, "bob stops sharing")]

    def test_of_too_many_the_starts_stay(self) -> None:
        screens = [screen(f"s{n}", "bob", (n + 1) * MINUTE, 25_000) for n in range(MOST)]
        lesson = recording([camera("v1", "tea", 0, 70 * MINUTE), *screens], total=70 * MINUTE)
        assert {title for _, title in told(planned(lesson))[1:]} == {"bob shares the screen"}

    def test_a_window_has_its_own(self) -> None:
        plan = planned(SHARED, start=PlayMs(2 * MINUTE), end=PlayMs(6 * MINUTE))
        assert told(plan) == [(0, "Start"), (70_000, "bob stops sharing"), (3 * MINUTE, "ann shares the screen")]


class TestOwn:
    def test_those_of_a_file_stand_beside_pauses_only(self, tmp_path: Path) -> None:
        path = tmp_path / "own.txt"
        path.write_text("\ufeff# mine\n\n1:00\tRoots &\t<Powers> \u05d0\u05d1\n 2:30.5  Rest\n99:00:00 Late\n", "utf-8")
        plan = planned(SHARED, ClassCard.model_validate({"chapters": [{"at": 1, "title": "x"}]}), chapters=str(path))
        assert told(plan) == [(0, "Start"), (MINUTE, "Roots & <Powers> \u05d0\u05d1"), (150_500, "Rest")]
        assert "The chapter at 99:00:00 lies behind the end of the playback." in [f.sentence for f in plan.findings]
        assert not plan.finds_pages

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "there is none in it"),
            (b"1:00\n", "line 1: 1:00 has no title"),
            (b"one two\n", "line 1: 'one' is not a time"),
            (b"1:00 a\n0:59 b\n", "line 2: 0:59 does not come after 1:00"),
            (b"1:00 a\n\n1:00 b\n", "line 3: 1:00 does not come after 1:00"),
            (b"1:00 a\x00b\n", "its title is refused: text without control characters"),
            (b"1:00 " + b"x" * 501 + b"\n", "its title is refused: String should have at most 500"),
            (b"1:00 \xff\n", "it is no text in UTF-8"),
            (b"# x\n" * 300_000, "more than 1 MiB"),
        ],
    )
    def test_a_file_that_is_wrong_is_refused_with_its_line(self, body: bytes, said: str, tmp_path: Path) -> None:
        path = tmp_path / "own.txt"
        path.write_bytes(body)
        with pytest.raises(InputError, match=r"chapters .*own\.txt") as caught:
            planned(SHARED, chapters=str(path))
        assert said in caught.value.sentence

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read: No such file"):
            planned(SHARED, chapters=str(tmp_path / "none"))

    def test_who_is_hidden_is_not_named_in_them(self, tmp_path: Path) -> None:
        path = tmp_path / "own.txt"
        path.write_text("1:00 Talk of bob\n", "utf-8")
        card = ClassCard(people=(CardPerson(id="bob", show=Show.NO),))
        assert told(planned(SHARED, card, chapters=str(path)))[1] == (MINUTE, "Talk of (hidden)")


class TestPages:
    def test_leafing_is_one_chapter_and_a_page_that_stays_another(self) -> None:
        found = [page(at) for at in (30_000, 35_000, 50_000, 64_000, 69_000, 100_000)]
        assert [c.at for c in with_pages([page(0)], found, PlayMs(200_000))] == [0, 30_000, 69_000, 100_000]

    @pytest.mark.parametrize(
        ("known", "found", "kept"),
        [
            ([0, 30], [40, 55], [55]), ([0], [5, 24], [24]), ([0], [22, 70], [22, 70]), ([0], [22, 71], [22]),
            ([0, 40], [35, 50, 61], [61]), ([0], range(20, 60, 10), [20, 50]),
        ],
        ids=["behind a share", "behind the start", "before the end", "at the end", "around a share", "a film"],
    )  # fmt: skip
    def test_a_page_that_stays_is_not_lost(self, known: list[int], found: list[int], kept: list[int]) -> None:
        chapters = with_pages([page(at * 1000) for at in known], [page(at * 1000) for at in found], PlayMs(80_000))
        assert [c.at // 1000 for c in chapters if c.at // 1000 not in known] == kept

    def test_of_too_many_those_that_last_longest_stay(self) -> None:
        found = [page(at) for at in range(30_000, 30_000 + 100 * 30_000, 30_000)]
        kept = with_pages([page(0)], [*found, page(3_100_000)], PlayMs(3_200_000))
        assert len(kept) == MOST
        assert 3_100_000 in [c.at for c in kept]

    @given(st.lists(st.integers(0, 400_000), max_size=80), st.lists(st.integers(0, 399_999), max_size=8))
    def test_none_is_close_to_another_and_none_of_the_others_goes(self, found: list[int], fixed: list[int]) -> None:
        known = [page(at) for at in sorted({0, *fixed})]
        ats = [c.at for c in with_pages(known, map(page, found), PlayMs(400_000))]
        assert sorted(set(ats)) == ats
        assert {c.at for c in known} <= set(ats)
        new = set(ats) - {c.at for c in known}
        assert all(abs(at - other) >= NEAREST for at in new for other in set(ats) - {at})
        assert all(400_000 - at >= LAST for at in new)

    def test_the_stage_is_the_board_or_the_share_that_covers_it(self) -> None:
        lesson = recording(
            [board("b", 0, 3 * MINUTE), screen("s", "ann", MINUTE, MINUTE), camera("c", "ann", 0, 3 * MINUTE)],
            total=3 * MINUTE,
        )
        plan = planned(lesson)
        views = find_stage(plan, {s.video_id: s.kind for s in lesson.segments})
        assert [(v.span.start, v.span.end, v.kind) for v in views] == [
            (0, MINUTE, StreamKind.WHITEBOARD),
            (MINUTE, 2 * MINUTE, StreamKind.SCREEN),
            (2 * MINUTE, 3 * MINUTE, StreamKind.WHITEBOARD),
        ]
        assert name_pages(views, [PlayMs(30_000), PlayMs(70_000), PlayMs(3 * MINUTE)]) == [
            Chapter(at=PlayMs(30_000), title="New page on the board"),
            Chapter(at=PlayMs(70_000), title="New page on the shared screen"),
        ]

    def test_they_are_looked_for_where_something_is_encoded_or_they_are_asked_for(self) -> None:
        assert planned(SHARED).finds_pages
        alone = recording([camera("v1", "ann", 0, MINUTE)], total=MINUTE)
        assert planned(alone, chapters="scenes").finds_pages
        assert not planned(recording([board("b", 0, 29_000)], total=29_000)).finds_pages
