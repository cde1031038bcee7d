"""What an earlier run left: its borders are kept, and the whole part of a begun chunk is not rendered again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lessons import board, camera, facts, recording

from assembler.choices import Quality
from assembler.facts import Facts
from assembler.layout.model import Canvas
from assembler.media.damage.losses import Losses, report_of
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.render.chunks import render_chunks
from assembler.media.render.resume import choose_borders, split_at_resume
from assembler.media.render.run_ffmpeg import part_of
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.mp4.fragments import count_frames_in_either, read_fragments
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide
from assembler.plan.chunks import Chunk
from assembler.plan.model import Plan
from assembler.processes import Stop
from assembler.segment_files import SegmentFiles
from assembler.times import Frame
from assembler.workspace import CHUNKS, LOG, MADE, SPLIT

SECONDS = 200


@pytest.fixture
def setup(tmp_path: Path, bundled_ffmpeg: str) -> RenderSetup:
    (tmp_path / CHUNKS).mkdir()
    known = {name: facts(name, SECONDS * 1000) for name in ("w", "a")}
    program, encoding = find_ffmpeg(bundled_ffmpeg), ENCODERS["x264"].at(Quality.DRAFT)
    return RenderSetup(tmp_path, program, encoding, SourceFiles(), known, Stop(), 60)


def planned(known: dict[str, Facts], layout: str = "tiw-2") -> Plan:
    lesson = recording([board("w", 0, SECONDS * 1000), camera("a", "ann", 0, SECONDS * 1000)])
    options = Options(layout=layout, fps=Fraction(5))
    return decide(RecordedClass(recordings=(lesson,)), SegmentFiles(facts=known), options, may_copy=False)[1]


class TestBorders:
    def choose(
        self, setup: RenderSetup, processes: int = 1, seconds: float = 60, layout: str = "tiw-2"
    ) -> Sequence[int]:
        return choose_borders(planned(dict(setup.facts), layout), setup, seconds=seconds, processes=processes)

    def test_those_of_the_run_before_stay_whatever_the_count_of_processes(self, setup: RenderSetup) -> None:
        first = self.choose(setup)
        assert (first[0], first[-1]) == (0, SECONDS * 5)
        assert self.choose(setup, processes=8) == first
        (kept,) = setup.folder.glob("borders-*.json")
        kept.unlink()
        assert self.choose(setup, processes=8) != first

    def test_another_plan_or_length_of_chunks_has_others(self, setup: RenderSetup) -> None:
        first = self.choose(setup)
        assert self.choose(setup, seconds=20) != first
        self.choose(setup, layout="grid")
        assert len(list(setup.folder.glob("borders-*.json"))) == 3

    @pytest.mark.parametrize(
        "kept",
        ["", "[]", "7", "{}", "[0]", "[0, true, 1000]", '[0, "5", 1000]', "[0, 5.0, 1000]", "[1, 1000]", "[0, 999]",
         "[0, 500, 500, 1000]", "[0, 700, 300, 1000]"],
    )  # fmt: skip
    def test_what_are_no_borders_of_this_plan_are_drawn_anew(self, setup: RenderSetup, kept: str) -> None:
        first = self.choose(setup)
        (path,) = setup.folder.glob("borders-*.json")
        path.write_text(kept)
        assert self.choose(setup) == first
        assert json.loads(path.read_text()) == list(first)
        path.write_text("[0, 123, 1000]")
        assert self.choose(setup) == (0, 123, 1000)


class TestBegunChunks:
    """A chunk of background, twenty seconds long; its file is cut as a killed ffmpeg leaves it."""

    CHUNK = Chunk(
        first=Frame(30), end=Frame(230), fps=Fraction(10), canvas=Canvas(width=128, height=96, background="#34363B"),
        tiles=(), is_disjoint=True, keyframes=(),
    )  # fmt: skip

    @pytest.fixture
    def part(self, setup: RenderSetup) -> Path:
        """The whole chunk under the name of a begun one."""
        render_chunks([self.CHUNK], setup, processes=1, on_seconds=lambda _: None)
        out = setup.chunk_file(self.CHUNK)
        report_of(out).unlink()
        part = part_of(out.with_suffix(MADE))
        return out.rename(part)

    def split(self, setup: RenderSetup) -> list[tuple[int, int]]:
        return [(one.first, one.end) for one in split_at_resume(self.CHUNK, setup, {})]

    @pytest.mark.parametrize("share", [0.5, 0.9])
    def test_the_whole_fragments_are_a_finished_chunk_and_the_rest_another(
        self, setup: RenderSetup, part: Path, share: float
    ) -> None:
        data = part.read_bytes()
        part.write_bytes(data[: int(len(data) * share)])
        (first, border), rest = self.split(setup)
        assert (first, rest) == (30, (border, 230))
        head = split_at_resume(self.CHUNK, setup, {})[0]  # as a further run finds it
        assert (head.first, head.end) == (30, border)
        found = read_fragments(setup.chunk_file(head))
        assert (found.frames, found.bytes) == (border - 30, setup.chunk_file(head).stat().st_size)
        assert Losses.model_validate_json(report_of(setup.chunk_file(head)).read_text()).losses == ()
        assert not part.exists()

    def test_all_of_it_is_the_chunk_itself(self, setup: RenderSetup, part: Path) -> None:
        assert self.split(setup) == [(30, 230)]
        assert count_frames_in_either(setup.chunk_file(self.CHUNK)) == 200
        assert not setup.chunk_file(self.CHUNK).with_suffix(SPLIT).exists()

    @pytest.mark.leaves_parts
    def test_nothing_is_taken_up_where_nothing_was_begun_or_no_fragment_is_whole(
        self, setup: RenderSetup, part: Path
    ) -> None:
        data = part.read_bytes()
        part.write_bytes(data[:700])
        assert self.split(setup) == []
        part.write_bytes(data)
        plain = replace(setup.encoder, encoder=replace(setup.encoder.encoder, is_salvageable=False))
        assert self.split(replace(setup, encoder=plain)) == []
        part.unlink()
        assert self.split(setup) == []

    @pytest.mark.leaves_parts
    @pytest.mark.parametrize("text", ["0", "200", "-1", "x", ""])
    def test_a_record_of_a_split_that_cannot_be_is_not_believed(self, setup: RenderSetup, text: str) -> None:
        record = setup.chunk_file(self.CHUNK).with_suffix(SPLIT)
        record.write_text(text)
        assert self.split(setup) == []
        record.write_text("7")
        assert self.split(setup) == [(30, 37), (37, 230)]

    def test_errors_count_while_files_still_grow(self, setup: RenderSetup, part: Path) -> None:
        part.with_name(part.name.removesuffix(".part")).with_suffix(LOG).write_text("[h264] [error] oops")
        growing = SourceFiles()
        growing.is_complete = False
        assert self.split(replace(setup, files=growing)) == []
        assert self.split(setup) == [(30, 230)], "a whole file's damage is found and told"
