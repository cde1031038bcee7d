"""Chunks in which places change are cut into parts that can be stacked side by side."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from lessons import board, camera, facts, recording

from assembler.facts import Facts
from assembler.options import load_options
from assembler.pipeline.decide import decide
from assembler.pipeline.timelines import in_order
from assembler.plan.borders import place_borders
from assembler.plan.chunks import Chunk, cut_chunks
from assembler.plan.model import Plan
from assembler.plan.reflowed import find_disjoint_parts
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles
from assembler.times import Frame


def planned(lesson: list[Segment], **options: object) -> tuple[Plan, dict[str, Facts]]:
    known = {s.video_id: facts(s.video_id, s.duration or 1) for s in lesson}
    chosen = load_options(**options)
    return decide(in_order([recording(lesson)], chosen), SegmentFiles(facts=known), chosen)[1], known


def chunk_of(lesson: list[Segment], **options: object) -> tuple[Chunk, dict[str, Facts]]:
    plan, known = planned(lesson, **options)
    return cut_chunks(plan, known, (Frame(0), plan.frames))[0], known


def test_each_division_is_a_part() -> None:
    lesson = [
        board("w", 0, 40_000),
        camera("a", "a", 0, 40_000),
        *(camera(u, u, n * 10_000, 10_000) for n, u in enumerate("bcd")),
    ]
    lesson += [camera("e", "e", 23_000, 4000)]
    chunk, known = chunk_of(lesson, layout="classroom")
    parts = find_disjoint_parts(chunk, known)
    assert not chunk.is_disjoint
    assert [part.first / chunk.fps for part in parts] == [0, 23, 27, 30]
    assert all(part.is_disjoint for part in parts)
    assert parts[0].first == chunk.first
    assert all(a.end == b.first for a, b in pairwise(parts))
    assert parts[-1].end == chunk.end
    shown = {(s.video_id, f) for t in chunk.tiles for s in t.sources for f in range(s.first, s.end)}
    assert {(s.video_id, f) for p in parts for t in p.tiles for s in t.sources for f in range(s.first, s.end)} == shown


def test_what_is_in_use_at_once_and_meets_stays_one_part() -> None:
    lesson = [board("w", 0, 40_000), camera("a", "a", 0, 40_000)]
    chunk, known = chunk_of(lesson, layout=str(Path(__file__).parents[2] / "fixtures" / "layouts" / "overlapping.json"))
    assert not chunk.is_disjoint
    assert find_disjoint_parts(chunk, known) == (chunk,)


def test_chunks_meet_where_the_canvas_is_divided_anew() -> None:
    """There every picture is opened anyway, and nothing is decoded twice."""
    lesson = [board("w", 0, 600_000), *(camera(f"u{n}", f"u{n}", n * 9000, 30_000) for n in range(60))]
    plan, known = planned(lesson, layout="classroom")
    borders = place_borders(plan, known, seconds=30, processes=2)
    begun = {scene.first for scene in plan.scenes}
    assert len(borders) > 20
    assert sum(border in begun for border in borders) > len(borders) * 3 // 4
