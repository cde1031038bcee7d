"""Pauses and interruptions of a result: in which unit they are, and which of them can be true."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.dialects.fields import Fields
from assembler.dialects.omissions import FIRST_WALL, LAST_WALL, ROUNDED, read_interrupts, read_omissions
from assembler.dialects.segments import LONGEST
from assembler.dialects.spelling import CAMEL
from assembler.findings import Finding
from assembler.recording import Omission
from assembler.times import WallMs

START = WallMs(1_600_000_000_000)


def read(*entries: Any, start: WallMs | None = START, **more: Any) -> tuple[tuple[Omission, ...], list[Finding]]:
    findings: list[Finding] = []
    return read_omissions(Fields({"OmittedDurations": list(entries), **more}, "", findings), CAMEL, start), findings


def pause(at: Any, begin: Any, end: Any) -> dict[str, Any]:
    return {"VideoTime": at, "PauseTime": begin, "ResumeTime": end}


pauses = st.lists(st.tuples(st.integers(3, 3_000), st.integers(1, 3_000)), max_size=6)
"""(Seconds recorded before it, seconds it lasts)."""


def told(lengths: list[tuple[int, int]], per_second: int, at_per_second: int) -> list[dict[str, Any]]:
    """The pauses with this many units of the wall clock, and of the playback, in a second."""
    entries, wall, at = [], START // 1000, 0
    for before, length in lengths:
        wall, at = wall + before, at + before
        entries.append(pause(at * at_per_second, wall * per_second, (wall + length) * per_second))
        wall += length
    return entries


@given(pauses)
def test_pauses_in_seconds_are_those_in_milliseconds_with_a_note(lengths: list[tuple[int, int]]) -> None:
    in_ms, silence = read(*told(lengths, 1000, 1000))
    assert len(in_ms) == len(lengths)
    assert not silence
    for at_unit in (1000, 1):
        in_seconds, findings = read(*told(lengths, 1, at_unit))
        assert in_seconds == in_ms
        assert len(findings) == len(lengths) * (1 if at_unit == 1000 else 2)


def test_a_place_is_read_as_seconds_only_where_the_clock_agrees_with_that_alone() -> None:
    begin = START // 1000 + 100
    for at, read_as in [(100, 100_000), (102, 102_000), (103, 103), (100_000, 100_000), (2, 2)]:
        found, _ = read(pause(at, begin, begin + 5))
        assert found[0].at == read_as
    assert 2_000 < ROUNDED < 3_000
    found, _ = read(pause(1, START // 1000 + 1, START // 1000 + 5))
    assert found[0].at == 1, "both units are near enough"
    found, _ = read(pause(100, begin, begin + 5), start=None)
    assert found[0].at == 100, "without a start there is no clock to ask"


def test_a_pause_that_ends_in_ms_and_begins_in_seconds_keeps_its_end() -> None:
    found, _ = read(pause(None, START // 1000 + 10, START + 12_000))
    assert found == (Omission(at=None, pause=WallMs(START + 10_000), resume=WallMs(START + 12_000)),)


@pytest.mark.parametrize(
    ("begin", "start", "is_kept"),
    [
        (START + LONGEST, START, True),
        (START + LONGEST + 1, START, False),
        (START - LONGEST - 1, START, False),
        (START + LONGEST + 1, None, True),
        (LAST_WALL, None, True),
        (LAST_WALL + 1, None, False),
        (FIRST_WALL, None, True),
        (0, None, False),
        (-1, None, False),
    ],
)
def test_a_pause_lies_near_the_recording_and_after_the_epoch(begin: int, start: WallMs | None, is_kept: bool) -> None:
    found, findings = read(pause(5, begin, None), start=start)
    assert [o.pause for o in found] == [begin] * is_kept
    assert len(findings) == (not is_kept)


def test_the_same_pause_twice_is_one_and_a_bad_one_does_not_spoil_the_others() -> None:
    good = pause(0, START + 5, START + 9)
    found, findings = read(good, 7, pause(0, "now", 1), {"VideoTime": 1}, good, OmittedDuration=[good])
    assert len(found) == 1
    assert [f.where for f in findings] == [f"OmittedDurations[{n}]" for n in (1, 2, 3)]
    assert "its PauseTime is missing" in findings[2].sentence


@given(pauses.filter(bool), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_in_another_unit_moves_a_pause(
    lengths: list[tuple[int, int]], dice: Random
) -> None:
    in_ms, _ = read(*told(lengths, 1000, 1000))
    entries = [*told(lengths, 1, 1), *told(lengths, 1000, 1000), *told(lengths, 1, 1)]
    dice.shuffle(entries)
    found, _ = read(*entries)
    assert sorted(found, key=lambda o: o.pause) == list(in_ms)


def test_an_end_that_is_zero_or_negative_is_none() -> None:
    assert [read(pause(0, START + 5, end))[0][0].resume for end in (0, -5, None)] == [None] * 3


def test_interrupts_are_read_one_by_one() -> None:
    findings: list[Finding] = []
    entries = [{"UserId": "ann", "Count": "2"}, {"Count": 0}, {"UserId": "b", "Count": -1}, {"Count": 10**9 + 1}, 3]
    found = read_interrupts(Fields({"Interrupts": entries}, "", findings), CAMEL)
    assert [(i.user, i.count) for i in found] == [("ann", 2), ("", 0)]
    assert [f.where for f in findings] == [f"Interrupts[{n}]" for n in (2, 3, 4)]
