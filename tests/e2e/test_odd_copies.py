"""Copied mixed streams with odd joins and cuts, windows, and frame rates that were asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from classes import BOARD, USER_1, Class, Stream, beep_errors, wrong_pictures
from lessons import START, omission
from oddities import odd
from readers import stamps
from sounds import beeps, listen

from assembler.plan.model import Mode
from assembler.recording import StreamKind
from assembler.times import PlayMs

MIX, CAMERA, WHITEBOARD = StreamKind.MIX, StreamKind.CAMERA, StreamKind.WHITEBOARD
SOUND_TOLERANCE = 0.005
WHOLE = (0, 0, 320, 240)


def mixes(second: int) -> list[Stream]:
    return [
        Stream("m1", MIX, "", 0, odd("red", seconds=4, gop=30, bframes=2, gain=0.2), WHOLE),
        Stream("m2", MIX, "", second, odd("red", seconds=3, gop=30, bframes=2, gain=0.2), WHOLE),
    ]


def test_sound_behind_the_join_of_a_copy_is_exact_and_does_not_click(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class(mixes(4_000), options={"layout": "auto"})
    copied = lesson.assemble(tmp_path, bundled_ffmpeg, "copied.mp4")
    assert copied.manifest.mode is Mode.COPY, copied.manifest.mode_reason
    assert wrong_pictures(lesson, copied) == []
    assert max(beep_errors(lesson, copied).values()) <= SOUND_TOLERANCE
    composed = lesson.assemble(tmp_path, bundled_ffmpeg, "composed.mp4", fps=Fraction(15))
    assert composed.manifest.mode is Mode.ENCODE
    one, other = (listen(p.path) for p in (copied, composed))
    assert one.start == other.start
    length = min(one.samples.shape[1], other.samples.shape[1])
    assert np.abs(one.samples[:, :length] - other.samples[:, :length]).max() < 1e-3
    join = round(4 * one.rate)
    quiet = one.mono[join - 2_000 : join - 50]
    assert np.abs(quiet).max() < 0.01, "a click before the beep behind the join"


@pytest.mark.parametrize("gop", [15, 1000])
def test_a_mixed_stream_cut_at_an_omission(tmp_path: Path, bundled_ffmpeg: str, gop: int) -> None:
    """With a key frame behind the pause it is copied; without one the whole is encoded and the reason names it."""
    recipe = odd("red", seconds=9, gop=gop, gain=0.2)
    lesson = Class(
        [Stream("m", MIX, "", 0, recipe, WHOLE, pieces=((0, 3_000, 0), (3_000, 7_000, 5_000)))],
        total=7_000,
        stop=9_000,
        omissions=(omission(3_000, 3_000, 5_000),),
        options={"layout": "auto"},
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, chunk_seconds=1.7)
    assert playback.manifest.mode is (Mode.COPY if gop == 15 else Mode.ENCODE), playback.manifest.mode_reason
    if gop == 1000:
        assert "m has no key frame" in playback.manifest.mode_reason
    assert playback.manifest.length == 7_000
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE


LESSON = Class(
    [
        Stream("w", WHITEBOARD, "", 233, odd("blue", seconds=6, fps=Fraction(5)), BOARD),
        Stream("a", CAMERA, "x", 621, odd("red", seconds=5, bframes=2, gop=40), USER_1),
    ],
    options={"fps": Fraction(15)},
)


def test_a_window_shows_what_the_whole_shows_then(tmp_path: Path, bundled_ffmpeg: str) -> None:
    whole = LESSON.rows(LESSON.assemble(tmp_path, bundled_ffmpeg, "whole.mp4"))
    part = LESSON.assemble(
        tmp_path, bundled_ffmpeg, "part.mp4", start=PlayMs(2_000), end=PlayMs(5_000), chunk_seconds=0.9
    )
    assert part.manifest.length == 3_000
    assert part.manifest.clock.start == START + 2_000
    assert [r.seen for r in LESSON.rows(part)] == [r.seen for r in whole[30:75]]
    due = [at - 2 for at in np.arange(0.233, 7) if 2 <= at < 4.9]
    pitch = odd("blue").who.pitch
    found = beeps(part.path, [pitch])[pitch]
    assert len(found) == len(due)
    assert max(abs(a - b) for a, b in zip(found, due, strict=True)) <= SOUND_TOLERANCE


@pytest.mark.parametrize("fps", [Fraction(7), Fraction(60)])
def test_a_rate_that_was_asked_for(tmp_path: Path, bundled_ffmpeg: str, fps: Fraction) -> None:
    playback = LESSON.assemble(tmp_path, bundled_ffmpeg, fps=fps, chunk_seconds=2.3)
    assert playback.manifest.fps == fps
    assert sorted(stamps(playback.path)) == [n / fps for n in range(round(playback.manifest.length * fps / 1000))]
    assert wrong_pictures(LESSON, playback) == []
    assert max(beep_errors(LESSON, playback).values()) <= SOUND_TOLERANCE
