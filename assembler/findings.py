"""What was noticed on the way: every room may state a finding; nothing is silently skipped or repaired."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import field_validator

from assembler.errors import without_queries
from assembler.values import Value


class Severity(StrEnum):
    NOTE = "note"
    """Worth knowing, changes nothing about the playback's worth."""
    WARNING = "warning"
    """Something is missing, repaired or doubtful: the playback is degraded. ``--strict`` makes it an error."""


class Finding(Value):
    severity: Severity
    """How much it matters."""
    where: str
    """What it is about: a video id, a track, an omission, a field path; "" for the whole recording."""
    sentence: str
    """What was found and what was done about it, one plain sentence; never a URL query, key or token."""

    @field_validator("sentence")
    @classmethod
    def _discreet(cls, text: str) -> str:
        return without_queries(text)


def note(where: str, sentence: str) -> Finding:
    return Finding(severity=Severity.NOTE, where=where, sentence=sentence)


def warning(where: str, sentence: str) -> Finding:
    return Finding(severity=Severity.WARNING, where=where, sentence=sentence)


MOST_OF_A_KIND = 20
"""More findings that differ in names and numbers only are one that counts them."""
_OWN = re.compile(r"[0-9]+|\"[^\"]*\"")


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same findings, those of one kind cut to the first ones and a sum."""
    kept: list[Finding] = []
    counts: dict[tuple[str, ...], int] = {}
    for finding in findings:
        kind = (finding.severity.value, _OWN.sub("#", finding.where), _OWN.sub("#", finding.sentence))
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= MOST_OF_A_KIND:
            kept.append(finding)
    for (severity, where, sentence), count in counts.items():
        if count > MOST_OF_A_KIND:
            more = f"And {count - MOST_OF_A_KIND} more of the kind: {sentence}"
            kept.append(Finding(severity=Severity(severity), where=where, sentence=more))
    return tuple(kept)


class Fate(StrEnum):
    USED = "used"
    """In the playback as it was declared."""
    REPAIRED = "repaired"
    """In the playback, but not as declared: ``how`` says what was done."""
    DROPPED = "dropped"
    """Neither seen nor heard: ``how`` says why."""


class Outcome(Value):
    """What became of one segment."""

    video_id: str
    """The segment."""
    fate: Fate
    """Used, repaired or dropped."""
    how: str
    """How it was repaired or why it was dropped; "" for a used one."""


class Verdict(StrEnum):
    OK = "ok"
    """All of the class is in the playback."""
    DEGRADED = "degraded"
    """A playback worth having, with at least one warning."""
    FAILED = "failed"
    """There is no playback."""


def judge(findings: Iterable[Finding]) -> Verdict:
    """``degraded`` as soon as one warning was stated, else ``ok``."""
    return Verdict.DEGRADED if any(f.severity is Severity.WARNING for f in findings) else Verdict.OK
