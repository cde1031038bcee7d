"""Placements -> scenes and lanes: what is visible at every output frame.

A border becomes a frame number once, from its absolute time. What lies wholly under another picture is not visible:
its picture is then never decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from assembler.layout.model import Arrangement, Layout, Placement, Slot
from assembler.plan.model import Lane, Mode, Piece, Scene, Shown
from assembler.timeline.model import Clip, Timeline
from assembler.times import Frame, PlayMs, frame_at


@dataclass(frozen=True)
class _Holding:
    """A placement in whole frames."""

    first: Frame
    end: Frame
    video_id: str
    play_start: PlayMs
    start: PlayMs
    until: PlayMs
    slot: int


@dataclass(frozen=True)
class Visible:
    """What is seen from one frame to another."""

    first: Frame
    end: Frame
    shown: tuple[_Holding, ...]


def find_visible(timeline: Timeline, arrangement: Arrangement, fps: Fraction, frames: Frame) -> list[Visible]:
    """The playback cut wherever the visible pictures change; the parts fill ``[0, frames)`` exactly."""
    slots = arrangement.layout.slots
    holdings = _holdings(timeline, arrangement, fps, frames)
    starts: dict[int, list[_Holding]] = {}
    ends: dict[int, list[_Holding]] = {}
    for holding in holdings:
        starts.setdefault(holding.first, []).append(holding)
        ends.setdefault(holding.end, []).append(holding)
    borders = sorted({0, frames, *starts, *ends})
    order = drawing_order(slots)
    covering = _covering(slots, order)
    running: dict[_Holding, None] = {}
    parts: list[Visible] = []
    for first, end in pairwise(borders):
        for gone in ends.get(first, []):
            running.pop(gone, None)
        running.update(dict.fromkeys(starts.get(first, [])))
        shown = _uncovered(running, covering, order)
        if parts and _keys(parts[-1].shown) == _keys(shown):
            parts[-1] = Visible(parts[-1].first, Frame(end), shown)
        else:
            parts.append(Visible(Frame(first), Frame(end), shown))
    return parts


def drawing_order(slots: Sequence[Slot]) -> dict[int, int]:
    """Slot index -> place in the stack; equal z in the order of the slots."""
    return {index: place for place, index in enumerate(sorted(range(len(slots)), key=lambda i: (slots[i].z, i)))}


def _holdings(timeline: Timeline, arrangement: Arrangement, fps: Fraction, frames: Frame) -> list[_Holding]:
    clips: dict[str, list[Clip]] = {}
    for _, clip in timeline.clips():
        clips.setdefault(clip.video_id, []).append(clip)
    index = {slot.name: i for i, slot in enumerate(arrangement.layout.slots)}
    found = []
    for placement in arrangement.placements:
        clip = clip_of(placement, clips[placement.video_id])
        first, end = frame_at(placement.span.start, fps), min(frames, frame_at(placement.span.end, fps))
        if first < end:
            zero = PlayMs(clip.span.start - clip.file_start)
            at, until = placement.span.start, placement.span.end
            found.append(_Holding(first, end, placement.video_id, zero, at, until, index[placement.slot]))
    return found


def clip_of(placement: Placement, clips: Iterable[Clip]) -> Clip:
    """The clip of the placement's file that it shows."""
    return next(c for c in clips if c.span.start <= placement.span.start and placement.span.end <= c.span.end)


def _keys(shown: Iterable[_Holding]) -> list[tuple[int, str, int]]:
    return [(h.slot, h.video_id, h.play_start) for h in shown]


def _covering(slots: Sequence[Slot], order: Mapping[int, int]) -> list[frozenset[int]]:
    """For each slot those that cover it wholly when they are in use."""
    return [
        frozenset(
            above for above in range(len(slots)) if order[above] > order[index] and slots[above].rect.covers(slot.rect)
        )
        for index, slot in enumerate(slots)
    ]


def _uncovered(
    running: Iterable[_Holding], covering: Sequence[frozenset[int]], order: Mapping[int, int]
) -> tuple[_Holding, ...]:
    """The top picture of every slot, lowest first, without those that another one covers wholly."""
    top: dict[int, _Holding] = {}
    for holding in running:
        other = top.get(holding.slot)
        if other is None or (other.start, other.video_id) < (holding.start, holding.video_id):
            top[holding.slot] = holding
    seen = (holding for holding in top.values() if covering[holding.slot].isdisjoint(top))
    return tuple(sorted(seen, key=lambda h: order[h.slot]))


def without_gaps(parts: Sequence[Visible], frames: Frame) -> list[Visible]:
    """The parts of a copied playback: where nothing is shown for a moment the frame before it lasts longer, and at
    the start the first picture keeps its stamp (DOMAIN section 5)."""
    shown = [part for part in parts if part.shown]
    starts = [Frame(0), *(part.first for part in shown[1:])]
    ends = [*(part.first for part in shown[1:]), frames]
    return [Visible(first, end, part.shown) for first, end, part in zip(starts, ends, shown, strict=True)]


def build_scenes(parts: Sequence[Visible], layout: Layout, mode: Mode, reason: str) -> tuple[Scene, ...]:
    """Scenes for people and for the joins; every one carries the reason of its mode."""
    order = drawing_order(layout.slots)
    return tuple(
        Scene(
            first=part.first,
            end=part.end,
            shown=tuple(
                Shown(
                    slot=layout.slots[h.slot].name,
                    rect=layout.slots[h.slot].rect,
                    video_id=h.video_id,
                    z=order[h.slot],
                )
                for h in part.shown
            ),
            mode=mode,
            reason=reason,
        )
        for part in parts
    )


def build_lanes(parts: Sequence[Visible], layout: Layout) -> tuple[Lane, ...]:
    """One lane for every slot that is ever visible; a picture that stays through several scenes is one piece."""
    runs: dict[int, list[tuple[Frame, Frame, _Holding]]] = {}
    for part in parts:
        for h in part.shown:
            run = runs.setdefault(h.slot, [])
            if run and run[-1][1] == part.first and _keys([run[-1][2]]) == _keys([h]):
                run[-1] = (run[-1][0], part.end, h)
            else:
                run.append((part.first, part.end, h))
    pieces = {
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
        )
        for index, lane in sorted(pieces.items(), key=lambda item: order[item[0]])
    )
