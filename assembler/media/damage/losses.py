"""Losses of content that could not be decoded, per segment, and their findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from assembler.findings import Fate, Finding, Outcome, Severity, warning
from assembler.times import Ms, Span, clock_text, span, union
from assembler.values import Value

MERGE_GAP = Ms(1000)
"""Minimum time between two damaged places, in ms; nearer ones are one, as a decoder reports errors behind the next key
frame too."""

MAX_SENTENCES = 3
"""Maximum count of places in one file with a sentence each; more are one sentence."""


class Loss(Value):
    """Part of the playback in which a segment is damaged or replaced."""

    video_id: str
    """Segment; "" where it is not known in which a decoder found errors."""
    span: Span
    """Range of the loss, playback axis."""
    what: str
    """Description of the loss, for people."""


class Losses(Value):
    """File of the losses in a chunk."""

    losses: tuple[Loss, ...]
    """Losses, empty for a clean chunk."""


def report_of(out: Path) -> Path:
    """Name the file of the losses in a finished chunk, for later runs; it is written before the chunk."""
    return out.with_suffix(".json")


def build_findings(losses: Iterable[Loss]) -> list[Finding]:
    """Build the findings of all chunks together; a loss across a border is one."""
    ordered = sorted(losses, key=lambda loss: (loss.video_id, loss.what, loss.span.start))
    findings = []
    for (video_id, what), group in groupby(ordered, key=lambda loss: (loss.video_id, loss.what)):
        places = _places([loss.span for loss in group])
        where = f"Between {clock_text(places[0].start)} and {clock_text(places[-1].end)} of the playback"
        if len(places) > MAX_SENTENCES:
            findings.append(warning(video_id, f"{where}, in {len(places)} places, {what}."))
            continue
        findings += [
            warning(video_id, f"Between {clock_text(p.start)} and {clock_text(p.end)} of the playback {what}.")
            for p in places
        ]
    return findings


def _places(spans: Sequence[Span]) -> list[Span]:
    places: list[Span] = []
    for place in union(spans):
        if places and place.start - places[-1].end < MERGE_GAP:
            places[-1] = span(places[-1].start, place.end)
        else:
            places.append(place)
    return places


def mark_repaired(outcomes: Iterable[Outcome], findings: Iterable[Finding]) -> tuple[Outcome, ...]:
    """Mark segments with warnings of the render as repaired."""
    warnings: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is Severity.WARNING:
            warnings.setdefault(finding.where, []).append(finding.sentence)
    return tuple(
        outcome.model_copy(
            update={"fate": Fate.REPAIRED, "how": " ".join(filter(None, [outcome.how, *warnings[outcome.video_id]]))}
        )
        if outcome.video_id in warnings and outcome.fate is not Fate.DROPPED
        else outcome
        for outcome in outcomes
    )
