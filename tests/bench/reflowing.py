"""Cost of a canvas that is divided anew: ``python tests/bench/reflowing.py [--seconds 120] [--rounds 2] [--keep DIR]``.

Prints CPU seconds per megapixel of canvas beside those of ``tiw-2``, of the lesson and of a class in which somebody
joins or leaves every few seconds; and of that class beside one with as many people who stay. Ratios of one run: look at
nothing else on a busy machine.
"""

from __future__ import annotations

import argparse
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

EVERY, STAY = 9, 30
"""Seconds after which another student joins, and for which each stays: 800 changes in an hour."""
TIW_2, CLASSROOM = 1624 * 1000, 1600 * 900
"""Pixels of the two canvases."""


def students(material: Material, folder: Path, name: str, stays: Sequence[tuple[int, int]], seconds: int) -> Course:
    """Board, teacher, and a student for each (start, end) in seconds."""
    placed = courses._board_and_teacher(material, seconds)
    clips = ("bigbuckbunny", "bikes", "carphone_pristine")
    for n, (start, end) in enumerate(stays):
        file = material.camera(end - start, clips[n % 3], (320, 240), 180, 11 + n % 3)
        stream = Stream(f"u{n}", "camera", f"u{n}", start * 1000, (end - start) * 1000, SEATS[1 + n % 3], True)
        placed.append((stream, file))
    return courses.write_course(folder, name, placed, seconds * 1000)


def cost(course: Course, layout: str, folder: Path) -> float:
    """CPU seconds of one run from nothing."""
    out = folder / f"{course.name}-{layout}.mp4"
    return contenders.ours(replace(course, layout=layout), out, home=folder / "home").cpu


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
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(asked.rounds):
            for course in classes:
                for layout in ("tiw-2", "classroom"):
                    found.setdefault((course.name, layout), []).append(cost(course, layout, folder))
        cpu = {key: median(own) for key, own in found.items()}
        for (name, layout), own in cpu.items():
            pixels = TIW_2 if layout == "tiw-2" else CLASSROOM
            print(
                f"{name:12} {layout:10} {own:7.1f} CPU s {own / pixels * 1e6:6.1f} per megapixel {found[name, layout]}"
            )
        for course in classes:
            ratio = cpu[course.name, "classroom"] / CLASSROOM / (cpu[course.name, "tiw-2"] / TIW_2)
            print(f"{course.name}: classroom costs {ratio:.3f} of tiw-2 for the same pixels")
        print(f"classroom: moving costs {cpu['moving', 'classroom'] / cpu['still', 'classroom']:.3f} of still")


if __name__ == "__main__":
    main()
