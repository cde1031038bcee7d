"""Who takes which chunk: each once, whatever others do; and what others render is what its owner would have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lessons import camera, recording

from assembler.choices import Quality
from assembler.layout.model import Canvas
from assembler.media.choose_encoder import prove
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import Ffmpeg, find_ffmpeg
from assembler.media.help_out import CannotHelp, help_out
from assembler.media.render.chunks import render_chunks
from assembler.media.render.claims import ChunkQueue, claim_chunk
from assembler.media.render.offer import find_offer_place, share_chunks
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.options import load_options
from assembler.pipeline.decide import plan_only
from assembler.plan.chunks import Chunk
from assembler.processes import Stop, Stopped
from assembler.times import Frame

NAMES = {0: "a", 1: "b", 2: "c"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for name in ("claims", "chunks", "helped"):
        (tmp_path / "work/abc" / name).mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    return tmp_path / "work/abc"


def test_a_claim_is_one_openings_alone_and_ends_with_it(work: Path) -> None:
    with claim_chunk(work, "a") as first, claim_chunk(work, "a") as second, claim_chunk(work, "b") as other:
        assert (first, second, other) == (True, False, True)
    with claim_chunk(work, "a") as again:
        assert again
    with claim_chunk(work / "that is gone", "a") as nowhere:
        assert not nowhere


class TestTurns:
    def take(self, turns: ChunkQueue) -> int:
        with turns.claim() as index:
            return index

    def test_each_is_taken_once_in_the_given_order(self, work: Path) -> None:
        for turns in (ChunkQueue([2, 0, 1], Stop()), ChunkQueue([2, 0, 1], Stop(), work, NAMES, 60)):
            assert [self.take(turns) for _ in range(3)] == [2, 0, 1]

    def test_one_that_another_has_is_passed_over_and_waited_for(self, work: Path) -> None:
        turns, taken = ChunkQueue([2, 0, 1], Stop(), work, NAMES, 60), list[int]()
        with claim_chunk(work, "c"):
            thread = threading.Thread(target=lambda: taken.extend(self.take(turns) for _ in range(3)))
            thread.start()
            time.sleep(0.4)
            assert taken == [0, 1]
        thread.join()
        assert taken == [0, 1, 2]

    def test_but_not_for_ever(self, work: Path) -> None:
        turns = ChunkQueue([0], Stop(), work, NAMES, 0.3)
        with claim_chunk(work, "a"):
            assert self.take(turns) == 0

    def test_whoever_waits_is_stopped(self, work: Path) -> None:
        stop = Stop()
        threading.Timer(0.2, stop.set).start()
        with claim_chunk(work, "a"), pytest.raises(Stopped):
            self.take(ChunkQueue([0], stop, work, NAMES, 60))


@pytest.mark.parametrize(("minutes", "is_offered"), [(1, True), (1.01, False), (0, False)])
def test_only_a_long_class_is_offered(tmp_path: Path, minutes: float, is_offered: bool) -> None:
    options = load_options(share_minutes=minutes)
    _, plan = plan_only(recording([camera("a", "ann", 0, 60_000)]), options)
    place = find_offer_place(plan, tmp_path / "work" / "abc", options)
    assert place == (options.home / "shared" / "abc.json" if is_offered else None)


class TestHelp:
    """Chunks of nothing but background: what is in them is not the question here."""

    CANVAS, FPS = Canvas(width=128, height=96, background="#34363B"), Fraction(10)
    CHUNKS = (
        Chunk(first=Frame(0), end=Frame(20), fps=FPS, canvas=CANVAS, tiles=(), is_disjoint=True, keyframes=()),
        Chunk(first=Frame(20), end=Frame(40), fps=FPS, canvas=CANVAS, tiles=(), is_disjoint=True, keyframes=()),
        Chunk(first=Frame(40), end=Frame(50), fps=FPS, canvas=CANVAS, tiles=(), is_disjoint=True, keyframes=()),
    )

    @pytest.fixture
    def setup(self, work: Path, bundled_ffmpeg: str) -> RenderSetup:
        encoding = ENCODERS["x264"].at(Quality.STANDARD)
        offer = work.parent.parent / "shared/abc.json"
        return RenderSetup(work, find_ffmpeg(bundled_ffmpeg), encoding, SourceFiles(), {}, Stop(), 60, offer=offer)

    def help(self, setup: RenderSetup, program: Ffmpeg, may_go_on: Callable[[], bool] = lambda: True) -> int:
        assert setup.offer is not None
        return help_out(setup.offer, name="w", program=program, processes=2, stop=Stop(), may_go_on=may_go_on)

    def files(self, setup: RenderSetup) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (setup.folder / "chunks").glob("*.mp4")}

    @pytest.mark.parametrize("name", ["x264", "x265"])
    def test_gives_what_its_owner_would_have_made(self, setup: RenderSetup, tmp_path: Path, name: str) -> None:
        encoding = ENCODERS[name].at(Quality.STANDARD)
        if name != "x264":
            encoding = prove(encoding, self.CANVAS, self.FPS, setup.program)
        setup = replace(setup, encoder=encoding)
        with share_chunks(self.CHUNKS, [2, 0, 1], setup, processes=1):
            assert self.help(setup, setup.program) == 3
        alone = replace(setup, folder=tmp_path / "alone", offer=None)
        alone.folder.mkdir()
        render_chunks(self.CHUNKS, alone, processes=2, on_seconds=lambda _: None)
        assert self.files(setup) == self.files(alone)
        assert len(self.files(alone)) == 3
        assert list((tmp_path / "shared").iterdir()) == []
        broken = replace(setup.program, path="/bin/false")  # everything is there
        rendered, _ = render_chunks(self.CHUNKS, replace(setup, program=broken), processes=1, on_seconds=lambda _: None)
        assert [(piece.first, len(piece.kept)) for piece in rendered] == [(0, 20), (20, 20), (40, 10)]

    def test_is_not_given_for_what_its_owner_has_begun_or_another_one_renders(self, setup: RenderSetup) -> None:
        names = [setup.chunk_digest(chunk) for chunk in self.CHUNKS]
        (setup.folder / "chunks" / f"{names[0]}.made.part").touch()
        with share_chunks(self.CHUNKS, [0, 1, 2], setup, processes=1), claim_chunk(setup.folder, names[1]):
            assert self.help(setup, setup.program) == 1
        assert set(self.files(setup)) == {f"{names[2]}.mp4"}
        (setup.folder / "chunks" / f"{names[0]}.made.part").unlink()

    def test_ends_when_the_worker_has_a_job_of_its_own(self, setup: RenderSetup) -> None:
        with share_chunks(self.CHUNKS, [0, 1, 2], setup, processes=1):
            assert self.help(setup, setup.program, lambda: False) == 0

    def test_is_refused_where_chunks_would_come_out_differently(self, setup: RenderSetup) -> None:
        other = replace(setup.program, text="another one")
        with (
            share_chunks(self.CHUNKS, [0, 1, 2], setup, processes=1),
            pytest.raises(CannotHelp, match="ffmpeg are other ones"),
        ):
            self.help(setup, other)
        assert setup.offer is not None
        setup.offer.write_text('{"what": "is this"}')
        with pytest.raises(CannotHelp, match="another version"):
            self.help(setup, setup.program)

    def test_a_dead_owners_offer_is_cleared_away(self, setup: RenderSetup) -> None:
        assert setup.offer is not None
        with share_chunks(self.CHUNKS, [0, 1, 2], setup, processes=1):
            text = setup.offer.read_text()
        setup.offer.write_text(text)
        assert self.help(setup, setup.program) == 0
        assert not setup.offer.exists()
        with pytest.raises(FileNotFoundError):
            self.help(setup, setup.program)
