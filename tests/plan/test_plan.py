"""Scenes, lanes, sound, copy or encode: every decision and its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from lessons import board, camera, facts, mix, omission, recording, screen, segment

from assembler.choices import EncoderName, Fill
from assembler.facts import Facts
from assembler.findings import Fate
from assembler.layout.model import Accepts, Arrangement, Canvas, Layout, Placement, Rect, Slot
from assembler.options import Options
from assembler.pipeline.decide import plan_only
from assembler.plan.build import build_plan
from assembler.plan.heard import bit_rate
from assembler.plan.model import Mode, Plan
from assembler.recording import Recording, Segment, StreamKind
from assembler.report.text import describe_plan
from assembler.timeline import build_timeline
from assembler.times import PlayMs, frame_at, span

BACKGROUND = "#34363B"


def slot(name: str, x: int, y: int, width: int, height: int, z: int, accepts: Accepts = Accepts.USER) -> Slot:
    rect = Rect(x=x, y=y, width=width, height=height)
    return Slot(name=name, rect=rect, z=z, accepts=accepts, user="", fill=Fill.FIT, background="#000000")


TIW2 = Layout(
    name="tiw-2",
    canvas=Canvas(width=1624, height=1000, background=BACKGROUND),
    slots=(
        slot("board", 8, 8, 1280, 960, 1, Accepts.WHITEBOARD),
        slot("screen", 8, 8, 1280, 960, 2, Accepts.SCREEN),
        slot("user 1", 1296, 8, 320, 240, 3),
        slot("user 2", 1296, 256, 320, 240, 3),
    ),
)
MIX = Layout(
    name="mix",
    canvas=Canvas(width=640, height=480, background="#000000"),
    slots=(slot("mix", 0, 0, 640, 480, 1, Accepts.MIX),),
)


def plan_of(
    lesson: Recording,
    layout: Layout,
    where: Mapping[str, str],
    known: Sequence[Facts] = (),
    **options: object,
) -> Plan:
    """``where``: slot by video id; every clip with a picture is placed."""
    facts_by_id = {f.video_id: f for f in known}
    timeline = build_timeline(lesson, facts_by_id)
    placements = [
        Placement(slot=where[clip.video_id], video_id=clip.video_id, kind=track.kind, span=clip.picture)
        for track, clip in timeline.clips()
        if clip.video_id in where and clip.picture is not None
    ]
    placements.sort(key=lambda p: p.span.start)
    arrangement = Arrangement(layout=layout, reason="test", placements=tuple(placements), findings=())
    return build_plan(timeline, arrangement, facts_by_id, Options(**options), segments=lesson.segments)  # type: ignore[arg-type]


def shown(plan: Plan) -> list[tuple[int, int, list[str]]]:
    return [(s.first, s.end, [v.video_id for v in s.shown]) for s in plan.scenes]


class TestScenes:
    lesson = recording([board("w", 0, 20_000), camera("a", "x", 2_000, 10_000), screen("s", "x", 5_000, 6_000)])
    where = {"w": "board", "a": "user 1", "s": "screen"}  # noqa: RUF012

    def test_they_partition_the_playback_and_a_covered_board_is_not_in_them(self) -> None:
        plan = plan_of(self.lesson, TIW2, self.where)
        assert shown(plan) == [
            (0, 30, ["w"]),
            (30, 75, ["w", "a"]),
            (75, 165, ["s", "a"]),
            (165, 180, ["w", "a"]),
            (180, 300, ["w"]),
        ]

    def test_the_board_is_two_pieces_around_the_share_and_the_camera_stays_one(self) -> None:
        lanes = {
            lane.slot: [(p.first, p.end) for p in lane.pieces] for lane in plan_of(self.lesson, TIW2, self.where).lanes
        }
        assert lanes == {"board": [(0, 75), (165, 300)], "screen": [(75, 165)], "user 1": [(30, 180)]}

    def test_borders_are_rounded_once_from_their_absolute_time(self) -> None:
        pieces = [camera(f"a{n}", "x", n * 333, 333) for n in range(60)]
        plan = plan_of(recording(pieces), TIW2, {p.video_id: "user 1" for p in pieces})
        wanted = [frame_at(PlayMs(n * 333), Fraction(15)) for n in range(61)]
        assert [s.first for s in plan.scenes] + [plan.frames] == wanted

    def test_a_later_share_lies_on_top_and_the_earlier_one_comes_back(self) -> None:
        lesson = recording([screen("s1", "x", 0, 20_000), screen("s2", "y", 5_000, 5_000)])
        plan = plan_of(lesson, TIW2, {"s1": "screen", "s2": "screen"})
        assert shown(plan) == [(0, 75, ["s1"]), (75, 150, ["s2"]), (150, 300, ["s1"])]

    def test_a_cut_inside_one_file_starts_a_scene(self) -> None:
        lesson = recording(
            [camera("a", "x", 0, 50_000)], total=20_000, stop=50_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
        plan = plan_of(lesson, TIW2, {"a": "user 1"})
        assert shown(plan) == [(0, 150, ["a"]), (150, 300, ["a"])]
        assert [p.play_start for p in plan.lanes[0].pieces] == [0, -30_000]

    def test_a_pause_is_a_forced_key_frame(self) -> None:
        lesson = recording(
            [camera("a", "x", 0, 50_000)], total=20_000, stop=50_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
        assert plan_of(lesson, TIW2, {"a": "user 1"}).keyframes == (150,)

    def test_a_window_shows_what_the_whole_would_show_there(self) -> None:
        plan = plan_of(self.lesson, TIW2, self.where, start=PlayMs(4_000), end=PlayMs(12_000))
        assert shown(plan) == [(0, 15, ["w", "a"]), (15, 105, ["s", "a"]), (105, 120, ["w", "a"])]
        assert {p.play_start for lane in plan.lanes for p in lane.pieces if p.video_id == "w"} == {-4_000}


class TestRate:
    def test_it_is_the_largest_that_is_seen_long_enough(self) -> None:
        lesson = recording([board("w", 0, 20_000), camera("a", "x", 0, 900), camera("b", "y", 0, 20_000)])
        known = [
            facts("w", 20_000, rate=Fraction(5)),
            facts("a", 900, rate=Fraction(30)),
            facts("b", 20_000, rate=Fraction(15)),
        ]
        where = {"w": "board", "a": "user 1", "b": "user 2"}
        assert plan_of(lesson, TIW2, where, known).fps == 15
        longer = lesson.model_copy(update={"segments": (lesson.segments[0], camera("a", "x", 0, 1000))})
        assert plan_of(longer, TIW2, where, [known[0], facts("a", 1000, rate=Fraction(30))]).fps == 30

    def test_the_option_rules(self) -> None:
        assert plan_of(recording([board("w", 0, 1000)]), TIW2, {"w": "board"}, fps=Fraction(7)).frames == 7


def voice(video_id: str, end: int, bit_rate: int, **more: object) -> Facts:
    known = facts(video_id, end)
    return replace(known, sounds=(replace(known.sounds[0], bit_rate=bit_rate, **more),))


class TestCodingOfSound:
    """Bytes of the sound follow what the sources carry."""

    LESSON = recording([board("w", 0, 9_000), camera("a", "x", 0, 5_000), camera("b", "y", 4_000, 5_000)])

    def coded(self, *known: Facts) -> tuple[int, int]:
        """Bit rates of one channel and of two."""
        carried = plan_of(self.LESSON, TIW2, {"w": "board"}, known).bed.carried
        return bit_rate(carried, 1), bit_rate(carried, 2)

    def test_the_largest_sum_of_what_is_heard_at_once(self) -> None:
        quiet = facts("w", 9_000, sound=False)
        assert self.coded(quiet, voice("a", 5_000, 33_000), voice("b", 5_000, 30_000)) == (64_000, 96_000)
        apart = self.LESSON.model_copy(update={"segments": (*self.LESSON.segments[:2], camera("b", "y", 5_000, 4_000))})
        known = [quiet, voice("a", 5_000, 33_000), voice("b", 4_000, 50_000)]
        assert plan_of(apart, TIW2, {"w": "board"}, known).bed.carried == 50_000

    def test_never_less_or_more_than_speech_and_music_need(self) -> None:
        quiet = facts("w", 9_000, sound=False)
        assert self.coded(quiet, voice("a", 5_000, 8_000), voice("b", 5_000, 8_000)) == (48_000, 96_000)
        assert self.coded(quiet, voice("a", 5_000, 700_000), voice("b", 5_000, 8_000)) == (96_000, 128_000)
        assert self.coded(*(facts(name, 9_000, sound=False) for name in "wab")) == (48_000, 96_000)

    def test_opus_carries_more_in_a_bit_and_an_unknown_rate_may_be_any(self) -> None:
        quiet, one = facts("w", 9_000, sound=False), voice("b", 5_000, 8_000)
        assert self.coded(quiet, voice("a", 5_000, 32_000, codec="opus"), one) == (72_000, 96_000)
        assert self.coded(quiet, voice("a", 5_000, 0), one) == (96_000, 128_000)


class TestSound:
    def heard(self, plan: Plan) -> list[tuple[str, int, int, int]]:
        return [(p.video_id, p.span.start, p.span.end, p.file_start) for p in plan.bed.pieces]

    def test_all_single_streams_are_heard_whether_seen_or_not(self) -> None:
        lesson = recording([board("w", 0, 9_000), camera("a", "x", 1_000, 8_000), screen("s", "x", 2_000, 3_000)])
        plan = plan_of(lesson, TIW2, {"a": "user 1"})
        assert self.heard(plan) == [("w", 0, 9_000, 0), ("a", 1_000, 9_000, 0), ("s", 2_000, 5_000, 0)]

    def test_an_audio_file_is_heard_only_where_its_users_camera_has_no_sound(self) -> None:
        lesson = recording(
            [camera("a", "x", 2_000, 4_000), segment("m", StreamKind.AUDIO, "x", 0, 9_000), camera("b", "y", 0, 9_000)]
        )
        plan = plan_of(lesson, TIW2, {"a": "user 1", "b": "user 2"})
        assert [h for h in self.heard(plan) if h[0] == "m"] == [("m", 0, 2_000, 0), ("m", 6_000, 9_000, 6_000)]

    def test_a_camera_without_a_sound_track_does_not_silence_it(self) -> None:
        lesson = recording([camera("a", "x", 0, 9_000), segment("m", StreamKind.AUDIO, "x", 0, 9_000)])
        known = [facts("a", 9_000, sound=False), facts("m", 9_000, picture=False)]
        assert self.heard(plan_of(lesson, TIW2, {"a": "user 1"}, known)) == [("m", 0, 9_000, 0)]

    def test_a_shown_mix_is_heard_alone_and_single_streams_in_its_holes(self) -> None:
        lesson = recording([mix("m1", 0, 4_000), mix("m2", 6_000, 4_000), camera("a", "x", 0, 10_000)])
        plan = plan_of(lesson, MIX, {"m1": "mix", "m2": "mix"})
        assert self.heard(plan) == [("m1", 0, 4_000, 0), ("a", 4_000, 6_000, 4_000), ("m2", 6_000, 10_000, 0)]

    def test_a_mix_that_is_not_shown_is_not_heard(self) -> None:
        lesson = recording([mix("m", 0, 9_000), camera("a", "x", 0, 9_000)])
        plan = plan_of(lesson, TIW2, {"a": "user 1"})
        assert self.heard(plan) == [("a", 0, 9_000, 0)]
        assert {o.video_id: o.fate for o in plan.outcomes} == {"m": Fate.DROPPED, "a": Fate.USED}


def mixed_file(name: str, seconds: int, *, gop: int = 15, reorder: bool = False, **more: object) -> Facts:
    """15 fps; a key frame every ``gop`` frames; with B-frames two by two where ``reorder``."""
    order = list(range(seconds * 15))
    if reorder:
        for i in range(1, len(order) - 2, 3):
            if all(j % gop for j in range(i, i + 3)):
                order[i], order[i + 1], order[i + 2] = order[i + 2], order[i], order[i + 1]
    keys = tuple(n * 1024 for n in range(0, seconds * 15, gop))
    stamps = tuple(n * 1024 for n in order)
    return facts(name, seconds * 1000, keyframes=keys, stamps=stamps, **more)  # type: ignore[arg-type]


class TestCopying:
    where = {"m1": "mix", "m2": "mix"}  # noqa: RUF012

    def two_files(self, **more: object) -> Recording:
        return recording([mix("m1", 0, 10_000), mix("m2", 10_000, 5_000)], **more)  # type: ignore[arg-type]

    def test_two_files_of_one_mixed_stream_are_copied(self) -> None:
        plan = plan_of(self.two_files(), MIX, self.where, [mixed_file("m1", 10), mixed_file("m2", 5)])
        assert plan.mode is Mode.COPY
        assert [(r.first_packet, r.end_packet, r.offset) for r in plan.copied] == [(0, 150, 0), (0, 75, 10)]
        assert {s.mode for s in plan.scenes} == {Mode.COPY}

    def test_before_probing_it_is_open_and_provisional(self) -> None:
        plan = plan_of(self.two_files(), MIX, self.where)
        assert {plan.mode, *(scene.mode for scene in plan.scenes)} == {Mode.OPEN}
        assert plan.is_provisional
        assert "not probed" in plan.mode_reason

    def test_what_was_probed_without_its_packets_times_is_not_called_unprobed(self) -> None:
        known = [
            replace(f, picture=replace(f.picture, stamps=None)) for f in (mixed_file("m1", 10), mixed_file("m2", 5))
        ]
        plan = plan_of(self.two_files(), MIX, self.where, known)
        assert plan.mode is Mode.ENCODE
        assert plan.mode_reason == "the times of its packets were not read, so they are not copied"

    @pytest.mark.parametrize(
        ("second", "reason"),
        [
            (mixed_file("m2", 5, extradata="other"), "m2 has other parameter sets"),
            (mixed_file("m2", 5, size=(320, 240)), "m2 is 320x240"),
            (mixed_file("m2", 5, codec="vp8"), "m2 is vp8"),
            (replace(mixed_file("m2", 5), picture=None), "m2|ends at"),
        ],
    )
    def test_one_file_that_does_not_fit_makes_all_of_it_encoded_and_is_named(self, second: Facts, reason: str) -> None:
        plan = plan_of(self.two_files(), MIX, self.where, [mixed_file("m1", 10), second])
        assert plan.mode is Mode.ENCODE
        assert any(part in plan.mode_reason for part in reason.split("|"))

    @pytest.mark.parametrize("encoder", EncoderName)
    def test_it_is_encoded_only_for_a_codec_that_was_asked_for(self, encoder: EncoderName) -> None:
        known = [mixed_file("m1", 10), mixed_file("m2", 5)]
        plan = plan_of(self.two_files(), MIX, self.where, known, encoder=encoder)
        if encoder in (EncoderName.SVT_AV1, EncoderName.X265):
            assert plan.mode is Mode.ENCODE
            assert f"{encoder.value} was asked for" in plan.mode_reason
        else:
            assert plan.mode is Mode.COPY

    @pytest.mark.parametrize("start", [8000, 8030])
    def test_two_files_that_overlap_are_encoded_and_both_are_named(self, start: int) -> None:
        known = [mixed_file("m1", 10), mixed_file("m2", 5)]
        plan = plan_of(recording([mix("m1", 0, 10_000), mix("m2", start, 5_000)]), MIX, self.where, known)
        assert (plan.mode, plan.mode_reason) == (Mode.ENCODE, "m2 covers m1")

    def test_an_overlap_of_less_than_a_frame_is_copied_and_no_stamp_falls_back(self) -> None:
        known = [mixed_file("m1", 10), mixed_file("m2", 5)]
        plan = plan_of(recording([mix("m1", 0, 10_000), mix("m2", 9_990, 5_000)]), MIX, self.where, known)
        first, second = plan.copied
        assert (first.end_packet, second.offset) == (150, Fraction(999, 100))

    def test_a_cut_at_a_key_frame_is_copied(self) -> None:
        lesson = recording(
            [mix("m1", 0, 50_000)], total=20_000, stop=50_000, omissions=[omission(10_000, 10_000, 40_000)]
        )
        plan = plan_of(lesson, MIX, self.where, [mixed_file("m1", 50)])
        assert [(r.first_packet, r.end_packet, r.offset) for r in plan.copied] == [(0, 150, 0), (600, 750, -30)]

    def test_a_cut_away_from_a_key_frame_is_encoded_and_named(self) -> None:
        lesson = recording(
            [mix("m1", 0, 50_000)], total=20_100, stop=50_000, omissions=[omission(10_000, 10_000, 39_900)]
        )
        plan = plan_of(lesson, MIX, self.where, [mixed_file("m1", 50)])
        assert "m1 has no key frame where its clip starts (0:10 of the playback)" in plan.mode_reason

    def test_an_end_inside_a_group_is_copied_only_where_no_packet_refers_behind_it(self) -> None:
        known = mixed_file("m1", 10, gop=150, reorder=True)
        assert known.picture is not None
        assert known.picture.stamps is not None
        modes = set()
        for frames in range(40, 50):
            lesson = recording([mix("m1", 0, frames * 1000 // 15)])
            plan = plan_of(lesson, MIX, self.where, [known])
            kept = [n for n, stamp in enumerate(known.picture.stamps) if stamp < frames * 1024]
            is_clean = kept == list(range(len(kept)))
            assert (plan.mode is Mode.COPY) == is_clean, frames
            modes.add(plan.mode)
        assert modes == {Mode.COPY, Mode.ENCODE}

    def test_a_small_gap_is_no_scene_and_a_long_one_needs_a_background(self) -> None:
        known = [mixed_file("m1", 10), mixed_file("m2", 5)]
        small = recording([mix("m1", 3, 10_000), mix("m2", 10_900, 5_000)])
        plan = plan_of(small, MIX, self.where, known)
        assert plan.mode is Mode.COPY
        assert [s.shown[0].video_id for s in plan.scenes] == ["m1", "m2"]
        assert plan.scenes[0].first == 0
        long = recording([mix("m1", 0, 10_000), mix("m2", 11_200, 5_000)])
        assert "a background has to be drawn" in plan_of(long, MIX, self.where, known).mode_reason

    def test_what_no_mp4_can_hold_as_it_is_is_encoded_and_the_reason_says_why(self) -> None:
        known = mixed_file("m1", 10)
        picture = known.picture
        assert picture is not None
        assert picture.stamps is not None
        doubled = (*picture.stamps[:30], picture.stamps[29], *picture.stamps[31:])
        for change, reason in (
            ({"stamps": doubled}, "m1 has several pictures of one stamp"),
            ({"hidden": (40,)}, "m1 holds pictures that its edit list takes away"),
            ({"has_new_sets": True}, "the picture of m1 changes inside the file"),
        ):
            other = replace(known, picture=replace(picture, **change))
            plan = plan_of(recording([mix("m1", 0, 10_000)]), MIX, self.where, [other])
            assert (plan.mode, plan.mode_reason) == (Mode.ENCODE, reason)

    def test_two_composed_pictures_are_encoded(self) -> None:
        lesson = recording([board("w", 0, 9_000), camera("a", "x", 0, 9_000)])
        plan = plan_of(lesson, TIW2, {"w": "board", "a": "user 1"}, [mixed_file("w", 9), mixed_file("a", 9)])
        assert plan.mode_reason == "several pictures are composed"

    def test_a_kind_is_no_reason_not_to_copy(self) -> None:
        plan = plan_of(recording([board("w", 0, 10_000)]), MIX, {"w": "mix"}, [mixed_file("w", 10)])
        assert (plan.mode, plan.bed.copied) == (Mode.COPY, "w")

    def test_stamps_are_asked_for_only_where_nothing_else_speaks_against_a_copy(self) -> None:
        assert plan_of(self.two_files(), MIX, self.where).wants_stamps == ("m1", "m2")
        known = [mixed_file("m1", 10), facts("m2", 5_000)]
        assert plan_of(self.two_files(), MIX, self.where, known).wants_stamps == ("m2",)
        assert plan_of(self.two_files(), MIX, self.where, known, fps=Fraction(15)).wants_stamps == ()
        other = [mixed_file("m1", 10), facts("m2", 5_000, size=(320, 240))]
        assert plan_of(self.two_files(), MIX, self.where, other).wants_stamps == ()
        lesson = recording([board("w", 0, 9_000), camera("a", "x", 0, 9_000)])
        assert plan_of(lesson, TIW2, {"w": "board", "a": "user 1"}).wants_stamps == ()

    def test_a_picture_that_another_one_covers_in_its_place_is_not_copied(self) -> None:
        lesson = recording([board("v", 0, 10_000), camera("w", "x", 5_000, 10_000)])
        plan = plan_of(lesson, MIX, {"v": "mix", "w": "mix"}, [mixed_file("v", 10), mixed_file("w", 10)])
        assert plan.mode_reason == "w covers v"

    @pytest.mark.parametrize("length", [9_000, 9_990, 10_015, 10_030, 10_900])
    def test_sound_is_copied_where_it_is_heard_to_the_end_of_its_file_or_of_the_playback(self, length: int) -> None:
        plan = plan_of(recording([mix("m1", 0, length)], total=length), MIX, self.where, [mixed_file("m1", 10)])
        assert (plan.mode, plan.bed.copied) == (Mode.COPY, "m1")

    def test_the_sound_of_one_whole_file_is_copied_too(self) -> None:
        plan = plan_of(recording([mix("m1", 3, 10_000)]), MIX, self.where, [mixed_file("m1", 10)])
        assert plan.bed.copied == "m1"
        two = plan_of(self.two_files(), MIX, self.where, [mixed_file("m1", 10), mixed_file("m2", 5)])
        assert two.bed.copied is None

    def test_loudness_makes_new_sound_beside_a_copied_picture(self) -> None:
        lesson = recording([mix("m1", 0, 10_000)])
        plan = plan_of(lesson, MIX, self.where, [mixed_file("m1", 10)], loudness=-16)
        assert (plan.mode, plan.bed.copied) == (Mode.COPY, None)


class TestOutcomes:
    def test_every_segment_has_one(self) -> None:
        lesson = recording([board("w", 0, 9_000), camera("a", "x", 0, 9_000), camera("b", "y", 0, 9_000)])
        known = [facts("w", 9_000), facts("a", 5_000), facts("b", 9_000, picture=False, sound=False)]
        plan = plan_of(lesson, TIW2, {"w": "board", "a": "user 1", "b": "user 2"}, known)
        fates = {o.video_id: o.fate for o in plan.outcomes}
        assert fates == {"w": Fate.USED, "a": Fate.REPAIRED, "b": Fate.DROPPED}
        assert all(o.how for o in plan.outcomes if o.fate is not Fate.USED)

    def test_what_lies_outside_the_window_is_said_to(self) -> None:
        lesson = recording([board("w", 0, 9_000), camera("a", "x", 7_000, 2_000)])
        plan = plan_of(lesson, TIW2, {"w": "board", "a": "user 1"}, end=PlayMs(5_000))
        assert "outside the window" in next(o.how for o in plan.outcomes if o.video_id == "a")


def test_a_picture_is_one_value_in_all_its_scenes_and_a_piece_of_one_lane() -> None:
    crowd = [camera(f"c{i}", f"u{i}", 100 * i, 60_000) for i in range(200)]
    plan = plan_only(recording(crowd), Options(layout="grid"))[1]
    seen = {shown.video_id for scene in plan.scenes for shown in scene.shown}
    assert sum(len(scene.shown) for scene in plan.scenes) > 50 * len(seen)
    assert len({id(shown) for scene in plan.scenes for shown in scene.shown}) == len(seen)
    assert sorted(piece.video_id for lane in plan.lanes for piece in lane.pieces) == sorted(seen)
    said = describe_plan(plan)
    assert re.search(r"encode  user 1: c0, .* and \d+ more\n", said)
    assert len(said) < 100 * len(plan.scenes) + 200 * len(crowd)


def test_a_background_alone_is_a_plan_too() -> None:
    plan = plan_of(recording([segment("m", StreamKind.AUDIO, "x", 0, 3_000)]), TIW2, {})
    assert shown(plan) == [(0, 45, [])]
    assert plan.lanes == ()
    assert span(0, 3_000) == plan.bed.pieces[0].span
    assert "x264" not in describe_plan(plan.model_copy(update={"is_provisional": False}))


def test_it_is_told_for_what_picture_the_encoder_is_set() -> None:
    def told(seen: Segment, where: Layout, slot: str, known: Sequence[Facts] = ()) -> str:
        lesson = recording([seen, segment("s", StreamKind.AUDIO, "y", 0, 3_000)])
        plan = plan_of(lesson, where, {seen.video_id: slot}, [*known, facts("s", 3_000, picture=False)])
        return describe_plan(plan.model_copy(update={"is_provisional": False}))

    assert "mostly board or screen share, quiet\n" in told(board("w", 0, 3_000), TIW2, "board")
    busy = replace(facts("a", 3_000), size=10**8)
    assert "mostly cameras or a mixed stream, moving or noisy\n" in told(
        camera("a", "x", 0, 3_000), TIW2, "user 1", [busy]
    )


def test_the_plan_is_written_and_read_back_equal() -> None:
    lesson = recording([board("w", 0, 9_000), camera("a", "x", 0, 9_000)])
    plan = plan_of(lesson, TIW2, {"w": "board", "a": "user 1"})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
