"""Classes whose files' clocks are wrong, and what is said about them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from classes import Class

from assembler.pipeline.assemble import Playback

TRUE = Fraction(48_000)
"""Hz that a clock calls 48,000; a clock that really ticks slower makes its file longer."""


@dataclass(frozen=True)
class Drifting(Class):
    """A class in which clocks are wrong: (picture's, sound's) by video id."""

    clocks: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)

    def make(self, folder: Path, ffmpeg: str) -> Path:
        media = super().make(folder, ffmpeg)
        for name, (picture, sound) in self.clocks.items():
            path, old = media / f"{name}.mp4", folder / f"{name}-true.mp4"
            if old.exists():
                continue
            os.replace(path, old)
            argv = [ffmpeg, "-v", "error", "-itsscale", f"{float(TRUE / picture):.9f}", "-i", str(old), "-i", str(old)]
            tempo = f"asetrate={sound},aresample=48000"
            words = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-af", tempo, "-c:a", "aac", str(path)]
            subprocess.run([*argv, *words], check=True)
        return media


def told(playback: Playback) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in playback.manifest.findings:
        if "Clocks differ" in finding.sentence:
            found.setdefault(finding.where, []).append(finding.sentence)
    return found
