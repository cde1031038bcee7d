"""What a plan shows and plays, when: the whole class's axis, whatever window is played."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, recording, segment
from strategies import examples, recordings

from assembler.layout import arrange
from assembler.layout.model import Accepts
from assembler.options import load_options
from assembler.people import NOBODY
from assembler.plan.heard import build_bed
from assembler.plan.playing import Playing
from assembler.plan.scenes import find_runs, find_visible
from assembler.recording import Recording, StreamKind
from assembler.timeline import build_timeline
from assembler.timeline.build import NoLength
from assembler.times import Frame, Ms, PlayMs, Span, frame_at, span, union

FPS = Fraction(10)


def playing(lesson: Recording, begin: int = 0, layout: str = "tiw-2", silent: str = "") -> Playing:
    """The whole class, said to be played from ``begin`` on: what is in it then lies later by so much."""
    known = {
        s.video_id: facts(
            s.video_id, s.duration or 1000, picture=s.kind is not StreamKind.AUDIO, sound=s.video_id != silent
        )
        for s in lesson.segments
    }
    try:
        timeline = build_timeline(lesson, known)
    except NoLength:
        assume(False)  # all of it lies before the start: there is nothing to play
    arrangement = arrange(timeline, known, {}, load_options(layout=layout), NOBODY)
    parts = find_visible(timeline, arrangement, FPS, Frame(max(1, frame_at(PlayMs(timeline.length), FPS))))
    window = Span(start=PlayMs(begin), end=PlayMs(begin + timeline.length))
    return Playing(
        timeline, window, begin > 0, arrangement, find_runs(parts), build_bed(timeline, arrangement, known), FPS
    )


@examples(40)
@given(recordings(with_omissions=False), st.integers(1, 100_000), st.sampled_from(["tiw-2", "grid", "auto"]))
def test_a_window_that_begins_later_holds_the_same_later(lesson: Recording, begin: int, layout: str) -> None:
    first, later = playing(lesson, layout=layout), playing(lesson, begin, layout)
    for one, other in ((first.placed, later.placed), (first.seen, later.seen), (first.heard, later.heard)):
        assert {name: [part.shifted(Ms(begin)) for part in parts] for name, parts in one.items()} == other


@examples(40)
@given(recordings(with_omissions=False), st.sampled_from(["tiw-2", "grid", "auto"]))
def test_what_is_seen_has_a_place_and_single_and_mixed_streams_are_all(lesson: Recording, layout: str) -> None:
    found = playing(lesson, layout=layout)
    for name, parts in found.seen.items():
        for part in parts:  # a frame may begin before its place, or last longer
            assert any(place.start - 100 <= part.start and part.end <= place.end + 100 for place in found.placed[name])
    for all_of, mixed, single in (
        (found.placed, found.mix_seen, found.singles_seen), (found.heard, found.mix_heard, found.singles_heard),
    ):  # fmt: skip
        assert union(part for parts in all_of.values() for part in parts) == union([*mixed, *single])
    mixes = {s.video_id for s in lesson.segments if s.kind is StreamKind.MIX}
    assert bool(found.mix_seen) == bool(mixes & set(found.placed))


def test_a_border_of_a_place_counts_to_the_ms_and_what_covers_it_in_whole_frames() -> None:
    covering = segment("s", StreamKind.SCREEN, "ann", 1_040, 1_000, stream="tic_substream_ann")
    found = playing(recording([board("w", 30, 3_000), covering], total=4_000))
    assert found.placed == {"w": [span(30, 3_030)], "s": [span(1_040, 2_040)]}
    assert found.seen["w"] == [span(30, 1_000), span(2_000, 3_030)]
    assert found.seen["s"] == [span(1_040, 2_040)]


def test_kinds_of_streams_with_places_and_spans_of_streams_by_kind() -> None:
    lesson = recording([mix("m", 0, 5_000), camera("a", "ann", 0, 9_000), camera("b", "bob", 1_000, 2_000)])
    found = playing(lesson)
    assert found.accepts == {Accepts.WHITEBOARD, Accepts.SCREEN, Accepts.USER}
    assert (found.mix_seen, found.singles_seen) == ([], [span(0, 9_000)])
    assert (found.mix_heard, found.singles_heard) == ([], [span(0, 9_000)])
    mixed = playing(lesson, layout="mix")
    assert mixed.accepts == {Accepts.MIX}
    assert (mixed.mix_seen, mixed.singles_seen) == ([span(0, 5_000)], [])
    assert (mixed.mix_heard, mixed.singles_heard) == ([span(0, 5_000)], [span(5_000, 9_000)])
    unheard = playing(lesson, layout="mix", silent="m")
    assert (unheard.mix_seen, unheard.mix_heard) == ([span(0, 5_000)], [])


def test_a_track_tells_of_each_of_its_files_when_it_has_a_picture_and_sound() -> None:
    sound = segment("s", StreamKind.AUDIO, "ann", 2_000, 4_000)
    found = playing(recording([camera("a", "ann", 0, 3_000), camera("b", "ann", 5_000, 1_000), sound]))
    both = [span(0, 3_000), span(5_000, 6_000)]
    assert found.recorded == {"a": (both, both), "b": (both, both), "s": ([], [span(2_000, 6_000)])}
    assert found.repeated == {(StreamKind.AUDIO, "ann"): both}
