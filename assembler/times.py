"""Times and the only place where their units are converted.

Three axes (and a length); each is integer milliseconds of its own type, so that mypy refuses to mix them up:

* ``PlayMs``  ms from the start of the finished playback
* ``WallMs``  Unix ms
* ``FileMs``  ms from the first presented sample of a file
* ``Ms``      a length on any of them

A ``Frame`` counts output frames from the start of the playback.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import NewType

from assembler.errors import InputError

Ms = NewType("Ms", int)
WallMs = NewType("WallMs", int)
PlayMs = NewType("PlayMs", int)
FileMs = NewType("FileMs", int)
Frame = NewType("Frame", int)

MINUTE_MS = 60_000
"""Length of a minute, in ms."""
HOUR_MS = 3_600_000
"""Length of an hour, in ms."""
DAY_MS = 24 * HOUR_MS
"""Length of a day, in ms."""
SAMPLE_RATE = 48_000
"""Sample rate of every playback, in Hz."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000
"""Number of samples in a ms: whole, so that sound is placed exactly."""


@dataclass(frozen=True)
class Span:
    """A range of playback time, its end excluded: ``[start, end)``."""

    start: PlayMs
    """First ms inside, playback axis."""
    end: PlayMs
    """First ms behind, playback axis."""

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span cannot end ({self.end}) before it starts ({self.start})")

    @property
    def length(self) -> Ms:
        """Length in ms."""
        return Ms(self.end - self.start)

    @property
    def is_empty(self) -> bool:
        """True if it holds no millisecond."""
        return self.end == self.start

    def holds(self, at: PlayMs) -> bool:
        """Tell whether this millisecond lies inside."""
        return self.start <= at < self.end

    def meets(self, other: Span) -> bool:
        """True if the two share at least one millisecond."""
        return self.start < other.end and other.start < self.end

    def within(self, other: Span) -> Span | None:
        """The part of this span that lies inside the other; None where nothing does."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start=PlayMs(start), end=PlayMs(end)) if start < end else None

    def without(self, holes: Iterable[Span]) -> list[Span]:
        """Return the parts of this span that are left when the holes are taken out, in order.

        self   [-------------)
        hole        [---)       ->  [----)   [----)
        """
        return split([self], union(holes))[1]

    def shifted(self, by: Ms) -> Span:
        """Return the same range later by so many ms (earlier where negative)."""
        return Span(start=PlayMs(self.start + by), end=PlayMs(self.end + by))


def span(start: int, end: int) -> Span:
    """Make a ``Span`` of plain integers, playback axis; raises ValueError where the end comes first."""
    return Span(start=PlayMs(start), end=PlayMs(end))


def union(spans: Iterable[Span]) -> list[Span]:
    """Merge spans: the same milliseconds, as sorted spans that neither meet nor touch."""
    merged: list[Span] = []
    for piece in sorted((s for s in spans if not s.is_empty), key=lambda s: (s.start, s.end)):
        if merged and piece.start <= merged[-1].end:
            merged[-1] = span(merged[-1].start, max(merged[-1].end, piece.end))
        else:
            merged.append(piece)
    return merged


def shared(spans: Sequence[Span], inside: Span) -> list[Span]:
    """The parts of sorted, disjoint spans that lie inside one."""
    found = []
    for place in range(bisect_right(spans, inside.start, key=lambda s: s.end), len(spans)):
        part = spans[place].within(inside)
        if part is None:
            break
        found.append(part)
    return found


def split(spans: Sequence[Span], by: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Return the parts of sorted, disjoint spans inside ``by`` (sorted and disjoint too), and the parts outside."""
    inside: list[Span] = []
    outside: list[Span] = []
    for whole in spans:
        at = whole.start
        for part in shared(by, whole):
            if at < part.start:
                outside.append(Span(start=at, end=part.start))
            inside.append(part)
            at = part.end
        if at < whole.end:
            outside.append(Span(start=at, end=whole.end))
    return inside, outside


def round_ms(seconds: Fraction) -> FileMs:
    """Convert seconds to ms, halves rounded up."""
    return FileMs((2 * seconds.numerator * 1000 + seconds.denominator) // (2 * seconds.denominator))


def frame_at(at: PlayMs, fps: Fraction) -> Frame:
    """Return the output frame on whose stamp this instant is rounded (half upwards), in integers.

    Every border becomes a frame number once, from its absolute time; lengths are differences of frame numbers.
    """
    return Frame((2 * at * fps.numerator + 1000 * fps.denominator) // (2000 * fps.denominator))


def frame_stamp(frame: Frame, fps: Fraction) -> Fraction:
    """Seconds from the start of the playback at which this frame is shown."""
    return Fraction(frame * fps.denominator, fps.numerator)


def frame_ms(frame: Frame, fps: Fraction) -> PlayMs:
    """Milliseconds from the start of the playback at which this frame is shown, rounded down."""
    return PlayMs(frame * 1000 * fps.denominator // fps.numerator)


def samples_at(at: int) -> int:
    """Samples of 48 kHz sound before this millisecond."""
    return at * SAMPLES_PER_MS


def seconds_text(ms: int) -> str:
    """``1234567`` -> ``"1234.567"``: what ffmpeg takes as a time, without a float in between."""
    sign = "-" if ms < 0 else ""
    return f"{sign}{abs(ms) // 1000}.{abs(ms) % 1000:03d}"


def clock_text(ms: int) -> str:
    """``3723004`` -> ``"1:02:03.004"``; hours only where there are some, no fraction where it is zero."""
    sign, ms = ("-", -ms) if ms < 0 else ("", ms)
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return sign + text + (f".{rest:03d}" if rest else "")


def whole_seconds(ms: Ms) -> Ms:
    """Round a length of a second or more to whole seconds, as people tell it; a shorter one stays as it is."""
    return ms if ms < 1000 else Ms((ms + 500) // 1000 * 1000)


_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6})(?:\.(\d{1,3}))?")


def parse_clock(text: str) -> PlayMs:
    """``"10:35"``, ``"1:02:03.5"`` or ``"75"`` (seconds) as playback ms.

    Raises InputError where the text is none of these.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a time", hint="Write 10:35, 1:02:03.5 or 75 (seconds).")
    hours, minutes, seconds, rest = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    return PlayMs(whole * 1000 + int((rest or "0").ljust(3, "0")))


def wall_text(at: WallMs) -> str:
    """A wall-clock instant in UTC, to the ms: ``2019-05-23 12:05:40.000 UTC``."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at % 1000:03d} UTC"
