"""Findings about a time in a file, told first by the playback's time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from assembler.findings import Finding
from assembler.timeline.model import Clip, FileFinding, LeftOut, Timeline
from assembler.times import clock_text

_MARK = re.compile("left out: ", re.IGNORECASE)


def place_findings(findings: Iterable[Finding], timeline: Timeline) -> Iterator[Finding]:
    """Put the playback's times in front of the sentences of ``FileFinding``s, where the timeline holds them."""
    clips: dict[str, list[Clip | LeftOut]] = {}
    everything: list[Clip | LeftOut] = [*(clip for _, clip in timeline.clips()), *timeline.absent]
    for clip in everything:
        clips.setdefault(clip.video_id, []).append(clip)
    for found in findings:
        place = _place(found, clips.get(found.where, [])) if isinstance(found, FileFinding) else ""
        sentence = f"{place}: {found.sentence[0].lower()}{found.sentence[1:]}" if place else found.sentence
        yield found if not place else Finding(severity=found.severity, where=found.where, sentence=sentence)


def _place(found: FileFinding, clips: Iterable[Clip | LeftOut]) -> str:
    places = []
    for clip in clips:
        by = clip.span.start - clip.file_start
        start, end = max(found.start + by, clip.span.start), min(found.end + by, clip.span.end)
        if start <= end:
            places += [start, end]
    if not places:
        return ""
    start, end = min(places), max(places)
    place = f"At {clock_text(start)}" if start == end else f"From {clock_text(start)} to {clock_text(end)}"
    return f"{place} of the playback"


def reason_of(sentence: str) -> str:
    """Return why a file was left out, and when, without the words that say that it was."""
    return _MARK.sub("", sentence, count=1)
