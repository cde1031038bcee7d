"""Overlapping files of one track, and how long a last frame is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, recording, screen

from assembler.facts import Facts
from assembler.findings import Severity
from assembler.recording import Segment, StreamKind
from assembler.timeline import build_timeline
from assembler.timeline.model import Clip, Why, stream_name
from assembler.times import FileMs, PlayMs, span

overlapping = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=8)


def only_clip(segment: Segment, found: Facts) -> Clip:
    return build_timeline(recording([segment]), {segment.video_id: found}).tracks[0].clips[0]


def with_hole(found: Facts, start: int, end: int) -> Facts:
    assert found.picture is not None
    return replace(found, picture=replace(found.picture, holes=((FileMs(start), FileMs(end)),)))


class TestOverlaps:
    @given(overlapping)
    def test_at_every_instant_the_file_that_began_last_is_taken(self, files: list[tuple[int, int]]) -> None:
        lesson = [camera(f"v{n}", "x", at, length) for n, (at, length) in enumerate(files)]
        timeline = build_timeline(recording(lesson))
        clips = timeline.tracks[0].clips
        for at in range(80):
            running = [s for s in lesson if s.play_time <= at < s.play_time + (s.duration or 0)]
            best = min(running, key=lambda s: (-s.play_time, -(s.duration or 0), s.video_id), default=None)
            taken = [c for c in clips if c.span.holds(PlayMs(at))]
            assert [c.video_id for c in taken] == ([best.video_id] if best is not None else [])
            assert all(c.file_start + at - c.span.start == at - best.play_time for c in taken if best is not None)
            beaten = [p.video_id for p in timeline.left_out if p.span.holds(PlayMs(at))]
            assert sorted(beaten) == sorted(s.video_id for s in running if s is not best)

    def test_a_file_that_loses_to_many_is_told_once(self) -> None:
        lesson = [camera("long", "x", 0, 100_000), *(camera(f"v{n}", "x", n * 10_000, 500) for n in range(1, 9))]
        findings = build_timeline(recording(lesson)).findings
        assert [f.where for f in findings] == ["long"]
        assert "overlaps v1 of the same stream at 0:10 of the file and 7 more times, by 4000 ms" in findings[0].sentence

    def test_what_was_replaced_names_its_place_in_the_file_and_its_winner(self) -> None:
        timeline = build_timeline(recording([camera("a", "x", 1_000, 9_000), camera("b", "x", 6_000, 9_000)]))
        (part,) = timeline.left_out
        assert (part.video_id, part.why, part.span, part.file_start, part.winner) == (
            "a", Why.REPLACED, span(6_000, 10_000), 5_000, "b",
        )  # fmt: skip


class TestHolding:
    def test_a_camera_that_was_off_is_not_held_where_a_hole_means_that(self) -> None:
        lesson = recording([camera("a", "x", 1_000, 30_000)])
        found = {"a": with_hole(facts("a", 30_000), 5_000, 20_000)}
        plain = build_timeline(lesson, found)
        assert [c.picture for c in plain.tracks[0].clips] == [span(1_000, 31_000)]
        assert "its last frame is held" in plain.findings[0].sentence
        off = build_timeline(lesson.model_copy(update={"longest_hold": 2_000}), found)
        clips = off.tracks[0].clips
        assert [(c.span, c.picture is None) for c in clips] == [
            (span(1_000, 8_000), False), (span(8_000, 21_000), True), (span(21_000, 31_000), False),
        ]  # fmt: skip
        assert [c.sound for c in clips] == [c.span for c in clips], "the microphone was on"
        assert [c.file_start for c in clips] == [0, 7_000, 20_000]
        assert off.findings == ()

    def test_a_board_with_a_hole_stands_still_all_the_same(self) -> None:
        lesson = recording([board("w", 0, 30_000)]).model_copy(update={"longest_hold": 2_000})
        timeline = build_timeline(lesson, {"w": with_hole(facts("w", 30_000), 5_000, 20_000)})
        assert [c.picture for c in timeline.tracks[0].clips] == [span(0, 30_000)]

    def test_a_picture_that_stops_is_held_to_the_end_of_its_file(self) -> None:
        clip = only_clip(screen("s", "x", 0, 10_000), facts("s", 10_000, picture_end=4_000))
        assert clip.picture == span(0, 10_000)

    def test_behind_the_end_of_a_file_it_is_held_for_a_second(self) -> None:
        clip = only_clip(camera("a", "x", 0, 20_000), facts("a", 12_000, picture_end=4_100))
        assert clip.picture == span(0, 13_000)

    @pytest.mark.parametrize("segment", [board("w", 0, 30_000), screen("w", "x", 0, 30_000)])
    def test_what_is_drawn_only_on_change_is_held_to_its_declared_end(self, segment: Segment) -> None:
        timeline = build_timeline(
            recording([segment]), {"w": with_hole(facts("w", 20_000, sound=False), 2_000, 13_000)}
        )
        assert timeline.tracks[0].clips[0].picture == span(0, 30_000)
        assert timeline.findings == ()

    def test_a_board_without_holes_that_long_ends_with_its_file(self) -> None:
        clip = only_clip(board("w", 0, 30_000), with_hole(facts("w", 20_000, sound=False), 2_000, 11_000))
        assert clip.picture == span(0, 21_000)

    def test_a_camera_with_holes_ends_with_its_file(self) -> None:
        clip = only_clip(camera("a", "x", 0, 30_000), with_hole(facts("a", 20_000), 2_000, 19_000))
        assert clip.picture == span(0, 21_000)

    def test_nothing_is_shown_behind_the_declared_end(self) -> None:
        clip = only_clip(screen("s", "x", 0, 6_000), facts("s", 10_000, picture_end=4_000))
        assert clip.picture == span(0, 6_000)

    @pytest.mark.parametrize("segment", [camera("a", "x", 0, 12_000), mix("a", 0, 12_000)])
    def test_a_person_who_is_held_for_long_is_a_warning_that_names_both_ends(self, segment: Segment) -> None:
        timeline = build_timeline(recording([segment]), {"a": facts("a", 12_000, picture_end=4_100)})
        (found,) = [f for f in timeline.findings if f.severity is Severity.WARNING]
        assert found.where == "a"
        assert "0:04.100" in found.sentence
        assert "0:12" in found.sentence

    def test_a_share_that_stands_still_is_no_warning(self) -> None:
        timeline = build_timeline(recording([screen("s", "x", 0, 60_000)]), {"s": facts("s", 60_000, picture_end=100)})
        assert [f for f in timeline.findings if f.severity is Severity.WARNING] == []


def test_a_stream_of_nobody_named_is_called_that() -> None:
    assert [stream_name(kind, "", "") for kind in StreamKind] == [
        "camera of an unnamed user", "screen of an unnamed user", "whiteboard", "mixed stream",
        "sound of an unnamed user", "sound of the screen of an unnamed user",
    ]  # fmt: skip
    assert stream_name(StreamKind.AUDIO, "ann", "x") == "sound of ann"
