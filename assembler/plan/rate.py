"""Choice of the playback's frame rate."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from assembler.facts import Facts
from assembler.layout.model import Arrangement
from assembler.times import Ms, union

DEFAULT = Fraction(15)
"""Frame rate where no picture is known: the recorder's own for boards and cameras."""
FAST_ENOUGH = Fraction(30)
"""Maximum frame rate that is chosen; --fps may ask for more."""
LEAST_SHARE = Fraction(1, 20)
"""Minimum share of the playback in which a source that counts is visible: one student at 30 must not double a class at
15."""


def choose_rate(arrangement: Arrangement, facts: Mapping[str, Facts], length: Ms) -> Fraction:
    """The largest true rate among sources visible long enough; among all of them if none is."""
    spans: dict[Fraction, list[int]] = {}
    for rate in {_rate(p.video_id, facts) for p in arrangement.placements} - {None}:
        assert rate is not None
        seen = union(p.span for p in arrangement.placements if _rate(p.video_id, facts) == rate)
        spans[rate] = [s.length for s in seen]
    if not spans:
        return DEFAULT
    long_enough = [rate for rate, lengths in spans.items() if sum(lengths) >= length * LEAST_SHARE]
    return min(max(long_enough or spans), FAST_ENOUGH)


def _rate(video_id: str, facts: Mapping[str, Facts]) -> Fraction | None:
    known = facts.get(video_id)
    return known.picture.rate if known is not None and known.picture is not None else None
