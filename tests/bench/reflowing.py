"""Cost of a canvas that is divided anew: ``python tests/bench/reflowing.py [--seconds 120] [--rounds 2] [--keep DIR]``.

Prints CPU seconds per megapixel of canvas, and per megapixel second of pictures on it, beside those of ``tiw-2`` scaled
to the same number of pixels, of the lesson and of a class in which somebody joins or leaves every few seconds; and of
that class beside one with as many people who stay. Ratios of one run: look at nothing else on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import contenders
import courses
import imageio_ffmpeg
from courses import SEATS, Course, Stream
from material import Material

from assembler.plan.manifest import load_manifest

EVERY, STAY = 9, 30
"""Seconds after which another student joins, and for which each stays: 800 changes in an hour."""
SCALED = {
    "Canvas": {"LayoutParams": {"Width": 1530, "Height": 942}, "BackgroundColor": courses.BACKGROUND},
    "InputStreamList": [
        {"InputStreamId": who, "LayoutParams": {"X": x, "Y": y, "Width": wide, "Height": high, "ZOrder": z}}
        for who, x, y, wide, high, z in [
            ("tic_record_user", 8, 8, 1206, 904, 1),
            ("tic_substream", 8, 8, 1206, 904, 2),
            *(("", 1220, 8 + 234 * n, 302, 226, 3) for n in range(4)),
        ]
    ],
}
"""``tiw-2`` on as many pixels as 1600x900."""


def students(material: Material, folder: Path, name: str, stays: Sequence[tuple[int, int]], seconds: int) -> Course:
    """Board, teacher, and a student for each (start, end) in seconds."""
    placed = courses._board_and_teacher(material, seconds)
    clips = ("bigbuckbunny", "bikes", "carphone_pristine")
    for n, (start, end) in enumerate(stays):
        file = material.camera(end - start, clips[n % 3], (320, 240), 180, 11 + n % 3)
        stream = Stream(f"u{n}", "camera", f"u{n}", start * 1000, (end - start) * 1000, SEATS[1 + n % 3], True)
        placed.append((stream, file))
    return courses.write_course(folder, name, placed, seconds * 1000)


def cost(course: Course, layout: str, folder: Path) -> tuple[float, float]:
    """CPU seconds of one run from nothing, and megapixel seconds of pictures in it."""
    out = folder / f"{course.name}-{Path(layout).stem}.mp4"
    cpu = contenders.ours(replace(course, layout=layout), out, home=folder / "home").cpu
    manifest = load_manifest(out)
    pixels = sum(
        (scene.end - scene.first) * one.rect.width * one.rect.height for scene in manifest.scenes for one in scene.shown
    )
    return cpu, float(pixels / manifest.fps) / 1e6


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(asked.keep or place)
        folder.mkdir(parents=True, exist_ok=True)
        material = Material(folder, imageio_ffmpeg.get_ffmpeg_exe())
        seconds = asked.seconds
        moving = [(at, min(at + STAY, seconds)) for at in range(-STAY + EVERY, seconds - 1, EVERY) if at >= 0]
        third = seconds // 3
        still = [*[(0, seconds)] * 3, (third, 2 * third)]
        lesson = courses.lesson(material, folder, seconds)
        classes = [lesson, students(material, folder, "moving", moving, seconds)]
        classes.append(students(material, folder, "still", still, seconds))
        (folder / "scaled.json").write_text(json.dumps(SCALED))
        layouts = [str(folder / "scaled.json"), "classroom"]
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for _ in range(asked.rounds):
            for course in classes:
                for layout in layouts:
                    found.setdefault((course.name, layout), []).append(cost(course, layout, folder))
                    print(course.name, Path(layout).stem, found[course.name, layout][-1], flush=True)
        cpu = {key: median(one for one, _ in own) for key, own in found.items()}
        shown = {key: own[0][1] for key, own in found.items()}
        for key, own in found.items():
            print(f"{key[0]:10} {Path(key[1]).stem:10} {cpu[key]:6.1f} CPU s, {shown[key]:6.1f} megapixel s", own)
        for course in classes:
            old, new = ((course.name, layout) for layout in layouts)
            per_shown = cpu[new] / shown[new] / (cpu[old] / shown[old])
            print(f"{course.name}: {cpu[new] / cpu[old]:.3f} of scaled tiw-2; {per_shown:.3f} by pixels of pictures")
        print(f"classroom: moving costs {cpu['moving', 'classroom'] / cpu['still', 'classroom']:.3f} of still")


if __name__ == "__main__":
    main()
