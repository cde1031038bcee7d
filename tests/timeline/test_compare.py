"""What is said of a file that is not what was declared, and that nothing is said of one that is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lessons import board, camera, facts, segment

from assembler.facts import Facts
from assembler.recording import Segment, StreamKind
from assembler.timeline.compare import compare, is_drawn_on_change
from assembler.times import FileMs, Ms


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
    assert sentence.startswith("The file ends at 0:08, 0:02 before its declared end")


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
    assert "before its declared end" in early
    assert hole.startswith("The camera gives no picture from 0:01 to 0:03.500")


def test_a_truncated_file_is_cut_off_and_not_early_too() -> None:
    cut = replace(facts("c", 4_000), is_truncated=True)
    (sentence,) = said(camera("c", "ann", 0, 10_000), cut)
    assert sentence.startswith("The file is cut off")
    assert sentence.endswith("until 0:04.")


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
