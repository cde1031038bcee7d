"""Mixed streams: how much of the playback each covers, and which one is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from assembler.errors import InputError
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline, Track
from assembler.times import Ms, Span, clock_text, span, union

WHOLE = Fraction(99, 100)
LONGEST_HOLE = Ms(2000)


@dataclass(frozen=True)
class Mixed:
    """A mixed track and what it is worth."""

    track: Track
    size: tuple[int, int] | None
    """Pixels; None where unknown."""
    coverage: Fraction
    """Share of the playback it covers."""
    why_not: str
    """Why it is no whole playback; "" if it is one."""

    @property
    def is_whole(self) -> bool:
        return not self.why_not


def rank_mixes(timeline: Timeline, sizes: Mapping[str, tuple[int, int] | None]) -> list[Mixed]:
    """Every mixed track with a picture, best first: larger picture, then coverage, then smallest stream id."""
    singles = union(
        part
        for track, clip in timeline.clips()
        if track.kind is not StreamKind.MIX
        for part in (clip.picture, clip.sound)
        if part is not None
    )
    mixes = []
    for track in timeline.tracks:
        seen = union(clip.picture for clip in track.clips if clip.picture is not None)
        if track.kind is StreamKind.MIX and seen:
            coverage = Fraction(sum(s.length for s in seen), timeline.length)
            size = next((sizes[c.video_id] for c in track.clips if sizes[c.video_id]), None)
            mixes.append(Mixed(track, size, coverage, _why_not(timeline, seen, coverage, singles)))
    return sorted(mixes, key=lambda m: (-_area(m.size), -m.coverage, m.track.stream_id))


def _area(size: tuple[int, int] | None) -> int:
    return size[0] * size[1] if size is not None else 0


def _why_not(timeline: Timeline, seen: Sequence[Span], coverage: Fraction, singles: Sequence[Span]) -> str:
    if coverage < WHOLE:
        return "less than 99 %"
    for hole in span(0, timeline.length).without(seen):
        if hole.length > LONGEST_HOLE and any(hole.meets(single) for single in singles):
            return f"a hole of {clock_text(hole.length)} at {clock_text(hole.start)} where single streams go on"
    return ""


def choose_mix(mixes: Sequence[Mixed], wanted: str | None) -> Mixed:
    """The mixed stream with this id, or beginning or ending with it; the best one if none is named.

    Raises InputError listing the choices.
    """
    if not mixes:
        raise InputError("there is no mixed stream in this class", hint="Choose another --layout, or auto.")
    if wanted is None:
        return mixes[0]
    ids = [m.track.stream_id for m in mixes]
    exact = [m for m in mixes if m.track.stream_id == wanted]
    near = [m for m in mixes if m.track.stream_id.startswith(wanted) or m.track.stream_id.endswith(wanted)]
    found = exact or near
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise InputError(
            f"{count} mixed stream matches {wanted!r}", hint=f"There are: {', '.join(ids) or 'unnamed ones'}."
        )
    return found[0]
