"""Results for every segment: used, repaired (how) or dropped (why)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assembler.findings import Fate, Finding, Outcome, Severity
from assembler.plan.model import Account, AudioBed, Disposition
from assembler.recording import Segment, StreamKind


def judge_segments(
    segments: Sequence[Segment],
    *,
    seen: Iterable[str],
    bed: AudioBed,
    unusable: Mapping[str, str],
    findings: Iterable[Finding],
    outside: Iterable[str],
    accounts: Iterable[Account] = (),
) -> tuple[Outcome, ...]:
    """One outcome for each segment, sorted by video id.

    ``seen``: video ids with a picture in some scene; ``unusable``: why a file could not be used; ``outside``: ids
    that lie wholly outside the rendered window; ``accounts``: where everything in a probed file went.
    """
    heard = {p.video_id for p in bed.pieces}
    used = set(seen) | heard
    repairs: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is Severity.WARNING:
            repairs.setdefault(finding.where, []).append(finding.sentence)
    has_mix = any(s.kind is StreamKind.MIX and s.video_id in used for s in segments)
    behind = set(outside)
    gone = {account.video_id: account for account in accounts}
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
            why = " ".join([_why_not(segment, gone.get(name), has_mix=has_mix), *repairs.get(name, [])])
            outcomes.append(Outcome(video_id=name, fate=Fate.DROPPED, how=why))
    return tuple(sorted(outcomes, key=lambda o: o.video_id))


def _why_not(segment: Segment, account: Account | None, *, has_mix: bool) -> str:
    if has_mix:
        contains = segment.kind is not StreamKind.MIX
        return "The mixed stream that is shown contains it." if contains else "Another mixed stream is shown."
    if segment.kind is StreamKind.MIX:
        return "The layout shows the single streams, not the mixed one."
    if segment.kind.is_sound:
        return f"It repeats the sound of its user's {'camera' if segment.kind is StreamKind.AUDIO else 'screen share'}."
    if account is None:
        return "Nothing of it is shown, as far as is declared."
    lengths = {**account.sound.lengths, **account.picture.lengths}
    why = next((REASONS[became] for became in REASONS if lengths.get(became)), "Nothing usable is in it.")
    return why if account.sound.length else f"{why[:-1]}, and it has no sound."


REASONS = {
    Disposition.LOST: "What is in it is lost.",
    Disposition.REPLACED: "Another file of its stream holds the same time.",
    Disposition.PAUSED: "It was recorded within a pause that is cut out.",
    Disposition.COVERED: "Another picture lies over it all the time.",
    Disposition.NO_PLACE: "The layout has no place for it.",
    Disposition.REPEATED: "Others hold the same.",
    Disposition.OUTSIDE: "It lies outside the window.",
}
"""Reasons why a file is neither seen nor heard, by disposition: the first that holds."""
