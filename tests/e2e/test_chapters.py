"""Chapters in the finished file: new pages of the board are found, handwriting is none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from classes import SMALL
from lessons import board, camera, mix, recording
from PIL import Image
from synthetic import Recipe, make

from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.plan.model import Mode
from assembler.recording import Segment

SECONDS, FPS = 70, 5
TURNED = (22, 44)
"""Seconds at which the page is turned."""
BOARD, CAMERA = board("board", 0, SECONDS * 1000), camera("cam", "ann", 0, SECONDS * 1000)
FRAMES = {
    "board": "bframes=0",
    "deep": "bframes=3:b-adapt=0:b-pyramid=normal",
    "open": "bframes=4:b-adapt=0:b-pyramid=none:open-gop=1",
}
"""Parameters of x264 for files of the board."""
MIXED = mix("board", 0, SECONDS * 1000)
TITLES = ["Start", "New page on the board", "New page on the board"]


def draw(second: float) -> np.ndarray[Any, Any]:
    """A white board: some lines of text, and handwriting that grows; the last page has three words only."""
    picture = np.full((480, 640), 250, np.uint8)
    page = sum(second >= turned for turned in TURNED)
    ink = np.random.default_rng(page)
    for line in range(2 if page == 2 else 7):
        for word in range(1 + line % 2 if page == 2 else 9):
            left = 30 + word * 64 + int(ink.integers(0, 30))
            for stroke in range(0, int(ink.integers(12, 44)), 4):
                picture[40 + line * 52 : 56 + line * 52, left + stroke : left + stroke + 2] = 20
    pen = int((second - (0, *TURNED)[page]) * 8)
    picture[420:424, 40 : 40 + pen] = 60
    return picture


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> Path:
    """Files of a board with three pages, without B-frames and with them, and of a camera."""
    found = tmp_path_factory.mktemp("pages")
    for name, params in FRAMES.items():
        with av.open(str(found / f"{name}.mp4"), "w") as out:
            options = {"g": "25", "preset": "ultrafast", "sc_threshold": "0", "x264-params": params}
            stream = out.add_stream("libx264", rate=FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
            for number in range(SECONDS * FPS):
                frame = av.VideoFrame.from_ndarray(draw(number / FPS), format="gray").reformat(format="yuv420p")
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    source = make(Recipe(identity="blue", seconds=SECONDS, fps=FPS, width=320, height=240), bundled_ffmpeg)
    shutil.copyfile(source, found / "cam.mp4")
    return found


def made(folder: Path, media: Path, *segments: Segment, **options: Any) -> Playback:
    (folder / "small.json").write_text(SMALL)
    lesson = recording(segments, total=SECONDS * 1000)
    return assemble(lesson, folder / "class.mp4", load_options(media_dir=media, **options))


def marks(path: Path) -> list[tuple[float, str]]:
    with av.open(str(path)) as file:
        return [(round(float(c["start"] * c["time_base"]), 1), c["metadata"]["title"]) for c in file.chapters()]


def test_new_pages_of_an_encoded_playback_are_chapters_and_handwriting_is_none(tmp_path: Path, media: Path) -> None:
    playback = made(tmp_path, media, BOARD, CAMERA, layout=str(tmp_path / "small.json"), chunk_seconds=30)
    found = marks(playback.path)
    assert found == list(zip((0, *TURNED), TITLES, strict=True))
    assert [(round(c.at / 1000, 1), c.title) for c in playback.manifest.chapters] == found
    with av.open(str(playback.path)) as file:
        video = file.streams.video[0]
        keys = {int(e.timestamp * video.time_base) for e in video.index_entries if e.is_keyframe}
    assert not keys & set(TURNED), "they are found between key frames"
    assets = playback.path.parent / "class.assets"
    with Image.open(assets / "cover.jpg") as cover, Image.open(assets / "chapters.jpg") as sheet:
        assert cover.size == (playback.manifest.canvas.width, playback.manifest.canvas.height)
        shown = [sheet.crop((0, n * sheet.height // 3, sheet.width, (n + 1) * sheet.height // 3)) for n in range(3)]
        ink = [np.asarray(one.convert("L"))[:70, :120].mean() for one in shown]
    assert min(ink[2] - ink[0], ink[2] - ink[1]) > 5, "the third page has three words only"


@pytest.mark.parametrize("name", FRAMES)
def test_a_copied_playback_has_them_where_they_are_asked_for(tmp_path: Path, media: Path, name: str) -> None:
    asked = made(tmp_path, media, mix(name, 0, SECONDS * 1000), chapters="scenes")
    assert asked.manifest.mode is Mode.COPY
    assert marks(asked.path) == [(0, "Start"), (22, "New page"), (44, "New page")], "it has a key frame every 5 s"


def test_titles_of_every_character_are_in_file_and_list_as_they_were_given(tmp_path: Path, media: Path) -> None:
    titles = ["<b>&amp;\"'</b>", "--> 00:01", "\\ = ; # \u202e\u05d0", "\U0001f600" * 80, "x" * 500]
    own = tmp_path / "own.txt"
    own.write_text("".join(f"0:{10 * n:02d} {title}\n" for n, title in enumerate(titles, 1)), "utf-8")
    playback = made(tmp_path, media, MIXED, chapters=str(own))
    assert [title for _, title in marks(playback.path)] == ["Start", *titles], "and no new pages"
    cues = (playback.path.parent / "class.assets" / "chapters.vtt").read_text("utf-8").split("\n\n")
    assert cues[:3] == [
        "WEBVTT",
        "00:00:00.000 --> 00:00:10.000\nStart",
        "00:00:10.000 --> 00:00:20.000\n&lt;b&gt;&amp;amp;\"'&lt;/b&gt;",
    ]
    assert [cue.count("-->") for cue in cues] == [0, 1, 1, 1, 1, 1, 1], "an arrow of a title is none"
