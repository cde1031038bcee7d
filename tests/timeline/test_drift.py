"""Which clocks differ, which of them is right, and when nothing may be stretched."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from lessons import camera, facts

from assembler.facts import Facts
from assembler.findings import Severity
from assembler.timeline.drift import find_drift, tell_drift, without_drift

HOUR = 3_600_000


def of(picture: int, sound: int) -> Facts:
    return facts("a", max(picture, sound), picture_end=picture, sound_end=sound)


@pytest.mark.parametrize(
    ("picture", "sound", "declared", "paces"),
    [
        (HOUR, HOUR + 3600, HOUR, (1, Fraction(HOUR, HOUR + 3600))),
        (HOUR, HOUR + 3600, HOUR + 3600, (Fraction(HOUR + 3600, HOUR), 1)),
        (HOUR + 40, HOUR - 7200, HOUR, (1, Fraction(HOUR + 40, HOUR - 7200))),
        (HOUR - 7200, HOUR - 7200, HOUR, (Fraction(HOUR, HOUR - 7200),) * 2),
        (HOUR, HOUR + 3600, None, (1, 1)),
        (HOUR, HOUR + 3600, HOUR + 1800, (1, 1)),
    ],
)
def test_the_stream_that_agrees_with_the_declared_length_is_the_truth(
    picture: int, sound: int, declared: int | None, paces: tuple[Fraction, Fraction]
) -> None:
    segment, known = camera("a", "ann", 0, declared), of(picture, sound)
    drift = find_drift(segment, known)
    assert drift is not None
    assert (drift.picture, drift.sound) == paces
    right = without_drift(segment, known)
    assert (right == known) == (paces == (1, 1))
    if declared is not None and paces != (1, 1):
        assert right.end == pytest.approx(declared, abs=100)


@pytest.mark.parametrize(
    "known",
    [
        of(HOUR, HOUR + 90),
        of(HOUR, HOUR + 20_000),
        replace(of(HOUR, HOUR + 3600), is_truncated=True),
        replace(of(HOUR, HOUR + 3600), sounds=(replace(of(HOUR, HOUR + 3600).sounds[0], has_holes=True),)),
        of(20_000, 23_000),
    ],
)
def test_ends_that_are_not_real_or_no_clocks_prove_nothing(known: Facts) -> None:
    segment = camera("a", "ann", 0, known.picture.end if known.picture else None)
    assert find_drift(segment, known) is None
    assert without_drift(segment, known) == known


@pytest.mark.parametrize(("apart", "severity"), [(360, Severity.NOTE), (3600, Severity.WARNING)])
def test_what_is_heard_is_a_warning(apart: int, severity: Severity) -> None:
    (finding,) = tell_drift(camera("a", "ann", 0, HOUR), of(HOUR, HOUR + apart))
    assert finding.severity is severity
    assert f"{round(apart / 3.6):+} ppm, {apart:+} ms" in finding.sentence
