"""Clocks that differ inside a file: found by its ends and removed on request (DESIGN, Clocks that differ)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from assembler.facts import Facts, VideoFacts
from assembler.findings import Finding, note, warning
from assembler.recording import Segment
from assembler.times import FileMs, Ms

AGREE = Ms(100)
"""Maximum distance of two ends that are the same, in ms."""
WRONG = Ms(500)
"""Minimum offset that is heard and seen, in ms: a warning."""
MOST = Fraction(5, 1000)
"""Maximum drift of a clock; a larger difference means that something is missing."""
LONGEST_STEP = Ms(1000)
"""Maximum time between two pictures of a file without a hole, in ms; with one, its end need not be real."""
SECOND = Ms(1000)
"""Length of a second, in ms."""


class Drift(NamedTuple):
    """Difference of two clocks, and the pace that takes it out of each stream; 1 where it agrees."""

    what: str
    """Clock that differs, and against which."""
    offset: Ms
    """Difference at the end of the file, in ms: positive where the clock named first ran fast."""
    length: Ms
    """True length."""
    picture: Fraction = Fraction(1)
    """Number of true seconds that a second of the picture's stamps lasts."""
    sound: Fraction = Fraction(1)
    """Number of true seconds that a second of the sound's stamps lasts."""

    @property
    def ppm(self) -> int:
        """Difference in parts per million."""
        return round(self.offset * 1_000_000 / self.length)

    @property
    def is_sure(self) -> bool:
        """True if it can be told which clock is right."""
        return self.picture != 1 or self.sound != 1


def find_drift(segment: Segment, facts: Facts) -> Drift | None:
    """Find the difference between the clocks of a file without a hole; None where they agree, or an end is not real."""
    ends = {"picture": facts.picture.end} if facts.picture is not None else {}
    if facts.heard is not None:
        ends["sound"] = facts.heard[1]
    if facts.is_truncated or _has_holes(facts) or not ends:
        return None
    declared = segment.duration
    if len(ends) == 2 and abs(ends["picture"] - ends["sound"]) > AGREE:
        return _between(ends["picture"], ends["sound"], declared)
    if declared is None or not AGREE < abs(facts.end - declared) <= declared * MOST:
        return None
    pace = Fraction(declared, facts.end)
    return Drift("file runs against its declared length", Ms(facts.end - declared), declared, pace, pace)


def _between(picture: FileMs, sound: FileMs, declared: Ms | None) -> Drift | None:
    """Sound against picture; the one that agrees with the declared length is the truth."""
    gap = Ms(sound - picture)
    if abs(gap) > min(picture, sound) * MOST:
        return None
    drift = Drift("sound runs against its picture", gap, Ms(picture))
    if declared is None or min(abs(picture - declared), abs(sound - declared)) > AGREE:
        return drift
    if abs(picture - declared) <= abs(sound - declared):
        return drift._replace(sound=Fraction(picture, sound))
    return drift._replace(picture=Fraction(sound, picture))


def _has_holes(facts: Facts) -> bool:
    picture = facts.picture
    return any(sound.has_holes for sound in facts.sounds) or (picture is not None and picture.longest > LONGEST_STEP)


def without_drift(segment: Segment, facts: Facts) -> Facts:
    """The facts of the file with its clocks set right, where it is known which of them is."""
    drift = find_drift(segment, facts)
    if drift is None or not drift.is_sure:
        return facts
    sounds = tuple(
        replace(sound, start=_paced(sound.start, drift.sound), end=_paced(sound.end, drift.sound), pace=drift.sound)
        for sound in facts.sounds
    )
    picture = _spaced(facts.picture, drift.picture) if facts.picture is not None else None
    return replace(facts, picture=picture, sounds=sounds, drift=_sentence(drift) + ": taken out.")


def _spaced(picture: VideoFacts, pace: Fraction) -> VideoFacts:
    return replace(picture, start=_paced(picture.start, pace), end=_paced(picture.end, pace), pace=pace)


def _paced(at: FileMs, pace: Fraction) -> FileMs:
    return FileMs(round(at * pace))


def tell_drift(segment: Segment, facts: Facts) -> list[Finding]:
    """State the finding about a file's clocks."""
    if facts.drift:
        return [note(segment.video_id, facts.drift)]
    drift = find_drift(segment, facts)
    if drift is None:
        return []
    todo = "--fix-drift takes it out." if drift.is_sure else "which clock is right is not known."
    is_rounding = segment.duration is not None and segment.duration % SECOND == 0 and abs(drift.offset) < SECOND
    is_slight = abs(drift.offset) < WRONG or (is_rounding and drift.picture == drift.sound != 1)
    return [(note if is_slight else warning)(segment.video_id, f"{_sentence(drift)}: {todo}")]


def _sentence(drift: Drift) -> str:
    return f"Clocks differ: the {drift.what} by {drift.ppm:+} ppm, {drift.offset:+} ms at its end"
