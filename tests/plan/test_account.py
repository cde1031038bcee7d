"""Every millisecond that was recorded has one disposition, and what is lost is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, omission, recording, screen, segment
from strategies import examples, recordings

from assembler.errors import DownloadError, InputError
from assembler.facts import Facts
from assembler.findings import Finding, Severity, Verdict, judge
from assembler.options import load_options
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide
from assembler.plan.account import CUT_OFF, recorded_spans
from assembler.plan.missing import LARGEST_LOSS
from assembler.plan.model import Content, Disposition, Plan
from assembler.recording import Recording, StreamKind
from assembler.segment_files import SegmentFiles
from assembler.times import Ms, PlayMs, frame_at

SEEN, HEARD, LOST = Disposition.SHOWN, Disposition.HEARD, Disposition.LOST
LAYOUTS = ("auto", "tiw-1", "tiw-2", "stage", "presenter", "grid", "mix", "classroom", "speaker")


def planned(lesson: Recording, found: Mapping[str, Facts], unusable: tuple[str, ...] = (), **options: object) -> Plan:
    got = SegmentFiles({}, dict(found), dict.fromkeys(unusable, DownloadError("It is gone.")))
    return decide(RecordedClass(recordings=(lesson,)), got, load_options(**options))[1]


def whole(lesson: Recording, **changed: Facts) -> dict[str, Facts]:
    """Facts of files that are what was declared, but for those given."""
    plain = {
        s.video_id: facts(s.video_id, s.duration or 1_000, picture=s.kind is not StreamKind.AUDIO)
        for s in lesson.segments
    }
    return {**plain, **changed}


def became(plan: Plan, video_id: str, content: Content = Content.PICTURE) -> dict[Disposition, Ms]:
    account = next(a for a in plan.accounts if a.video_id == video_id)
    return dict((account.picture if content is Content.PICTURE else account.sound).lengths)


def heard(plan: Plan, video_id: str) -> dict[Disposition, Ms]:
    return became(plan, video_id, Content.SOUND)


def warnings(plan: Plan) -> list[Finding]:
    return [f for f in plan.findings if f.severity is Severity.WARNING]


@st.composite
def found_in(draw: st.DrawFn, lesson: Recording) -> tuple[dict[str, Facts], tuple[str, ...]]:
    """Facts as odd as files are: short and long, without picture or sound, starting late; some files unusable."""
    found, unusable = {}, []
    for one in lesson.segments:
        if draw(st.integers(0, 9)) == 0:
            unusable.append(one.video_id)
            continue
        end = draw(st.integers(1, 3 * (one.duration or 1_000)))
        late, early = (draw(st.integers(0, end)) for _ in range(2))
        kept = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, True)]))
        found[one.video_id] = facts(
            one.video_id, end, picture=kept[0], sound=kept[1],
            picture_start=min(late, early), picture_end=max(late, early), sound_end=draw(st.integers(0, end)),
        )  # fmt: skip
    return found, tuple(unusable)


def asked(layout: str, window: tuple[int, int] | None) -> dict[str, object]:
    return {"layout": layout, **({"start": PlayMs(window[0]), "end": PlayMs(window[1])} if window else {})}


windows = st.none() | st.tuples(st.integers(0, 100_000), st.integers(1, 1_000_000)).map(lambda w: (w[0], w[0] + w[1]))


@examples(80)
@given(st.data(), recordings(), st.sampled_from(LAYOUTS), windows)
def test_the_dispositions_of_every_segment_sum_up_to_what_its_file_holds(
    data: st.DataObject, lesson: Recording, layout: str, window: tuple[int, int] | None
) -> None:
    found, unusable = data.draw(found_in(lesson))
    try:
        plan = planned(lesson, found, unusable, **asked(layout, window))
    except InputError:
        assume(False)
        raise
    assert [a.video_id for a in plan.accounts] == sorted(s.video_id for s in lesson.segments)
    for one in lesson.segments:
        account = next(a for a in plan.accounts if a.video_id == one.video_id)
        for content, ledger in ((Content.PICTURE, account.picture), (Content.SOUND, account.sound)):
            assert sum(ledger.lengths.values()) == ledger.length
            assert all(length > 0 for length in ledger.lengths.values())
            assert sum(loss.end - loss.start for loss in ledger.lost) == ledger.lengths.get(LOST, 0)
            if one.video_id in found:
                held = recorded_spans(one, found[one.video_id], content)
                assert ledger.length == sum(part.length for part in held)
            if judge(plan.findings) is Verdict.OK:
                assert ledger.lengths.get(LOST, 0) <= LARGEST_LOSS


@examples(80)
@given(st.data(), recordings(with_omissions=False), st.sampled_from(LAYOUTS))
def test_what_is_shown_is_in_a_scene_and_what_is_lost_is_in_none(
    data: st.DataObject, lesson: Recording, layout: str
) -> None:
    found, unusable = data.draw(found_in(lesson))
    try:
        plan = planned(lesson, found, unusable, layout=layout)
    except InputError:
        assume(False)
        raise
    for one in lesson.segments:
        shown = sum((s.end - s.first) / plan.fps for s in plan.scenes if one.video_id in {x.video_id for x in s.shown})
        picture = next(a for a in plan.accounts if a.video_id == one.video_id).picture
        # scenes hold whole frames, and last frames are held behind what was recorded
        assert picture.lengths.get(SEEN, 0) <= shown * 1000 + len(plan.scenes) * 1000 / plan.fps
        for loss in picture.lost if one.video_id in found else ():
            middle = frame_at(PlayMs(one.play_time + (loss.start + loss.end) // 2), plan.fps)
            scene = next((s for s in plan.scenes if s.first <= middle < s.end), None)
            if loss.end - loss.start > 200 and scene is not None:
                assert one.video_id not in {x.video_id for x in scene.shown}


class TestWhatIsLost:
    def test_a_class_that_is_all_there_is_ok(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000), board("w", 0, 60_000)], total=60_000)
        plan = planned(lesson, whole(lesson))
        assert became(plan, "a") == {SEEN: 60_000}
        assert heard(plan, "w") == {HEARD: 60_000}
        assert warnings(plan) == []

    def test_what_lies_behind_a_declared_end_is_a_warning_that_says_whose_and_from_when(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson, a=facts("a", 75_000)))
        assert became(plan, "a") == {SEEN: 60_000, LOST: 15_000}
        assert [f.where for f in warnings(plan)] == ["a", "a"]
        assert "picture of camera of ann" in warnings(plan)[0].sentence
        assert "from 1:00 to 1:15 of its file (it lies behind the declared end)" in warnings(plan)[0].sentence

    def test_the_missing_end_of_a_file_that_is_cut_off_is_lost(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000)])
        cut = replace(facts("a", 25_000), is_truncated=True)
        plan = planned(lesson, whole(lesson, a=cut))
        assert became(plan, "a") == {SEEN: 25_000, LOST: 35_000}
        assert heard(plan, "a") == {HEARD: 25_000, LOST: 35_000}
        assert [loss.why for loss in plan.accounts[0].picture.lost] == [CUT_OFF]
        assert ["is used until" in f.sentence for f in warnings(plan)] == [True]
        silent = replace(cut, sounds=())
        assert heard(planned(lesson, whole(lesson, a=silent)), "a") == {}
        assert LOST not in heard(planned(lesson, whole(lesson, a=cut), end=PlayMs(9_000)), "a")

    def test_less_than_a_second_is_a_note(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson, a=facts("a", 60_900)))
        assert warnings(plan) == []
        assert any("0:00.900 are not in the playback" in f.sentence for f in plan.findings)

    def test_a_frame_more_than_declared_is_not_worth_a_word(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000)])
        assert planned(lesson, whole(lesson, a=facts("a", 60_066))).findings == ()

    def test_what_lies_before_the_start_of_the_playback_is_lost(self) -> None:
        lesson = recording([camera("a", "ann", -5_000, 60_000)])
        plan = planned(lesson, whole(lesson))
        assert became(plan, "a") == {SEEN: 55_000, LOST: 5_000}
        assert "it lies before the start of the playback" in warnings(plan)[0].sentence

    def test_a_later_file_that_holds_the_same_time_replaces_an_earlier_one(self) -> None:
        lesson = recording([camera("a", "ann", 0, 30_000), camera("b", "ann", 20_000, 30_000)])
        plan = planned(lesson, whole(lesson))
        assert became(plan, "a") == {SEEN: 20_000, Disposition.REPLACED: 10_000}
        assert heard(plan, "a") == {HEARD: 20_000, Disposition.REPLACED: 10_000}

    def test_a_later_file_without_sound_takes_the_sound_of_an_earlier_one_away(self) -> None:
        lesson = recording([camera("a", "ann", 0, 30_000), camera("b", "ann", 20_000, 30_000)])
        plan = planned(lesson, whole(lesson, b=facts("b", 30_000, sound=False)))
        assert heard(plan, "a") == {HEARD: 20_000, LOST: 10_000}
        assert any("the later file b was taken, which has none there" in f.sentence for f in warnings(plan))

    def test_a_file_that_could_not_be_used_is_lost_whole_and_told_once(self) -> None:
        lesson = recording([camera("a", "ann", 0, 30_000), camera("b", "bob", 0, 30_000)])
        found = whole(lesson)
        del found["b"]
        plan = planned(lesson, found, ("b",))
        assert became(plan, "b") == {LOST: 30_000}
        assert [f.sentence for f in plan.findings if f.where == "b"] == [
            "From 0:00 to 0:30 of the playback: left out: It is gone."
        ]


class TestWhatIsNotLost:
    def test_a_covered_board(self) -> None:
        lesson = recording([board("w", 0, 60_000), screen("s", "ann", 20_000, 10_000)])
        plan = planned(lesson, whole(lesson))
        assert became(plan, "w") == {SEEN: 50_000, Disposition.COVERED: 10_000}
        assert warnings(plan) == []

    def test_a_camera_over_the_places_is_heard(self) -> None:
        lesson = recording([board("w", 0, 60_000), *(camera(f"c{n}", f"u{n}", 0, 60_000) for n in range(5))])
        plan = planned(lesson, whole(lesson))
        assert became(plan, "c4") == {Disposition.NO_PLACE: 60_000}
        assert heard(plan, "c4") == {HEARD: 60_000}

    def test_single_streams_are_in_the_mixed_one_that_is_shown(self) -> None:
        lesson = recording([mix("m", 0, 60_000), camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson))
        assert became(plan, "a") == {Disposition.IN_MIX: 60_000}
        assert heard(plan, "a") == {Disposition.IN_MIX: 60_000}
        assert warnings(plan) == []

    def test_an_audio_file_repeats_the_camera_where_that_has_sound(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000), segment("s", StreamKind.AUDIO, "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson, a=facts("a", 60_000, sound_end=40_000)))
        assert heard(plan, "s") == {Disposition.REPEATED: 40_000, HEARD: 20_000}

    def test_the_sound_of_a_share_that_came_apart_silences_no_microphone(self) -> None:
        mic = segment("m", StreamKind.AUDIO, "ann", 0, 60_000)
        share = segment("s", StreamKind.SCREEN, "ann", 0, 60_000)
        apart = segment("f", StreamKind.SCREEN_AUDIO, "ann", 0, 60_000)
        for sound_end, film in ((60_000, {Disposition.REPEATED: 60_000}), (None, {HEARD: 60_000})):
            lesson = recording([mic, share, apart])
            plan = planned(lesson, whole(lesson, s=facts("s", 60_000, sound=sound_end is not None)))
            assert heard(plan, "m") == {HEARD: 60_000}
            assert heard(plan, "f") == film
            assert became(plan, "f") == {}

    def test_an_unused_mixed_stream_repeats_the_single_ones(self) -> None:
        lesson = recording([mix("m", 0, 60_000), board("w", 0, 60_000)])
        plan = planned(lesson, whole(lesson), layout="tiw-2")
        assert became(plan, "m") == {Disposition.REPEATED: 60_000}
        assert warnings(plan) == []

    def test_what_was_recorded_within_a_pause_is_cut(self) -> None:
        lesson = recording(
            [camera("a", "ann", 0, 60_000)], total=50_000, stop=60_000, omissions=[omission(20_000, 20_000, 30_000)]
        )
        plan = planned(lesson, whole(lesson), play_times="wall")
        assert became(plan, "a") == {SEEN: 50_000, Disposition.PAUSED: 10_000}

    def test_what_lies_outside_the_window(self) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000), camera("b", "bob", 0, 10_000)])
        plan = planned(lesson, whole(lesson), start=PlayMs(20_000), end=PlayMs(30_000))
        assert became(plan, "a") == {SEEN: 10_000, Disposition.OUTSIDE: 50_000}
        assert became(plan, "b") == {Disposition.OUTSIDE: 10_000}
        assert warnings(plan) == []

    @pytest.mark.parametrize(("end", "is_said"), [(60_000, False), (60_001, True)])
    def test_an_end_behind_the_playback_is_said(self, end: int, is_said: bool) -> None:
        lesson = recording([camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson), end=PlayMs(end))
        said = [finding.sentence for finding in plan.findings if "--to" in finding.sentence]
        assert said == ["--to 1:00.001 is behind the end: the playback ends at 1:00."] * is_said


class TestBlackPlaybacks:
    lesson = recording([mix("m", 0, 60_000)])

    @pytest.mark.parametrize("layout", ["tiw-1", "tiw-2", "grid"])
    def test_a_layout_that_shows_and_plays_nothing_is_refused(self, layout: str) -> None:
        with pytest.raises(InputError, match="shows nothing and plays nothing") as told:
            planned(self.lesson, whole(self.lesson), layout=layout)
        assert "--layout auto" in told.value.hint

    def test_it_is_refused_before_anything_is_fetched_too(self) -> None:
        with pytest.raises(InputError, match="mixed stream"):
            planned(self.lesson, {}, layout="tiw-1")

    def test_a_class_of_which_only_sound_was_recorded_is_ok(self) -> None:
        lesson = recording([segment("s", StreamKind.AUDIO, "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson))
        assert heard(plan, "s") == {HEARD: 60_000}
        assert warnings(plan) == []

    def test_a_long_stretch_of_background_while_something_was_recorded_is_a_warning(self) -> None:
        lesson = recording([board("w", 0, 20_000), camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson), layout="stage")
        assert any(
            "From 0:20 to 1:00 of the playback nothing is seen, although there is a picture of camera of ann"
            in f.sentence
            for f in warnings(plan)
        )

    def test_background_where_nothing_was_recorded_is_no_warning(self) -> None:
        lesson = recording([camera("a", "ann", 0, 20_000), camera("b", "ann", 40_000, 20_000)])
        assert warnings(planned(lesson, whole(lesson))) == []

    @pytest.mark.parametrize(("late", "is_told"), [(80_000, False), (80_001, True)])
    def test_over_a_minute_of_nothing_is_a_note(self, late: int, is_told: bool) -> None:
        """Perhaps somebody wrote 800000 for 8000."""
        lesson = recording([camera("a", "ann", 0, 20_000), segment("s", StreamKind.AUDIO, "bob", late, 20_000)])
        plan = planned(lesson, whole(lesson))
        told = [f.sentence for f in plan.findings if "nothing was recorded" in f.sentence]
        assert bool(told) is is_told
        assert all(sentence.startswith("From 0:20 to 1:20.001 of the playback") for sentence in told)
        assert judge(plan.findings) is Verdict.OK

    @pytest.mark.parametrize("is_truncated", [True, False])
    def test_what_a_file_promises_was_recorded(self, is_truncated: bool) -> None:
        lesson = recording([camera("a", "ann", 0, 200_000), camera("b", "bob", 190_000, 20_000)])
        plan = planned(lesson, whole(lesson, a=replace(facts("a", 20_000), is_truncated=is_truncated)))
        assert not [f.sentence for f in plan.findings if "nothing was recorded" in f.sentence]

    @pytest.mark.parametrize("names", [("b",), ("b", "c")])
    def test_what_a_dropped_file_held_was_recorded(self, names: tuple[str, ...]) -> None:
        lesson = recording(
            [camera("a", "ann", 0, 20_000), camera("b", "bob", 20_000, 100_000), camera("c", "cy", 120_000, 9_000)]
        )
        plan = planned(lesson, {n: f for n, f in whole(lesson).items() if n not in names}, names)
        assert not [f.sentence for f in plan.findings if "nothing was recorded" in f.sentence]

    def test_a_mixed_stream_with_a_hole_is_a_warning_where_single_streams_go_on(self) -> None:
        lesson = recording([mix("m", 0, 20_000), mix("n", 40_000, 20_000), camera("a", "ann", 0, 60_000)])
        plan = planned(lesson, whole(lesson), layout="mix")
        assert became(plan, "a") == {Disposition.IN_MIX: 40_000, LOST: 20_000}
        assert heard(plan, "a") == {Disposition.IN_MIX: 40_000, HEARD: 20_000}
        assert any("the mixed stream that is shown has no picture there" in f.sentence for f in warnings(plan))
