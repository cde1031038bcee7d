"""Text for a terminal of what was recorded: recordings, their timeline drawn to scale, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from assembler.findings import Finding, Severity, fold
from assembler.recording import Recording, StreamKind, VendorReport, vendor_report
from assembler.timeline import wall_at
from assembler.timeline.file_findings import place_findings
from assembler.timeline.model import Timeline, Track, stream_name
from assembler.times import Ms, Span, clock_text, wall_text

DRAWN = {
    StreamKind.CAMERA: "█",
    StreamKind.SCREEN: "▓",
    StreamKind.WHITEBOARD: "▒",
    StreamKind.MIX: "▚",
    StreamKind.AUDIO: "♪",
    StreamKind.SCREEN_AUDIO: "♫",
}
"""Characters of the bars in a drawn timeline."""
MOST_BROKEN = 20
"""Maximum number of users whose streams broke that are named."""
NOTHING, CUT = "·", "│"
"""Characters of a drawn timeline where nothing is, and where a pause was skipped."""
NICE_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600]
"""Distances of the marks on a time axis, in s."""
MOST_PAUSES = 200
"""Maximum number of pauses that are printed."""
Names = Mapping[str, str]
"""Video id -> what people read; what is not in it is called by its id."""
MOST_NAMED = 3
"""Maximum number of files named in one line of many."""


def draw_timeline(timeline: Timeline, width: int = 100) -> str:
    """The tracks to scale, a line each; ``│`` marks where a pause was skipped.

    ``width``: columns in all (at least 50).
    """
    names = [track.name for track in timeline.tracks]
    label = min(max([len(name) for name in names] + [8]), 32)
    columns = max(width, 50) - label - 2
    lines = [f"{'':{label}}  {_ruler(timeline.length, columns)}"]
    jumps = [
        min(columns - 1, j.at * columns // timeline.length) for j in timeline.clock.jumps if j.at < timeline.length
    ]
    for name, track in zip(names, timeline.tracks, strict=True):
        row = _row(track, timeline.length, columns)
        for column in jumps:
            row[column] = CUT
        lines.append(f"{_short(name, label):{label}}  {''.join(row)}")
    return "\n".join(line.rstrip() for line in lines)


def _row(track: Track, length: Ms, columns: int) -> list[str]:
    """A column is drawn if the track is there for at least half of it; the shortest clip still gets one."""
    row = [NOTHING] * columns
    for clip in track.clips:
        first = min(columns - 1, (2 * clip.span.start * columns + length) // (2 * length))
        end = (2 * clip.span.end * columns + length) // (2 * length)
        for column in range(first, min(columns, max(end, first + 1))):
            row[column] = DRAWN[track.kind]
    return row


def _ruler(length: Ms, columns: int) -> str:
    step = next((s for s in NICE_STEPS if s * 1000 * columns >= 12 * length), NICE_STEPS[-1]) * 1000
    ruler = [" "] * (columns + 12)
    for at in range(0, length + 1, step):
        place, text = at * columns // length, clock_text(at)
        if place + len(text) <= columns:
            ruler[place : place + len(text)] = text
    return "".join(ruler[:columns])


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def describe_recordings(recordings: Sequence[Recording], timeline: Timeline | None, width: int = 100) -> str:
    """All of ``inspect``: head, drawn timeline (None where no length is declared), clips, pauses, findings."""
    lines: list[str] = []
    for recording in recordings:
        when = wall_text(recording.start) if recording.start is not None else "start unknown"
        count = len(recording.segments)
        lines.append(f"{recording.name} ({recording.dialect}), {when}, {count} file{'s' if count != 1 else ''}")
        if recording.error is not None:
            lines.append(f"  vendor: {recording.error.message} {recording.error.advice}".rstrip())
        lines += [f"  {name}: {value}" for name, value in vendor_facts(vendor_report(recording))]
    if timeline is None:
        lines.append("length unknown: only the files can tell (`assembler plan --probe`)")
        for segment in (s for r in recordings for s in r.segments):
            name = stream_name(segment.kind, segment.user, segment.stream_id)
            lines.append(f"{name}: from {clock_text(segment.play_time)} [{segment.video_id}]")
        return "\n".join([*lines, *describe_findings([f for r in recordings for f in r.findings])])
    lines += [f"playback {clock_text(timeline.length)}; play times: {timeline.play_times_reason}", ""]
    lines += [draw_timeline(timeline, width), ""]
    for track in timeline.tracks:
        spans = ", ".join(f"{span_text(c.span)} [{c.video_id}]" for c in track.clips)
        lines.append(f"{track.name}: {spans}")
        if track.gaps:
            lines.append("  gaps: " + ", ".join(span_text(g.span) for g in track.gaps))
    lines += ["", *_pauses(timeline), *describe_findings([f for r in recordings for f in r.findings])]
    told = describe_findings(place_findings(timeline.findings, timeline), names_of(recordings))
    return "\n".join([*lines, *told]).rstrip()


def vendor_facts(report: VendorReport) -> list[tuple[str, str]]:
    """Names and values of what the vendor said beside the files: what is needed to look into a class, or to ask it."""
    broke = [f"{i.user or 'nobody named'} {i.count}x" for i in report.interrupts if i.count]
    more = [f"and {len(broke) - MOST_BROKEN} more"] if len(broke) > MOST_BROKEN else []
    times = f"{report.exception_count} times" if report.exception_count else ""
    named = ", ".join([*broke[:MOST_BROKEN], *more])
    pairs = [
        ("room", report.room_id),
        ("group", report.group_id),
        ("recorder", report.record_user_id),
        ("ended by", report.finish_reason),
        ("streams broke", ": ".join(part for part in (times, named) if part)),
        ("request", report.request_id),
        ("random", report.random),
    ]
    return [(name, value) for name, value in pairs if value]


def span_text(span: Span) -> str:
    """``0:05–1:00``."""
    return f"{clock_text(span.start)}–{clock_text(span.end)}"


def _pauses(timeline: Timeline) -> list[str]:
    if not timeline.clock.jumps:
        return ["no pause"]
    lines = []
    exact = "" if timeline.clock.is_exact else " (wall clock ±1 s)"
    for jump in timeline.clock.jumps[:MOST_PAUSES]:
        length = clock_text(jump.length) if jump.length is not None else "unknown length"
        on = wall_at(timeline.clock, jump.at)
        went_on = f", went on {wall_text(on)}{exact}" if on is not None else ""
        lines.append(f"pause of {length} skipped at {clock_text(jump.at)} ({jump.reason}){went_on}")
    if (more := len(timeline.clock.jumps) - MOST_PAUSES) > 0:
        lines.append(f"and {more} more pauses")
    return lines


def names_of(recordings: Iterable[Recording]) -> dict[str, str]:
    """``camera of ann`` for every segment."""
    return {s.video_id: stream_name(s.kind, s.user, s.stream_id) for r in recordings for s in r.segments}


def describe_findings(findings: Iterable[Finding], names: Names = MappingProxyType({})) -> list[str]:
    """A line for each finding, warnings first; the same about many files is one."""
    ordered = sorted(fold(findings), key=lambda f: f.severity is not Severity.WARNING)
    same: dict[tuple[Severity, str], list[str]] = {}
    for found in ordered:
        same.setdefault((found.severity, found.sentence), []).append(found.where)
    return [f"{grade.value}: {of_many(where, names)}{sentence}" for (grade, sentence), where in same.items()]


def of_many(where: Sequence[str], names: Names) -> str:
    """``camera of ann [a1]: ``, of several files the first and how many more."""
    shown = [f"{names[name]} [{name}]" if name in names else name for name in dict.fromkeys(where) if name]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return f"{', '.join(shown[:MOST_NAMED])}{more}: " if shown else ""
