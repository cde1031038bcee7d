"""How fast is ours: ``python tests/bench/speed.py [--quick] [--only lesson,quiet,...] [--contenders ours,graph,...]``.

Makes the classes, runs every contender in turn on the same files, and prints ratios. On a busy machine look at CPU
seconds. ``--keep DIR`` keeps the files for the next run (about 2 GB); else they go to a temporary folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import bigcourses
import bounds
import contenders
import courses
import imageio_ffmpeg
import interrupted
import peers
import slowly
from courses import Course
from material import Material
from measuring import Cost, medians
from quality import compared, packet_bytes
from table import MIB, Goal, Outcome, save

CLASSES = ("lesson", *courses.HARD, "quiet", "mixed", "crowd", "slow", "long")
CONTENDERS = ("ours", "graph", "melt", "moviepy", "bigbluebutton")
ROUNDS = 3
RESULTS = Path(__file__).parent / "results"
Run = Callable[[Course, Path], Cost]


@dataclass
class Bench:
    """One run of the benchmark."""

    folder: Path
    material: Material
    wanted: tuple[str, ...]
    """Names of the contenders."""
    rounds: int
    skipped: list[str]
    bigbluebutton: Path | None = None
    """Checkout of its repository; None to leave its composer out."""

    def ours(self, course: Course, out: Path) -> Cost:
        return contenders.ours(course, out, home=self.folder / "home")

    def runners(self) -> dict[str, Run]:
        """Who can run here; who cannot is named."""
        ffmpeg = self.material.ffmpeg
        found: dict[str, Run] = {"ours": self.ours, "graph": lambda c, o: contenders.graph(c, o, ffmpeg=ffmpeg)}
        if "melt" in self.wanted:
            program = peers.find_melt()
            if program is None:
                self.skipped.append("melt is not installed: skipped")
            else:
                found["melt"] = lambda c, o: peers.melt(c, o, program=program)
        if "moviepy" in self.wanted:
            python = peers.find_moviepy(self.folder)
            if python is None:
                self.skipped.append("MoviePy cannot be installed: skipped")
            else:
                found["moviepy"] = lambda c, o: peers.moviepy(c, o, python=python, ffmpeg=ffmpeg)
        if "bigbluebutton" in self.wanted:
            if (checkout := self.bigbluebutton) is None:
                self.skipped.append("--bigbluebutton FOLDER is not given: its composer is skipped")
            else:
                found["bigbluebutton"] = lambda c, o: peers.bigbluebutton(c, o, checkout=checkout)
        return {name: run for name, run in found.items() if name in self.wanted or name == "ours"}

    def out(self, name: str) -> Path:
        return self.folder / f"{name}.mp4"

    def alternated(self, course: Course, runners: dict[str, Run]) -> dict[str, Cost]:
        """Medians; MoviePy runs once."""
        costs: dict[str, list[Cost]] = {name: [] for name in runners}
        for number in range(self.rounds):
            for name, run in runners.items():
                if name == "moviepy" and number > 0:
                    continue
                cost = run(course, self.out(name))
                say(f"{course.name}, {name}, run {number + 1}: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s")
                costs[name].append(cost)
        return {name: medians(found) for name, found in costs.items()}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def lesson(bench: Bench, seconds: int) -> Outcome:
    course = courses.lesson(bench.material, bench.folder, seconds)
    outcome = against_graph(bench, course, "melt", "moviepy")
    composite = bounds.reference(course, bench.folder)
    floor = bounds.floor(course, composite, bench.out("ours"), bench.material)
    outcome.notes.append(
        f"floor, CPU s: decoding what is seen {floor.decode:.2f} + encoding {floor.encode:.2f}"
        f" + AAC {floor.sound:.2f} = {floor.all:.2f}"
    )
    ours = outcome.costs["ours"]
    outcome.notes.append(
        f"an encode beside another one on the other core takes {floor.busy:.2f} times the CPU s of one alone: against a"
        f" floor measured so, ours is {ours.cpu / floor.all / floor.busy:.2f}"
    )
    outcome.goals.append(Goal("CPU against decode + encode + AAC", 1.15, ours.cpu / floor.all))
    outcome.goals.append(Goal("peak memory of the tree", 700, ours.peak / MIB, " MB"))
    outcome.goals += _interrupted(bench, course, ours)
    return outcome


def _against_peers(costs: dict[str, Cost]) -> list[Goal]:
    ours, goals = costs["ours"], []
    if "graph" in costs:
        graph = costs["graph"]
        goals.append(Goal("wall against the hand-written graph (wanted 0.50)", 0.60, ours.wall / graph.wall))
        goals.append(Goal("CPU against the hand-written graph (not asked)", 0.60, ours.cpu / graph.cpu))
        goals.append(Goal("VMAF lower than the graph's by", 0.5, (graph.vmaf or 0) - (ours.vmaf or 0)))
        goals.append(Goal("file against the graph's", 1.10, ours.size / graph.size))
    if "melt" in costs:
        goals.append(Goal("wall against MLT", 0.30, ours.wall / costs["melt"].wall))
    if "moviepy" in costs:
        goals.append(Goal("wall against MoviePy", 0.065, ours.wall / costs["moviepy"].wall))
    return goals


def _interrupted(bench: Bench, course: Course, ours: Cost) -> list[Goal]:
    out, home = bench.out("ours"), bench.folder / "home"
    bench.ours(course, out)
    second = interrupted.again(course, out, home)
    killed = interrupted.after_kill(course, out, home)
    return [
        Goal("second run of a finished job", 1, second.wall, " s"),
        Goal("run killed at 80 % and repeated, wall against a full run", 0.3, killed.wall / ours.wall),
        Goal("the same in CPU seconds (not asked)", 0.3, killed.cpu / ours.cpu),
    ]


def against_graph(bench: Bench, course: Course, *among: str) -> Outcome:
    """Ours, the graph and those named: time, bytes (of the sound apart) and the picture of each."""
    runners = {name: run for name, run in bench.runners().items() if name in ("ours", "graph", *among)}
    outcome = Outcome(course.name, notes=[*bench.material.notes, *bench.skipped])
    composite = bounds.reference(course, bench.folder)
    ffmpeg = bench.material.ffmpeg
    for name, cost in bench.alternated(course, runners).items():
        outcome.costs[name] = cost
        said = f"{name}: sound {packet_bytes(bench.out(name), 'audio') / 1e6:.2f} MB"
        if name != "bigbluebutton":
            found = compared(ffmpeg, bench.out(name), composite)
            outcome.costs[name] = replace(cost, vmaf=found.vmaf)
            said += f", PSNR {found.psnr:.2f} dB, SSIM {found.ssim:.4f}"
        if "bigbluebutton" in among:
            tiles = peers.TILES if name == "bigbluebutton" else courses.SEATS
            seats = compared(ffmpeg, bench.out(name), composite, tuple(zip(tiles, courses.SEATS, strict=True)))
            said += f"; the cameras alone: VMAF {seats.vmaf:.2f}, PSNR {seats.psnr:.2f} dB"
        outcome.notes.append(said)
    outcome.goals += _against_peers(outcome.costs)
    return outcome


def quiet(bench: Bench, seconds: int) -> Outcome:
    course = courses.quiet(bench.material, bench.folder, seconds)
    runners = {name: run for name, run in bench.runners().items() if name in ("ours", "graph")}
    outcome = Outcome(course.name, bench.alternated(course, runners), notes=list(bench.material.notes))
    composite = bounds.reference(course, bench.folder)
    floor = bounds.floor(course, composite, bench.out("ours"), bench.material)
    outcome.goals.append(Goal("CPU against decode + encode + AAC", 1.15, outcome.costs["ours"].cpu / floor.all))
    return outcome


def mixed(bench: Bench, minutes: int) -> list[Outcome]:
    """In three files (packets copied, sound encoded once) and in one (nothing encoded)."""
    found = []
    for files in (3, 1):
        course = bigcourses.mixed(bench.material, bench.folder, minutes, files)
        sources = [course.path(s) for s in course.streams]
        sound: list[Cost] = []

        def bound(_: Course, out: Path, *, sources: list[Path] = sources) -> Cost:
            return bounds.copied(sources, out.parent)

        outcome = Outcome(course.name, bench.alternated(course, {"ours": bench.ours, "cp": bound}))
        ours, cp = outcome.costs["ours"], outcome.costs["cp"]
        if files == 1:
            outcome.goals.append(Goal("one file: wall against cp", 4, ours.wall / cp.wall))
        else:
            sound = [bounds.encode_sound(bench.out("ours"), bench.material, bench.folder) for _ in range(2)]
            least = min(sound, key=lambda c: c.cpu)
            both = replace(cp, wall=cp.wall + least.wall, cpu=cp.cpu + least.cpu)
            outcome.costs["cp + AAC"] = both
            outcome.goals.append(Goal("wall against cp + one AAC encode", 1.5, ours.wall / both.wall))
            outcome.goals.append(Goal("CPU against the same (not asked)", 1.5, ours.cpu / both.cpu))
        found.append(outcome)
    return found


def crowd(bench: Bench) -> Outcome:
    crowded, steady = bigcourses.crowd(bench.material, bench.folder)
    runners = {"ours": bench.ours, "same pixels": lambda _, out: bench.ours(steady, out)}
    outcome = Outcome(crowded.name, bench.alternated(crowded, runners))
    ours, same = outcome.costs["ours"], outcome.costs["same pixels"]
    outcome.goals.append(Goal("wall against the same pixels without joins", 1.3, ours.wall / same.wall))
    outcome.goals.append(Goal("CPU against the same (not asked)", 1.3, ours.cpu / same.cpu))
    outcome.goals.append(Goal("peak memory of the tree", 700, ours.peak / MIB, " MB"))
    return outcome


def long(bench: Bench, seconds: int, times: int) -> Outcome:
    """Once, and one part of it before and behind it, so that a busier hour is seen."""
    course = bigcourses.long(bench.material, bench.folder, seconds, times)
    part = courses.lesson(bench.material, bench.folder, seconds)
    around = [bench.ours(part, bench.out("part"))]
    whole = bench.ours(course, bench.out("ours"))
    around.append(bench.ours(part, bench.out("part")))
    one = medians(around)
    outcome = Outcome(course.name, {"ours": whole, "one part": one})
    outcome.goals.append(Goal("wall per media minute against one part", 1.10, whole.wall / one.wall / times))
    outcome.goals.append(Goal("CPU per media minute against one part", 1.10, whole.cpu / one.cpu / times))
    outcome.goals.append(Goal("peak memory of the tree", 700, whole.peak / MIB, " MB"))
    outcome.goals.append(Goal("peak memory against one part", 1.25, whole.peak / one.peak))
    return outcome


def slow(bench: Bench, seconds: int) -> Outcome:
    """The lesson from a server as slow as the render is."""
    course = courses.lesson(bench.material, bench.folder, seconds)
    result = bench.folder / "slow.json"
    size = sum(course.path(s).stat().st_size for s in course.streams)
    local: list[Cost] = []
    fetched: list[Cost] = []
    for number in range(bench.rounds):
        local.append(bench.ours(course, bench.out("ours")))
        with slowly.served(course, size / local[0].wall, result):
            fetched.append(contenders.ours_from(result, course, bench.out("slow"), home=bench.folder / "home"))
        say(f"{course.name}, run {number + 1}: {local[-1].wall:.1f} s from disk, {fetched[-1].wall:.1f} s fetched")
    outcome = Outcome(f"slow-{seconds}", {"ours": medians(fetched), "ours, files on disk": medians(local)})
    longer = max(medians(local).wall, local[0].wall)
    outcome.goals.append(Goal("wall against the longer of download and render", 1.15, medians(fetched).wall / longer))
    outcome.notes.append(f"{size / 1e6:.1f} MB at {size / local[0].wall / 1e6:.2f} MB/s: {local[0].wall:.1f} s")
    return outcome


def outcomes(bench: Bench, only: tuple[str, ...], *, quick: bool) -> list[Outcome]:
    found: list[Outcome] = []
    for name in only:
        match name:
            case "lesson":
                found.append(lesson(bench, 60 if quick else 300))
            case name if name in courses.HARD:
                course = courses.HARD[name](bench.material, bench.folder, 30 if quick else 60)
                found.append(against_graph(bench, course, *(CONTENDERS if name == "noisy" else ())))
            case "quiet":
                found.append(quiet(bench, 60 if quick else 300))
            case "mixed":
                found += mixed(bench, 6 if quick else 60)
            case "crowd":
                found.append(crowd(bench))
            case "slow":
                found.append(slow(bench, 60 if quick else 300))
            case "long":
                found.append(long(bench, 60 if quick else 300, 12 if quick else 36))
        say(found[-1].text())
    return found


def _names(allowed: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if not set(names) <= set(allowed):
            raise argparse.ArgumentTypeError(f"of {', '.join(allowed)}")
        return names

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only the lesson, 60 s of it (others, if named: shorter)")
    parser.add_argument("--only", type=_names(CLASSES), help="classes, comma-separated")
    parser.add_argument("--contenders", type=_names(CONTENDERS), default=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="alternating runs")
    parser.add_argument("--keep", type=Path, help="folder for the files, kept")
    parser.add_argument("--bigbluebutton", type=Path, help="folder of a checkout of bigbluebutton/bigbluebutton")
    asked = parser.parse_args()
    only = asked.only or (("lesson",) if asked.quick else CLASSES)
    with tempfile.TemporaryDirectory(prefix="assembler-bench-") as scratch:
        folder = (asked.keep or Path(scratch)).absolute()
        (folder / "files").mkdir(parents=True, exist_ok=True)
        material = Material(folder / "files", imageio_ffmpeg.get_ffmpeg_exe())
        bench = Bench(folder, material, asked.contenders, asked.rounds, [], asked.bigbluebutton)
        found = outcomes(bench, only, quick=asked.quick)
        save(found, RESULTS, material.ffmpeg)
    print("\n".join(outcome.text() for outcome in found))


if __name__ == "__main__":
    main()
