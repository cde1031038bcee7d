"""Clocks that differ inside a file: each is named with ppm and offset, and with --fix-drift taken out."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from classes import BOARD, USER_1, USER_2, Stream, beep_errors, wrong_pictures
from drifting import TRUE, Drifting, told
from synthetic import Recipe

from assembler.recording import StreamKind

SECONDS = 30
FAST, SLOW = Fraction(47_808), Fraction(48_192)
"""0.4 % off, 120 ms in 30 s."""


def camera(name: str, rect: tuple[int, int, int, int], kind: StreamKind = StreamKind.CAMERA) -> Stream:
    width, height = rect[2:]
    recipe = Recipe(identity=name, seconds=Fraction(SECONDS), width=width, height=height, fps=Fraction(15), gain=0.1)
    return Stream(name, kind, name, 0, recipe, rect)


CLASS = Drifting(
    [camera("blue", BOARD, StreamKind.SCREEN), camera("green", USER_1), camera("orange", USER_2)],
    clocks={"blue": (TRUE, FAST), "orange": (SLOW, TRUE), "green": (SLOW, SLOW)},
)


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
