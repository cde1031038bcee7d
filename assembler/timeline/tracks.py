"""Segments grouped into tracks whose clips never overlap (DOMAIN section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from assembler.facts import Facts
from assembler.findings import Finding, note, warning
from assembler.recording import Segment, StreamKind
from assembler.timeline.model import Clip, Gap, Track
from assembler.times import FileMs, Ms, PlayMs, Span, clock_text

LONGEST_HOLD = Ms(1000)
"""How long the last frame of a file is held where the file ends before its declared end."""
SAME_MIX_OVERLAP = Ms(1000)
"""Unnamed mixed streams that overlap by more than this are different tracks."""
ROUNDING = Ms(100)
"""An overlap of neighbours up to this is rounding by the recorder: a note, no warning."""


@dataclass(frozen=True)
class Placed:
    """A segment, or a piece of one, at its place."""

    segment: Segment
    span: Span
    file_start: FileMs

    def cut_to(self, span: Span) -> Placed:
        return replace(self, span=span, file_start=FileMs(self.file_start + span.start - self.span.start))


def build_tracks(placed: Iterable[Placed], facts: Mapping[str, Facts]) -> tuple[tuple[Track, ...], tuple[Finding, ...]]:
    """Tracks sorted by kind, user and stream; what overlapped is in the findings."""
    groups: dict[tuple[StreamKind, str, str], list[Placed]] = {}
    for piece in sorted(placed, key=_order):
        groups.setdefault(_track_key(piece.segment), []).append(piece)
    tracks: list[Track] = []
    findings: list[Finding] = []
    for (kind, user, stream), pieces in groups.items():
        if kind is StreamKind.MIX and not stream:
            parts = _split_unnamed(pieces, facts)
            names = [f"{number}" for number in range(1, len(parts) + 1)] if len(parts) > 1 else [""]
        else:
            parts, names = [pieces], [pieces[0].segment.stream_id]
        for part, name in zip(parts, names, strict=True):
            disjoint, found = _without_overlaps(part)
            findings += found
            clips = tuple(_clip(piece, facts.get(piece.segment.video_id)) for piece in disjoint)
            tracks.append(Track(kind=kind, user=user, stream_id=name, clips=clips, gaps=gaps_between(clips)))
    tracks.sort(key=lambda t: (list(StreamKind).index(t.kind), t.user, t.stream_id))
    return tuple(tracks), tuple(findings)


def _order(piece: Placed) -> tuple[int, int, str]:
    return piece.span.start, -piece.span.length, piece.segment.video_id


def _track_key(segment: Segment) -> tuple[StreamKind, str, str]:
    return segment.kind, segment.user, segment.stream_id if segment.kind is StreamKind.MIX else ""


def _split_unnamed(pieces: Sequence[Placed], facts: Mapping[str, Facts]) -> list[list[Placed]]:
    parts: list[list[Placed]] = []
    for piece in pieces:
        size = _picture_size(piece.segment, facts)
        for part in parts:
            other = _picture_size(part[-1].segment, facts)
            is_same_size = size is None or other is None or size == other
            if is_same_size and max(p.span.end for p in part) - piece.span.start <= SAME_MIX_OVERLAP:
                part.append(piece)
                break
        else:
            parts.append([piece])
    return parts


def _picture_size(segment: Segment, facts: Mapping[str, Facts]) -> tuple[int, int] | None:
    known = facts.get(segment.video_id)
    if known is not None and known.picture is not None:
        return known.picture.stretches[0].display_size
    if segment.width and segment.height:
        return segment.width, segment.height
    return None


def _without_overlaps(pieces: Sequence[Placed]) -> tuple[list[Placed], list[Finding]]:
    """The later one wins from its start; where it ends first, the earlier one goes on behind it.

    #   earlier  [--------------)
    #   later         [----)         -> [----)[----)[---)
    """
    findings: list[Finding] = []
    kept: list[Placed] = []
    for index, piece in enumerate(pieces):
        winners = []
        for other in pieces[index + 1 :]:
            if other.span.start >= piece.span.end:
                break  # sorted by start: nothing behind can meet it
            if other.span.start > piece.span.start:
                winners.append(other)
        winners += [p for p in pieces[:index] if p.span.start == piece.span.start]
        findings += [_overlap(piece, winner) for winner in winners]
        kept += [piece.cut_to(span) for span in piece.span.without(w.span for w in winners)]
    kept.sort(key=_order)
    return kept, findings


def _overlap(loser: Placed, winner: Placed) -> Finding:
    shared = loser.span.within(winner.span)
    length = shared.length if shared is not None else Ms(0)
    at = shared.start if shared is not None else winner.span.start
    sentence = (
        f"It overlaps {winner.segment.video_id} of the same stream by {length} ms at {clock_text(at)}:"
        f" {winner.segment.video_id} was taken there."
    )
    return (note if length <= ROUNDING else warning)(loser.segment.video_id, sentence)


def _clip(piece: Placed, known: Facts | None) -> Clip:
    span, is_sound_only = piece.span, piece.segment.kind is StreamKind.AUDIO
    picture: Span | None = None if is_sound_only else span
    sound: Span | None = span
    if known is not None:
        picture = sound = None
        if known.picture is not None and not is_sound_only:
            picture = _seen(piece, known.picture.start, FileMs(known.picture.end + LONGEST_HOLD))
        if known.sound is not None:
            sound = _seen(piece, known.sound.start, known.sound.end)
    return Clip(
        video_id=piece.segment.video_id,
        span=span,
        file_start=piece.file_start,
        picture=picture,
        sound=sound,
        is_known=known is not None,
    )


def _seen(piece: Placed, start: FileMs, end: FileMs) -> Span | None:
    """A range of file time at its place, as far as it lies inside the piece."""
    zero = piece.span.start - piece.file_start
    return Span(start=PlayMs(zero + start), end=PlayMs(max(zero + end, zero + start))).within(piece.span)


def gaps_between(clips: Sequence[Clip]) -> tuple[Gap, ...]:
    """Where a track's sorted clips do not touch."""
    return tuple(
        Gap(span=Span(start=before.span.end, end=after.span.start))
        for before, after in pairwise(clips)
        if before.span.end < after.span.start
    )
