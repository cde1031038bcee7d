"""Presence: who is there when, seen or heard, and what is on the stage when. Re-flowed layouts are divided by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from assembler.layout.seats import KEPT_FOR, Stay, seen, uncovered
from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.model import Clip, Timeline, Track
from assembler.times import Ms, Span, shared, span, split, union

GATHERED = Ms(2000)
"""Time in which joins, leaves and changes of the stage are gathered to one change of the division, in ms: it is the
minimum time between two of them, and the minimum absence that frees a place."""


@dataclass(frozen=True, eq=False)
class Visit:
    """A person who is there, seen or heard, without an absence of ``GATHERED`` or more."""

    user: str
    """User id."""
    span: Span
    """Time in which the person is there."""
    order: int
    """Number of the person in the order in which all of them came first."""
    is_pictured: bool
    """True if a camera of the person is seen in it; a silhouette is not."""


@dataclass(frozen=True)
class Attendance:
    """Everybody of a class."""

    visits: tuple[Visit, ...]
    """Visits, by their start."""
    pictures: Mapping[str, Sequence[tuple[Clip, Span]]]
    """Cameras by user: clips and when each is seen, in time order."""
    cards: Mapping[str, Sequence[Span]]
    """Times by user of ``GATHERED`` or more in which they are there without a picture: a drawn card stands for it."""


@dataclass(frozen=True)
class StagePart:
    """A clip on the stage."""

    kind: StreamKind
    """Whiteboard or screen share."""
    clip: Clip
    """Clip that is seen."""
    span: Span
    """Time in which it is seen."""


def find_attendance(timeline: Timeline, cast: Cast, silhouettes: Iterable[str]) -> Attendance:
    """Everybody with a camera, and everybody else who is heard.

    ``silhouettes``: video ids of cameras for which a silhouette stands.
    """
    whole, hidden = span(0, timeline.length), set(silhouettes)
    there: dict[str, list[Span]] = {}
    pictures: dict[str, list[tuple[Clip, Span]]] = {}
    for track, clip in timeline.clips():
        if track.kind in (StreamKind.CAMERA, StreamKind.AUDIO) and (part := _presence(clip)) is not None:
            if (inside := part.within(whole)) is not None:
                there.setdefault(track.user, []).append(inside)
            if clip.picture is not None and (picture := clip.picture.within(whole)) is not None:
                pictures.setdefault(track.user, []).append((clip, picture))
    visits: list[tuple[Span, str, bool]] = []
    for user, spans in there.items():
        own = sorted(pictures.get(user, []), key=lambda one: one[1].start)
        pictures[user] = own
        visible = union(part for clip, part in own if clip.video_id not in hidden)
        taken = union(part for _, part in own)
        for visit in bridge(spans):
            if shared(taken, visit) or not cast.people or cast.find(user) is not None:
                visits.append((visit, user, bool(shared(visible, visit))))
    visits.sort(key=lambda one: (one[0].start, one[1]))
    order: dict[str, int] = {}
    for _, user, _ in visits:
        order.setdefault(user, len(order))
    found = tuple(Visit(user, visit, order[user], is_pictured) for visit, user, is_pictured in visits)
    return Attendance(found, {u: own for u, own in pictures.items() if u in order}, _cards(found, pictures))


def _cards(visits: Sequence[Visit], pictures: Mapping[str, Sequence[tuple[Clip, Span]]]) -> dict[str, list[Span]]:
    by_user: dict[str, list[Span]] = {}
    for visit in visits:
        by_user.setdefault(visit.user, []).append(visit.span)
    cards = {}
    for user, spans in by_user.items():
        empty = split(spans, union(part for _, part in pictures.get(user, ())))[1]
        cards[user] = [part for part in empty if part.length >= GATHERED]
    return cards


def _presence(clip: Clip) -> Span | None:
    """Time in which somebody is there by a clip: its play time counts, but for a start or an end without picture and
    sound that is longer than ``KEPT_FOR``."""
    parts = [part for part in (clip.picture, clip.sound) if part is not None and not part.is_empty]
    if not parts:
        return None
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    is_late, is_short = start - clip.span.start > KEPT_FOR, clip.span.end - end > KEPT_FOR
    return span(start if is_late else clip.span.start, end if is_short else clip.span.end)


def bridge(spans: Iterable[Span]) -> list[Span]:
    """Merge spans, those less than ``GATHERED`` apart as well."""
    merged: list[Span] = []
    for part in union(spans):
        if merged and part.start - merged[-1].end < GATHERED:
            merged[-1] = span(merged[-1].start, part.end)
        else:
            merged.append(part)
    return merged


def find_stage(shares: Sequence[Stay], boards: Sequence[Track]) -> list[StagePart]:
    """Find what is on the stage: of two shares the later one, and boards."""
    parts = [StagePart(StreamKind.SCREEN, clip, part) for clip, part in uncovered(shares)]
    parts += [StagePart(StreamKind.WHITEBOARD, c, seen(c)) for t in boards for c in t.clips if c.picture is not None]
    return sorted((part for part in parts if not part.span.is_empty), key=lambda p: (p.span.start, p.clip.video_id))


Shape = tuple[int, int]
"""Width to height."""
NARROWEST, WIDEST = (9, 16), (21, 9)
"""Shapes of a stage; what is narrower or wider has bars on it."""


def stage_shape(size: Shape) -> Shape:
    """Find the shape of a stage for pictures of this size."""
    return max(NARROWEST, min(WIDEST, size, key=lambda shape: Fraction(*shape)), key=lambda shape: Fraction(*shape))


def find_shapes(parts: Sequence[StagePart], shapes: Mapping[StreamKind, Shape], length: Ms) -> list[tuple[Span, Shape]]:
    """Shape of the stage over time, a share before a board; what is less than ``GATHERED`` apart is not."""
    whole = [span(0, length)]
    shared_spans = bridge(p.span for p in parts if p.kind is StreamKind.SCREEN)
    boards = split(bridge(p.span for p in parts if p.kind is StreamKind.WHITEBOARD), shared_spans)[1]
    found = [(part, shapes[StreamKind.SCREEN]) for part in split(shared_spans, whole)[0]]
    found += [(part, shapes[StreamKind.WHITEBOARD]) for part in split(boards, whole)[0]]
    found.sort(key=lambda one: one[0].start)
    ends = [
        after[0].start if after[0].start - before[0].end < GATHERED else before[0].end
        for before, after in pairwise(found)
    ]
    return [
        (span(part.start, end), shape)
        for (part, shape), end in zip(found, [*ends, *(f[0].end for f in found[-1:])], strict=True)
    ]
