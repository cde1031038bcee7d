"""Mixed streams: how much of the playback each covers, and which one is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from assembler.errors import InputError
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline, Track
from assembler.times import Ms, Span, clock_text, shared, span, union

WHOLE = Fraction(99, 100)
"""Minimum share of the playback that a whole mixed stream covers."""
LONGEST_HOLE = Ms(2000)
"""Maximum hole of a whole mixed stream in which single streams run, in ms."""


@dataclass(frozen=True)
class Mixed:
    """A mixed track and what it is worth."""

    track: Track
    """Track of the mixed stream."""
    size: tuple[int, int] | None
    """Pixels; None where unknown."""
    coverage: Fraction
    """Share of the playback it covers."""
    why_not: str
    """Reason why it is not a whole playback; "" if it is one."""

    @property
    def is_whole(self) -> bool:
        """True if it may stand for all single streams."""
        return not self.why_not


def rank_mixes(timeline: Timeline, sizes: Mapping[str, tuple[int, int] | None]) -> list[Mixed]:
    """Every mixed track with a picture, best first: larger picture, then coverage, then smallest stream id."""
    mixed = [track for track in timeline.tracks if track.kind is StreamKind.MIX]
    if not mixed:
        return []
    singles = union(
        part
        for track, clip in timeline.clips()
        if track.kind is not StreamKind.MIX
        for part in (clip.picture, clip.sound)
        if part is not None
    )
    whole = span(0, timeline.length)
    mixes = []
    for track in mixed:
        parts = [part for clip in track.clips if clip.picture and (part := clip.picture.within(whole)) is not None]
        seen = union(parts)
        if seen:
            coverage = Fraction(sum(s.length for s in seen), timeline.length)
            why_not = _why_not(timeline, seen, coverage, singles)
            mixes.append(Mixed(track, _main_size(track, sizes), coverage, why_not))
    return sorted(mixes, key=lambda m: (-_area(m.size), -m.coverage, m.track.stream_id))


def _main_size(track: Track, sizes: Mapping[str, tuple[int, int] | None]) -> tuple[int, int] | None:
    """The size it has for most of the time (of equally long ones the first)."""
    lengths: dict[tuple[int, int], int] = {}
    for clip in track.clips:
        size = sizes.get(clip.video_id)
        if size is not None and clip.picture is not None:
            lengths[size] = lengths.get(size, 0) + clip.picture.length
    return max(lengths, key=lengths.__getitem__, default=None)


def _area(size: tuple[int, int] | None) -> int:
    return size[0] * size[1] if size is not None else 0


def _why_not(timeline: Timeline, seen: Sequence[Span], coverage: Fraction, singles: Sequence[Span]) -> str:
    if coverage < WHOLE:
        return "less than 99 %"
    for hole in span(0, timeline.length).without(seen):
        if hole.length > LONGEST_HOLE and shared(singles, hole):
            at = f"{clock_text(hole.start)} of the playback"
            return f"a hole of {clock_text(hole.length)} at {at} where single streams go on"
    return ""


def choose_mix(mixes: Sequence[Mixed], wanted: str | None) -> Mixed:
    """The mixed stream with this id, else the one whose last part it is ("3" for ``tic_mixstream_7_3``, whatever
    there is at ``_103``), else the only one that begins or ends with it (no number is taken for a part of another);
    the best one if none is named (one that is a whole playback before all others).

    Raises InputError listing the choices.
    """
    if not mixes:
        hint = "Choose another --layout, or auto. A class card that hides anybody takes the mixed streams away."
        raise InputError("there is no mixed stream to show in this class", hint=hint)
    if wanted is None:
        return next((m for m in mixes if m.is_whole), mixes[0])
    exact = [m for m in mixes if m.track.stream_id == wanted]
    last_part = [m for m in mixes if m.track.stream_id.endswith(f"_{wanted}")]
    near = [m for m in mixes if _begins_or_ends(m.track.stream_id, wanted)]
    found = exact or last_part or near
    if len(found) != 1:
        count = "no" if not found else "more than one"
        there = ", ".join(sorted(m.track.stream_id or "one without a name" for m in mixes))
        raise InputError(f"{count} mixed stream matches {wanted!r}", hint=f"There are: {there}.")
    return found[0]


def _begins_or_ends(stream_id: str, wanted: str) -> bool:
    """True if the id begins or ends with it, and neither cuts a number in two: 1 is not meant by 101."""
    if stream_id.startswith(wanted):
        rest = stream_id.removeprefix(wanted)
        return not (wanted[-1:].isdigit() and rest[:1].isdigit())
    return stream_id.endswith(wanted) and wanted[:1] not in set("123456789")


def percent(share: Fraction) -> str:
    """Rounded down to a tenth: what is less than 99 % never reads as 99.0 %."""
    tenths = share.numerator * 1000 // share.denominator
    return f"{tenths // 10}.{tenths % 10}%"
