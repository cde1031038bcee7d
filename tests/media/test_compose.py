"""The digest of a finished file: another one where it would come out otherwise, and only there; copies that fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from classes import Class, Stream
from lessons import board, camera, recording
from synthetic import Recipe, make

from assembler.choices import Muxer, Quality
from assembler.findings import note, warning
from assembler.media.choose_encoder import Choice
from assembler.media.compose import CopyRefused, compose, finished_digest
from assembler.media.encoders import X264
from assembler.media.run import Run
from assembler.options import Options, load_options
from assembler.pipeline.decide import decide, plan_only, wanted_stamps
from assembler.pipeline.gather import gather
from assembler.pipeline.timelines import in_order
from assembler.plan.model import Mode
from assembler.recording import StreamKind
from assembler.segment_files import SegmentFiles


@pytest.fixture
def run(tmp_path: Path, bundled_ffmpeg: str) -> Run:
    (tmp_path / "a.mp4").write_bytes(b"a")
    return Run(Options(home=tmp_path / "home", ffmpeg=bundled_ffmpeg))


def digest(run: Run, folder: Path, *, length: int = 1000, choice: Choice | None = None, **options: Any) -> str:
    changed = Run(run.options.model_copy(update=options))
    plan = plan_only(recording([camera("a", "ann", 0, length), board("w", 0, 5000)]), changed.options)[1]
    chosen = choice or Choice(X264.at(Quality.STANDARD))
    return finished_digest(plan, {"a": folder / "a.mp4"}, chosen, changed)


def test_it_is_the_same_for_the_same_class_and_options_that_change_nothing(run: Run, tmp_path: Path) -> None:
    plain = digest(run, tmp_path)
    assert digest(run, tmp_path) == plain
    for change in ({"processes": 7}, {"stall_seconds": 9.0}, {"overwrite": True}, {"muxer": Muxer.OWN}):
        assert digest(run, tmp_path, **change) == plain, change


def test_all_that_changes_the_file_changes_it(run: Run, tmp_path: Path) -> None:
    encoding = X264.at(Quality.STANDARD)
    found = [
        digest(run, tmp_path),
        digest(run, tmp_path, length=1001),
        digest(run, tmp_path, loudness=-20.0),
        digest(run, tmp_path, chunk_seconds=33),
        digest(run, tmp_path, muxer=Muxer.LIBAV),
        digest(run, tmp_path, choice=Choice(X264.at(Quality.HIGH))),
        digest(run, tmp_path, choice=Choice(encoding, (note("", "x"),))),
        digest(run, tmp_path, choice=Choice(encoding, (warning("", "x"),))),
    ]
    os.utime(tmp_path / "a.mp4", (1, 1))
    found.append(digest(run, tmp_path))
    assert len(set(found)) == len(found)


def test_a_copy_that_the_muxer_refuses_is_told_apart_and_leaves_nothing(tmp_path: Path, bundled_ffmpeg: str) -> None:
    share = Recipe(identity="red", seconds=2, fps=15, gop=15)
    lesson = Class([Stream("s", StreamKind.SCREEN, "ann", 0, share)])
    options = load_options(
        home=tmp_path / "home", media_dir=lesson.make(tmp_path, bundled_ffmpeg), ffmpeg=bundled_ffmpeg, layout="stage"
    )
    run, recorded = Run(options), in_order(lesson.recording(), options)
    got = gather(recorded.recordings, run, stamps=wanted_stamps(recorded, options))
    timeline, plan = decide(recorded, got, options)
    assert plan.mode is Mode.COPY, plan.mode_reason
    shorter = make(Recipe(identity="red", seconds=1, fps=15, gop=15), bundled_ffmpeg)
    swapped, part = SegmentFiles(files={"s": shorter}, facts=got.facts), tmp_path / "class.mp4.part"
    choice = Choice(X264.at(Quality.STANDARD))
    with pytest.raises(CopyRefused, match="holds 15 pictures, 30 were planned"):
        compose(
            plan, timeline, swapped, "", part, folder=tmp_path, choice=choice, recordings=recorded.recordings, run=run
        )
    assert not part.exists()
