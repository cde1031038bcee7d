"""Who makes a playback of a class: ours, and one ffmpeg graph as a good engineer writes it by hand."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from courses import BACKGROUND, Course, Stream
from material import FPS
from measuring import Cost, measured

from assembler.media.encoders import MAX_GOP_SECONDS

HERE = Path(__file__).parent
GRAPH_ENCODER = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23")
LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")


def ours_command(course: Course, out: Path, *more: str) -> list[str]:
    program = [sys.executable, "-m", "assembler"]
    words = ["run", str(course.result), "-o", str(out), "--media-dir", str(course.folder)]
    return [*program, *words, "--layout", course.layout, "--progress", "json", *more]


def ours(course: Course, out: Path, *more: str, home: Path, is_fresh: bool = True) -> Cost:
    """A run of the installed package, by default with nothing done before."""
    if is_fresh:
        clear(out, home)
    env = {**os.environ, "ASSEMBLER_HOME": str(home), "ASSEMBLER_CONFIG": os.devnull}
    home.mkdir(exist_ok=True)
    return measured(ours_command(course, out, *more), log=out.with_suffix(".log"), cwd=out.parent, env=env, makes=out)


def ours_from(result: Path, course: Course, out: Path, *, home: Path) -> Cost:
    """A first run that has to fetch its files from where ``result`` says."""
    clear(out, home)
    home.mkdir(exist_ok=True)
    env = {**os.environ, "ASSEMBLER_HOME": str(home), "ASSEMBLER_CONFIG": os.devnull}
    words = ["run", str(result), "-o", str(out), "--layout", course.layout, "--allow-host", "127.0.0.1"]
    argv = [*ours_command(course, out)[:3], *words, "--progress", "json"]
    return measured(argv, log=out.with_suffix(".log"), cwd=out.parent, env=env, makes=out)


def clear(out: Path, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(out.with_name(out.stem + ".assets"), ignore_errors=True)
    out.unlink(missing_ok=True)


def graph(course: Course, out: Path, *, ffmpeg: str) -> Cost:
    argv = graph_command(course, out, ffmpeg, GRAPH_ENCODER)
    return measured(argv, log=out.with_suffix(".log"), cwd=out.parent, makes=out)


def graph_command(course: Course, out: Path, ffmpeg: str, encoder: Sequence[str]) -> list[str]:
    """One ffmpeg run: an overlay for each file on a colour, its sounds delayed and mixed."""
    words = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", "-y"]
    for stream in course.streams:
        words += ["-i", str(course.path(stream))]
    seconds = course.length / 1000
    width, height = course.canvas
    lines = [f"color=c=0x{BACKGROUND[1:]}:s={width}x{height}:r={FPS}:d={seconds},format=yuv420p[c0]"]
    for number, stream in enumerate(course.streams):
        lines += _overlaid(number, stream)
    heard = [(number, stream) for number, stream in enumerate(course.streams) if stream.has_sound]
    for number, stream in heard:
        lines.append(f"[{number}:a]atrim=duration={stream.length / 1000},adelay={stream.start}:all=1[a{number}]")
    mixed = "".join(f"[a{number}]" for number, _ in heard)
    lines.append(f"{mixed}amix=inputs={len(heard)}:normalize=0,apad=whole_dur={seconds}[a]")
    words += ["-filter_complex", ";".join(lines), "-map", f"[c{len(course.streams)}]", "-map", "[a]"]
    words += [*encoder, "-pix_fmt", "yuv420p", "-r", str(FPS), "-g", str(MAX_GOP_SECONDS * FPS)]
    words += ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", "-t", str(seconds)]
    return [*words, "-movflags", "+faststart", str(out)]


def _overlaid(number: int, stream: Stream) -> list[str]:
    x, y, width, height = stream.rect
    start, end = stream.start / 1000, (stream.start + stream.length) / 1000
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
    shown = f"enable='gte(t,{start})*lt(t,{end})':eof_action=repeat"
    return [
        f"[{number}:v]{fit},setpts=PTS-STARTPTS+{start}/TB[v{number}]",
        f"[c{number}][v{number}]overlay=x={x}:y={y}:{shown}[c{number + 1}]",
    ]
