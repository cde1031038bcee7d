"""A class recorded in two tasks becomes one playback."""

from __future__ import annotations

from pathlib import Path

from classes import SMALL, USER_1, Class, Stream, beep_errors, wrong_pictures
from synthetic import Recipe

from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.recording import StreamKind
from assembler.times import WallMs


def test_two_results_are_one_playback_in_sync(tmp_path: Path, bundled_ffmpeg: str) -> None:
    first = Stream("a1", StreamKind.CAMERA, "ann", 0, Recipe(identity="red", seconds=3), USER_1)
    second = Stream("a2", StreamKind.CAMERA, "ann", 345, Recipe(identity="green", seconds=3), USER_1)
    whole = Class([first, Stream("a2", StreamKind.CAMERA, "ann", 3_345, second.recipe, USER_1)])
    media = whole.make(tmp_path, bundled_ffmpeg)
    layout = tmp_path / "small.json"
    layout.write_text(SMALL)
    one = Class([first], total=3_000, stop=3_000).recording()
    other = Class([second], total=3_345, stop=3_345).recording()
    assert other.start is not None
    assert other.stop is not None
    later = {"start": WallMs(other.start + 60_000), "stop": WallMs(other.stop + 60_000), "task_id": "t2"}
    options = load_options(layout=str(layout), media_dir=media, ffmpeg=bundled_ffmpeg)
    playback = assemble([other.model_copy(update=later), one], tmp_path / "class.mp4", options)
    assert playback.manifest.length == 6_345
    assert playback.manifest.tasks == ("task t1", "task t2")
    assert [(c.at, c.title) for c in playback.manifest.chapters][1] == (
        3_000,
        "Next recording, 0:57 later (12:26-12:27 UTC)",
    )
    assert wrong_pictures(whole, playback) == []
    assert max(beep_errors(whole, playback).values()) <= 0.005
