"""Placements, cards and speech -> what is drawn on a lane: names, cards of people without a picture, frames of who
speaks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from assembler.choices import Names
from assembler.layout.model import Arrangement, Rect
from assembler.people import Cast, Person
from assembler.plan.artwork import Artwork, ArtworkKind, Overlay, label_height, label_margin
from assembler.plan.scenes import Run
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline
from assembler.times import Frame, Span, frame_at

Speaking = Mapping[str, Sequence[Span]]
"""Spans in which each user speaks, by user id, sorted and disjoint."""


@dataclass(frozen=True)
class _Seen:
    """Camera of a user, or a card that stands for it, on the screen."""

    slot: int
    user: str
    first: Frame
    end: Frame
    is_card: bool


def build_overlays(
    timeline: Timeline,
    arrangement: Arrangement,
    runs: Iterable[Run],
    cast: Cast,
    names: Names,
    fps: Fraction,
    frames: Frame,
    speaking: Speaking | None = None,
) -> Mapping[int, tuple[Overlay, ...]]:
    """Build the overlays of each slot, by its index, in the order in which they are laid over it.

    ``speaking``: on the axis of the arrangement; None where no frame is to be drawn around who speaks.
    """
    seen = [*_cameras(timeline, runs), *_cards(arrangement, fps, frames)]
    people = {person.user: person for person in cast.people}
    found: dict[int, list[Overlay]] = {}
    for one in sorted(seen, key=lambda one: (one.first, one.slot)):
        rect = arrangement.layout.slots[one.slot].rect
        draw = _card if one.is_card else _label
        drawn = draw(one, rect, people.get(one.user), names)
        around = _frames(one, rect, (speaking or {}).get(one.user, ()), fps)
        found.setdefault(one.slot, []).extend((*drawn, *around))
    return {slot: tuple(overlays) for slot, overlays in found.items() if overlays}


def _cameras(timeline: Timeline, runs: Iterable[Run]) -> Iterator[_Seen]:
    """Find who is seen where; a camera that is only cut into several files is one."""
    users = {clip.video_id: track.user for track, clip in timeline.clips() if track.kind is StreamKind.CAMERA}
    last: dict[int, _Seen] = {}
    for first, end, held in runs:
        user = users.get(held.video_id)
        if user is None:
            continue
        before = last.get(held.slot)
        if before is not None and (before.user, before.end) == (user, first):
            first = before.first
        elif before is not None:
            yield before
        last[held.slot] = _Seen(held.slot, user, first, end, is_card=False)
    yield from last.values()


def _cards(arrangement: Arrangement, fps: Fraction, frames: Frame) -> Iterator[_Seen]:
    index = {slot.name: place for place, slot in enumerate(arrangement.layout.slots)}
    for card in arrangement.cards:
        first, end = frame_at(card.span.start, fps), min(frames, frame_at(card.span.end, fps))
        if first < end:
            yield _Seen(index[card.slot], card.user, first, end, is_card=True)


def _label(one: _Seen, rect: Rect, person: Person | None, names: Names) -> list[Overlay]:
    height, margin = label_height(rect.width, rect.height), label_margin(rect.height)
    named = person.name if person is not None else ""
    text = {Names.ON: named, Names.IDS: one.user, Names.OFF: ""}[names]
    if not text or not height:
        return []
    width = rect.width - 2 * margin
    artwork = Artwork(kind=ArtworkKind.LABEL, text=text, user=one.user, width=width, height=height)
    return [Overlay(artwork=artwork, x=margin, y=rect.height - height - margin, first=one.first, end=one.end)]


def _card(one: _Seen, rect: Rect, person: Person | None, names: Names) -> list[Overlay]:
    named = (person.name if person is not None else "") or one.user
    text = {Names.ON: named, Names.IDS: one.user, Names.OFF: ""}[names]
    is_hidden = person is not None and person.is_anonymous
    kind = ArtworkKind.SILHOUETTE if is_hidden or not text else ArtworkKind.CARD
    artwork = Artwork(kind=kind, text=text, user=one.user, width=rect.width, height=rect.height)
    return [Overlay(artwork=artwork, first=one.first, end=one.end)]


def _frames(one: _Seen, rect: Rect, spans: Sequence[Span], fps: Fraction) -> Iterator[Overlay]:
    """Build the frames around a camera or card while its user speaks."""
    artwork = Artwork(kind=ArtworkKind.FRAME, width=rect.width, height=rect.height)
    place = max(0, bisect_right(spans, one.first, key=lambda span: frame_at(span.start, fps)) - 1)
    for span in spans[place:]:
        begun, until = frame_at(span.start, fps), frame_at(span.end, fps)
        if begun >= one.end:
            return
        first, end = max(one.first, begun), min(one.end, until)
        if first < end:
            yield Overlay(artwork=artwork, first=first, end=end)
