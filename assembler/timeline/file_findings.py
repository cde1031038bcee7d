"""Findings about a time in a file, told first by the playback's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assembler.findings import Finding
from assembler.timeline.model import Clip, FileFinding, Timeline
from assembler.times import clock_text


def place_findings(findings: Iterable[Finding], timeline: Timeline) -> Iterator[Finding]:
    """Put the playback's times in front of the sentences of ``FileFinding``s, where the timeline holds them."""
    clips: dict[str, list[Clip]] = {}
    for _, clip in timeline.clips():
        clips.setdefault(clip.video_id, []).append(clip)
    for found in findings:
        place = _place(found, clips.get(found.where, [])) if isinstance(found, FileFinding) else ""
        sentence = f"{place}: {found.sentence[0].lower()}{found.sentence[1:]}" if place else found.sentence
        yield found if not place else Finding(severity=found.severity, where=found.where, sentence=sentence)


def _place(found: FileFinding, clips: Iterable[Clip]) -> str:
    for clip in clips:
        by = clip.span.start - clip.file_start
        start, end = max(found.start + by, clip.span.start), min(found.end + by, clip.span.end)
        if start < end:
            return f"From {clock_text(start)} to {clock_text(end)} of the playback"
        if start == end:
            return f"At {clock_text(start)} of the playback"
    return ""
