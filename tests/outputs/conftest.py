"""Finished playbacks of three kinds, made once, and all that packages are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from classes import BOARD, USER_1, USER_2, Class, Stream
from synthetic import Recipe

from assembler.choices import PackageName
from assembler.media.run import Run
from assembler.options import load_options
from assembler.outputs.material import Material
from assembler.pipeline.decide import decide, wanted_stamps
from assembler.pipeline.gather import gather
from assembler.pipeline.timelines import in_order
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind
from assembler.timeline import cut_window

CUT = Recipe(identity="green", seconds=3, fps=15, bframes=2, origin=Fraction(-1, 5))
LESSON = Class(
    [
        Stream("w1", StreamKind.WHITEBOARD, "", 0, Recipe(identity="blue", seconds=4, fps=5), BOARD),
        Stream("a1", StreamKind.CAMERA, "ann", 517, Recipe(identity="red", seconds=1, fps=15), USER_1),
        Stream("a2", StreamKind.CAMERA, "ann", 2230, Recipe(identity="red", seconds=Fraction(3, 2), fps=15), USER_1),
        Stream("b1", StreamKind.CAMERA, "bob", 1000, CUT, USER_2, duration=2800),
    ],
    total=4000,
)
"""A board; ann, who was away for a while; and bob, the beginning of whose file is hidden by an edit list."""
SHARE = Class(
    [Stream("s1", StreamKind.SCREEN, "ann", 0, Recipe(identity="red", seconds=3, fps=15, gop=15))],
    options={"layout": "stage"},
)
"""A share that alone fills the canvas: it is copied."""


@dataclass
class Made:
    """A playback and its material."""

    lesson: Class
    material: Material

    def asking(self, *names: PackageName) -> Material:
        """The material as a run has it that asks for these packages, by the playback.json of now."""
        run = self.material.run
        options = run.options.model_copy(update={"also": names})
        return replace(self.material, run=replace(run, options=options), manifest=load_manifest(self.material.playback))


def made(lesson: Class, folder: Path, ffmpeg: str, **more: Any) -> Made:
    given = {"home": folder / "home", "quality": "draft", **more}
    playback = lesson.assemble(folder, ffmpeg, **given)
    layout = {"layout": str(folder / "small.json"), **lesson.options}
    options = load_options(media_dir=folder / "media", ffmpeg=ffmpeg, processes=2, **layout, **given)
    recorded, run = in_order(lesson.recording(), options), Run(options)
    got = gather(recorded.recordings, run, stamps=wanted_stamps(recorded, options))
    whole, plan = decide(recorded, got, options)
    timeline = cut_window(whole, options.start, options.end)
    work = folder / "home" / "work" / "packages"
    work.mkdir(parents=True)
    return Made(lesson, Material(playback.path, playback.manifest, whole, timeline, plan, recorded, got, work, run))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="session")
def encoded(folder: Path, bundled_ffmpeg: str) -> Made:
    return made(LESSON, folder / "encoded", bundled_ffmpeg)


@pytest.fixture(scope="session")
def copied(folder: Path, bundled_ffmpeg: str) -> Made:
    return made(SHARE, folder / "copied", bundled_ffmpeg)


@pytest.fixture(scope="session")
def one_frame(folder: Path, bundled_ffmpeg: str) -> Made:
    return made(SHARE, folder / "one", bundled_ffmpeg, start=0, end=40, fps=15)


@pytest.fixture
def playback(request: pytest.FixtureRequest) -> Made:
    """The playback whose name is the parameter."""
    found: Made = request.getfixturevalue(request.param)
    return found
