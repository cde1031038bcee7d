"""Times: rounding once, spans, clocks in words."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.errors import InputError
from assembler.times import PlayMs, clock_text, frame_at, parse_clock, samples_at, span, union

RATES = [Fraction(n) for n in (5, 8, 10, 12, 15, 20, 24, 25, 30)] + [Fraction(30000, 1001)]


@given(st.integers(0, 200_000_000), st.sampled_from(RATES))
def test_a_border_is_never_more_than_half_a_frame_off(at: int, fps: Fraction) -> None:
    assert abs(frame_at(PlayMs(at), fps) / fps - Fraction(at, 1000)) <= 1 / (2 * fps)


def test_half_a_frame_is_rounded_up() -> None:
    assert frame_at(PlayMs(100), Fraction(15)) == 2
    assert frame_at(PlayMs(99), Fraction(15)) == 1


@given(st.lists(st.integers(0, 10_000_000), min_size=2, max_size=50), st.sampled_from(RATES))
def test_lengths_between_borders_never_drift(borders: list[int], fps: Fraction) -> None:
    frames = [frame_at(PlayMs(at), fps) for at in sorted(borders)]
    lengths = [b - a for a, b in pairwise(frames)]
    assert frames[0] + sum(lengths) == frames[-1]


def test_a_millisecond_is_a_whole_number_of_samples() -> None:
    assert samples_at(1) == 48


@given(st.integers(0, 400_000_000))
def test_a_clock_is_read_back(at: int) -> None:
    assert parse_clock(clock_text(at)) == at


@pytest.mark.parametrize(("text", "ms"), [("75", 75_000), ("10:35", 635_000), ("1:02:03.5", 3_723_500), ("0.25", 250)])
def test_a_clock_may_be_written_in_three_ways(text: str, ms: int) -> None:
    assert parse_clock(text) == ms


@pytest.mark.parametrize("text", ["", "ten", "1:2:3:4", "-5", "1.2345", "10:35 pm"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(InputError, match="is not a time"):
        parse_clock(text)


spans = st.builds(lambda a, b: span(min(a, b), max(a, b)), st.integers(0, 300), st.integers(0, 300))


@given(spans, st.lists(spans, max_size=5))
def test_what_is_taken_out_of_a_span_and_what_is_left_are_the_whole(whole: object, holes: list[object]) -> None:
    left = whole.without(holes)  # type: ignore[attr-defined]
    inside = {ms for piece in left for ms in range(piece.start, piece.end)}
    gone = {ms for hole in holes for ms in range(hole.start, hole.end)}  # type: ignore[attr-defined]
    assert inside == set(range(whole.start, whole.end)) - gone  # type: ignore[attr-defined]


@given(st.lists(spans, max_size=8))
def test_a_union_holds_the_same_milliseconds_in_disjoint_spans(pieces: list[object]) -> None:
    merged = union(pieces)  # type: ignore[arg-type]
    wanted = {ms for p in pieces for ms in range(p.start, p.end)}  # type: ignore[attr-defined]
    assert {ms for p in merged for ms in range(p.start, p.end)} == wanted
    assert all(a.end < b.start for a, b in pairwise(merged))
