"""Placements of a re-flowed layout: its divisions as slots, and who is seen in which of them when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from assembler.findings import Finding, note
from assembler.layout.divide import SLATE, make_slot
from assembler.layout.model import Accepts, Canvas, CardPlacement, Layout, Placement, Rect, Slot
from assembler.layout.presence import GATHERED, Attendance, StagePart
from assembler.layout.reflow import Lesson, Reflow, find_divisions
from assembler.layout.seating import Seated, tell_unseen
from assembler.recording import StreamKind
from assembler.timeline.model import Clip
from assembler.times import Span, shared, span, split, union


@dataclass
class _Slots:
    """Slots by what they accept and where they are, named in the order of their first use."""

    found: dict[tuple[Accepts, Rect], Slot] = field(default_factory=dict)
    numbers: dict[Accepts, int] = field(default_factory=dict)

    def name(self, accepts: Accepts, rect: Rect) -> str:
        if (accepts, rect) not in self.found:
            number = self.numbers[accepts] = self.numbers.get(accepts, 0) + 1
            word, z = {Accepts.WHITEBOARD: ("board", 1), Accepts.SCREEN: ("screen", 2)}.get(accepts, ("user", 3))
            name = word if number == 1 and accepts is not Accepts.USER else f"{word} {number}"
            self.found[accepts, rect] = make_slot(name, rect, z, accepts)
        return self.found[accepts, rect].name


def seat_flowing(name: str, lesson: Lesson, parts: Sequence[StagePart], rules: Reflow) -> tuple[Layout, Seated]:
    """Place everybody of a class, and what is on the stage, in divisions of the canvas; the layout has every place that
    is ever used."""
    seats: dict[str, list[tuple[Span, Rect]]] = {}
    stages: list[tuple[Span, Rect]] = []
    wants_speech = False
    for held in find_divisions(lesson, rules):
        for user, rect in zip(held.users, held.division.users, strict=True):
            _go_on(seats.setdefault(user, []), held.span, rect)
        if held.division.stage is not None:
            _go_on(stages, held.span, held.division.stage)
        wants_speech |= held.wants_speech and held.span.length > GATHERED  # for a moment nothing is measured
    slots = _Slots()
    placements = _staged(parts, stages, slots)
    cards: list[CardPlacement] = []
    there = lesson.attendance
    for user, places in sorted(seats.items(), key=lambda one: (one[1][0][0].start, one[0])):
        for held_for, rect in places:
            for clip, part in _pictures_in(there.pictures.get(user, ()), held_for):
                slot = slots.name(Accepts.USER, rect)
                placements.append(Placement(slot=slot, video_id=clip.video_id, kind=StreamKind.CAMERA, span=part))
            for part in shared(there.cards.get(user, ()), held_for):
                cards.append(CardPlacement(slot=slots.name(Accepts.USER, rect), user=user, span=part))
    canvas = Canvas(width=lesson.canvas[0], height=lesson.canvas[1], background=SLATE)
    layout = Layout(name=name, canvas=canvas, slots=tuple(slots.found.values()))
    findings = _tell_missed(name, there, seats, rules, is_meant=lesson.speaking is not None)
    return layout, Seated(tuple(placements), findings, tuple(cards), wants_speech)


def _go_on(places: list[tuple[Span, Rect]], held: Span, rect: Rect) -> None:
    """Add a place; the same one for longer where it is the last one's."""
    if places and places[-1][1] == rect and places[-1][0].end == held.start:
        places[-1] = span(places[-1][0].start, held.end), rect
    else:
        places.append((held, rect))


def _staged(parts: Sequence[StagePart], stages: Sequence[tuple[Span, Rect]], slots: _Slots) -> list[Placement]:
    spans, found = [held for held, _ in stages], []
    for part in parts:
        accepts = Accepts.SCREEN if part.kind is StreamKind.SCREEN else Accepts.WHITEBOARD
        first = bisect_right(spans, part.span.start, key=lambda s: s.end)
        for held, rect in stages[first:]:
            inside = part.span.within(held)
            if inside is None:
                break
            slot = slots.name(accepts, rect)
            found.append(Placement(slot=slot, video_id=part.clip.video_id, kind=part.kind, span=inside))
    return found


def _pictures_in(pictures: Sequence[tuple[Clip, Span]], held: Span) -> Iterator[tuple[Clip, Span]]:
    for clip, whole in pictures[bisect_right(pictures, held.start, key=lambda one: one[1].end) :]:
        part = whole.within(held)
        if part is None:
            break
        yield clip, part


def _tell_missed(
    name: str,
    there: Attendance,
    seats: Mapping[str, Sequence[tuple[Span, Rect]]],
    rules: Reflow,
    *,
    is_meant: bool,
) -> tuple[Finding, ...]:
    """Say who is there without a place; that is no warning where those who spoke last have the places."""
    if rules.is_for_one:
        return (note(f"layout {name}", "It shows who speaks: others are heard, not seen."),)
    spans: dict[str, list[Span]] = {}
    for visit in there.visits:
        spans.setdefault(visit.user, []).append(visit.span)
    missed = {user: split(own, union(held for held, _ in seats.get(user, ())))[1] for user, own in spans.items()}
    clips = {user: [clip for clip, _ in there.pictures.get(user, ())] for user in missed}
    seen = {
        user: [p for s in own for _, p in _pictures_in(there.pictures.get(user, ()), s)] for user, own in missed.items()
    }
    return tuple(tell_unseen({user: parts for user, parts in seen.items() if parts}, clips, is_meant=is_meant))
