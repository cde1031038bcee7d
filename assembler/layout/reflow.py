"""Re-flow: a canvas that is divided anew whenever somebody joins or leaves, or what is large changes.

Each division has a place for everybody who is there at any time in its first ``GATHERED``, and lasts as long at least.
So whoever joins is seen from the first frame on; who leaves early leaves a place empty until the next division. Only
what is large never leaves an empty place: a stage that comes or goes and a large person who leaves divide at once.

    ann    [--------------------------)
    bob       [-)                                two changes within 2 s are one, from the first of them on
    cem                    [-------)
    division  [------)     [-------)[-)
           [--)      [-----)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from assembler.layout.divisions import Crowd, Division
from assembler.layout.presence import GATHERED, Attendance, Shape
from assembler.layout.strip import LEAST_SPOKEN, Strip
from assembler.timeline.turns import Turn, find_turns
from assembler.times import Ms, PlayMs, Span, span


@dataclass(frozen=True)
class Reflow:
    """Rules by which a layout divides its canvas anew."""

    size: tuple[int, int]
    """Size of the canvas where none is asked for, in pixels."""
    divide: Callable[[Crowd], Division]
    """Function that divides the canvas."""
    most: Callable[[Crowd], int]
    """Function that counts the places there may be, whatever the number of people."""
    is_always: bool = True
    """True if the layout is never divided once and for all."""
    has_stage: bool = True
    """True if board and share are shown."""
    enlarges_teacher: bool = False
    """True if the teacher is large."""
    enlarges_speaker: bool = False
    """True if who speaks is large (where the teacher is not)."""
    keeps_large: bool = False
    """True if somebody is large beside board and share as well."""
    is_for_one: bool = False
    """True if nobody but who speaks is shown."""


@dataclass(frozen=True)
class Held:
    """A division in force."""

    span: Span
    """Time in which it is in force."""
    division: Division
    """Places."""
    users: tuple[str, ...]
    """Users in the order of the places."""
    wants_speech: bool
    """True if it would be another one where it is known who speaks."""


@dataclass(frozen=True)
class Lesson:
    """Facts of a class by which a canvas is divided."""

    length: Ms
    """Length of the playback."""
    attendance: Attendance
    """People who are there, and when."""
    shapes: Sequence[tuple[Span, Shape]]
    """Shape of the stage over time; none where there is none."""
    canvas: tuple[int, int]
    """Width and height of the canvas."""
    camera: Shape
    """Shape of the tiles."""
    teacher: str | None
    """User id of the teacher; None where nobody is."""
    speaking: Mapping[str, Sequence[Span]] | None
    """Spans in which each user speaks; None where it was not measured."""

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Turns of the speakers; none where that was not measured."""
        long = {user: [s for s in own if s.length >= LEAST_SPOKEN] for user, own in (self.speaking or {}).items()}
        return find_turns(long, self.length)


def find_divisions(lesson: Lesson, rules: Reflow) -> Iterator[Held]:
    """The divisions of a class in time order; they fill it."""
    strip = Strip(lesson.attendance.visits, lesson.speaking or {})
    begun, last, at = PlayMs(0), None, PlayMs(0)
    while at < lesson.length:
        now = span(at, at + GATHERED)
        strip.move(now)
        stage = _stage_at(lesson.shapes, now.start) if rules.has_stage else None
        large = _find_large(strip, lesson, rules, stage, now)
        crowd = Crowd(lesson.canvas, lesson.camera, 0, stage, large is not None)
        users = strip.seat(rules.most(crowd), large, lesson.teacher, now)
        would_differ = strip.is_full or (rules.enlarges_speaker and stage is None and large is None and len(users) > 1)
        here = replace(crowd, number=len(users)), users, would_differ and lesson.speaking is None
        if last is not None and here != last:
            yield Held(span(begun, at), rules.divide(last[0]), *last[1:])
        if here != last:
            begun, last = at, here
        at = _next_time(strip, lesson, rules, large, now)
    if last is not None:
        yield Held(span(begun, lesson.length), rules.divide(last[0]), *last[1:])


def _stage_at(shapes: Sequence[tuple[Span, Shape]], at: PlayMs) -> Shape | None:
    """The shape of the stage at a time; None where there is none."""
    place = bisect_right(shapes, at, key=lambda one: one[0].end)
    return shapes[place][1] if place < len(shapes) and shapes[place][0].holds(at) else None


def _find_large(strip: Strip, lesson: Lesson, rules: Reflow, stage: Shape | None, now: Span) -> str | None:
    """Find who is large: the teacher, else the speaker, else who was large before; only with a camera, but in a layout
    for one."""

    def may(user: str | None) -> bool:
        return user in strip.present and (rules.is_for_one or strip.present[user].is_pictured)

    if stage is not None and not (rules.keeps_large or rules.is_for_one):
        return None
    wanted = [lesson.teacher] if rules.enlarges_teacher else []
    if rules.enlarges_speaker:
        place = bisect_right(lesson.turns, now.start, key=lambda turn: turn.span.start)
        wanted += [lesson.turns[place - 1].user if place else None, strip.large]
    strip.large = next((user for user in wanted if may(user)), None)
    return strip.large


def _next_time(strip: Strip, lesson: Lesson, rules: Reflow, large: str | None, now: Span) -> PlayMs:
    """The next time at which the division may change: before the end of ``now`` only for what is large."""
    times: list[int | None] = [lesson.length, strip.next_change(now.end)]
    if large is not None:
        times.append(strip.present[large].span.end)
    if rules.has_stage:
        place = bisect_right(lesson.shapes, now.start, key=lambda one: one[0].end)
        edges = [edge for part, _ in lesson.shapes[place : place + 2] for edge in (part.start, part.end)]
        times += [edge for edge in edges if edge > now.start]
    if rules.enlarges_speaker:
        place = bisect_right(lesson.turns, now.start, key=lambda turn: turn.span.start)
        times += [max(now.end, turn.span.start) for turn in lesson.turns[place : place + 1]]
    return PlayMs(min(time for time in times if time is not None))
