"""Sound like speech: a buzz and noise through formants, in syllables and sentences."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 48_000
FORMANTS = ((500, 120), (1500, 250), (2600, 400), (4500, 900))
"""Centre and width, Hz."""
BLOCK_SECONDS = 10


def write_voice(path: Path, seconds: int, seed: int) -> Path:
    """``seconds`` of one speaker, mono, 16 bit."""
    rng = np.random.default_rng(seed)
    pitch = 110 + 25 * (seed % 6)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for start in range(0, seconds, BLOCK_SECONDS):
            length = min(BLOCK_SECONDS, seconds - start) * RATE
            out.writeframes((_block(length, pitch, rng) * 32767).astype("<i2").tobytes())
    return path


def _block(length: int, pitch: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    time = np.arange(length) / RATE
    wandering = pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time) + 0.05 * np.sin(2 * np.pi * 2.3 * time))
    buzz = 2 * (np.cumsum(wandering) / RATE % 1) - 1
    source = buzz + 0.4 * rng.standard_normal(length)
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    shape = sum(np.exp(-(((hertz - centre) / width) ** 2)) / (1 + i) for i, (centre, width) in enumerate(FORMANTS))
    voiced = np.fft.irfft(np.fft.rfft(source) * shape, length)
    knots = np.arange(0, length + RATE // 5, RATE // 5)
    loud = np.where(rng.random(len(knots)) < 0.75, rng.uniform(0.3, 1, len(knots)), 0.0)
    envelope = np.interp(np.arange(length), knots, loud) * (np.sin(2 * np.pi * time / 7) > -0.6)
    spoken = voiced * envelope
    room = 0.0008 * rng.standard_normal(length)
    block: npt.NDArray[np.float64] = 0.35 * spoken / (np.abs(spoken).max() + 1e-9) + room
    return block
