"""Placements -> scenes and lanes: what is visible at every output frame.

A border becomes a frame number once, from its absolute time. What lies wholly under another picture is not visible:
its picture is then never decoded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from assembler.layout.model import Arrangement, Layout, Placement, Slot
from assembler.plan.artwork import Overlay
from assembler.plan.model import Lane, Mode, Piece, Scene, Shown
from assembler.timeline.model import Clip, Timeline
from assembler.times import Frame, PlayMs, frame_at, frame_ms


@dataclass(frozen=True, eq=False)
class Holding:
    """A placement in whole frames. Each is itself alone, so that sets of a hundred of them are compared fast."""

    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""
    video_id: str
    """Segment that is seen."""
    play_start: PlayMs
    """Start of its clip, playback axis: distinguishes pieces of one file."""
    start: PlayMs
    """Start of the placement, playback axis, to the ms."""
    until: PlayMs
    """End of the placement, playback axis, to the ms."""
    slot: int
    """Index of the slot in the layout."""

    @property
    def key(self) -> tuple[int, str, int]:
        """Identity of what is on the screen: slot, file and clip."""
        return self.slot, self.video_id, self.play_start


@dataclass(frozen=True)
class Visible:
    """Pictures that are seen from one frame to another."""

    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""
    shown: tuple[Holding, ...]
    """Pictures, lowest first."""


def find_visible(timeline: Timeline, arrangement: Arrangement, fps: Fraction, frames: Frame) -> list[Visible]:
    """The playback cut wherever the visible pictures change; the parts fill ``[0, frames)`` exactly."""
    slots = arrangement.layout.slots
    holdings = _holdings(timeline, arrangement, fps, frames)
    starts: dict[int, list[Holding]] = {}
    ends: dict[int, list[Holding]] = {}
    for holding in holdings:
        starts.setdefault(holding.first, []).append(holding)
        ends.setdefault(holding.end, []).append(holding)
    borders = sorted({0, frames, *starts, *ends})
    order = drawing_order(slots)
    covering = _covering(slots, order)
    covered = [index for index, above in enumerate(covering) if above]
    running: dict[int, list[Holding]] = {index: [] for index in order}
    top = _Stack(order)
    parts: list[Visible] = []
    for first, end in pairwise(borders):
        for gone in ends.get(first, []):
            running[gone.slot].remove(gone)
            top.put(gone.slot, running[gone.slot])
        for come in starts.get(first, []):
            running[come.slot].append(come)
            top.put(come.slot, running[come.slot])
        under = {i for i in covered if not covering[i].isdisjoint(top.slots)}
        shown = tuple(h for h in top.holdings if h.slot not in under) if under else tuple(top.holdings)
        if parts and _look_the_same(parts[-1].shown, shown):
            parts[-1] = Visible(parts[-1].first, Frame(end), shown)
        else:
            parts.append(Visible(Frame(first), Frame(end), shown))
    return parts


class _Stack:
    """Pictures on top in every slot in use, lowest first; kept in order, because little of it changes at a time."""

    def __init__(self, order: Mapping[int, int]) -> None:
        self._order = order
        self._places: list[int] = []
        self.slots: set[int] = set()
        self.holdings: list[Holding] = []

    def put(self, slot: int, running: Sequence[Holding]) -> None:
        """The latest of what runs in a slot is on top."""
        place = self._order[slot]
        at = bisect_left(self._places, place)
        if slot in self.slots:
            self.slots.discard(slot)
            del self._places[at], self.holdings[at]
        if running:
            self.slots.add(slot)
            self._places.insert(at, place)
            self.holdings.insert(at, max(running, key=lambda h: (h.start, h.video_id)))


def _look_the_same(one: Sequence[Holding], other: Sequence[Holding]) -> bool:
    """Both in drawing order, each slot once."""
    return len(one) == len(other) and all(a.key == b.key for a, b in zip(one, other, strict=True) if a is not b)


def all_shown(parts: Iterable[Visible]) -> set[Holding]:
    """Return every picture that is ever visible."""
    return set().union(*(part.shown for part in parts))


Run = tuple[Frame, Frame, Holding]


def find_runs(parts: Iterable[Visible]) -> list[Run]:
    """First frame, end and placement of all that is visible, through as many parts as it stays; sorted."""
    runs: list[Run] = []
    since: dict[Holding, Frame] = {}
    before: set[Holding] = set()
    end = Frame(0)
    for part in parts:
        now = set(part.shown)
        runs += [(since.pop(gone), part.first, gone) for gone in before - now]
        since.update(dict.fromkeys(now - before, part.first))
        before, end = now, part.end
    runs += [(first, end, left) for left, first in since.items()]
    return sorted(runs, key=lambda run: (run[0], run[2].slot))


def drawing_order(slots: Sequence[Slot]) -> dict[int, int]:
    """Slot index -> place in the stack; equal z in the order of the slots."""
    return {index: place for place, index in enumerate(sorted(range(len(slots)), key=lambda i: (slots[i].z, i)))}


def _holdings(timeline: Timeline, arrangement: Arrangement, fps: Fraction, frames: Frame) -> list[Holding]:
    clips = clips_by_file(timeline)
    index = {slot.name: i for i, slot in enumerate(arrangement.layout.slots)}
    found = []
    for placement in arrangement.placements:
        clip = clip_of(placement, clips[placement.video_id])
        first, end = frame_at(placement.span.start, fps), min(frames, frame_at(placement.span.end, fps))
        if first < end:
            zero = PlayMs(clip.span.start - clip.file_start)
            at, until = placement.span.start, placement.span.end
            found.append(Holding(first, end, placement.video_id, zero, at, until, index[placement.slot]))
    return found


def clips_by_file(timeline: Timeline) -> dict[str, list[Clip]]:
    """The clips of every file in time order; none overlaps another."""
    clips: dict[str, list[Clip]] = {}
    for _, clip in timeline.clips():
        clips.setdefault(clip.video_id, []).append(clip)
    return {name: sorted(own, key=lambda c: c.span.start) for name, own in clips.items()}


def clip_of(placement: Placement, clips: Sequence[Clip]) -> Clip:
    """The clip of the placement's file that it shows."""
    return clips[bisect_right(clips, placement.span.start, key=lambda c: c.span.start) - 1]


def _covering(slots: Sequence[Slot], order: Mapping[int, int]) -> list[frozenset[int]]:
    """Return for each slot those that cover it wholly when they are in use."""
    boxes = [(s.rect.x, s.rect.y, s.rect.right, s.rect.bottom, order[index]) for index, s in enumerate(slots)]
    return [  # plain numbers: a re-flowed layout has a thousand slots
        frozenset(
            above
            for above, (x, y, right, bottom, place) in enumerate(boxes)
            if place > own[4] and x <= own[0] and y <= own[1] and right >= own[2] and bottom >= own[3]
        )
        for own in boxes
    ]


def without_gaps(parts: Sequence[Visible], frames: Frame) -> list[Visible]:
    """The parts of a copied playback: where nothing is shown for a moment the frame before it lasts longer, and at
    the start the first picture keeps its stamp (DESIGN, Synchronised)."""
    shown = [part for part in parts if part.shown]
    starts = [Frame(0), *(part.first for part in shown[1:])]
    ends = [*(part.first for part in shown[1:]), frames]
    return [Visible(first, end, part.shown) for first, end, part in zip(starts, ends, shown, strict=True)]


def build_scenes(parts: Sequence[Visible], layout: Layout, mode: Mode, reason: str) -> tuple[Scene, ...]:
    """Scenes for people and for the joins; every one carries the reason of its mode."""
    order, slots = drawing_order(layout.slots), layout.slots
    shown = {
        h: Shown(slot=slots[h.slot].name, rect=slots[h.slot].rect, video_id=h.video_id, z=order[h.slot])
        for h in all_shown(parts)
    }
    return tuple(
        Scene(first=part.first, end=part.end, shown=tuple(map(shown.__getitem__, part.shown)), mode=mode, reason=reason)
        for part in parts
    )


def fullest_moment(scenes: Sequence[Scene], fps: Fraction) -> PlayMs:
    """Find the middle of the longest scene with the most pictures in it."""
    best = max(scenes, key=lambda scene: (len(scene.shown), scene.end - scene.first))
    return PlayMs((frame_ms(best.first, fps) + frame_ms(best.end, fps)) // 2)


def build_lanes(
    visible: Iterable[Run], layout: Layout, overlays: Mapping[int, tuple[Overlay, ...]]
) -> tuple[Lane, ...]:
    """One lane for every slot that is ever visible; a picture that stays through several scenes is one piece.

    ``overlays``: by index of the slot.
    """
    runs: dict[int, list[tuple[Frame, Frame, Holding]]] = {}
    for first, end, h in visible:
        run = runs.setdefault(h.slot, [])
        if run and run[-1][1] == first and run[-1][2].key == h.key:
            run[-1] = (run[-1][0], end, h)
        else:
            run.append((first, end, h))
    pieces: dict[int, list[Piece]] = {index: [] for index in overlays}
    pieces |= {
        index: [Piece(video_id=h.video_id, first=first, end=end, play_start=h.play_start) for first, end, h in run]
        for index, run in runs.items()
    }
    order = drawing_order(layout.slots)
    return tuple(
        Lane(
            slot=layout.slots[index].name,
            rect=layout.slots[index].rect,
            z=order[index],
            fill=layout.slots[index].fill,
            background=layout.slots[index].background,
            pieces=tuple(lane),
            overlays=overlays.get(index, ()),
        )
        for index, lane in sorted(pieces.items(), key=lambda item: order[item[0]])
    )
