"""Who is the speaker when several speak."""

from __future__ import annotations

import pytest

from assembler.timeline.turns import TAKEOVER, find_turns
from assembler.times import Ms, Span, span


def told(length: int = 60_000, **speaking: list[Span]) -> list[tuple[str, int, int]]:
    return [(turn.user, turn.span.start, turn.span.end) for turn in find_turns(speaking, Ms(length))]


def test_silence_belongs_to_who_spoke_last() -> None:
    assert told(ann=[span(1000, 5000)], bob=[span(20_000, 21_000)]) == [("ann", 1000, 20_000), ("bob", 20_000, 60_000)]


def test_a_short_word_takes_no_turn_from_who_speaks_but_one_in_silence_does() -> None:
    said = told(ann=[span(0, 20_000)], bob=[span(5000, 6000), span(25_000, 25_400)])
    assert said == [("ann", 0, 25_000), ("bob", 25_000, 60_000)]


def test_who_goes_on_speaking_into_anothers_words_takes_over() -> None:
    said = told(ann=[span(0, 30_000)], bob=[span(10_000, 40_000)])
    assert said == [("ann", 0, 10_000 + TAKEOVER), ("bob", 10_000 + TAKEOVER, 60_000)]


def test_a_microphone_that_always_sounds_gives_way_to_everybody_who_speaks() -> None:
    said = told(fan=[span(0, 60_000)], ann=[span(10_000, 20_000)], bob=[span(30_000, 35_000)])
    assert [user for user, *_ in said] == ["fan", "ann", "fan", "bob", "fan"]


def test_the_turn_of_who_stops_goes_to_whoever_will_have_spoken_longest() -> None:
    said = told(ann=[span(0, 10_000)], bob=[span(9000, 9900 + 500)], cem=[span(9500, 15_000)])
    assert said == [("ann", 0, 10_000), ("cem", 10_000, 60_000)]


@pytest.mark.parametrize("length", [0, 500])
def test_turns_end_with_the_playback(length: int) -> None:
    assert told(length, ann=[span(0, 200)]) == ([("ann", 0, 500)] if length else [])


def test_nobody_is_the_speaker_before_the_first_word() -> None:
    assert told(3000, ann=[span(1000, 2000)], bob=[]) == [("ann", 1000, 3000)]
    assert told(3000) == []
