"""Content that a decoder could not show: per segment, and their findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from assembler.findings import Fate, Finding, Outcome, Severity, warning
from assembler.times import Ms, Span, clock_text, span, union
from assembler.values import Value

MERGE_GAP = Ms(1000)
"""Damaged places nearer to each other are one: a decoder goes on complaining behind the key frame that mends it."""

MAX_SENTENCES = 3
"""More places than this in one file are told in one sentence."""


class Loss(Value):
    """A part of the playback in which a picture is not what it should be."""

    video_id: str
    """The segment; "" where a decoder complained and nobody knows about which."""
    span: Span
    """Playback axis."""
    what: str
    """What was done, for people."""


class Losses(Value):
    losses: tuple[Loss, ...]


def report_of(out: Path) -> Path:
    """Where the losses in a finished chunk are kept for a run that goes on from there; written before the chunk."""
    return out.with_suffix(".json")


def findings(losses: Iterable[Loss]) -> list[Finding]:
    """Findings of all chunks together: what goes on over a border is told once."""
    ordered = sorted(losses, key=lambda loss: (loss.video_id, loss.what, loss.span.start))
    findings = []
    for (video_id, what), group in groupby(ordered, key=lambda loss: (loss.video_id, loss.what)):
        places = _places([loss.span for loss in group])
        where = f"Between {clock_text(places[0].start)} and {clock_text(places[-1].end)}"
        if len(places) > MAX_SENTENCES:
            findings.append(warning(video_id, f"{where}, in {len(places)} places, {what}."))
            continue
        findings += [
            warning(video_id, f"Between {clock_text(p.start)} and {clock_text(p.end)} {what}.") for p in places
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


def outcomes_with(outcomes: Iterable[Outcome], findings: Iterable[Finding]) -> tuple[Outcome, ...]:
    """The outcomes with what only rendering could know: a segment it warned about was repaired."""
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
