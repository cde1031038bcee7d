"""Several results of one room, and windows."""

from __future__ import annotations

import pytest
from lessons import START, board, camera, mix, omission, recording

from assembler.errors import InputError
from assembler.options import load_options
from assembler.pipeline.timelines import in_order, timeline_only
from assembler.timeline import build_timeline, cut_window, order_recordings, playback_at, wall_at
from assembler.times import PlayMs, WallMs

FIRST = recording([camera("a1", "x", 0, 10_000), board("w1", 0, 10_000)], total=10_000, start=0, stop=10_000, task="t1")
SECOND = recording(
    [camera("a2", "x", 500, 9_500), mix("m", 0, 10_000)], total=10_000, start=60_000, stop=70_000, task="t2"
)


class TestSeveralResults:
    def test_they_are_put_in_the_order_of_their_starts_whatever_the_order_given(self) -> None:
        forwards = timeline_only([FIRST, SECOND], load_options())
        backwards = timeline_only([SECOND, FIRST], load_options())
        assert forwards == backwards
        assert forwards.length == 20_000

    def test_a_track_goes_on_behind_the_border(self) -> None:
        timeline = timeline_only([FIRST, SECOND], load_options())
        camera_track = next(t for t in timeline.tracks if t.name == "camera of x")
        assert [(c.span.start, c.span.end) for c in camera_track.clips] == [(0, 10_000), (10_500, 20_000)]

    def test_the_border_is_like_an_omission(self) -> None:
        timeline = timeline_only([FIRST, SECOND], load_options())
        assert [(j.at, j.length) for j in timeline.clock.jumps] == [(10_000, 50_000)]
        assert wall_at(timeline.clock, PlayMs(10_000)) == START + 60_000
        assert playback_at(timeline.clock, WallMs(START + 30_000)) == 10_000
        assert [c.title for c in timeline.chapters] == ["Start", "Next recording, 0:50 later"]

    def test_pauses_of_the_second_lie_behind_the_first(self) -> None:
        paused = recording(
            [camera("b", "y", 0, 20_000)],
            total=20_000,
            start=60_000,
            stop=90_000,
            omissions=[omission(5_000, 65_000, 75_000)],
            task="t2",
        )
        timeline = timeline_only([FIRST, paused], load_options())
        assert [(j.at, j.length) for j in timeline.clock.jumps] == [(10_000, 50_000), (15_000, 10_000)]

    def test_overlapping_ones_are_an_error_naming_both(self) -> None:
        overlapping = SECOND.model_copy(update={"start": WallMs(START + 9_000)})
        with pytest.raises(InputError, match=r"task t1.*and task t2.*overlap"):
            order_recordings([overlapping, FIRST])

    def test_the_same_result_twice_is_an_error(self) -> None:
        with pytest.raises(InputError, match="overlap"):
            order_recordings([FIRST, FIRST])

    def test_two_that_start_together_overlap_however_short_they_say_they_are(self) -> None:
        endless = FIRST.model_copy(update={"stop": None, "total": None, "task_id": "t3"})
        with pytest.raises(InputError, match=r"task t1.*and task t3.*overlap|task t3.*and task t1.*overlap"):
            order_recordings([FIRST, endless])

    def test_different_rooms_are_told(self) -> None:
        other = SECOND.model_copy(update={"room_id": "another"})
        [told] = in_order([FIRST, other], load_options()).findings
        assert told.sentence == "The results are of 2 rooms (7, another): they became one class."
        assert in_order([FIRST, SECOND], load_options()).findings == ()

    def test_one_without_a_start_cannot_be_put_in_order(self) -> None:
        with pytest.raises(InputError, match="task t2 names no start"):
            order_recordings([FIRST, SECOND.model_copy(update={"start": None})])


class TestWindow:
    whole = build_timeline(
        recording(
            [camera("a", "x", 0, 50_000)], total=20_000, stop=50_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
    )

    def test_its_playback_zero_is_the_windows_start(self) -> None:
        window = cut_window(self.whole, PlayMs(4_000), PlayMs(12_000))
        assert window.length == 8_000
        clips = window.tracks[0].clips
        assert [(c.span.start, c.span.end, c.file_start) for c in clips] == [(0, 6_000, 4_000), (6_000, 8_000, 40_000)]

    @pytest.mark.parametrize("start", [0, 4_000, 10_000, 15_000])
    def test_its_wall_clock_is_that_of_the_whole(self, start: int) -> None:
        window = cut_window(self.whole, PlayMs(start), None)
        for at in range(0, 20_000 - start, 500):
            assert wall_at(window.clock, PlayMs(at)) == wall_at(self.whole.clock, PlayMs(start + at))

    @pytest.mark.parametrize(("start", "end"), [(5_000, 5_000), (6_000, 5_000), (20_000, 30_000)])
    def test_an_empty_one_is_an_error(self, start: int, end: int) -> None:
        with pytest.raises(InputError, match="holds nothing"):
            cut_window(self.whole, PlayMs(start), PlayMs(end))

    def test_a_mark_at_its_start_is_its_start(self) -> None:
        window = cut_window(timeline_only([FIRST, SECOND], load_options()), PlayMs(10_000), None)
        assert [(chapter.at, chapter.title) for chapter in window.chapters] == [(0, "Start")]
        earlier = cut_window(timeline_only([FIRST, SECOND], load_options()), PlayMs(9_000), None)
        assert [chapter.at for chapter in earlier.chapters] == [0, 1_000]

    def test_an_end_behind_the_playback_is_its_end(self) -> None:
        assert cut_window(self.whole, None, PlayMs(90_000)).length == 20_000
