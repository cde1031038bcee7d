"""Pictures of the playback: a poster, and a storyboard of small ones for a player's seek bar."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from assembler.captions.webvtt import Cue, write_vtt
from assembler.outputs.material import Material, hold, read_contents, run_ffmpeg
from assembler.plan.scenes import fullest_moment
from assembler.times import PlayMs
from assembler.workspace import write_whole

POSTER = "poster.jpg"
"""Name of the poster."""
SHEET = "sheet-%03d.jpg"
"""Names of the storyboard's sheets, from 1."""
STORYBOARD = "storyboard.vtt"
"""WebVTT file that says which part of which sheet shows which time."""
ROWS = COLUMNS = 10
"""Numbers of rows and columns of pictures on a sheet."""
WIDTH = 160
"""Width of a small picture, in pixels."""
MOST_SMALL = 400
"""Maximum number of small pictures, on 4 sheets: more would be finer than a seek bar."""
LEAST_STEP_MS = 2000
"""Minimum distance of small pictures, in ms."""


def make_poster(material: Material, folder: Path) -> None:
    """Write the picture in the middle of the longest scene with the most people in it."""
    plan, stamps = material.plan, material.manifest.stamps
    middle = fullest_moment(plan.scenes, plan.fps)
    shown = [stamp * 1000 // stamps.time_scale for stamp in stamps.unfolded()]
    at = shown[max(0, bisect_right(shown, middle) - 1)]
    seek = ["-ss", f"{at}ms"] if at > 0 else []
    run_ffmpeg(material, folder, [*seek, "-i", "-map", "0:v:0", "-frames:v", "1", "-q:v", "3", POSTER])


def check_poster(material: Material, folder: Path) -> None:
    """Check that it is one picture of the playback's size."""
    _check_pictures(material, [folder / POSTER], (material.manifest.canvas.width, material.manifest.canvas.height))


def make_storyboard(material: Material, folder: Path) -> None:
    """Write the sheets, from key frames alone, and the file that names their parts."""
    step, count = _steps(material)
    width, height = _small(material)
    graph = f"tpad=stop=-1:stop_mode=clone,fps=1000/{step}:start_time=0:round=up,"
    graph += f"scale={width}:{height},setsar=1,tile={COLUMNS}x{ROWS}"
    sheets = math.ceil(count / (ROWS * COLUMNS))
    words = ["-skip_frame", "nokey", "-i", "-map", "0:v:0", "-vf", graph, "-frames:v", str(sheets), "-q:v", "5"]
    run_ffmpeg(material, folder, [*words, SHEET])
    write_whole(folder / STORYBOARD, write_vtt(_cues(material)))


def check_storyboard(material: Material, folder: Path) -> None:
    """Check that every sheet is there, of the size that the named parts need."""
    width, height = _small(material)
    sheets = math.ceil(_steps(material)[1] / (ROWS * COLUMNS))
    paths = [folder / (SHEET % (number + 1)) for number in range(sheets)]
    _check_pictures(material, paths, (width * COLUMNS, height * ROWS))


def _steps(material: Material) -> tuple[int, int]:
    """Find the distance of small pictures in ms, whole seconds, and their number."""
    length = max(1, material.manifest.length)
    step = max(LEAST_STEP_MS, math.ceil(length / MOST_SMALL / 1000) * 1000)
    return step, math.ceil(length / step)


def _small(material: Material) -> tuple[int, int]:
    canvas = material.manifest.canvas
    return WIDTH, max(2, round(WIDTH * canvas.height / canvas.width / 2) * 2)


def _cues(material: Material) -> Iterator[Cue]:
    step, count = _steps(material)
    width, height = _small(material)
    for number in range(count):
        sheet, place = divmod(number, ROWS * COLUMNS)
        row, column = divmod(place, COLUMNS)
        start, end = number * step, min((number + 1) * step, material.manifest.length)
        part = f"{SHEET % (sheet + 1)}#xywh={column * width},{row * height},{width},{height}"
        yield Cue(start=PlayMs(start), end=PlayMs(max(end, start + 1)), text=part)


def _check_pictures(material: Material, paths: Sequence[Path], size: tuple[int, int]) -> None:
    for path, found in zip(paths, read_contents(material, *paths), strict=True):
        pictures = [(one.packets, one.width, one.height) for one in found.of("video")]
        hold(pictures == [(1, *size)], f"{path.name} is not one picture of {size[0]} x {size[1]}")
