"""Sections 2 and 3 of the domain: where every clip lies on the playback axis, and why."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from lessons import START, board, camera, facts, mix, omission, recording, screen, segment

from assembler.choices import PlayTimes
from assembler.errors import InputError
from assembler.findings import Severity, Verdict, judge
from assembler.recording import Recording, StreamKind
from assembler.timeline import build_timeline, playback_at, wall_at
from assembler.timeline.build import NoLength
from assembler.timeline.model import Timeline
from assembler.times import span


def spans(timeline: Timeline, name: str) -> list[tuple[int, int]]:
    track = next(t for t in timeline.tracks if t.name == name)
    return [(c.span.start, c.span.end) for c in track.clips]


def starts(timeline: Timeline, name: str) -> list[int]:
    track = next(t for t in timeline.tracks if t.name == name)
    return [c.file_start for c in track.clips]


def sentences(timeline: Timeline) -> str:
    return " ".join(f.sentence for f in timeline.findings)


def six_files(**more: object) -> Recording:
    return recording(
        [
            camera("a1", "ios", 0, 900_000),
            camera("b1", "pc", 300_000, 600_000),
            board("w1", 120_000, 780_000),
            camera("a2", "ios", 900_000, 300_000),
            camera("b2", "pc", 900_000, 210_000),
            board("w2", 900_000, 540_000),
        ],
        total=1_440_000,
        stop=1_500_000,
        **more,  # type: ignore[arg-type]
    )


class TestSixFileExample:
    def test_it_lasts_as_long_as_its_page_says(self) -> None:
        assert build_timeline(six_files()).length == 1_440_000

    def test_the_pause_is_inferred_at_its_place_and_length(self) -> None:
        jumps = build_timeline(six_files()).clock.jumps
        assert [(j.at, j.length, j.reason) for j in jumps] == [(900_000, 60_000, "inferred")]

    def test_the_wall_clock_jumps_there(self) -> None:
        clock = build_timeline(six_files()).clock
        assert wall_at(clock, 899_999) == START + 899_999  # type: ignore[arg-type]
        assert wall_at(clock, 900_000) == START + 960_000  # type: ignore[arg-type]
        assert playback_at(clock, START + 930_000) == 900_000  # type: ignore[arg-type, operator]

    def test_nothing_is_inserted_or_moved(self) -> None:
        timeline = build_timeline(six_files())
        assert spans(timeline, "camera of ios") == [(0, 900_000), (900_000, 1_200_000)]
        assert spans(timeline, "whiteboard") == [(120_000, 900_000), (900_000, 1_440_000)]

    def test_the_border_is_a_chapter(self) -> None:
        chapters = build_timeline(six_files()).chapters
        assert [(c.at, c.title) for c in chapters] == [(0, "Start"), (900_000, "Break of 1:00")]

    def test_the_order_of_the_files_does_not_matter(self) -> None:
        lesson = six_files()
        wanted = build_timeline(lesson)
        for seed in range(5):
            shuffled = list(lesson.segments)
            random.Random(seed).shuffle(shuffled)
            assert build_timeline(lesson.model_copy(update={"segments": tuple(shuffled)})) == wanted


class TestInferredPauses:
    def test_several_common_borders_are_marks_and_the_wall_clock_behind_is_unknown(self) -> None:
        timeline = build_timeline(
            recording([camera(f"a{n}", "x", n * 10_000, 10_000) for n in range(3)], total=30_000, stop=90_000)
        )
        assert [(j.at, j.length) for j in timeline.clock.jumps] == [(10_000, None), (20_000, None)]
        assert wall_at(timeline.clock, 9_999) is not None  # type: ignore[arg-type]
        assert wall_at(timeline.clock, 10_000) is None  # type: ignore[arg-type]

    def test_a_track_that_runs_through_is_no_pause(self) -> None:
        timeline = build_timeline(
            recording(
                [camera("a1", "x", 0, 10_000), camera("a2", "x", 10_000, 10_000), board("w", 0, 20_000)],
                total=20_000,
                stop=80_000,
            )
        )
        assert timeline.clock.jumps == ()

    def test_a_difference_under_two_seconds_is_no_pause(self) -> None:
        timeline = build_timeline(
            recording([camera("a1", "x", 0, 10_000), camera("a2", "x", 10_000, 10_000)], total=20_000, stop=21_999)
        )
        assert timeline.clock.jumps == ()

    def test_a_trailing_pause_is_not_taken_for_an_inferred_one(self) -> None:
        timeline = build_timeline(
            recording(
                [camera("a1", "x", 0, 10_000), camera("a2", "x", 10_000, 10_000)],
                total=20_000,
                stop=80_000,
                omissions=[omission(20_000, 20_000, None)],
            )
        )
        assert timeline.clock.jumps == ()
        assert "ended in this pause" in sentences(timeline)


class TestPlayTimesOnThePlaybackAxis:
    lesson = recording(
        [camera("a", "x", 0, 20_000), board("w", 0, 20_000)],
        total=20_000,
        stop=50_000,
        omissions=[omission(8_000, 8_400, 38_400)],
    )

    def test_a_file_joined_by_the_recorder_is_never_cut(self) -> None:
        timeline = build_timeline(self.lesson)
        assert timeline.play_times == "playback"
        assert spans(timeline, "camera of x") == [(0, 20_000)]

    def test_an_omission_gives_the_better_start(self) -> None:
        clock = build_timeline(self.lesson).clock
        assert clock.start == START + 400
        assert clock.is_exact

    @pytest.mark.parametrize(("start", "is_exact"), [(0, False), (250, True), (None, False)])
    def test_a_start_in_ms_is_exact(self, start: int | None, is_exact: bool) -> None:
        lesson = recording([camera("a", "x", 0, 20_000)], total=20_000, start=start)
        assert build_timeline(lesson).clock.is_exact is is_exact

    def test_a_start_far_from_the_omissions_is_doubtful(self) -> None:
        lesson = self.lesson.model_copy(update={"omissions": (omission(8_000, 9_600, 39_600),)})
        timeline = build_timeline(lesson)
        assert timeline.clock.start == START
        assert not timeline.clock.is_exact
        assert "the result's start was taken" in sentences(timeline)

    def test_the_wall_clock_jumps_by_the_pause(self) -> None:
        clock = build_timeline(self.lesson).clock
        assert wall_at(clock, 8_000) == START + 400 + 38_000  # type: ignore[arg-type]

    def test_an_omission_away_from_the_files_borders_is_not_trusted(self) -> None:
        lesson = recording(
            [camera("a1", "x", 0, 10_000), camera("a2", "x", 10_000, 10_000)],
            total=20_000,
            stop=50_000,
            omissions=[omission(4_000, 4_000, 34_000)],
        )
        timeline = build_timeline(lesson)
        assert timeline.clock.jumps == ()
        assert "No file ends and goes on" in sentences(timeline)

    def test_an_omission_near_a_border_is_trusted(self) -> None:
        lesson = recording(
            [camera("a1", "x", 0, 10_000), camera("a2", "x", 10_000, 10_000)],
            total=20_000,
            stop=50_000,
            omissions=[omission(10_900, 10_900, 40_900)],
        )
        assert [j.at for j in build_timeline(lesson).clock.jumps] == [10_900]


class TestPlayTimesOnTheWallClock:
    lesson = recording(
        [camera("a", "x", 0, 50_000), board("w1", 5_000, 5_000), board("w2", 45_000, 5_000)],
        total=20_000,
        stop=50_000,
        omissions=[omission(10_000, 10_000, 40_000)],
    )

    def test_the_evidence_decides_for_the_wall(self) -> None:
        timeline = build_timeline(self.lesson)
        assert timeline.play_times == "wall"
        assert "wall axis" in timeline.play_times_reason

    def test_a_pause_is_cut_out_of_every_clip_that_spans_it(self) -> None:
        timeline = build_timeline(self.lesson)
        assert spans(timeline, "camera of x") == [(0, 10_000), (10_000, 20_000)]
        assert starts(timeline, "camera of x") == [0, 40_000]

    def test_everything_behind_the_pause_moves_earlier(self) -> None:
        timeline = build_timeline(self.lesson)
        assert spans(timeline, "whiteboard") == [(5_000, 10_000), (15_000, 20_000)]
        assert timeline.length == 20_000

    def test_a_clip_inside_the_pause_is_gone(self) -> None:
        lesson = self.lesson.model_copy(update={"segments": (*self.lesson.segments, screen("s", "x", 12_000, 9_000))})
        assert all(t.kind is not StreamKind.SCREEN for t in build_timeline(lesson).tracks)

    def test_the_option_overrides_the_evidence(self) -> None:
        timeline = build_timeline(self.lesson, play_times=PlayTimes.PLAYBACK)
        assert spans(timeline, "camera of x") == [(0, 50_000)]

    def test_without_a_total_start_and_stop_are_the_evidence(self) -> None:
        assert build_timeline(self.lesson.model_copy(update={"total": None})).play_times == "wall"

    @pytest.mark.parametrize("total", [20_000, 22_000, 17_500])
    def test_a_total_near_enough_is_evidence(self, total: int) -> None:
        assert build_timeline(self.lesson.model_copy(update={"total": total})).play_times == "wall"

    @pytest.mark.parametrize("total", [1_000, 10_000, 16_500, 24_000])
    def test_nothing_is_cut_where_the_total_disagrees_with_the_clock(self, total: int) -> None:
        timeline = build_timeline(self.lesson.model_copy(update={"total": total}))
        assert (timeline.play_times, timeline.length) == ("playback", 50_000)
        assert "they disagree: playback axis" in sentences(timeline)
        assert judge(timeline.findings) is Verdict.DEGRADED

    def test_nothing_is_cut_where_the_total_alone_speaks_for_it(self) -> None:
        lesson = recording(
            [camera("a", "x", 0, 50_000)], total=20_000, stop=80_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
        timeline = build_timeline(lesson)
        assert (timeline.play_times, timeline.length) == ("playback", 50_000)
        assert "wall clock by the declared total, playback by stop - start - pauses" in sentences(timeline)

    def test_a_stop_at_the_start_is_none(self) -> None:
        timeline = build_timeline(self.lesson.model_copy(update={"stop": self.lesson.start}))
        assert (timeline.play_times, timeline.length) == ("wall", 20_000)

    def test_wall_and_playback_agree_outside_the_pause(self) -> None:
        clock = build_timeline(self.lesson).clock
        for wall in (0, 9_999, 40_000, 49_999):
            at = playback_at(clock, START + wall)  # type: ignore[arg-type]
            assert at is not None
            assert wall_at(clock, at) == START + wall

    def test_overlapping_omissions_are_merged(self) -> None:
        omissions = (omission(10_000, 10_000, 30_000), omission(10_000, 25_000, 40_000))
        timeline = build_timeline(self.lesson.model_copy(update={"omissions": omissions}))
        assert spans(timeline, "camera of x") == [(0, 10_000), (10_000, 20_000)]
        assert "merged" in sentences(timeline)

    def test_an_omission_backwards_is_a_finding_and_no_refusal(self) -> None:
        omissions = (omission(10_000, 10_000, 40_000), omission(3_000, 3_000, 2_000))
        timeline = build_timeline(self.lesson.model_copy(update={"omissions": omissions}))
        assert timeline.length == 20_000
        assert "ends before it begins" in sentences(timeline)


def test_a_pause_behind_the_end_is_left_out_and_told() -> None:
    late = omission(50_000, 10_000, 20_000)
    timeline = build_timeline(recording([camera("a", "x", 0, 10_000)], omissions=[late]))
    assert timeline.clock.jumps == ()
    assert "The pause lies at 0:50, behind the end of the playback (0:10): it was left out." in sentences(timeline)


def test_sentences_about_times_name_no_field_of_one_dialect() -> None:
    """The same sentences are said of every system's JSON; only a hint may name a dialect's fields beside others'."""
    pauses = [omission(50_000, 10_000, 20_000), omission(None, 30_000, 40_000), omission(4_000, 60_000, 70_000)]
    clips = [camera("a", "x", 0, 10_000), camera("b", "x", 10_000, 10_000)]
    told = "".join(
        f"{timeline.play_times_reason} {sentences(timeline)} {[f.where for f in timeline.findings]}"
        for total, stop in ((None, None), (5_000, None), (90_000, None), (45_000, 20_000))
        for timeline in [build_timeline(recording(clips, total=total, stop=stop, omissions=pauses))]
    )
    assert not [name for name in ("TotalTime", "VideoTime", "VideoPlayTime", "documented") if name in told]
    with pytest.raises(NoLength) as caught:
        build_timeline(recording([camera("a", "x", 0, None)]))
    assert all(word in caught.value.hint for word in ("`duration`", "`total`", "VideoDuration"))


class TestTracks:
    def test_the_later_of_two_overlapping_files_wins_and_the_longer_goes_on_behind_it(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 30_000), camera("b", "x", 10_000, 10_000)]))
        assert spans(timeline, "camera of x") == [(0, 10_000), (10_000, 20_000), (20_000, 30_000)]
        assert starts(timeline, "camera of x") == [0, 0, 20_000]
        assert "overlaps b" in sentences(timeline)

    @pytest.mark.parametrize(("first", "second"), [(30_000, 10_000), (10_000, 30_000)])
    def test_of_two_with_the_same_start_the_longer_wins(self, first: int, second: int) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, first), camera("b", "x", 0, second)]))
        assert [c.video_id for c in timeline.tracks[0].clips] == ["a" if first > second else "b"]

    def test_of_two_equal_ones_the_smaller_id_wins(self) -> None:
        timeline = build_timeline(recording([camera("b", "x", 0, 10_000), camera("a", "x", 0, 10_000)]))
        assert [c.video_id for c in timeline.tracks[0].clips] == ["a"]

    def test_a_user_who_leaves_and_returns_leaves_a_gap(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000), camera("b", "x", 25_000, 5_000)]))
        assert [g.span for g in timeline.tracks[0].gaps] == [span(10_000, 25_000)]

    def test_unnamed_mixed_streams_that_overlap_are_different_tracks(self) -> None:
        lesson = recording([mix("m1", 0, 20_000), mix("m2", 0, 20_000), mix("m3", 20_000, 5_000)])
        names = {t.name: [c.video_id for c in t.clips] for t in build_timeline(lesson).tracks}
        assert names == {"mixed stream 1": ["m1", "m3"], "mixed stream 2": ["m2"]}

    def test_they_are_told_apart_by_picture_size_first(self) -> None:
        big, small = (1624, 1000), (640, 480)
        lesson = recording(
            [
                mix("m1", 0, 20_000, size=big),
                mix("m2", 100, 19_000, size=small),
                mix("m3", 20_000, 5_000, size=small),
                mix("m4", 20_500, 4_000, size=big),
            ]
        )
        clips = [[c.video_id for c in t.clips] for t in build_timeline(lesson).tracks]
        assert clips == [["m1", "m4"], ["m2", "m3"]]

    def test_named_mixed_streams_are_tracks_by_their_name(self) -> None:
        lesson = recording(
            [mix("m1", 3, 9_000, stream="tic_mixstream_7_101"), mix("m2", 95, 9_000, stream="tic_mixstream_7_3")]
        )
        assert [t.name for t in build_timeline(lesson).tracks] == [
            "mixed stream tic_mixstream_7_101",
            "mixed stream tic_mixstream_7_3",
        ]

    def test_what_lies_before_playback_zero_is_cut_off(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", -400, 10_000)]))
        assert spans(timeline, "camera of x") == [(0, 9_600)]
        assert starts(timeline, "camera of x") == [400]


class TestLength:
    def test_total_time_near_the_last_end_is_the_length(self) -> None:
        assert build_timeline(recording([camera("a", "x", 0, 10_000)], total=11_000)).length == 11_000

    def test_what_was_recorded_is_never_cut_by_it(self) -> None:
        assert build_timeline(recording([camera("a", "x", 0, 10_000)], total=9_000)).length == 10_000
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)], total=8_000))
        assert timeline.length == 10_000
        assert [(f.severity, f.where) for f in timeline.findings] == [(Severity.WARNING, "total")]

    def test_total_time_far_beyond_is_named_and_not_taken(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)], total=1_440_000))
        assert timeline.length == 10_000
        assert "The declared total is 24:00, the last video ends at 0:10" in sentences(timeline)

    def test_an_unusable_segment_still_counts_for_the_length(self) -> None:
        lesson = recording([camera("a", "x", 0, 10_000), camera("b", "y", 0, 20_000)])
        timeline = build_timeline(lesson, {"a": facts("a", 10_000)}, unusable={"b": "Gone."})
        assert timeline.length == 20_000
        assert [t.name for t in timeline.tracks] == ["camera of x"]

    def test_nothing_with_a_length_is_an_error(self) -> None:
        with pytest.raises(InputError, match="no segment has a place"):
            build_timeline(recording([camera("a", "x", 0, None)]))

    def test_without_a_declared_duration_the_file_rules(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 500, None)]), {"a": facts("a", 7_000)})
        assert spans(timeline, "camera of x") == [(500, 7_500)]


class TestWhatTheFileHolds:
    def test_the_last_frame_is_held_for_a_second_at_most(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)]), {"a": facts("a", 6_000)})
        clip = timeline.tracks[0].clips[0]
        assert clip.picture == span(0, 7_000)
        assert clip.sound == span(0, 6_000)
        assert "less than declared" in sentences(timeline)

    def test_a_little_short_file_is_held_until_its_declared_end(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)]), {"a": facts("a", 9_400)})
        assert timeline.tracks[0].clips[0].picture == span(0, 10_000)
        assert not [f for f in timeline.findings if f.severity is Severity.WARNING]

    def test_nothing_is_shown_behind_the_declared_end(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)]), {"a": facts("a", 15_000)})
        assert timeline.tracks[0].clips[0].picture == span(0, 10_000)

    def test_sound_and_picture_keep_their_offset(self) -> None:
        known = facts("a", 10_000, picture_start=2_000)
        clip = build_timeline(recording([camera("a", "x", 1_000, 10_000)]), {"a": known}).tracks[0].clips[0]
        assert clip.picture == span(3_000, 11_000)
        assert clip.sound == span(1_000, 11_000)

    def test_a_clip_cut_by_a_pause_keeps_its_files_place(self) -> None:
        lesson = recording(
            [camera("a", "x", 0, 50_000)], total=20_000, stop=50_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
        clips = build_timeline(lesson, {"a": facts("a", 45_000)}).tracks[0].clips
        assert [c.picture for c in clips] == [span(0, 10_000), span(10_000, 16_000)]

    def test_a_mute_camera_and_a_picture_less_one_are_told(self) -> None:
        known = facts("a", 10_000, picture=False)
        timeline = build_timeline(recording([camera("a", "x", 0, 10_000)]), {"a": known})
        assert timeline.tracks[0].clips[0].picture is None
        assert "has no picture" in sentences(timeline)

    def test_an_audio_segment_has_no_picture_even_if_its_file_has_a_cover(self) -> None:
        lesson = recording([segment("m", StreamKind.AUDIO, "x", 0, 10_000)])
        assert build_timeline(lesson, {"m": facts("m", 10_000)}).tracks[0].clips[0].picture is None


def test_a_file_whose_stamps_say_where_it_belongs_is_placed_by_its_first_one() -> None:
    late = camera("a", "x", 1_000, 5_000).model_copy(update={"is_stamped": True})
    lesson = recording([late, camera("b", "y", 0, 9_000)])
    known = {"a": replace(facts("a", 5_000), origin=Fraction(3_0005, 10_000)), "b": facts("b", 9_000)}
    spans = {c.video_id: c.span for t in build_timeline(lesson, known).tracks for c in t.clips}
    assert spans == {"a": span(4_001, 9_001), "b": span(0, 9_000)}
    assert build_timeline(lesson).tracks[0].clips[0].span == span(1_000, 6_000), "provisional"


def test_where_every_file_is_placed_so_the_first_one_begins_the_playback() -> None:
    both = [camera(name, name, 0, None).model_copy(update={"is_stamped": True}) for name in ("a", "b")]
    origins = {"a": Fraction(60), "b": Fraction(57)}
    known = {name: replace(facts(name, 5_000), origin=at) for name, at in origins.items()}
    timeline = build_timeline(recording(both), known)
    assert {c.video_id: c.span for t in timeline.tracks for c in t.clips} == {
        "a": span(3_000, 8_000),
        "b": span(0, 5_000),
    }
    assert timeline.clock.start == START + 57_000
