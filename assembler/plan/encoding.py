"""Choice of what the encoder is told: the playback's frame rate, and what kind of picture it has to serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from assembler.facts import Facts
from assembler.layout.model import Arrangement
from assembler.plan.model import Imagery, Lane
from assembler.recording import StreamKind
from assembler.times import Ms, union

DEFAULT = Fraction(15)
"""Frame rate where no picture is known: the recorder's own for boards and cameras."""
FAST_ENOUGH = Fraction(30)
"""Maximum frame rate that is chosen; --fps may ask for more."""
LEAST_SHARE = Fraction(1, 20)
"""Minimum share of the playback in which a source that counts is visible: one student at 30 must not double a class at
15."""
BUSY = Fraction(5, 2)
"""Minimum bit rate of what moves or has noise all over, in bit/s for each pixel: boards, pages have 0.1 to 0.8, quiet
cameras 1 to 2.5, a film 3.4, cameras in bad light 18 and more (``tests/bench/courses.py``)."""


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


def find_imagery(lanes: Iterable[Lane], facts: Mapping[str, Facts], kinds: Mapping[str, StreamKind]) -> Imagery:
    """Judge what fills most of the canvas, each piece by its area and time; ``kinds`` by video id."""
    whole = stage = busy = 0
    for lane in lanes:
        for piece in lane.pieces:
            area = lane.rect.width * lane.rect.height * (piece.end - piece.first)
            whole += area
            stage += area * (kinds.get(piece.video_id) in (StreamKind.WHITEBOARD, StreamKind.SCREEN))
            busy += area * _is_busy(facts.get(piece.video_id))
    return Imagery(is_stage=2 * stage > whole, is_busy=2 * busy > whole)


def _is_busy(known: Facts | None) -> bool:
    if known is None or known.picture is None or known.picture.end <= known.picture.start:
        return False
    picture, stretch = known.picture, known.picture.stretches[0]
    heard = sum(sound.bit_rate * (sound.end - sound.start) // 1000 for sound in known.sounds)
    bits = known.size * 8 - heard
    return bits * 1000 > BUSY * stretch.width * stretch.height * (picture.end - picture.start)
