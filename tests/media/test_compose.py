"""The digest of a finished file: another one where it would come out otherwise, and only there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from lessons import board, camera, recording

from assembler.choices import Muxer, Quality
from assembler.findings import note, warning
from assembler.media.choose_encoder import Choice
from assembler.media.compose import finished_digest
from assembler.media.encoders import X264
from assembler.media.run import Run
from assembler.options import Options
from assembler.pipeline.decide import plan_only


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
