"""Segments grouped into tracks whose clips never overlap (DESIGN, Tracks)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import groupby, pairwise

from assembler.facts import Facts
from assembler.findings import Finding, Severity
from assembler.recording import Segment, StreamKind
from assembler.timeline.compare import is_drawn_on_change
from assembler.timeline.model import Clip, FileFinding, Gap, LeftOut, Track, Why
from assembler.times import FileMs, Ms, PlayMs, Span, clock_text, span, split

LONGEST_HOLD = Ms(1000)
"""Maximum time for which the last frame of a file is held where the file ends before its declared end, in ms."""
SAME_MIX_OVERLAP = Ms(1000)
"""Maximum overlap of unnamed mixed streams that are one track, in ms."""
ROUNDING = Ms(100)
"""Maximum overlap of neighbours that is rounding by the recorder, in ms: a note, no warning."""


@dataclass(frozen=True)
class PlacedClip:
    """A segment, or a piece of one, at its place."""

    segment: Segment
    """Segment whose file it is."""
    span: Span
    """Place on the playback axis."""
    file_start: FileMs
    """File time at ``span.start``."""

    def cut_to(self, span: Span) -> PlacedClip:
        """Return the piece of it that fills ``span``."""
        return replace(self, span=span, file_start=FileMs(self.file_start + span.start - self.span.start))

    def left_out(self, why: Why, winner: str = "") -> LeftOut:
        """Return this piece as one that is on no track."""
        return LeftOut(
            video_id=self.segment.video_id, why=why, span=self.span, file_start=self.file_start, winner=winner
        )


def build_tracks(
    placed: Iterable[PlacedClip], facts: Mapping[str, Facts], longest_hold: Ms | None = None
) -> tuple[tuple[Track, ...], list[LeftOut], list[Finding]]:
    """Tracks sorted by kind, user and stream; what was left out for a later file of its track, and so in a finding.

    ``longest_hold``: as ``Recording.longest_hold``.
    """
    groups: dict[tuple[StreamKind, str, str], list[PlacedClip]] = {}
    for piece in sorted(placed, key=_order):
        groups.setdefault(_track_key(piece.segment), []).append(piece)
    tracks: list[Track] = []
    left_out: list[LeftOut] = []
    findings: list[Finding] = []
    for (kind, user, stream), pieces in groups.items():
        if kind is StreamKind.MIX and not stream:
            parts = _split_unnamed(pieces, facts)
            names = [f"{number}" for number in range(1, len(parts) + 1)] if len(parts) > 1 else [""]
        else:
            parts, names = [pieces], [pieces[0].segment.stream_id]
        for part, name in zip(parts, names, strict=True):
            disjoint, beaten = _without_overlaps(part)
            left_out += beaten
            findings += _overlaps(beaten)
            clips = tuple(
                clip for piece in disjoint for clip in _clips(piece, facts.get(piece.segment.video_id), longest_hold)
            )
            tracks.append(Track(kind=kind, user=user, stream_id=name, clips=clips, gaps=gaps_between(clips)))
    tracks.sort(key=lambda t: (list(StreamKind).index(t.kind), t.user, t.stream_id))
    return tuple(tracks), left_out, findings


def _order(piece: PlacedClip) -> tuple[int, int, str]:
    return piece.span.start, -piece.span.length, piece.segment.video_id


def _track_key(segment: Segment) -> tuple[StreamKind, str, str]:
    return segment.kind, segment.user, segment.stream_id if segment.kind is StreamKind.MIX else ""


def _split_unnamed(pieces: Sequence[PlacedClip], facts: Mapping[str, Facts]) -> list[list[PlacedClip]]:
    parts: list[list[PlacedClip]] = []
    ends: list[int] = []
    running: list[tuple[int, int]] = []  # (end, number) of parts that a piece would overlap
    free: dict[tuple[int, int] | None, list[int]] = {}  # numbers of the others by the size of their last picture
    for piece in pieces:  # sorted by start: what is free once stays so until it is taken
        size = _picture_size(piece.segment, facts)
        while running and running[0][0] <= piece.span.start + SAME_MIX_OVERLAP:
            number = heappop(running)[1]
            heappush(free.setdefault(_picture_size(parts[number][-1].segment, facts), []), number)
        fitting = [kind for kind in (free if size is None else (size, None)) if free.get(kind)]
        if fitting:
            number = heappop(free[min(fitting, key=lambda kind: free[kind][0])])
            parts[number].append(piece)
            ends[number] = max(ends[number], piece.span.end)
        else:
            number = len(parts)
            parts.append([piece])
            ends.append(piece.span.end)
        heappush(running, (ends[number], number))
    return parts


def _picture_size(segment: Segment, facts: Mapping[str, Facts]) -> tuple[int, int] | None:
    known = facts.get(segment.video_id)
    if known is not None and known.picture is not None:
        return known.picture.stretches[0].display_size
    if segment.width and segment.height:
        return segment.width, segment.height
    return None


def _without_overlaps(pieces: Sequence[PlacedClip]) -> tuple[list[PlacedClip], list[LeftOut]]:
    """The later one wins from its start; where it ends first, the earlier one goes on behind it.

    #   earlier  [--------------)
    #   later         [----)         -> [----)[----)[---)

    One sweep over all borders: the best of the running pieces is on top of a heap.
    """
    if all(before.span.end <= after.span.start for before, after in pairwise(pieces)):
        return [piece for piece in pieces if not piece.span.is_empty], []
    ranks = sorted(range(len(pieces)), key=lambda i: (-pieces[i].span.start, i))  # best first
    rank_of = {index: rank for rank, index in enumerate(ranks)}
    starting = sorted(range(len(pieces)), key=lambda i: pieces[i].span.start)
    borders = sorted({border for p in pieces for border in (p.span.start, p.span.end)})
    running: list[int] = []  # ranks; what has ended goes when it comes to the top
    won: list[tuple[int, Span]] = []
    place = 0
    for start, end in pairwise(borders):
        while place < len(starting) and pieces[starting[place]].span.start <= start:
            heappush(running, rank_of[starting[place]])
            place += 1
        while running and pieces[ranks[running[0]]].span.end <= start:
            heappop(running)
        if running:
            best = ranks[running[0]]
            if won and won[-1][0] == best and won[-1][1].end == start:
                won[-1] = (best, Span(start=won[-1][1].start, end=end))
            else:
                won.append((best, Span(start=start, end=end)))
    kept = [pieces[index].cut_to(part) for index, part in won]
    return kept, _beaten(pieces, won)


def _beaten(pieces: Sequence[PlacedClip], won: Sequence[tuple[int, Span]]) -> list[LeftOut]:
    """The parts of pieces that others took, in the order of the pieces."""
    own: dict[int, list[Span]] = {}
    for index, part in won:
        own.setdefault(index, []).append(part)
    found = []
    for index, piece in enumerate(pieces):
        borders = [
            piece.span.start,
            *(b for part in own.get(index, ()) for b in (part.start, part.end)),
            piece.span.end,
        ]
        for start, end in zip(borders[::2], borders[1::2], strict=True):
            if start < end:
                lost = piece.cut_to(Span(start=start, end=end))
                winner = won[bisect_right(won, start, key=lambda w: w[1].end)][0]
                found.append(lost.left_out(Why.REPLACED, pieces[winner].segment.video_id))
    return found


def _overlaps(left_out: Sequence[LeftOut]) -> list[Finding]:
    """One finding for each segment of which others took a part."""
    findings: list[Finding] = []
    for video_id, group in groupby(left_out, key=lambda part: part.video_id):
        parts = list(group)
        length = sum(part.span.length for part in parts)
        more = f" and {len(parts) - 1} more times" if len(parts) > 1 else ""
        first = parts[0].file_start
        sentence = (
            f"It overlaps {parts[0].winner} of the same stream at {clock_text(first)} of the file{more},"
            f" by {length} ms: the later file was taken there."
        )
        severity = Severity.NOTE if length <= ROUNDING else Severity.WARNING
        findings.append(FileFinding(severity=severity, where=video_id, sentence=sentence, start=first, end=first))
    return findings


def _clips(piece: PlacedClip, known: Facts | None, longest_hold: Ms | None) -> list[Clip]:
    """Return a piece as its clip; one of a camera that was off in between as several, without a picture there."""
    if longest_hold is None or known is None or known.picture is None or piece.segment.kind is not StreamKind.CAMERA:
        return [_clip(piece, known)]
    zero = piece.span.start - piece.file_start
    holes = ((start + longest_hold, end) for start, end in known.picture.holes)
    off, on = split([piece.span], [span(zero + start, zero + end) for start, end in holes if start < end])
    dark = {part.start for part in off}
    clips = [_clip(piece.cut_to(part), known) for part in sorted([*off, *on], key=lambda part: part.start)]
    return [clip.model_copy(update={"picture": None}) if clip.span.start in dark else clip for clip in clips]


def _clip(piece: PlacedClip, known: Facts | None) -> Clip:
    place, is_sound_only = piece.span, piece.segment.kind.is_sound or piece.segment.hides_picture
    picture: Span | None = None if is_sound_only else place
    sound: Span | None = place
    if known is not None:
        picture = sound = None
        if known.picture is not None and not is_sound_only:
            picture = _seen(piece, known.picture.start, _held_until(piece, known))
        if known.heard is not None:
            sound = _seen(piece, *known.heard)
    return Clip(
        video_id=piece.segment.video_id,
        span=place,
        file_start=piece.file_start,
        picture=picture,
        sound=sound,
        is_known=known is not None,
    )


def _held_until(piece: PlacedClip, known: Facts) -> FileMs:
    """Time from which the last frame of a file is not seen any more, if its piece does not end before.

    To 1 s behind the FILE's end: a share that stands still sends no pictures while its sound goes on. What draws only
    on change: to its declared end.
    """
    assert known.picture is not None  # the caller asked
    end = FileMs(max(known.end, known.picture.end))
    missing = Ms(piece.file_start + piece.span.length - end)
    if is_drawn_on_change(piece.segment, known, missing):
        return FileMs(end + missing)
    return FileMs(end + LONGEST_HOLD)


def _seen(piece: PlacedClip, start: FileMs, end: FileMs) -> Span | None:
    """A range of file time at its place, as far as it lies inside the piece."""
    zero = piece.span.start - piece.file_start
    return Span(start=PlayMs(zero + start), end=PlayMs(max(zero + end, zero + start))).within(piece.span)


def gaps_between(clips: Sequence[Clip]) -> tuple[Gap, ...]:
    """Return the ranges in which a track's sorted clips do not touch."""
    return tuple(
        Gap(span=Span(start=before.span.end, end=after.span.start))
        for before, after in pairwise(clips)
        if before.span.end < after.span.start
    )
