"""What a planned playback plays, and when: the other side of the account of what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from assembler.layout.model import Accepts, Arrangement
from assembler.plan.heard import repeated_sounds
from assembler.plan.model import AudioBed
from assembler.plan.scenes import Run
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline
from assembler.times import Ms, Span, frame_ms, span, union

Spans = Sequence[Span]
"""Sorted and disjoint."""


@dataclass(frozen=True)
class Playing:
    """What is in a planned playback, and when; everything on the axis of the whole class."""

    whole: Timeline
    """The timeline of the whole class."""
    window: Span
    """The part of it that is played."""
    is_window: bool
    """True where a part of the class was asked for."""
    accepts: frozenset[Accepts]
    """What the layout has places for."""
    placed: Mapping[str, Spans]
    """By video id, when it has a place."""
    seen: Mapping[str, Spans]
    """By video id, when it is seen: whole frames, but a place's own borders where it begins and ends."""
    heard: Mapping[str, Spans]
    """By video id, when it is heard."""

    def all_of(self, what: Mapping[str, Spans], *, is_mix: bool) -> Spans:
        """When a mixed stream, or when a single one, is in ``what``."""
        mixes = {c.video_id for t, c in self.whole.clips() if t.kind is StreamKind.MIX}
        return union(part for name, spans in what.items() if (name in mixes) is is_mix for part in spans)

    @cached_property
    def mix_seen(self) -> Spans:
        return self.all_of(self.placed, is_mix=True)

    @cached_property
    def mix_heard(self) -> Spans:
        return self.all_of(self.heard, is_mix=True)

    @cached_property
    def singles_seen(self) -> Spans:
        return self.all_of(self.placed, is_mix=False)

    @cached_property
    def singles_heard(self) -> Spans:
        return self.all_of(self.heard, is_mix=False)

    @cached_property
    def repeated(self) -> Mapping[str, Spans]:
        """By user, when their audio files repeat what is heard anyway."""
        return repeated_sounds(self.whole)

    @cached_property
    def recorded(self) -> Mapping[str, tuple[Spans, Spans]]:
        """By video id of any clip, when its track has a picture, and when sound."""
        found = {}
        for track in self.whole.tracks:
            pictures = union(clip.picture for clip in track.clips if clip.picture is not None)
            sounds = union(clip.sound for clip in track.clips if clip.sound is not None)
            found.update({clip.video_id: (pictures, sounds) for clip in track.clips})
        return found


def find_playing(
    whole: Timeline,
    window: Span,
    arrangement: Arrangement,
    runs: Iterable[Run],
    bed: AudioBed,
    fps: Fraction,
    *,
    is_window: bool,
) -> Playing:
    """``arrangement``, ``runs`` and ``bed`` are on the window's axis."""
    placed: dict[str, list[Span]] = {}
    seen: dict[str, list[Span]] = {}
    heard: dict[str, list[Span]] = {}
    for p in arrangement.placements:
        placed.setdefault(p.video_id, []).append(p.span)
    for first, until, h in runs:
        start = h.start if first == h.first else frame_ms(first, fps)
        end = max(start, h.until if until == h.end else frame_ms(until, fps))
        seen.setdefault(h.video_id, []).append(span(start, end))
    for piece in bed.pieces:
        heard.setdefault(piece.video_id, []).append(piece.span)
    by = Ms(window.start)

    def moved(found: Mapping[str, Iterable[Span]]) -> dict[str, Spans]:
        return {name: union(part.shifted(by) for part in spans) for name, spans in found.items()}

    accepts = frozenset(slot.accepts for slot in arrangement.layout.slots)
    return Playing(whole, window, is_window, accepts, moved(placed), moved(seen), moved(heard))
