"""What no tool can go below: decoding what is seen, encoding the finished picture, one AAC encode; copying bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from contenders import ours_command
from courses import Course
from material import FPS, Material, Unusable
from measuring import Cost, measured

from assembler.choices import Quality
from assembler.media.encoders import ENCODERS
from assembler.media.mixdown.mixdown import CODER
from assembler.media.render.cpu import tune_for_cpu
from assembler.options import load_options
from assembler.pipeline.assemble import plan_probed
from assembler.pipeline.read_results import read_recordings
from assembler.plan.model import Plan

HERE = Path(__file__).parent
LOSSLESS, HEAD_BYTES = b" qp=0", 1 << 20
"""What x264 writes into the first picture of a lossless file, and where that is."""


@dataclass(frozen=True)
class Floor:
    """CPU seconds of the parts."""

    decode: float
    encode: float
    sound: float
    busy: float
    """How many CPU seconds an encode takes with another one on the other core, for each of one that is alone: cores
    that share what they have."""

    @property
    def all(self) -> float:
        return self.decode + self.encode + self.sound


def reference(course: Course, folder: Path) -> Path:
    """The lossless composite, made by our own command line with a lossless encoder."""
    out = folder / f"reference-{course.name}.mp4"
    if not out.exists():
        home = folder / "reference-home"
        env = {**os.environ, "ASSEMBLER_HOME": str(home), "ASSEMBLER_CONFIG": os.devnull}
        argv = [sys.executable, str(HERE / "lossless.py"), *ours_command(course, out)[3:]]
        measured(argv, log=out.with_suffix(".log"), cwd=folder, env=env)
    with out.open("rb") as file:
        if LOSSLESS not in file.read(HEAD_BYTES):
            raise Unusable(f"{out.name} is not lossless: its encoder was another one")
    return out


def floor(course: Course, composite: Path, sound: Path, material: Material) -> Floor:
    """Each part measured alone, one thread each; the shorter of two runs."""
    plan = _plan(course, material)
    decode = sum(_least(words, material, composite.parent) for words in _seen(course, plan))
    read = ["-threads", "1", "-i", str(composite), "-an"]
    ours = ENCODERS["x264"].at(Quality.STANDARD, plan.imagery)
    options = tune_for_cpu(ours.output_options(Fraction(FPS)))
    settings = [w for name, value in options.items() for w in (f"-{name}", value)]
    out = composite.with_name("bound.mp4")
    encoded = _least([*read, *settings, "-threads", "1", str(out)], material, out.parent)
    reading = _least([*read, "-f", "null", "-"], material, out.parent)
    busy = _side_by_side([*read, *settings, "-threads", "1", "-f", "mp4"], material, out.parent) / encoded
    out.unlink()
    return Floor(
        decode=decode, encode=encoded - reading, busy=busy, sound=encode_sound(sound, material, composite.parent).cpu
    )


def encode_sound(finished: Path, material: Material, folder: Path) -> Cost:
    """One AAC encode of the sound of a finished file, with our coder."""
    pcm, out = folder / "bound.wav", folder / "bound.m4a"
    material.run(["-i", str(finished), "-vn", "-c:a", "pcm_s16le", str(pcm)])
    words = ["-i", str(pcm), "-c:a", "aac", *CODER, "-b:a", "128k", str(out)]
    try:
        return _run(words, material, folder)
    finally:
        pcm.unlink()
        out.unlink(missing_ok=True)


def copied(files: Sequence[Path], folder: Path) -> Cost:
    """``cp`` of the same bytes."""
    target = folder / "bound-copy"
    target.mkdir(exist_ok=True)
    try:
        return measured(["cp", *(str(f.resolve()) for f in files), str(target)], log=folder / "bound.log", cwd=folder)
    finally:
        subprocess.run(["rm", "-rf", str(target)], check=True)


def _plan(course: Course, material: Material) -> Plan:
    options = load_options(layout=course.layout, media_dir=course.folder, home=material.folder / "home")
    return plan_probed(read_recordings([str(course.result)], sys.stdin.buffer), options)[1]


def _seen(course: Course, plan: Plan) -> list[list[str]]:
    """For each piece of the plan what has to be decoded of its file: from the key frame before it to its end."""
    found = []
    for lane in plan.lanes:
        for piece in lane.pieces:
            start = float(piece.first / plan.fps) - piece.play_start / 1000
            end = float(piece.end / plan.fps) - piece.play_start / 1000
            seek = ["-ss", f"{start:.3f}"] if start > 0.01 else []
            path = course.folder / f"{piece.video_id}.mp4"
            length = f"{end - max(start, 0):.3f}"
            found.append(["-threads", "1", *seek, "-t", length, "-i", str(path), "-an", "-f", "null", "-"])
    return found


def _side_by_side(words: list[str], material: Material, folder: Path) -> float:
    """CPU seconds of one of two that run at once."""
    outs = [folder / f"bound-{number}.mp4" for number in range(2)]

    def run(out: Path) -> float:
        argv = [material.ffmpeg, "-nostdin", "-nostats", "-loglevel", "error", "-y", *words, str(out)]
        return measured(argv, log=out.with_suffix(".log"), cwd=folder).cpu

    with ThreadPoolExecutor(2) as pool:
        costs = list(pool.map(run, outs))
    for out in outs:
        out.unlink()
    return sum(costs) / len(costs)


def _least(words: list[str], material: Material, folder: Path) -> float:
    return min(_run(words, material, folder).cpu for _ in range(2))


def _run(words: list[str], material: Material, folder: Path) -> Cost:
    argv = [material.ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y", *words]
    return measured(argv, log=folder / "bound.log", cwd=folder)
