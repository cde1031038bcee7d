"""Where chunks meet, and that a chunk cut in two shows what the whole would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, omission, recording, screen
from strategies import examples

from assembler.facts import Facts
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.pipeline.assemble import decide
from assembler.plan.borders import (
    FIRST_SECONDS,
    GRADUAL_PARTS,
    GRADUAL_SECONDS,
    LAST_SECONDS,
    SHORTEST_SECONDS,
    place_borders,
)
from assembler.plan.chunks import cut_chunks, split_chunk
from assembler.plan.model import Plan
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles
from assembler.times import Frame

TICKS = 15360
FPS = 15


def known(segment: Segment, gop: int, *, size: tuple[int, int] = (640, 480)) -> Facts:
    """Facts of a segment's file: a key frame every ``gop`` ms."""
    assert segment.duration is not None
    keyframes = tuple(at * TICKS // 1000 for at in range(0, segment.duration, gop))
    return facts(segment.video_id, segment.duration, keyframes=keyframes, size=size)


def planned(segments: Sequence[Segment], facts_by_id: Mapping[str, Facts]) -> Plan:
    got = SegmentFiles(facts=dict(facts_by_id))
    return decide(
        RecordedClass(recordings=(recording(segments),)), got, Options(layout="tiw-2", fps=FPS), may_copy=False
    )[1]  # type: ignore[arg-type]


def lesson(seconds: int, gop: int = 5000) -> tuple[Plan, dict[str, Facts]]:
    """A board alone, as long as the class."""
    segment = board("w", 0, seconds * 1000)
    by_id = {"w": known(segment, gop, size=(1280, 960))}
    return planned([segment], by_id), by_id


def cut_often(pieces: int, length: int, pause: int) -> tuple[Plan, dict[str, Facts]]:
    """One file of a board out of which ``pieces`` pauses were cut, each behind ``length`` ms."""
    whole = pieces * (length + pause)
    segment = board("w", 0, whole)
    by_id = {"w": known(segment, 2000, size=(1280, 960))}
    pauses = [
        omission((n + 1) * length, n * pause + (n + 1) * length, (n + 1) * (pause + length)) for n in range(pieces)
    ]
    paused = recording([segment], total=pieces * length, stop=whole, omissions=pauses)
    got = SegmentFiles(facts=dict(by_id))
    return decide(RecordedClass(recordings=(paused,)), got, Options(layout="tiw-2", fps=FPS), may_copy=False)[1], by_id  # type: ignore[arg-type]


@st.composite
def lessons(draw: st.DrawFn) -> tuple[Plan, dict[str, Facts]]:
    length = draw(st.integers(1_000, 900_000))
    gops = st.integers(300, 20_000)
    segments = [board("w", 0, length)]
    for number in range(draw(st.integers(0, 5))):
        play = draw(st.integers(0, length - 1))
        lasts = draw(st.integers(1, length - play))
        kind = draw(st.sampled_from([camera, screen]))
        segments.append(kind(f"v{number}", f"user {number}", play, lasts))
    by_id = {s.video_id: known(s, draw(gops)) for s in segments}
    return planned(segments, by_id), by_id


class TestBorders:
    @examples(60)
    @given(lessons(), st.floats(0.1, 200), st.integers(1, 64), st.booleans())
    def test_chunks_partition_the_playback_and_none_is_absurdly_short_or_long(
        self, given_lesson: tuple[Plan, dict[str, Facts]], seconds: float, jobs: int, is_growing: bool
    ) -> None:
        plan, by_id = given_lesson
        borders = place_borders(plan, by_id, seconds=seconds, processes=jobs, is_gradual=is_growing)
        assert borders[0] == 0
        assert borders[-1] == plan.frames
        lengths = [b - a for a, b in pairwise(borders)]
        assert all(length > 0 for length in lengths)
        assert max(lengths) <= max(1.5 * seconds, 1.5 * SHORTEST_SECONDS) * FPS + 2
        if len(lengths) > 1:
            assert min(lengths) >= 0.5 * min(seconds, SHORTEST_SECONDS) * FPS - 1

    @examples(30)
    @given(lessons(), st.randoms(use_true_random=False))
    def test_the_order_of_lanes_does_not_matter(
        self, given_lesson: tuple[Plan, dict[str, Facts]], chance: object
    ) -> None:
        plan, by_id = given_lesson
        lanes = list(plan.lanes)
        chance.shuffle(lanes)  # type: ignore[attr-defined]
        moved = plan.model_copy(update={"lanes": tuple(lanes)})
        assert place_borders(moved, by_id, seconds=40, processes=3) == place_borders(
            plan, by_id, seconds=40, processes=3
        )

    @pytest.mark.parametrize("jobs", [1, 2, 3, 8, 16])
    @pytest.mark.parametrize("seconds", [20, 61, 300, 1000, 5400])
    def test_all_cores_finish_together(self, seconds: int, jobs: int) -> None:
        """Each core takes the longest chunk that is left."""
        plan, by_id = lesson(seconds)
        borders = place_borders(plan, by_id, seconds=60, processes=jobs)
        cores = [0] * jobs
        for length in sorted((b - a for a, b in pairwise(borders)), reverse=True):
            cores[cores.index(min(cores))] += length
        assert max(cores) - plan.frames / jobs <= 0.8 * LAST_SECONDS * FPS

    @pytest.mark.parametrize("seconds", [60, 300, 600, 3600])
    def test_while_files_are_fetched_chunks_are_short_and_those_at_the_ends_shorter(self, seconds: int) -> None:
        plan, by_id = lesson(seconds)
        lengths = [b - a for a, b in pairwise(place_borders(plan, by_id, seconds=60, processes=2, is_gradual=True))]
        assert max(lengths[0], lengths[-1]) <= 1.5 * FIRST_SECONDS * FPS
        part = max(seconds / GRADUAL_PARTS, FIRST_SECONDS)
        assert max(lengths) <= 1.3 * min(part, GRADUAL_SECONDS) * FPS
        assert len(lengths) <= 1.3 * seconds / min(part, GRADUAL_SECONDS) + 12

    def test_a_long_class_has_few_chunks(self) -> None:
        plan, by_id = lesson(3 * 3600)
        assert len(place_borders(plan, by_id, seconds=60, processes=2)) <= 3 * 60 + 5
        assert place_borders(*lesson(60), seconds=60, processes=1) == (0, 60 * FPS)
        assert place_borders(*lesson(6), seconds=60, processes=16) == (0, 6 * FPS)

    def test_where_many_come_and_go_chunks_are_shorter_and_read_only_so_many_files(self) -> None:
        segments = [board("w", 0, 600_000), *(camera(f"v{n}", f"user {n}", n * 1000, 900) for n in range(300))]
        by_id = {s.video_id: known(s, 900) for s in segments}
        plan = planned(segments, by_id)
        chunks = cut_chunks(plan, by_id, place_borders(plan, by_id, seconds=60, processes=2))
        counts = [len({source.video_id for tile in chunk.tiles for source in tile.sources}) for chunk in chunks]
        assert max(counts) <= 15, "of 640x480 each"
        assert max(chunk.frames for chunk in chunks) > 55 * FPS, "where nobody comes they are as long as ever"

    @pytest.mark.parametrize(("pause", "most"), [(500, 1), (9_000, 1), (60_000, 4)])
    def test_a_file_with_many_cuts_is_opened_few_times(self, pause: int, most: int) -> None:
        """Pieces with little between them are read in one go; where much lies between them, chunks are shorter."""
        plan, by_id = cut_often(200, 800, pause)
        borders = place_borders(plan, by_id, seconds=60, processes=2)
        sources = [[s for t in c.tiles for s in t.sources] for c in cut_chunks(plan, by_id, borders)]
        assert max(len({s.seek for s in found}) for found in sources) <= most
        assert sum(map(len, sources)) >= 200
        assert len(sources) < 200, "not a chunk for each piece"

    def test_they_lie_at_key_frames_of_what_costs_most_to_decode(self) -> None:
        segments = [board("w", 0, 300_000), camera("a", "ann", 0, 300_000)]
        by_id = {"w": known(segments[0], 9_000, size=(1280, 960)), "a": known(segments[1], 2_000, size=(320, 240))}
        borders = place_borders(planned(segments, by_id), by_id, seconds=60, processes=2)
        assert {at % (9 * FPS) for at in borders[1:-2]} == {0}
        assert abs(borders[1] - 60 * FPS) <= 4 * FPS

    def test_they_lie_where_a_source_begins(self) -> None:
        """A board with a single key frame would be decoded from its start again; a new one need not be."""
        segments = [board("w", 0, 54_000), board("v", 54_000, 66_000)]
        by_id = {s.video_id: known(s, 1_000_000, size=(1280, 960)) for s in segments}
        assert place_borders(planned(segments, by_id), by_id, seconds=60, processes=1)[1] == 54 * FPS


@examples(60)
@given(lessons(), st.data())
def test_a_chunk_cut_in_two_is_as_if_it_had_been_planned_so(
    given_lesson: tuple[Plan, dict[str, Facts]], data: st.DataObject
) -> None:
    plan, by_id = given_lesson
    (whole,) = cut_chunks(plan, by_id, [Frame(0), plan.frames])
    frames = data.draw(st.integers(1, plan.frames))
    borders = sorted({Frame(0), Frame(frames), plan.frames})
    parts = split_chunk(whole, by_id, frames)
    assert parts == cut_chunks(plan, by_id, borders)
    again = data.draw(st.integers(1, parts[-1].frames))
    borders = sorted({parts[-1].first, Frame(parts[-1].first + again), plan.frames})
    assert split_chunk(parts[-1], by_id, again) == cut_chunks(plan, by_id, borders)
