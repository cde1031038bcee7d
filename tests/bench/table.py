"""The figures of one run as a table of ratios, and each goal beside what was measured."""

from __future__ import annotations

import datetime
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measuring import Cost

MIB = 2**20


@dataclass(frozen=True)
class Goal:
    """One line of what is to be reached."""

    sentence: str
    limit: float
    value: float
    unit: str = ""

    @property
    def row(self) -> str:
        met = "ok" if self.value <= self.limit else "MISSED"
        return f"| {self.sentence} | <= {self.limit:g}{self.unit} | {self.value:.3g}{self.unit} | {met} |"


@dataclass
class Outcome:
    """Everything that was measured on one class."""

    name: str
    costs: dict[str, Cost] = field(default_factory=dict)
    """By contender or bound; ours is compared to each."""
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        lines = [f"## {self.name}", ""]
        if self.costs:
            lines += _costs(self.costs)
        if self.goals:
            lines += ["", "| goal | limit | measured | |", "|---|---|---|---|", *(goal.row for goal in self.goals)]
        if self.notes:
            lines += ["", *(f"* {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"


def _costs(costs: Mapping[str, Cost]) -> list[str]:
    ours = costs["ours"]
    lines = ["| | wall s | CPU s | ours / it, wall | ours / it, CPU | peak MB | file MB | VMAF |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, cost in costs.items():
        vmaf = "" if cost.vmaf is None else f"{cost.vmaf:.2f}"
        ratios = f"{ours.wall / cost.wall:.3f} | {ours.cpu / cost.cpu if cost.cpu else float('inf'):.3f}"
        size = f"{cost.size / 1e6:.2f}" if cost.size else ""
        lines.append(
            f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {ratios} | {cost.peak / MIB:.0f} | {size} | {vmaf} |"
        )
    return lines


def machine(ffmpeg: str) -> str:
    """What the figures were made with, without a name or a path."""
    first = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    day = datetime.date.today().isoformat()
    return f"{day}, {cores} cores, ffmpeg {first}, load {load:.1f} at the end"


def save(outcomes: Sequence[Outcome], folder: Path, ffmpeg: str) -> None:
    """A file for each class, so that a run of some classes leaves the others' figures alone."""
    folder.mkdir(exist_ok=True)
    for outcome in outcomes:
        head = f"{machine(ffmpeg)}. Medians of alternating runs; CPU of the whole process tree.\n\n"
        (folder / f"{outcome.name}.md").write_text(head + outcome.text(), "utf-8")
