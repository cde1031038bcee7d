"""Clocks that differ inside a file: each is named with ppm and offset, and with --fix-drift taken out."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from classes import BOARD, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from synthetic import Recipe

from assembler.assemble import Playback
from assembler.recording import StreamKind

SECONDS = 30
TRUE, FAST, SLOW = Fraction(48_000), Fraction(47_808), Fraction(48_192)
"""Hz that a clock calls 48,000: the fast one is 0.4 % off, 120 ms in 30 s."""


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


def camera(name: str, rect: tuple[int, int, int, int], kind: StreamKind = StreamKind.CAMERA) -> Stream:
    width, height = rect[2:]
    recipe = Recipe(identity=name, seconds=Fraction(SECONDS), width=width, height=height, fps=Fraction(15), gain=0.1)
    return Stream(name, kind, name, 0, recipe, rect)


CLASS = Drifting(
    [camera("blue", BOARD, StreamKind.SCREEN), camera("green", USER_1), camera("orange", USER_2)],
    clocks={"blue": (TRUE, FAST), "orange": (SLOW, TRUE), "green": (SLOW, SLOW)},
)


def told(playback: Playback) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in playback.manifest.findings:
        if "Clocks differ" in finding.sentence:
            found.setdefault(finding.where, []).append(finding.sentence)
    return found


def test_every_clock_is_named_and_taken_out_where_asked_for(tmp_path: Path, bundled_ffmpeg: str) -> None:
    as_it_is = CLASS.assemble(tmp_path, bundled_ffmpeg, "drift.mp4")
    sentences = told(as_it_is)
    assert sorted(sentences) == ["blue", "green", "orange"]
    assert re.search(r"\+40\d\d ppm, \+12[01] ms", sentences["blue"][0])
    assert all("--fix-drift takes it out" in one for ones in sentences.values() for one in ones)
    right = CLASS.assemble(tmp_path, bundled_ffmpeg, "right.mp4", fix_drift=True)
    assert sorted(told(right)) == ["blue", "green", "orange"]
    assert all("taken out" in one for ones in told(right).values() for one in ones)
    assert wrong_pictures(CLASS, right) == []
    errors = beep_errors(CLASS, right)
    assert max(errors.values()) <= 0.005, errors
