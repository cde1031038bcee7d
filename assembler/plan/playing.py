"""Contents of a planned playback, and when: the other side of the account of what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from assembler.layout.model import Accepts, Arrangement
from assembler.plan.heard import repeated_sounds
from assembler.plan.model import AudioBed
from assembler.plan.scenes import Holding, Run
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline
from assembler.times import Frame, Ms, Span, frame_ms, span, union

Spans = Sequence[Span]
"""Sorted and disjoint."""


@dataclass(frozen=True)
class Playing:
    """Contents of a planned playback, and when; where nothing else is said on the axis of the whole class.

    What only accounts ask for is found when they ask: as declared, before probing, there are none.
    """

    whole: Timeline
    """The timeline of the whole class."""
    window: Span
    """The part of it that is played."""
    is_window: bool
    """True where a part of the class was asked for."""
    arrangement: Arrangement
    """Placements of streams, on the window's axis."""
    runs: Sequence[Run]
    """Visible pictures, on the window's axis."""
    bed: AudioBed
    """Audible pieces, on the window's axis."""
    fps: Fraction
    """Frames per second of the runs."""

    @cached_property
    def accepts(self) -> frozenset[Accepts]:
        """Kinds of streams that the layout has places for."""
        return frozenset(slot.accepts for slot in self.arrangement.layout.slots)

    @cached_property
    def placed(self) -> Mapping[str, Spans]:
        """Spans with a place, by video id."""
        return self._by_file((p.video_id, p.span) for p in self.arrangement.placements)

    @cached_property
    def seen(self) -> Mapping[str, Spans]:
        """Spans that are seen, by video id: whole frames, but a place's own borders where it begins and ends."""
        return self._by_file((h.video_id, self._seen(first, until, h)) for first, until, h in self.runs)

    @cached_property
    def heard(self) -> Mapping[str, Spans]:
        """Spans that are heard, by video id."""
        return self._by_file((piece.video_id, piece.span) for piece in self.bed.pieces)

    def _by_file(self, found: Iterable[tuple[str, Span]]) -> dict[str, Spans]:
        by, parts = Ms(self.window.start), dict[str, list[Span]]()
        for name, part in found:
            parts.setdefault(name, []).append(part.shifted(by))
        return {name: union(spans) for name, spans in parts.items()}

    def _seen(self, first: Frame, until: Frame, h: Holding) -> Span:
        start = h.start if first == h.first else frame_ms(first, self.fps)
        return span(start, max(start, h.until if until == h.end else frame_ms(until, self.fps)))

    def all_of(self, what: Mapping[str, Spans], *, is_mix: bool) -> Spans:
        """Return the spans in which a mixed stream, or a single one, is in ``what``."""
        mixes = {c.video_id for t, c in self.whole.clips() if t.kind is StreamKind.MIX}
        return union(part for name, spans in what.items() if (name in mixes) is is_mix for part in spans)

    @cached_property
    def mix_seen(self) -> Spans:
        """Spans in which a mixed stream has a place."""
        return self.all_of(self.placed, is_mix=True)

    @cached_property
    def mix_heard(self) -> Spans:
        """Spans in which a mixed stream is heard."""
        return self.all_of(self.heard, is_mix=True)

    @cached_property
    def singles_seen(self) -> Spans:
        """Spans in which a single stream has a place."""
        return self.all_of(self.placed, is_mix=False)

    @cached_property
    def singles_heard(self) -> Spans:
        """Spans in which a single stream is heard."""
        return self.all_of(self.heard, is_mix=False)

    @cached_property
    def repeated(self) -> Mapping[tuple[StreamKind, str], Spans]:
        """Spans by kind and user in which sound files repeat what is heard anyway."""
        return repeated_sounds(self.whole)

    @cached_property
    def recorded(self) -> Mapping[str, tuple[Spans, Spans]]:
        """Spans by video id of any clip, in which its track has a picture, and in which sound."""
        found = {}
        for track in self.whole.tracks:
            pictures = union(clip.picture for clip in track.clips if clip.picture is not None)
            sounds = union(clip.sound for clip in track.clips if clip.sound is not None)
            found.update({clip.video_id: (pictures, sounds) for clip in track.clips})
        return found
