"""What ``auto`` decides on, and which mixed stream is taken: every rule has a class that only it decides."""

from __future__ import annotations

import pytest
from lessons import board, camera, facts, mix, recording, screen, segment

from assembler.errors import InputError
from assembler.findings import Severity
from assembler.layout.mixes import rank_mixes
from assembler.recording import Segment, StreamKind
from assembler.timeline import build_timeline
from layout.arranging import arranged, layout_file, said, shown

MINUTE = 60_000


class TestAMixedStream:
    def test_that_covers_99_percent_is_shown_alone(self) -> None:
        got = arranged([mix("m", 0, 99_000, size=(1280, 720)), board("w", 0, 98_000), camera("c", "x", 99_000, 1_000)])
        assert (got.layout.name, shown(got)) == ("mix", [("mix", "m", 0, 99)])
        assert (got.layout.canvas.width, got.layout.canvas.height) == (1280, 720)
        assert "covers 99.0% of the playback" in got.reason

    def test_that_covers_less_is_not_shown_and_the_number_never_reads_as_enough(self) -> None:
        got = arranged([mix("m", 0, 98_990, stream="tic_mixstream_7_3"), camera("c", "x", 0, 100_000)])
        assert got.layout.name == "grid"
        assert said(got) == {
            "mixed stream tic_mixstream_7_3": "It is not shown: it covers 98.9% of the playback (less than 99 %)."
        }

    def test_with_a_hole_over_2_s_where_a_single_stream_goes_on_is_not_shown(self) -> None:
        parts = [mix("m1", 0, 5 * MINUTE), mix("m2", 5 * MINUTE + 2_001, 5 * MINUTE)]
        got = arranged([*parts, camera("c", "x", 0, 8 * MINUTE)])
        assert got.layout.name == "grid"
        assert "a hole of 0:02.001 at 5:00 of the playback" in said(got)["mixed stream"]

    @pytest.mark.parametrize(
        ("hole", "camera_end"),
        [(2_000, 8 * MINUTE), (2_001, 5 * MINUTE)],
        ids=["of 2 s", "where there is nothing else"],
    )
    def test_with_a_harmless_hole_is_shown(self, hole: int, camera_end: int) -> None:
        parts = [mix("m1", 0, 5 * MINUTE), mix("m2", 5 * MINUTE + hole, 5 * MINUTE)]
        got = arranged([*parts, camera("c", "x", 0, camera_end)])
        assert {p.video_id for p in got.placements} == {"m1", "m2"}

    def test_a_hole_counts_where_a_stream_is_only_heard(self) -> None:
        parts = [mix("m1", 0, 5 * MINUTE), mix("m2", 5 * MINUTE + 2_001, 5 * MINUTE)]
        seen_elsewhere = board("w", 0, MINUTE)
        assert arranged([*parts, seen_elsewhere]).layout.name == "mix"
        lesson = [*parts, seen_elsewhere, camera("c", "x", 0, 8 * MINUTE)]
        got = arranged(lesson, [facts("c", 8 * MINUTE, picture=False)])
        assert got.layout.name == "tiw-2"

    def test_without_a_picture_is_not_shown(self) -> None:
        lesson = [mix("m", 0, MINUTE), camera("c", "x", 0, MINUTE)]
        assert arranged(lesson).layout.name == "mix"
        assert arranged(lesson, [facts("m", MINUTE, picture=False)]).layout.name == "grid"

    def test_alone_in_the_class_is_shown_whatever_it_covers(self) -> None:
        got = arranged([mix("m", 30_000, 30_000), segment("a", StreamKind.AUDIO, "x", 0, MINUTE)])
        assert (got.layout.name, shown(got)) == ("mix", [("mix", "m", 30, 60)])
        assert "It covers 50.0% of the playback" in said(got)["mixed stream"]

    def test_has_the_canvas_it_needs_for_most_of_the_time(self) -> None:
        parts = [mix("m1", 0, 5_000, stream="tic_mixstream_7_1"), mix("m2", 5_000, MINUTE, stream="tic_mixstream_7_1")]
        known = [facts("m1", 5_000, size=(640, 360)), facts("m2", MINUTE, size=(1281, 721))]
        canvas = arranged(parts, known).layout.canvas
        assert (canvas.width, canvas.height) == (1282, 722)


def two_mixes(first: Segment, second: Segment) -> tuple[str, dict[str, str]]:
    got = arranged([first, second, camera("c", "x", 0, MINUTE)])
    return got.placements[0].video_id, said(got)


class TestOfSeveralMixedStreams:
    def test_the_larger_picture_wins_even_where_it_covers_less(self) -> None:
        large = mix("large", 0, MINUTE - 400, stream="tic_mixstream_7_9", size=(1280, 960))
        small = mix("small", 0, MINUTE, stream="tic_mixstream_7_1", size=(1280, 720))
        taken, findings = two_mixes(small, large)
        assert taken == "large"
        wanted = "It is not shown: mixed stream tic_mixstream_7_9 was taken."
        assert findings["mixed stream tic_mixstream_7_1"] == wanted

    def test_then_the_one_that_covers_more(self) -> None:
        short = mix("short", 0, MINUTE - 400, stream="tic_mixstream_7_1", size=(1280, 960))
        long = mix("long", 0, MINUTE, stream="tic_mixstream_7_9", size=(960, 1280))
        assert two_mixes(short, long)[0] == "long"

    def test_then_the_smallest_stream_id(self) -> None:
        nine = mix("a", 0, MINUTE, stream="tic_mixstream_7_9", size=(1280, 960))
        one = mix("b", 0, MINUTE, stream="tic_mixstream_7_1", size=(1280, 960))
        assert two_mixes(nine, one)[0] == "b"
        timeline = build_timeline(recording([nine, one]), {})
        turned = timeline.model_copy(update={"tracks": timeline.tracks[::-1]})
        assert [m.track.stream_id[-1] for m in rank_mixes(turned, {"a": None, "b": None})] == ["1", "9"]

    def test_a_larger_one_with_too_little_loses(self) -> None:
        large = mix("large", 0, MINUTE - 5_000, stream="tic_mixstream_7_1", size=(1920, 1080))
        small = mix("small", 0, MINUTE, stream="tic_mixstream_7_9", size=(640, 480))
        assert two_mixes(large, small)[0] == "small"

    def test_probed_sizes_outweigh_declared_ones(self) -> None:
        lesson = [mix("a", 0, MINUTE, stream="1", size=(1280, 960)), mix("b", 0, MINUTE, stream="2", size=(640, 480))]
        known = [facts("a", MINUTE, size=(320, 240)), facts("b", MINUTE, size=(640, 480))]
        assert arranged(lesson, known).placements[0].video_id == "b"


class TestWithoutAMixedStream:
    def test_a_board_means_tiw_2(self) -> None:
        assert arranged([board("w", 0, MINUTE), camera("c", "x", 0, MINUTE)]).layout.name == "tiw-2"

    def test_a_screen_share_means_tiw_2(self) -> None:
        assert arranged([screen("s", "x", 0, MINUTE), camera("c", "x", 0, MINUTE)]).layout.name == "tiw-2"

    def test_only_cameras_mean_a_grid_with_a_place_for_each(self) -> None:
        got = arranged([camera(f"c{n}", f"u{n}", 0, MINUTE) for n in range(6)])
        assert (got.layout.name, len(got.placements), len(got.layout.slots)) == ("grid", 6, 6)

    def test_a_grid_has_as_many_places_as_users_are_ever_there_at_once(self) -> None:
        lesson = [camera("a", "ann", 0, 10_000), camera("b", "bob", 10_000, 10_000), camera("c", "cat", 15_000, 9_000)]
        assert len(arranged(lesson).layout.slots) == 2
        assert len(arranged(lesson, teacher="ann").layout.slots) == 3

    def test_a_grid_takes_the_shape_that_cameras_have_for_most_of_the_time(self) -> None:
        lesson = [camera("a", "ann", 0, 10_000), camera("b", "bob", 0, 40_000)]
        known = [facts("a", 10_000, size=(640, 480)), facts("b", 40_000, size=(640, 360))]
        rect = arranged(lesson, known).layout.slots[0].rect
        assert (rect.width, rect.height) == (626, 352)

    def test_sound_alone_still_makes_a_playback(self) -> None:
        got = arranged([segment("a", StreamKind.AUDIO, "x", 0, MINUTE)])
        assert (got.layout.name, got.placements) == ("grid", ())


MIXES = [
    mix("m3", 0, 60_000, stream="tic_mixstream_7_3", size=(640, 480)),
    mix("m103", 0, 30_000, stream="tic_mixstream_7_103", size=(320, 240)),
    mix("m5", 0, 60_000, stream="tic_mixstream_8_5", size=(1280, 960)),
]


class TestNamedMixedStream:
    @pytest.mark.parametrize("layout", ["mix", "auto"])
    @pytest.mark.parametrize(
        ("wanted", "taken"),
        [
            ("tic_mixstream_7_103", "m103"),
            ("tic_mixstream_8", "m5"),
            ("103", "m103"),
            ("3", "m3"),
            ("03", "m103"),
            ("7_3", "m3"),
        ],
        ids=["exact", "beginning", "last part", "last part and not just the end", "end", "longer end"],
    )
    def test_is_found(self, wanted: str, taken: str, layout: str) -> None:
        got = arranged(MIXES, layout=layout, mix_user=wanted)
        assert {p.video_id for p in got.placements} == {taken}
        losers = [f for f in got.findings if "was taken" in f.sentence]
        assert len(losers) == 2

    def test_is_found_by_its_whole_id_before_any_part_of_another(self) -> None:
        got = arranged([*MIXES, mix("m", 0, 60_000, stream="3")], layout="mix", mix_user="3")
        assert {p.video_id for p in got.placements} == {"m"}

    @pytest.mark.parametrize(("wanted", "how"), [("tic_mixstream", "more than one"), ("nobody", "no")])
    def test_that_is_not_one_lists_the_choices(self, wanted: str, how: str) -> None:
        with pytest.raises(InputError, match=f"{how} mixed stream matches '{wanted}'") as caught:
            arranged(MIXES, layout="mix", mix_user=wanted)
        assert "tic_mixstream_7_103, tic_mixstream_7_3, tic_mixstream_8_5" in caught.value.hint

    def test_the_best_is_taken_where_none_is_named(self) -> None:
        assert {p.video_id for p in arranged(MIXES, layout="mix").placements} == {"m5"}

    def test_a_class_without_one_says_so(self) -> None:
        with pytest.raises(InputError, match="no mixed stream to show in this class"):
            arranged([board("w", 0, 1000)], layout="mix")

    def test_a_layout_without_a_place_for_one_says_that_it_did_not_look(self) -> None:
        got = arranged(MIXES, layout="tiw-2", mix_user="3")
        assert "no place for a mixed stream" in said(got, Severity.NOTE)["mix_user"]

    def test_a_layout_file_may_have_a_place_for_one(self) -> None:
        lesson = [*MIXES, board("w", 0, 60_000), camera("c", "x", 0, 60_000)]
        got = arranged(lesson, layout=layout_file("mixed-with-board"), mix_user="103")
        assert shown(got) == [("board", "w", 0, 60), ("mix", "m103", 0, 30)]
        assert "camera of x" not in said(got)

    def test_such_a_file_is_no_error_where_the_class_has_none(self) -> None:
        got = arranged([board("w", 0, 1000), camera("c", "x", 0, 1000)], layout=layout_file("mixed-with-board"))
        assert shown(got) == [("board", "w", 0, 1)]
        assert "no place" in said(got)["camera of x"]
