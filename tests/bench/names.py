"""What names on pictures cost: ``python tests/bench/names.py [SECONDS...] [--keep DIR]`` -> a table on standard output.

The composed lesson without names and with those of a class card (one of them Chinese, one Arabic), in turn, so that
both meet the same machine; ratios are of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import contenders
import courses
import imageio_ffmpeg
from material import Material
from measuring import Cost, medians

ROUNDS = 3
GOAL = 1.05
"""What the lesson with names may cost, against without."""
NAMES = {
    "teacher": "Ms Wu 吴老师",
    "ann": "Ann",
    "bob": "محمد علي",
    "eve": "Bartholomew Featherstonehaugh-Cholmondeley",
}


def compare(seconds: int, folder: Path, material: Material) -> str:
    """Rows of the table for a lesson of this length."""
    course = courses.lesson(material, folder, seconds)
    card = folder / "class.json"
    card.write_text(json.dumps({"people": [{"id": user, "name": name} for user, name in NAMES.items()]}))
    wanted: dict[str, tuple[str, ...]] = {"without names": (), "with names": ("--class", str(card))}
    costs: dict[str, list[Cost]] = {name: [] for name in wanted}
    for number in range(ROUNDS):
        for name, words in wanted.items():
            cost = contenders.ours(course, folder / "made.mp4", *words, home=folder / "home")
            costs[name].append(cost)
            print(f"{course.name}, {name}, run {number + 1}: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s", file=sys.stderr)
    found = {name: medians(every) for name, every in costs.items()}
    plain = found["without names"]
    rows = [
        f"| {course.name} | {name} | {c.wall:.1f} | {c.cpu:.1f} | {c.wall / plain.wall:.3f} | {c.cpu / plain.cpu:.3f} |"
        for name, c in found.items()
    ]
    goal = found["with names"].cpu / plain.cpu
    return "\n".join([*rows, f"| | CPU at most {GOAL} of that without | | | | {'ok' if goal <= GOAL else 'MISSED'} |"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="*", type=int)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assembler-names-") as scratch:
        kept = given.keep or Path(scratch) / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        material = Material(kept, imageio_ffmpeg.get_ffmpeg_exe())
        print("| class | | wall s | CPU s | wall, ratio | CPU, ratio |\n|---|---|---:|---:|---:|---:|")
        for seconds in given.seconds or (60, 300):
            folder = Path(scratch) / str(seconds)
            folder.mkdir()
            print(compare(seconds, folder, material), flush=True)
        print(f"\nload at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
