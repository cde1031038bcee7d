"""Recordings -> Timeline: one function for what is only declared and for what was probed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType

from assembler.choices import PlayTimes
from assembler.errors import InputError
from assembler.facts import Facts
from assembler.findings import Finding, Severity, note, warning
from assembler.recording import Recording, Segment
from assembler.timeline.alignment import with_moves
from assembler.timeline.compare import compare
from assembler.timeline.model import Chapter, Clock, FileFinding, Jump, LeftOut, Timeline, Why
from assembler.timeline.pauses import (
    Cuts,
    Pauses,
    cut_jumps,
    decide_axis,
    file_borders,
    find_start,
    infer_jumps,
    settle_pauses,
    trusted_jumps,
    wall_cuts,
)
from assembler.timeline.tracks import PlacedClip, build_tracks
from assembler.times import (
    FileMs,
    Ms,
    PlayMs,
    Span,
    WallMs,
    clock_text,
    round_ms,
    span,
    split,
    wall_text,
    whole_seconds,
)

LENGTH_TOLERANCE = Ms(1000)
"""Maximum distance, in ms, between TotalTime and the last declared end for which TotalTime is the playback's length."""


MOST_PIECES = 10_000
"""Maximum number of pieces into which the pauses of a class may cut its files; 100 files over 50 pauses are 5,000."""


class NoLength(InputError):
    """Raised where no length is declared: only the files can tell."""


def build_timeline(
    recording: Recording,
    facts: Mapping[str, Facts] | None = None,
    *,
    unusable: Mapping[str, str] = MappingProxyType({}),
    play_times: PlayTimes = PlayTimes.AUTO,
    moves: Mapping[str, Ms] = MappingProxyType({}),
) -> Timeline:
    """The timeline of one recording.

    ``facts`` by video id, as far as files were probed; ``unusable``: why segments have no usable file: they take no
    place on a track, but their declared end still counts for the playback's length. ``moves``: time by which files
    are placed later than declared, by video id.
    Raises InputError where not one segment has a place and a length.
    """
    facts = facts or {}
    recording = with_moves(_with_file_times(recording, facts), moves)
    pauses = settle_pauses(recording)
    start, is_exact, findings = find_start(recording, pauses)
    findings = [*pauses.findings, *findings]
    ends = {s.video_id: _declared(s, facts, recording) for s in recording.segments}
    last_end = PlayMs(max((e.end for e in ends.values()), default=0))
    axis = decide_axis(recording, pauses, last_end, play_times)
    if axis.is_doubtful:
        findings.append(warning("", f"The axis of play times is doubtful: {axis.reason}; --play-times names one."))
    cuts = Cuts(())
    if axis.is_wall and start is None:
        findings.append(warning("", "Play times are on the wall clock, but no start is known: no pause was cut."))
    elif axis.is_wall and start is not None:
        cuts = Cuts(wall_cuts(pauses, start))
        _check_pieces(recording, ends.values(), cuts)
    left_out: list[LeftOut] = []
    everything = [piece for s in recording.segments for piece in _pieces(s, ends[s.video_id], cuts, left_out)]
    used = [p for p in everything if p.segment.video_id not in unusable]
    tracks, beaten, overlaps = build_tracks(used, facts, recording.longest_hold)
    findings += overlaps
    length = _length(recording, PlayMs(max((p.span.end for p in everything), default=0)), findings)
    if length <= 0:
        raise NoLength(
            f"{recording.name}: no segment has a place and a length on the playback axis",
            hint="Declare lengths: `duration` or `total` in neutral JSON, VideoDuration or TotalTime in the vendor's.",
        )
    if axis.is_wall:
        jumps = cut_jumps(pauses, start) if start is not None else []
    else:
        jumps, doubts = _playback_jumps(recording, pauses, everything)
        findings += doubts
    for segment in recording.segments:
        if segment.video_id in facts and segment.video_id not in unusable:
            findings += compare(segment, facts[segment.video_id], recording.longest_hold)
        elif (why := unusable.get(segment.video_id)) is not None:
            findings.append(_left_out(segment.video_id, why, ends[segment.video_id].length))
    findings += [
        note(
            f"omission at {wall_text(jump.pause)}",
            f"The pause lies at {clock_text(jump.at)}, behind the end of the playback ({clock_text(length)}): it was"
            " left out.",
        )
        for jump in jumps
        if jump.at > length and jump.pause is not None
    ]
    jumps = [jump for jump in jumps if jump.at <= length]
    return Timeline(
        length=length,
        tracks=tracks,
        clock=Clock(start=start, is_exact=is_exact, jumps=tuple(jumps)),
        chapters=_chapters(jumps, length),
        play_times="wall" if axis.is_wall else "playback",
        play_times_reason=axis.reason,
        absent=tuple(p.left_out(Why.UNUSABLE) for p in everything if p.segment.video_id in unusable),
        left_out=(*(part for part in left_out if part.video_id not in unusable), *beaten),
        findings=tuple(findings),
    )


def _with_file_times(recording: Recording, facts: Mapping[str, Facts]) -> Recording:
    """Place files whose own stamps say where they belong by their first stamp; before probing, by stamp 0.

    Where all are placed so, the first of them begins the playback: stamp 0 may lie long before anything was recorded.
    """
    stamped = [s.video_id for s in recording.segments if s.is_stamped and s.video_id in facts]
    late = {name: round_ms(facts[name].origin) for name in stamped}
    if not late:
        return recording
    whole = all(s.is_stamped for s in recording.segments)
    first = min(s.play_time + late[s.video_id] for s in recording.segments if s.video_id in late) if whole else 0
    segments = (
        s.model_copy(update={"play_time": s.play_time + late.get(s.video_id, 0) - first}) if s.is_stamped else s
        for s in recording.segments
    )
    start = WallMs(recording.start + first) if recording.start is not None else None
    return recording.model_copy(update={"segments": tuple(segments), "start": start})


def _declared(segment: Segment, facts: Mapping[str, Facts], recording: Recording) -> Span:
    """Range that a segment fills by its declaration, on the axis of its play time; by its file where none is declared.

    Before probing, a segment without a duration is taken to last until TotalTime (or for no time).
    """
    if segment.duration is not None:
        end = segment.play_time + segment.duration
    elif segment.video_id in facts:
        end = segment.play_time + facts[segment.video_id].end
    else:
        end = recording.total or 0
    return span(segment.play_time, max(segment.play_time, end))


def _left_out(video_id: str, why: str, length: Ms) -> FileFinding:
    sentence = f"Left out: {why}"
    return FileFinding(
        severity=Severity.WARNING, where=video_id, sentence=sentence, start=FileMs(0), end=FileMs(length)
    )


def _check_pieces(recording: Recording, filled: Iterable[Span], cuts: Cuts) -> None:
    pieces = sum(1 + cuts.inside(whole) for whole in filled)
    if pieces > MOST_PIECES:
        raise InputError(
            f"{recording.name}: its {len(recording.segments)} files are cut by {len(cuts.spans)} pauses into {pieces}"
            f" pieces, more than {MOST_PIECES}",
            hint="Look at the pauses; --play-times playback cuts nothing.",
        )


def _pieces(segment: Segment, filled: Span, cuts: Cuts, left_out: list[LeftOut]) -> list[PlacedClip]:
    """The segment without what the pauses cut out of it, and without what lies before playback 0 (both into
    ``left_out``)."""
    whole = PlacedClip(segment, filled, FileMs(0))
    if filled.start >= 0 and not cuts.spans:
        return [whole] if not filled.is_empty else []
    early, played = split([filled], [span(min(filled.start, 0), 0)])
    cut, kept = split(played, cuts.spans)
    for why, parts in ((Why.EARLY, early), (Why.PAUSE, cut)):
        left_out.extend(_moved(whole.cut_to(part), cuts).left_out(why) for part in parts)
    return [_moved(whole.cut_to(part), cuts) for part in kept if not part.is_empty]


def _moved(piece: PlacedClip, cuts: Cuts) -> PlacedClip:
    at = cuts.earlier(piece.span.start)
    return replace(piece, span=span(at, at + piece.span.length))


def _length(recording: Recording, last_end: PlayMs, findings: list[Finding]) -> Ms:
    total = recording.total
    if total is None:
        return Ms(last_end)
    if abs(total - last_end) <= LENGTH_TOLERANCE:
        return Ms(max(total, last_end))  # what was recorded is never cut by it
    state = warning if total < last_end else note
    findings.append(
        state(
            "total",
            f"The declared total is {clock_text(total)}, the last video ends at {clock_text(last_end)}:"
            " the playback ends with the last video.",
        )
    )
    return Ms(last_end)


def _playback_jumps(
    recording: Recording, pauses: Pauses, everything: Sequence[PlacedClip]
) -> tuple[list[Jump], list[Finding]]:
    """The pauses that play times on the playback axis have already skipped: as listed, else inferred."""
    ordered = sorted(everything, key=lambda p: (p.segment.kind, p.segment.stream_id, p.span.start))
    tracks = [
        [p.span for p in group] for _, group in groupby(ordered, key=lambda p: (p.segment.kind, p.segment.stream_id))
    ]
    if pauses.settled:
        return trusted_jumps(pauses, file_borders(tracks))
    return infer_jumps(recording, pauses, tracks), []


def _chapters(jumps: Sequence[Jump], length: Ms) -> tuple[Chapter, ...]:
    chapters = [Chapter(at=PlayMs(0), title="Start")]
    for jump in jumps:
        if chapters[-1].at < jump.at < length:
            chapters.append(Chapter(at=jump.at, title=break_title(jump.length)))
    return tuple(chapters)


def break_title(length: Ms | None) -> str:
    """Name the chapter that begins behind a pause: "Break of 4:12"; None where its length is unknown."""
    return "Break" if length is None else f"Break of {clock_text(whole_seconds(length))}"
