"""What more cores gain: ``python tests/bench/scaling.py FOLDER [MINUTES]``, a table for a lesson of so many minutes.

Measured: all of it with as many processes as there are cores, on each power of two that this machine has. Simulated,
for each count: of the run on 1 core the wall seconds of every chunk (the sound beside them included), which are given
out to the cores in their order, each to the core that is free first, and of what stands before and behind them.
"""

from __future__ import annotations

import heapq
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import bigcourses
import imageio_ffmpeg
from contenders import clear, ours_command
from courses import Course
from material import Material

CORES = (1, 2, 4, 8, 16)
PART_SECONDS = 60
LOOK_SECONDS = 0.02
CHUNK_SECONDS = 30
"""Maximum length of the chunks that are measured: about what a class of some minutes is cut into for many cores."""
BEFORE_SECONDS, BEHIND_SECONDS = 0.5, 1.0
"""What one core does before the chunks (start, plan) and behind them (mux, pages, pictures). Files are probed, key
frames compared and joins decoded by all."""


@dataclass(frozen=True)
class Steps:
    """Wall seconds of a run with one chunk at a time."""

    before: float
    """Until the first chunk is begun."""
    chunks: tuple[float, ...]
    behind: float
    """Join, verification, page."""
    whole: float

    def wall(self, cores: int) -> float:
        """Seconds with so many cores: pieces in order, each to the core that is free first."""
        free = [0.0] * cores
        for chunk in self.chunks:
            heapq.heappush(free, heapq.heappop(free) + chunk)
        shared = self.before - BEFORE_SECONDS + self.behind - BEHIND_SECONDS
        return max(free) + BEFORE_SECONDS + BEHIND_SECONDS + shared / cores


def run(course: Course, out: Path, cores: Sequence[int], processes: int, **settings: str) -> Steps:
    """Run on these cores, and look when each chunk appears."""
    home = out.with_name("home")
    clear(out, home)
    home.mkdir()
    argv = ["taskset", "-c", ",".join(map(str, cores)), *ours_command(course, out, "--processes", str(processes))]
    env = {**os.environ, "ASSEMBLER_HOME": str(home), "ASSEMBLER_CONFIG": os.devnull, **settings}
    began, seen, sound = time.monotonic(), dict[str, float](), 0.0
    told: dict[str, float] = {}
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        assert child.stderr is not None
        os.set_blocking(child.stderr.fileno(), False)
        while child.poll() is None:
            now = time.monotonic() - began
            for path in home.glob("work/*/chunks/*.mp4"):
                if path.stem.isalnum():
                    seen.setdefault(path.name, now)
            if not sound and any(home.glob("work/*/sound-*.json")) and any(home.glob("work/*/sound-????????*.m4a")):
                sound = now
            for line in child.stderr:
                event = json.loads(line) if line.startswith("{") else {}
                told.setdefault(f"{event.get('event')} {event.get('task') or event.get('text')}", now)
            time.sleep(LOOK_SECONDS)
    if child.returncode:
        raise SystemExit(f"it ended with {child.returncode}")
    before = told["start render"]
    ends = [before, *sorted(seen.values())]
    chunks = tuple(after - start for start, after in pairwise(ends))
    whole = time.monotonic() - began
    return Steps(before, chunks, whole - max(ends[-1], sound), whole)


def main() -> None:
    folder, minutes = Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    (folder / "files").mkdir(parents=True, exist_ok=True)
    material = Material(folder / "files", imageio_ffmpeg.get_ffmpeg_exe())
    course = bigcourses.long(material, folder, PART_SECONDS, minutes)
    have, out = sorted(os.sched_getaffinity(0)), folder / "scaling.mp4"
    one = run(course, out, have[:1], 1, ASSEMBLER_CHUNK_SECONDS=str(CHUNK_SECONDS))
    print(
        f"{minutes} min on 1 core: {one.before:.1f} s before, {len(one.chunks)} chunks of {sum(one.chunks):.1f} s,"
        f" {one.behind:.1f} s behind\n"
    )
    print("| cores | simulated, wall s | gain | measured, wall s | gain |\n|---:|---:|---:|---:|---:|")
    for cores in CORES:
        walls = [one.wall(cores)]
        if cores <= len(have):
            walls.append(one.whole if cores == 1 else run(course, out, have[:cores], cores).whole)
        cells = [f"{wall:.1f} | {one.whole / wall:.2f}" for wall in walls] + ["| "] * (2 - len(walls))
        print(f"| {cores} | {' | '.join(cells)} |", flush=True)
    shutil.rmtree(folder / "home", ignore_errors=True)


if __name__ == "__main__":
    main()
