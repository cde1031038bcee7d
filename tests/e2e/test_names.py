"""Names on the pictures of a finished file: there while their camera is, beside the counters, in the same time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from classes import BOARD, USER_1, USER_2, Class, Stream, wrong_pictures
from numpy.typing import NDArray
from readers import Planes, open_playback
from synthetic import Recipe

from assembler.plan.artwork import label_height, label_margin
from assembler.recording import StreamKind

CAMERA, SCREEN, WHITEBOARD, MIX, AUDIO, _ = StreamKind
LESSON = Class(
    [
        Stream("w", WHITEBOARD, "", 0, Recipe(identity="blue", seconds=Fraction(6), fps=Fraction(5)), BOARD),
        Stream("a", CAMERA, "teacher", 0, Recipe(identity="yellow", seconds=Fraction(6), fps=Fraction(15)), USER_1),
        Stream("b", CAMERA, "王小明", 2_033, Recipe(identity="green", seconds=Fraction(2), fps=Fraction(15)), USER_2),
    ],
    options={"names": "ids", "chunk_seconds": 1.5},
)


def ground(planes: Planes, tile: tuple[int, int, int, int]) -> float:
    """Luma of a label's ground, left of its letters."""
    x, y, width, height = tile
    margin, tall = label_margin(height), label_height(width, height)
    top = y + height - margin - tall
    return float(np.asarray(planes.luma)[top + 6 : top + tall - 6, x + margin + 2 : x + margin + 5].mean())


def above(planes: Planes) -> NDArray[np.float64]:
    """Luma of both cameras but for the quarter in which names are."""
    luma = np.asarray(planes.luma, float)
    return np.concatenate([luma[y : y + 3 * height // 4, x : x + width] for x, y, width, height in (USER_1, USER_2)])


def test_names_are_there_while_their_camera_is(tmp_path: Path, bundled_ffmpeg: str) -> None:
    playback = LESSON.assemble(tmp_path, bundled_ffmpeg)
    plain = LESSON.assemble(tmp_path, bundled_ffmpeg, "plain.mp4", names="off")
    assert wrong_pictures(LESSON, plain) == []
    with open_playback(playback.path) as named, open_playback(plain.path) as bare:
        for number, (one, other) in enumerate(zip(named.frames, bare.frames, strict=True)):
            with_name, without = Planes(one), Planes(other)
            assert ground(with_name, USER_1) < ground(without, USER_1) - 20, number
            is_there = 30 <= number < 60
            assert (ground(with_name, USER_2) < ground(without, USER_2) - 20) is is_there, number
            assert np.abs(above(with_name) - above(without)).max() < 60, number  # the same counters; both are encoded
