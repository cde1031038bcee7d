"""What is said of a file that is not what was declared, and that nothing is said of one that is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lessons import board, camera, facts, recording, segment

from assembler.facts import Facts
from assembler.recording import Segment, StreamKind
from assembler.timeline.build import build_timeline
from assembler.timeline.compare import compare, is_drawn_on_change
from assembler.timeline.file_findings import place_findings
from assembler.timeline.join import append, cut_window
from assembler.timeline.model import Timeline
from assembler.times import FileMs, Ms, PlayMs


def said(declared: Segment, found: Facts) -> list[str]:
    return [finding.sentence for finding in compare(declared, found)]


def with_holes(found: Facts, *holes: tuple[int, int]) -> Facts:
    assert found.picture is not None
    spans = tuple((FileMs(start), FileMs(end)) for start, end in holes)
    return replace(found, picture=replace(found.picture, holes=spans))


@pytest.mark.parametrize("end", [9_000, 10_000, 11_000])
def test_nothing_is_said_of_a_second_more_or_less(end: int) -> None:
    assert said(camera("c", "ann", 0, 10_000), facts("c", end)) == []


def test_a_file_that_ends_early_says_where_and_by_how_much() -> None:
    (sentence,) = said(camera("c", "ann", 0, 10_000), facts("c", 8_000))
    assert sentence.startswith("The file lasts 0:08, 0:02 less than declared")


def test_a_board_that_draws_on_change_only_is_not_early() -> None:
    """Its longest hole is as long as what is missing; a camera with the same holes is said to give no picture."""
    drawn = with_holes(facts("b", 8_000), (1_000, 3_500))
    assert said(board("b", 0, 10_000), drawn) == []
    assert [is_drawn_on_change(board("b", 0, 10_000), drawn, Ms(ms)) for ms in (0, 2_500, 2_501)] == [
        False,
        True,
        False,
    ]
    early, hole = said(camera("b", "ann", 0, 10_000), drawn)
    assert "less than declared" in early
    assert hole.startswith("The camera gives no picture from 0:01 to 0:03.500")


def test_a_truncated_file_is_cut_off_and_not_early_too() -> None:
    cut = replace(facts("c", 4_000), is_truncated=True)
    (sentence,) = said(camera("c", "ann", 0, 10_000), cut)
    assert sentence.startswith("The file is cut off")
    assert sentence.endswith("until 0:04 of the file.")


def test_a_kind_without_what_it_is_for() -> None:
    assert said(camera("c", "ann", 0, 5_000), facts("c", 5_000, picture=False)) == [
        "The camera file has no picture: only its sound is used."
    ]
    audio = segment("a", StreamKind.AUDIO, "ann", 0, 5_000)
    assert said(audio, facts("a", 5_000, sound=False)) == ["The sound file has no sound."]
    assert said(audio, facts("a", 5_000, picture=False)) == []


def test_a_picture_that_is_held_for_long_is_said_of_people_only() -> None:
    still = facts("x", 10_000, picture_end=4_000)
    (sentence,) = said(camera("x", "ann", 0, 10_000), still)
    assert sentence == "Its picture ends at 0:04 of the file, the file at 0:10: its last frame is held."
    assert said(board("x", 0, 10_000), still) == []
    assert said(camera("x", "ann", 0, 10_000), facts("x", 10_000, picture_end=5_000)) == []


def test_a_size_that_is_not_the_declared_one_is_noted() -> None:
    declared = segment("c", StreamKind.CAMERA, "ann", 0, 5_000, size=(640, 480))
    assert said(declared, facts("c", 5_000, size=(640, 480))) == []
    assert said(declared, facts("c", 5_000, size=(320, 240))) == [
        "The picture is 320x240, declared was 640x480: the file rules."
    ]


def test_a_time_of_a_file_is_told_first_as_the_playbacks() -> None:
    """Where the file lies in the class as it is made: behind another recording, and in a window."""
    cut = replace(facts("c", 4_000), is_truncated=True)
    first = build_timeline(recording([camera("a", "ann", 0, 20_000)]))
    second = build_timeline(recording([camera("c", "bob", 10_000, 8_000)]), {"c": cut})
    whole = append(first, second)
    base = "he file is cut off: it promises more than it holds and is used until 0:04 of the file."
    assert told(whole) == [f"At 0:34 of the playback: t{base}"]
    assert told(cut_window(whole, PlayMs(30_000), None)) == [f"At 0:04 of the playback: t{base}"]
    assert told(cut_window(whole, PlayMs(0), PlayMs(25_000))) == [f"T{base}"], "it is not in this playback"


def test_a_range_of_a_file_is_told_first_as_the_playbacks() -> None:
    still = facts("x", 10_000, picture_end=4_000)
    timeline = build_timeline(recording([camera("x", "ann", 5_000, 10_000)]), {"x": still})
    (sentence,) = told(timeline)
    assert sentence.startswith("From 0:09 to 0:15 of the playback: its picture ends at 0:04 of the file")


def test_an_overlap_is_told_first_by_the_playbacks_time() -> None:
    timeline = build_timeline(recording([camera("x", "ann", 5_000, 10_000), camera("y", "ann", 12_000, 10_000)]))
    (sentence,) = told(timeline)
    assert sentence.startswith("At 0:12 of the playback: it overlaps y of the same stream at 0:07 of the file, by 3000")


def told(timeline: Timeline) -> list[str]:
    return [finding.sentence for finding in place_findings(timeline.findings, timeline)]
