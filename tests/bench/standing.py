"""What classes cost in which little moves: ours against the hand-written graph, in one run.

    python tests/bench/standing.py FOLDER [seconds]

A board alone with a voice, a stroke each 5 s; and one that changes once a minute. Both write only what changes, as
recorders of boards do.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pictures
from contenders import graph, ours
from courses import STAGE, Course, Stream, write_course
from material import FPS, TAGGED, Material
from measuring import Cost
from quality import packet_bytes

SIZE = (1280, 960)
STROKE_SECONDS, STROKE_FRAMES = 5, 4
"""Distance of strokes, and frames that one takes to be drawn."""
PAGE_SECONDS, PAGE_STROKES_SECONDS = 60, 180
"""Time for which a page is seen, in s: in the class that turns pages, and in the one that draws strokes."""


def strokes(seconds: int) -> Iterator[bytes]:
    """A page of text, and on it a stroke each 5 s; another page each 3 minutes."""
    for number in range(seconds * FPS):
        if number % (PAGE_STROKES_SECONDS * FPS) == 0:
            # it stops for a while after 6 of its seconds, which are long here
            drawn = pictures.board(*SIZE, 1000, 1000, seed=4 + number)
            picture = next(drawn)
        if number % (STROKE_SECONDS * FPS) < STROKE_FRAMES:
            for _ in range(6):
                picture = next(drawn)
        yield picture


def pages(seconds: int) -> Iterator[bytes]:
    """Another page of text each minute; one picture of each."""
    return (next(pictures.board(*SIZE, FPS, 1, seed=number)) for number in range(-(-seconds // PAGE_SECONDS)))


def sparse(material: Material, name: str, seconds: int, frames: Iterator[bytes], rate: str) -> Path:
    """A file that holds only the pictures that differ from the one before."""

    def make(part: Path) -> None:
        words = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "{}x{}".format(*SIZE), "-r", rate, "-i", "pipe:0"]
        words += ["-vf", "mpdecimate=hi=1:lo=1:frac=0:max=0", "-fps_mode", "passthrough", *TAGGED]
        words += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-bf", "0", "-video_track_timescale", "90000"]
        material.run([*words, str(part)], frames)

    return material.made(".mp4", ["sparse", name, seconds, 5], make)


def course(material: Material, name: str, seconds: int, frames: Iterator[bytes], rate: str) -> Course:
    """The board, with a voice in its file."""
    board, voice = sparse(material, name, seconds, frames, rate), material.voice(seconds, 3)

    def make(part: Path) -> None:
        words = ["-i", str(board), "-i", str(voice), "-c:v", "copy", "-c:a", "aac", "-b:a", "48k", "-ac", "1"]
        material.run([*words, "-video_track_timescale", "90000", str(part)])

    spoken = material.made(".mp4", ["spoken", board.name, voice.name], make)
    placed = [(Stream("board", "whiteboard", "", 0, seconds * 1000, STAGE, has_sound=True), spoken)]
    return write_course(material.folder, f"{name}-{seconds}", placed, seconds * 1000)


def look(ffmpeg: str, made: Path, board: Path) -> str:
    """The bytes of the picture alone, and how near the board's luma is to its source."""
    size = packet_bytes(made, "video")
    x, y, width, height = STAGE
    graph = f"[0:v]fps={FPS},crop={width}:{height}:{x}:{y},fps=1[a];[1:v]fps={FPS},fps=1[b];[a][b]psnr=shortest=1"
    argv = [ffmpeg, "-hide_banner", "-nostats", "-i", str(made), "-i", str(board), "-filter_complex", graph]
    done = subprocess.run([*argv, "-an", "-f", "null", "-"], capture_output=True, text=True, check=True)
    found = re.search(r"PSNR y:([\d.]+)", done.stderr)
    return f"picture {size / 1e6:.2f} MB" + (f", {found[1]} dB" if found else "")


def told(name: str, cost: Cost, seen: str, base: Cost | None = None) -> None:
    more = f"; {cost.wall / base.wall:.2f} of its time, {cost.size / base.size:.2f} of its bytes" if base else ""
    print(f"{name}: {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, {cost.size / 1e6:.1f} MB, {seen}{more}", flush=True)


def main() -> None:
    folder, seconds = Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 300
    folder.mkdir(parents=True, exist_ok=True)
    material = Material(folder, imageio_ffmpeg.get_ffmpeg_exe())
    board = course(material, "strokes", seconds, strokes(seconds), str(FPS))
    hour = course(material, "pages", 3600, pages(3600), f"1/{PAGE_SECONDS}")
    for one in (board, hour):
        by_hand = graph(one, folder / f"{one.name}-graph.mp4", ffmpeg=material.ffmpeg) if one is board else None
        if by_hand is not None:
            seen = look(material.ffmpeg, folder / f"{one.name}-graph.mp4", one.path(one.streams[0]))
            told(f"{one.name}, the graph", by_hand, seen)
        for rate in ((), ("--variable-rate",)):
            out = folder / f"{one.name}-ours.mp4"
            made = ours(one, out, "--fps", str(FPS), *rate, home=folder / "home")
            told(
                " ".join([f"{one.name}, ours", *rate]),
                made,
                look(material.ffmpeg, out, one.path(one.streams[0])),
                by_hand,
            )


if __name__ == "__main__":
    main()
