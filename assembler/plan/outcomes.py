"""What becomes of every segment: used, repaired (how) or dropped (why)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assembler.findings import Fate, Finding, Outcome, Severity
from assembler.plan.model import AudioBed
from assembler.recording import Segment, StreamKind


def judge_segments(
    segments: Sequence[Segment],
    *,
    seen: Iterable[str],
    bed: AudioBed,
    unusable: Mapping[str, str],
    findings: Iterable[Finding],
    outside: Iterable[str],
) -> tuple[Outcome, ...]:
    """One outcome for each segment, sorted by video id.

    ``seen``: video ids with a picture in some scene; ``unusable``: why a file could not be used; ``outside``: ids
    that lie wholly outside the rendered window.
    """
    heard = {p.video_id for p in bed.pieces}
    used = set(seen) | heard
    repairs: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is Severity.WARNING:
            repairs.setdefault(finding.where, []).append(finding.sentence)
    has_mix = any(s.kind is StreamKind.MIX and s.video_id in used for s in segments)
    behind = set(outside)
    outcomes = []
    for segment in segments:
        name = segment.video_id
        if name in unusable:
            outcomes.append(Outcome(video_id=name, fate=Fate.DROPPED, how=unusable[name]))
        elif name in used and name in repairs:
            outcomes.append(Outcome(video_id=name, fate=Fate.REPAIRED, how=" ".join(repairs[name])))
        elif name in used:
            outcomes.append(Outcome(video_id=name, fate=Fate.USED, how=""))
        elif name in behind:
            outcomes.append(Outcome(video_id=name, fate=Fate.DROPPED, how="It lies outside the window."))
        else:
            why = " ".join([_why_not(segment, has_mix=has_mix), *repairs.get(name, [])])
            outcomes.append(Outcome(video_id=name, fate=Fate.DROPPED, how=why))
    return tuple(sorted(outcomes, key=lambda o: o.video_id))


def _why_not(segment: Segment, *, has_mix: bool) -> str:
    if has_mix:
        return (
            "The mixed stream that is shown contains it."
            if segment.kind is not StreamKind.MIX
            else ("Another mixed stream is shown.")
        )
    match segment.kind:
        case StreamKind.MIX:
            return "The layout shows the single streams, not the mixed one."
        case StreamKind.AUDIO:
            return "It repeats the sound of its user's camera."
        case _:
            return "It has no place in the layout and no sound, or another file of its stream was taken instead."
