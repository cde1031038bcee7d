"""What cannot be decoded is replaced or told, with its file and its time, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lessons import camera, recording
from oddities import packets, spoiled, wiped
from synthetic import Recipe, make

from assembler.choices import Quality
from assembler.facts import PACKETS_LOST, Facts, LostVideo
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.probe.probe import probe_all
from assembler.media.render.inputs import Input, prepare_sources
from assembler.media.render.repair import (
    DAMAGED,
    UNREADABLE,
    find_damage,
    has_errors,
    may_be_early,
    without_undecodable,
)
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide
from assembler.plan.chunks import Chunk, cut_chunks
from assembler.processes import Stop
from assembler.progress import Silent
from assembler.segment_files import SegmentFiles
from assembler.times import FileMs, Frame, span
from assembler.workspace import CHUNKS

LATE = 500
"""Ms of the playback at which both cameras begin."""


class Work:
    """Two cameras of four seconds beside each other, probed whole, and one chunk of both."""

    def __init__(self, folder: Path, ffmpeg: str) -> None:
        self.files = {}
        for name, identity in (("a", "red"), ("b", "blue")):
            recipe = Recipe(identity=identity, seconds=Fraction(4), fps=Fraction(10), gop=10, width=64, height=48)
            self.files[name] = Path(shutil.copy(make(recipe, ffmpeg), folder / f"{name}.mp4"))
        (folder / CHUNKS).mkdir()
        self.facts, bad = probe_all(self.files, keep_stamps=(), work=folder, progress=Silent(), stop=None, parallel=1)
        assert not bad
        lesson = recording([camera(name, name, LATE, 4_000) for name in self.files], total=5_000)
        got = SegmentFiles(self.files, dict(self.facts))
        plan = decide(
            RecordedClass(recordings=(lesson,)), got, Options(layout="grid", fps=Fraction(10)), may_copy=False
        )[1]
        self.setup = RenderSetup(
            folder,
            find_ffmpeg(ffmpeg),
            ENCODERS["x264"].at(Quality.DRAFT),
            SourceFiles(self.files),
            self.facts,
            Stop(),
            60,
        )
        (self.chunk,) = cut_chunks(plan, self.facts, [Frame(0), plan.frames])
        self.inputs: Mapping[tuple[str, int], Input] = prepare_sources([self.chunk], self.setup)
        self.out = folder / CHUNKS / "x.mp4"
        self.log = folder / CHUNKS / "x.log"
        self.log.write_text("[h264 @ 0x1] [error] error while decoding MB 3 4\n")

    def damage(self, chunk: Chunk | None = None, **changed: Facts) -> list[tuple[str, int, int, str]]:
        setup = replace(self.setup, facts={**self.facts, **changed})
        found = find_damage(chunk or self.chunk, setup, self.inputs, self.out, self.log)
        assert not list(self.out.parent.glob("*.damage*"))
        return [(loss.video_id, loss.span.start, loss.span.end, loss.what) for loss in found]

    def part(self, first: int, end: int) -> Chunk:
        tiles = tuple(
            tile.model_copy(
                update={
                    "sources": tuple(
                        s.model_copy(update={"first": Frame(max(first, s.first)), "end": Frame(min(end, s.end))})
                        for s in tile.sources
                    )
                }
            )
            for tile in self.chunk.tiles
        )
        return self.chunk.model_copy(update={"first": Frame(first), "end": Frame(end), "tiles": tiles})


@pytest.fixture
def work(tmp_path: Path, bundled_ffmpeg: str) -> Work:
    return Work(tmp_path, bundled_ffmpeg)


@pytest.mark.parametrize(
    ("log", "is_error"),
    [
        ("", False),
        ("[h264 @ 0x1] [warning] error while decoding\n", False),
        ("x\n[h264 @ 0x1] [error] y\n", True),
        ("[fatal] z", True),
        (None, False),
    ],
)
def test_errors_are_the_lines_of_that_level(tmp_path: Path, log: str | None, is_error: bool) -> None:
    path = tmp_path / "log"
    if log is not None:
        path.write_bytes(b"\xff\xfe" + log.encode())
    assert has_errors(path) is is_error


def test_damage_is_from_the_first_bad_packet_to_the_next_key_frame_and_of_its_file_alone(work: Work) -> None:
    spoiled(work.files["b"], packets(work.files["b"], 1.3, 1.5))
    (found,) = work.damage()
    assert found[0] == "b"
    assert LATE + 1_200 <= found[1] <= LATE + 1_400
    assert found[2:] == (LATE + 2_000, DAMAGED)
    assert work.damage(work.part(20, 50)) == [("b", 2_000, LATE + 2_000, DAMAGED)], "as far as it is in the chunk"
    work.log.write_text("[warning] error")
    assert work.damage() == [], "nobody complained"


def test_a_complaint_without_damage_is_told_of_the_whole_chunk_unless_facts_explain_it(work: Work) -> None:
    assert work.damage() == [("", 0, 5_000, DAMAGED)]
    picture = work.facts["a"].picture
    assert picture is not None
    lost = replace(picture, lost=(LostVideo(FileMs(100), FileMs(300), PACKETS_LOST),))
    assert work.damage(a=replace(work.facts["a"], picture=lost)) == []
    assert work.damage(a=replace(work.facts["a"], is_truncated=True)) == []


def test_damage_that_facts_tell_of_is_not_told_again(work: Work) -> None:
    spoiled(work.files["b"], packets(work.files["b"], 1.3, 1.5))
    picture = work.facts["b"].picture
    assert picture is not None
    lost = replace(picture, lost=(LostVideo(FileMs(1_250), FileMs(2_000), PACKETS_LOST),))
    assert work.damage(b=replace(work.facts["b"], picture=lost)) == []


def test_what_gives_no_frame_is_left_out_of_the_chunk_and_the_others_stay(work: Work) -> None:
    wiped(work.files["a"], packets(work.files["a"], -1, 100))
    chunk, losses = without_undecodable(work.chunk, work.setup, work.inputs, work.out)
    assert [(loss.video_id, loss.span, loss.what) for loss in losses] == [("a", span(LATE, LATE + 4_000), UNREADABLE)]
    assert [s.video_id for tile in chunk.tiles for s in tile.sources] == ["b"]
    assert (chunk.first, chunk.end) == (work.chunk.first, work.chunk.end)
    assert [path.name for path in work.out.parent.iterdir()] == ["x.log"], "trials leave nothing"


def test_frames_may_come_early_behind_a_source_of_the_same_place_that_failed(work: Work) -> None:
    assert not may_be_early(work.chunk, work.log)
    tile = work.chunk.tiles[0]
    two = tile.model_copy(update={"sources": tile.sources * 2})
    chunk = work.chunk.model_copy(update={"tiles": (two,)})
    assert may_be_early(chunk, work.log)
    work.log.write_text("")
    assert not may_be_early(chunk, work.log)
