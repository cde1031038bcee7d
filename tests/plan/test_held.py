"""Which output frames are composed: all in which anything may change, and hardly any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, recording
from strategies import examples

from assembler.facts import Facts
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.pipeline.assemble import decide
from assembler.plan.chunks import Chunk, cut_chunks, split_chunk
from assembler.plan.grid import frame_of
from assembler.plan.held import MAX_GOP_SECONDS, composed_frames, hold_frames, kept_frames, place_keyframes, repeats
from assembler.segment_files import SegmentFiles
from assembler.times import Frame

FPS = 15
TICKS = 15360
HELD = 2 * TICKS // 5
"""Ticks from which on the probe lists two stamps."""

Streams = dict[str, tuple[int, list[int]]]
"""Start on the playback in ms and stamps in ticks of each file."""


@st.composite
def streams(draw: st.DrawFn) -> Streams:
    """A board and up to two cameras, whose frames lie close together and far apart."""
    found = {}
    for name in ("w", "a", "b")[: draw(st.integers(1, 3))]:
        steps = draw(st.lists(st.one_of(st.integers(300, 3000), st.integers(6000, 400_000)), min_size=1, max_size=12))
        stamps = [sum(steps[:n]) for n in range(len(steps) + 1)]
        found[name] = draw(st.integers(0, 9000)), stamps
    return found


def chunks_of(given_streams: Streams, borders: Sequence[float]) -> tuple[list[Chunk], dict[str, Facts]]:
    by_id, segments = {}, []
    for name, (start, stamps) in given_streams.items():
        length = stamps[-1] * 1000 // TICKS + 500
        segments.append(board(name, start, length) if name == "w" else camera(name, name, start, length))
        known = facts(name, length)
        assert known.picture is not None
        held = tuple((a, b) for a, b in pairwise(stamps) if b - a >= HELD)
        picture = replace(known.picture, first=stamps[0], last=stamps[-1], frames=len(stamps), held=held)
        by_id[name] = replace(known, picture=picture)
    options = Options(layout="tiw-2", fps=FPS)  # type: ignore[arg-type]
    recorded = RecordedClass(recordings=(recording(segments),))
    plan = decide(recorded, SegmentFiles(facts=by_id), options, may_copy=False)[1]
    cuts = sorted({0, plan.frames, *(int(plan.frames * part) for part in borders)})
    return [hold_frames(chunk, by_id) for chunk in cut_chunks(plan, by_id, [Frame(at) for at in cuts])], by_id


def seen(chunk: Chunk, given_streams: Streams, by_id: dict[str, Facts], frame: int) -> list[object]:
    """What each tile shows at an output frame: the index of a source's frame, or nothing."""
    found: list[object] = []
    for tile in chunk.tiles:
        shown = next((s for s in tile.sources if s.first <= frame < s.end), None)
        if shown is None:
            found.append(None)
            continue
        picture = by_id[shown.video_id].picture
        assert picture is not None
        stamps = given_streams[shown.video_id][1]
        places = [frame_of(stamp, picture, shown.shift, Fraction(FPS)) for stamp in stamps]
        found.append((shown.video_id, max(0, sum(place <= frame for place in places) - 1)))
    return found


@examples(60)
@given(streams(), st.lists(st.floats(0, 1), max_size=4), st.data())
def test_a_held_frame_shows_what_the_one_before_shows(
    given_streams: Streams, borders: list[float], data: st.DataObject
) -> None:
    chunks, by_id = chunks_of(given_streams, borders)
    for chunk in chunks:
        parts = split_chunk(chunk, by_id, data.draw(st.integers(1, chunk.frames)))
        for part in (chunk, *parts):
            composed = {part.first + at for at in composed_frames(part)}
            assert part.first in composed
            assert len(composed) == part.composed
            for frame in range(part.first + 1, part.end):
                assert part.place(Frame(frame)) == sum(at < frame for at in composed)
                if frame not in composed:
                    assert seen(part, given_streams, by_id, frame) == seen(part, given_streams, by_id, frame - 1)


@examples(60)
@given(streams(), st.lists(st.floats(0, 1), max_size=4))
def test_no_key_frame_is_later_than_a_seek_needs_it(given_streams: Streams, borders: list[float]) -> None:
    chunks, _ = chunks_of(given_streams, borders)
    for chunk in chunks:
        keys = {0, *place_keyframes(chunk)}
        for at, following in pairwise([*composed_frames(chunk), chunk.frames]):
            if at in keys:
                keys |= {*repeats(at, following, chunk.fps)}
        assert not chunk.held or max(b - a for a, b in pairwise([*sorted(keys), chunk.frames])) <= MAX_GOP_SECONDS * FPS


@examples(60)
@given(streams(), st.lists(st.floats(0, 1), max_size=4))
def test_at_a_variable_rate_no_frame_lasts_longer_than_a_gop_and_the_last_one_is_kept(
    given_streams: Streams, borders: list[float]
) -> None:
    for chunk in chunks_of(given_streams, borders)[0]:
        kept = kept_frames(chunk.model_copy(update={"is_variable": bool(chunk.held)}))
        assert {*composed_frames(chunk), chunk.frames - 1} <= {*kept} <= {*kept_frames(chunk)}
        assert max(b - a for a, b in pairwise([*kept, chunk.frames])) <= MAX_GOP_SECONDS * FPS


def test_an_hour_in_which_a_page_is_turned_each_minute_is_composed_once_a_minute() -> None:
    stamps = [minute * 60 * TICKS for minute in range(60)]
    chunks, _ = chunks_of({"w": (0, stamps)}, [n / 10 for n in range(1, 10)])
    assert sum(chunk.composed for chunk in chunks) == 60 + sum(chunk.first % 900 > 0 for chunk in chunks)


def test_of_a_moving_camera_nothing_is_held_and_nothing_is_in_the_digest() -> None:
    stamps = list(range(0, 30 * TICKS, TICKS // FPS))
    chunks, _ = chunks_of({"w": (0, [0]), "a": (0, stamps)}, [0.5])
    assert [chunk.held for chunk in chunks[:1]] == [()]
    assert "held" not in chunks[0].model_dump_json()
