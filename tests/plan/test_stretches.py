"""Stretches of speech: all that is said, little more, and each at its place in its file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assembler.plan.model import SoundPiece
from assembler.plan.stretches import LONGEST, MARGIN, TOGETHER, find_nameless, find_stretches
from assembler.times import FileMs, Span, shared, span, split, union

HOUR = 3_600_000
WHOLE = span(0, HOUR)


@st.composite
def spans(draw: st.DrawFn, most: int = HOUR) -> list[Span]:
    ends = sorted(draw(st.sets(st.integers(0, most), max_size=24)))
    return [span(a, b) for a, b in zip(ends[::2], ends[1::2], strict=False)]


@st.composite
def pieces(draw: st.DrawFn) -> list[SoundPiece]:
    """Pieces of one file that pauses were cut out of: later in the file than in the playback."""
    lost, found = draw(st.integers(0, 5000)), []
    for part in draw(spans()):
        found.append(SoundPiece(video_id="v", span=part, file_start=FileMs(part.start + lost)))
        lost += draw(st.integers(0, 100_000))
    return found


@given(pieces=pieces(), speech=spans(), window=spans().filter(bool))
def test_all_speech_that_is_heard_is_in_one_stretch_at_its_place_in_the_file(
    pieces: list[SoundPiece], speech: list[Span], window: list[Span]
) -> None:
    found = find_stretches({"ann": pieces}, {"ann": speech, "bob": [WHOLE]}, window[0])
    places = [stretch.span for stretch in found]
    assert sum(place.length for place in places) == sum(place.length for place in union(places)), "none twice"
    heard = [part for piece in pieces for part in shared(speech, piece.span)]
    inside = split(union(heard), window[:1])[0]
    assert not split(inside, union(places))[1], "nothing is missed"
    for stretch in found:
        assert stretch.user == "ann"
        assert 0 < stretch.span.length <= LONGEST
        (piece,) = [piece for piece in pieces if piece.span.meets(stretch.span)]
        assert stretch.span.within(piece.span) == stretch.span.within(window[0]) == stretch.span
        assert stretch.range[0] - stretch.span.start == piece.file_start - piece.span.start
        for silence in stretch.span.without(speech):
            assert silence.length <= max(TOGETHER, 2 * MARGIN), "no long silence is heard by the model"


@given(speech=spans(), own=spans())
def test_what_a_mixed_stream_has_alone_is_away_from_all_speech_with_a_name(speech: list[Span], own: list[Span]) -> None:
    found = find_nameless(speech, {"ann": own})
    assert not [rest for rest in found for word in own if span(max(0, word.start - MARGIN), word.end).meets(rest)]
    assert not split(found, speech)[1]
    assert find_nameless(speech, {}) == [part for part in speech if part.length >= 1000]
