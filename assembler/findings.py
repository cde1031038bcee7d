"""Findings: every room may state one; nothing is silently skipped or repaired."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby

from pydantic import field_validator

from assembler.errors import without_queries
from assembler.values import Value


class Severity(StrEnum):
    """Severity of a finding."""

    NOTE = "note"
    """Note, without effect on the playback's worth."""
    WARNING = "warning"
    """Warning that content is missing, repaired or doubtful: the playback is degraded. ``--strict`` makes it an
    error."""


class Finding(Value):
    """One observation about a recording, a file or the playback, for people."""

    severity: Severity
    """Note or warning; one warning makes the playback degraded."""
    where: str
    """Subject: a video id, a track, an omission, a field path; "" for the whole recording."""
    sentence: str
    """One plain sentence that says what was found and what was done about it; never a URL query, key or token."""

    @field_validator("sentence")
    @classmethod
    def _discreet(cls, text: str) -> str:
        return without_queries(text)


def note(where: str, sentence: str) -> Finding:
    """Make a finding that changes nothing about the playback's worth."""
    return Finding(severity=Severity.NOTE, where=where, sentence=sentence)


def warning(where: str, sentence: str) -> Finding:
    """Make a finding that degrades the playback."""
    return Finding(severity=Severity.WARNING, where=where, sentence=sentence)


MOST_OF_A_KIND = 20
"""Maximum number of findings that differ in names and numbers only; the rest become one that counts them."""
LEAST_IN_COMMON = 4
"""Minimum number of words that sentences of one kind have in common."""
OWN = "#"
"""Placeholder for what is a finding's own: numbers, what is quoted, and names."""
_NUMBERS = re.compile(r"[0-9]+|\"[^\"]*\"")


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Shorten the findings: those of one kind are cut to the first ones and a sum."""
    stated, kept = list(findings), []
    wheres, sentences = _shapes([f.where for f in stated], 0), _shapes([f.sentence for f in stated], LEAST_IN_COMMON)
    counts: Counter[tuple[Severity, str, str]] = Counter()
    for finding, where, sentence in zip(stated, wheres, sentences, strict=True):
        kind = (finding.severity, where, sentence)
        counts[kind] += 1
        if counts[kind] <= MOST_OF_A_KIND:
            kept.append(finding)
    for (severity, where, sentence), count in counts.items():
        if count > MOST_OF_A_KIND:
            more = f"And {count - MOST_OF_A_KIND} more of the kind: {sentence}"
            kept.append(Finding(severity=severity, where=where if where != OWN else "", sentence=more))
    return tuple(kept)


def _shapes(texts: Sequence[str], least: int) -> list[str]:
    """The texts without what is their own. A word that only few of them have is a name, unless fewer than ``least``
    words would be left."""
    masked = [_NUMBERS.sub(OWN, text) for text in texts]
    split = {text: text.split() for text in masked}
    counts: Counter[str] = Counter()
    for text, times in Counter(masked).items():
        counts.update(dict.fromkeys(split[text], times))
    common = {word for word, count in counts.items() if count > MOST_OF_A_KIND}
    shapes = {}
    for text, words in split.items():  # of one kind there are ten thousand texts, but few that differ here
        left = [word if word in common else OWN for word in words]
        is_one_of_many = sum(word != OWN for word in left) >= min(least, len(words))
        shapes[text] = " ".join(word for word, _ in groupby(left)) if is_one_of_many else " ".join(words)
    return [shapes[text] for text in masked]


class Fate(StrEnum):
    """Result for one segment."""

    USED = "used"
    """Segment in the playback as it was declared."""
    REPAIRED = "repaired"
    """Segment in the playback, but not as declared: ``how`` says what was done."""
    DROPPED = "dropped"
    """Segment neither seen nor heard: ``how`` says why."""


class Outcome(Value):
    """Result for one segment, with its reason."""

    video_id: str
    """The segment."""
    fate: Fate
    """Used, repaired or dropped."""
    how: str
    """Repair that was made, or reason why it was dropped; "" for a used one."""


class Verdict(StrEnum):
    """Result of a run as a whole."""

    OK = "ok"
    """Playback with all of the class."""
    DEGRADED = "degraded"
    """Playback worth having, with at least one warning."""
    FAILED = "failed"
    """Failure: there is no playback."""


def judge(findings: Iterable[Finding]) -> Verdict:
    """Return ``degraded`` as soon as one warning was stated, else ``ok``."""
    return Verdict.DEGRADED if any(f.severity is Severity.WARNING for f in findings) else Verdict.OK
