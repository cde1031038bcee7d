"""Stamps that jitter are a line, and a jump counts where later stamps confirm it."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from chirps import RATE, probed, repacked, tone, write

from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.order import MixInput
from assembler.media.mixdown.stamp_line import fit_lines

LENGTH = 1024 / RATE


def placed(stamp_of: Callable[[int], float | None], count: int = 400) -> list[float]:
    """Seconds at which each frame of 1024 samples is put."""
    silence = np.zeros((1, 1024), np.float32)

    def frames() -> list[tuple[AudioFrame, float | None]]:
        made = []
        for index in range(count):
            frame = AudioFrame.from_ndarray(silence, "fltp", "mono")
            frame.sample_rate = RATE
            made.append((frame, stamp_of(index)))
        return made

    places: list[float] = []
    for _, stamp in fit_lines(frames()):
        places.append(stamp if stamp is not None else places[-1] + LENGTH if places else 0.0)
    return places


def buffers(ms: int, rounded: Callable[[float], float]) -> Callable[[int], float]:
    return lambda index: rounded(index * LENGTH / (ms / 1000)) * ms / 1000


JITTERS: dict[str, Callable[[int], float]] = {
    "20 ms buffers that a frame ends in": buffers(20, np.floor),
    "20 ms buffers, rounded": buffers(20, np.round),
    "10 ms buffers": buffers(10, np.ceil),
    "whole ms": lambda index: round(index * LENGTH, 3),
    "+-20 ms": lambda index: index * LENGTH + (random.Random(index).uniform(-0.02, 0.02) if index else 0),
    "late by up to 15 ms": lambda index: index * LENGTH + (random.Random(index).uniform(0, 0.015) if index else 0),
    "a slow wave of 15 ms": lambda index: index * LENGTH + 0.015 * float(np.sin(index / 7)),
    "one an hour ahead": lambda index: index * LENGTH + (3600 if index == 200 else 0),
    "two half a second back": lambda index: index * LENGTH - (0.5 if index in (200, 201) else 0),
}


@pytest.mark.parametrize("name", JITTERS)
def test_what_jitters_is_one_line(name: str) -> None:
    assert placed(JITTERS[name]) == pytest.approx([index * LENGTH for index in range(400)], abs=0.002)


@pytest.mark.parametrize("jitter", [0, 0.005, 0.02])
@pytest.mark.parametrize("hole", [0.04, 0.1, 0.7, 60])
def test_a_hole_keeps_its_place_among_stamps_that_jitter(hole: float, jitter: float) -> None:
    def stamp_of(index: int) -> float:
        shaken = random.Random(index).uniform(-jitter, jitter) if index else 0
        return index * LENGTH + (hole if index >= 200 else 0) + shaken

    found = placed(stamp_of)
    meant = [index * LENGTH + (hole if index >= 200 else 0) for index in range(400)]
    assert found[:199] == pytest.approx(meant[:199], abs=0.002)
    assert found[201:] == pytest.approx(meant[201:], abs=0.001 + jitter / 2)


@pytest.mark.parametrize("step", [0.013, 0.0213, -0.3])
def test_a_small_step_counts_where_stamps_are_exact(step: float) -> None:
    found = placed(lambda index: 9 + index * LENGTH + (step if index >= 200 else 0))
    assert found == pytest.approx([9 + index * LENGTH + (step if index >= 200 else 0) for index in range(400)])


def test_holes_that_follow_each_other_closely_all_count() -> None:
    def truth(index: int) -> float:
        return index * LENGTH + sum(size for at, size in ((200, 0.1), (208, 5), (214, 0.05)) if index >= at)

    assert placed(truth) == pytest.approx([truth(index) for index in range(400)])


def test_a_first_stamp_that_is_off_the_line_moves_nothing_else() -> None:
    wild = placed(lambda index: index * LENGTH + (7 if index == 0 else 0))
    assert wild == pytest.approx([index * LENGTH for index in range(400)])


def test_sound_stamped_by_capture_buffers_is_untouched(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", tone(4, 0.5, pitch=440), "-c:a", "aac")
    shaken = repacked(whole, tmp_path / "phone.mkv", lambda at: round(at * RATE) // 960 * 0.02)
    (facts,) = probed({"x": shaken}, tmp_path).values()
    source = MixInput("x", shaken, facts.container, facts.origin, Fraction(1), ((0, 4 * RATE),))
    reader = Reader(source, (0, 4 * RATE), OpenFiles(), lambda: None)
    reader.open()
    pieces = {p.at: p.end for second in range(4) for p in reader.read(second * RATE, (second + 1) * RATE)}
    reader.close()
    assert reader.account.holes == 0
    assert reader.account.dropped_samples <= 1024  # before the file's first stamp
    assert list(pieces)[1:] == list(pieces.values())[:-1]
    with av.open(str(whole)) as file:
        count = sum(frame.samples for frame in file.decode(audio=0))
    assert max(pieces.values()) >= count - 2048
