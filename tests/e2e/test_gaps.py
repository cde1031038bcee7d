"""Stretches in which nobody is there."""

from __future__ import annotations

from pathlib import Path

from classes import USER_1, Class, Stream, beep_errors, wrong_pictures
from synthetic import Recipe

from assembler.recording import StreamKind


def test_a_gap_longer_than_a_piece_is_background_and_silence(tmp_path: Path, ffmpeg: str) -> None:
    recipe = Recipe(identity="red", seconds=1, fps=15)
    lesson = Class(
        [
            Stream("a1", StreamKind.CAMERA, "ann", 0, recipe, USER_1),
            Stream("a2", StreamKind.CAMERA, "ann", 4_000, recipe, USER_1),
        ]
    )
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=0.5)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= 0.005
