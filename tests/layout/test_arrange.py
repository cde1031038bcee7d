"""Who is seen in which slot, and what is said about those who are not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, screen, segment

from assembler.choices import Fill
from assembler.errors import InputError
from assembler.findings import Severity
from assembler.layout import LAYOUTS, find_layout
from assembler.recording import Segment, StreamKind
from layout.arranging import arranged, layout_file, said, shown


def crowd(*times: tuple[str, int, int]) -> list[Segment]:
    """Cameras: (user, start, end) in seconds."""
    return [camera(f"{user}-{start}", user, start * 1000, (end - start) * 1000) for user, start, end in times]


class TestUsersWithoutAPlace:
    there = crowd(*((f"u{n}", 0, 60) for n in range(4)))

    def test_are_reported_once_with_the_time(self) -> None:
        got = arranged([*self.there, *crowd(("x", 10, 50))], layout="tiw-2")
        assert said(got, Severity.WARNING) == {
            "camera of x": "No place is free from 0:10 to 0:50 of the playback: x is heard, not seen then."
        }

    def test_are_seen_and_said_to_be_seen_from_when_a_place_is_free(self) -> None:
        got = arranged([*self.there[1:], *crowd(("u0", 0, 30), ("x", 10, 50))], layout="tiw-2")
        assert ("user 1", "x-10", 30, 50) in shown(got)
        assert "from 0:10 to 0:30 of the playback:" in said(got)["camera of x"]

    def test_who_come_and_go_have_one_finding_with_all_times(self) -> None:
        comings = crowd(*(("x", start, start + 5) for start in (0, 10, 20, 30, 40)))
        got = arranged([*self.there, *comings], layout="tiw-2")
        assert said(got) == {
            "camera of x": "No place is free from 0:00 to 0:05, from 0:10 to 0:15, from 0:20 to 0:25 of the playback"
            " and 2 more times: x is heard, not seen then."
        }

    def test_for_a_moment_only_do_not_make_the_playback_a_degraded_one(self) -> None:
        got = arranged([*self.there[1:], camera("u0", "u0", 0, 10_500), *crowd(("x", 10, 50))], layout="tiw-2")
        assert said(got, Severity.WARNING) == {}
        assert "from 0:10 to 0:10.500" in said(got, Severity.NOTE)["camera of x"]

    def test_are_not_missing_where_a_mixed_stream_shows_them(self) -> None:
        lesson = [mix("m", 0, 60_000), *self.there, *crowd(("x", 0, 60))]
        assert said(arranged(lesson)) == {}


class TestTeacher:
    def test_has_the_first_place_throughout(self) -> None:
        lesson = [*crowd(("ann", 0, 60), ("tom", 30, 60)), board("w", 0, 60_000)]
        got = arranged(lesson, layout="presenter", teacher="tom")
        places = {video_id: slot for slot, video_id, _, _ in shown(got)}
        assert places == {"w": "board", "ann-0": "user 2", "tom-30": "user 1"}

    def test_who_is_unknown_is_refused_with_the_users_there_are(self) -> None:
        with pytest.raises(InputError, match="no user 'bo' to be the teacher") as caught:
            arranged(crowd(("ann", 0, 60), ("bob", 0, 60)), teacher="bo")
        assert caught.value.hint == "There are: ann, bob."

    def test_who_is_unknown_in_a_class_without_names_is_refused(self) -> None:
        with pytest.raises(InputError, match="no user 'bo'") as caught:
            arranged([board("w", 0, 1000)], teacher="bo")
        assert caught.value.hint == "No stream of this class names its user."


class TestScreenShares:
    def test_the_later_one_is_on_top_and_the_earlier_one_comes_back(self) -> None:
        got = arranged([screen("a", "ann", 0, 60_000), screen("b", "bob", 20_000, 20_000)])
        assert shown(got) == [("screen", "a", 0, 20), ("screen", "b", 20, 40), ("screen", "a", 40, 60)]

    def test_one_that_goes_on_in_a_new_file_stays_below(self) -> None:
        files = [screen("a1", "ann", 0, 30_000), screen("a2", "ann", 30_000, 30_000)]
        got = arranged([*files, screen("b", "bob", 20_000, 20_000)])
        assert shown(got) == [("screen", "a1", 0, 20), ("screen", "b", 20, 40), ("screen", "a2", 40, 60)]

    def test_a_pause_does_not_turn_them_over(self) -> None:
        before = [screen("z1", "ann", 0, 30_000), screen("a1", "bob", 10_000, 20_000)]
        after = [screen("z2", "ann", 30_000, 30_000), screen("a2", "bob", 30_000, 30_000)]
        assert [(p.video_id, p.span.start) for p in arranged([*before, *after]).placements] == [
            ("z1", 0),
            ("a1", 10_000),
            ("a2", 30_000),
        ]

    def test_one_that_is_covered_all_the_time_is_reported(self) -> None:
        got = arranged([screen("a", "ann", 10_000, 20_000), screen("b", "bob", 10_000, 40_000)])
        assert said(got) == {"screen of ann": "A later share covers it from 0:10 to 0:30: it is not seen."}

    def test_each_has_a_slot_of_its_own_where_there_are_several(self) -> None:
        got = arranged(
            [screen("a", "ann", 0, 60_000), screen("b", "bob", 20_000, 20_000)], layout=layout_file("two-shares")
        )
        assert shown(got) == [("screen", "a", 0, 60), ("screen 2", "b", 20, 40)]

    def test_more_than_slots_lie_on_top_of_the_first(self) -> None:
        lesson = [screen(u, u, n * 10_000, 60_000 - n * 20_000) for n, u in enumerate(["ann", "bob", "cat"])]
        assert shown(arranged(lesson, layout=layout_file("two-shares"))) == [
            ("screen", "ann", 0, 20),
            ("screen 2", "bob", 10, 50),
            ("screen", "cat", 20, 40),
            ("screen", "ann", 40, 60),
        ]

    def test_a_slot_named_for_one_user_shows_no_other(self) -> None:
        lesson = [screen("a", "alice", 0, 60_000), screen("b", "bob", 0, 60_000), *crowd(("bob", 0, 60))]
        got = arranged(lesson, layout=layout_file("named-users"))
        assert ("screen", "a", 0, 60) in shown(got)
        assert "no place for this user's share from 0:00 to 1:00" in said(got)["screen of bob"]


class TestLayoutFiles:
    def test_a_name_is_for_that_user_alone_and_the_longer_one_is_meant(self) -> None:
        lesson = crowd(("bob", 0, 60), ("zoe", 1, 60), ("alfred", 2, 60), ("alice7", 3, 60))
        got = arranged(lesson, layout=layout_file("named-users"))
        assert {video_id: slot for slot, video_id, _, _ in shown(got)} == {
            "bob-0": "user 1",
            "alfred-2": "al",
            "alice7-3": "alice",
        }
        assert list(said(got, Severity.WARNING)) == ["camera of zoe"]

    def test_overlapping_slots_keep_their_order(self) -> None:
        layout = find_layout(layout_file("overlapping"))
        assert [(s.name, s.z) for s in layout.slots] == [("user 1", 9), ("board", 1)]
        assert layout.canvas.background == "#000000"

    def test_a_file_is_known_by_its_name_whatever_its_suffix_and_its_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.layout"
        path.write_bytes(b"\xef\xbb\xbf" + Path(layout_file("odd")).read_bytes())
        assert find_layout(str(path)).name == "mine"

    def test_a_name_that_is_no_text_does_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / "\udcff.json"
        path.write_bytes(Path(layout_file("odd")).read_bytes())
        assert find_layout(str(path)).name == "?"

    @pytest.mark.parametrize(
        ("contents", "why"), [(None, "No such file"), (b"\xff", "not UTF-8")], ids=["missing", "not UTF-8"]
    )
    def test_one_that_cannot_be_read_is_named(self, tmp_path: Path, contents: bytes | None, why: str) -> None:
        path = tmp_path / "mine.json"
        if contents is not None:
            path.write_bytes(contents)
        with pytest.raises(InputError, match=f"mine.json cannot be read: .*{why}"):
            arranged([board("w", 0, 1000)], layout=str(path))

    @pytest.mark.parametrize("name", ["tiw2", "TIW-2", "nothing", "x" * 300, "a\0b", ""])
    def test_an_unknown_layout_lists_those_there_are(self, name: str) -> None:
        with pytest.raises(InputError, match="unknown layout") as caught:
            arranged([board("w", 0, 1000)], layout=name)
        assert (
            "There are: auto, auto-classroom, classroom, speaker, tiw-1, tiw-2, stage, presenter, grid, mix, or a"
            in caught.value.hint
        )
        assert ("Did you mean tiw-2?" in caught.value.hint) is (name.lower() in ("tiw2", "tiw-2"))


class TestOptions:
    def test_background_colours_the_canvas_and_not_the_bars(self) -> None:
        layout = arranged([board("w", 0, 1000)], layout="tiw-1", background="0xff8000").layout
        assert layout.canvas.background == "#FF8000"
        assert {slot.background for slot in layout.slots} == {"#000000"}

    def test_a_bad_background_is_refused(self) -> None:
        with pytest.raises(InputError, match="background: 'pink' is not a colour as #RRGGBB"):
            arranged([board("w", 0, 1000)], background="pink")

    @pytest.mark.parametrize("fill", Fill)
    def test_fill_rules_every_slot(self, fill: Fill) -> None:
        layout = arranged([board("w", 0, 1000)], layout=layout_file("class-of-four"), fill=fill).layout
        assert {slot.fill for slot in layout.slots} == {fill}

    def test_a_stage_takes_the_shape_of_the_board_and_else_of_the_share(self) -> None:
        lesson = [board("w", 0, 1000), screen("s", "x", 0, 1000)]
        known = [facts("w", 1000, size=(640, 480)), facts("s", 1000, size=(1920, 1080))]
        assert arranged(lesson, known, layout="stage").layout.canvas.height == 960
        two = [screen("s", "x", 0, 1000), screen("t", "x", 1000, 1000)]
        known = [facts("s", 1000, size=(1920, 1080)), facts("t", 1000, size=(960, 540))]
        assert arranged(two, known, layout="stage").layout.canvas.height == 720

    def test_a_stage_has_the_size_of_what_it_shows_where_that_is_one(self) -> None:
        two = [screen("s", "x", 0, 1000), screen("t", "y", 1000, 1000), camera("a", "ann", 0, 1000)]
        known = [facts("s", 1000, size=(1917, 1080)), facts("t", 1000, size=(1917, 1080)), facts("a", 1000)]
        canvas = arranged(two, known, layout="stage").layout.canvas
        assert (canvas.width, canvas.height) == (1918, 1080)
        assert known[1].picture is not None
        (stretch,) = known[1].picture.stretches
        changing = replace(known[1].picture, stretches=(stretch, stretch))
        known[1] = replace(known[1], picture=changing)
        assert arranged(two, known, layout="stage").layout.canvas.width == 1280

    def test_a_stage_without_board_and_share_shows_one_camera(self) -> None:
        lesson = [camera("a", "ann", 0, 9000), camera("b", "bob", 0, 9000)]
        known = [facts("a", 9000, size=(640, 480)), facts("b", 9000, size=(1280, 720))]
        assert shown(arranged(lesson, known, layout="stage")) == [("user 1", "a", 0, 9)]
        got = arranged(lesson, known, layout="stage", teacher="bob")
        assert shown(got) == [("user 1", "b", 0, 9)]
        assert "heard, not seen" in said(got)["camera of ann"]
        assert got.layout.canvas.width == 1280
        assert arranged(lesson[:1], known[:1], layout="stage").layout.canvas.width == 640

    def test_a_layout_without_places_for_users_says_who_is_only_heard(self) -> None:
        lesson = [board("w", 0, 1000), camera("a", "ann", 0, 1000), camera("b", "bob", 0, 1000)]
        got = arranged(lesson, [facts("b", 1000, picture=False)], layout="stage")
        assert said(got) == {"camera of ann": "Layout stage has no place for it: it is heard, not seen."}
        assert said(got, Severity.WARNING) == {}


streams = st.tuples(
    st.sampled_from([StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.WHITEBOARD, StreamKind.MIX, StreamKind.AUDIO]),
    st.sampled_from(["ann", "bob", "cat"]),
    st.integers(0, 20_000),
    st.integers(1, 20_000),
)


@given(
    st.lists(streams, min_size=1, max_size=12),
    st.sampled_from(["auto", *(name for name in LAYOUTS if name != "mix"), layout_file("two-shares")]),
    st.randoms(use_true_random=False),
)
def test_no_slot_shows_two_pictures_at_once_and_the_order_of_segments_does_not_matter(
    given_streams: list[tuple[StreamKind, str, int, int]], layout: str, random: object
) -> None:
    lesson = [
        segment(f"v{n}", kind, "" if kind in (StreamKind.WHITEBOARD, StreamKind.MIX) else user, start, length)
        for n, (kind, user, start, length) in enumerate(given_streams)
    ]
    got = arranged(lesson, layout=layout)
    for slot in got.layout.slots:
        spans = sorted((p.span.start, p.span.end) for p in got.placements if p.slot == slot.name)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    random.shuffle(lesson)  # type: ignore[attr-defined]
    assert arranged(lesson, layout=layout) == got
