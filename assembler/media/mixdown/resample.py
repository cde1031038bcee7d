"""Resample contiguous decoded frames to 48 kHz float; in a child process only."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from assembler.times import SAMPLE_RATE

Samples = npt.NDArray[np.float32]
"""Audio samples as an array."""

RATE_SCALE = 50
"""Factor on sample rates where audio is stretched: whole Hz are then steps of 0.4 ppm."""
MAX_LEVEL = 8.0
"""Maximum sample value (18 dB over full scale); no valid file gives more. Not-a-number would spread over the mix."""


class PlacedSamples(NamedTuple):
    """Audio samples at their place."""

    at: int
    """Place of the first sample, at 48 kHz, file axis."""
    samples: Samples
    """Array of shape (1 or 2 channels, samples)."""

    @property
    def end(self) -> int:
        """Place behind the last sample."""
        return self.at + int(self.samples.shape[1])


class Resampler:
    """Converts contiguous frames of one format to 48 kHz float."""

    def __init__(self, first: AudioFrame, at: int, pace: Fraction) -> None:
        """``pace``: factor by which the audio is stretched."""
        self._kind = _kind(first)
        self._rate, self._channels = first.sample_rate, min(2, first.layout.nb_channels)
        self._at = at
        self._fine_rate = None if pace == 1 else round(self._rate * RATE_SCALE / pace)
        self._is_broken = False
        self._fifo = AudioFifo()
        is_ready = pace == 1 and self._kind[:2] == (SAMPLE_RATE, "fltp") and self._kind[2] in (1, 2)
        layout = "mono" if self._channels == 1 else "stereo"
        rate = SAMPLE_RATE if pace == 1 else SAMPLE_RATE * RATE_SCALE
        self._resampler = None if is_ready else AudioResampler(format="fltp", layout=layout, rate=rate)

    @property
    def name(self) -> str:
        """Format of the frames, for people."""
        return f"{self._kind[0]} Hz {self._kind[3]}"

    @property
    def is_full(self) -> bool:
        """True if a second of samples is waiting."""
        return self._fifo.samples >= self._rate

    def continues(self, frame: AudioFrame) -> bool:
        """True if a frame has the same format."""
        return _kind(frame) == self._kind

    def add(self, frame: AudioFrame) -> None:
        """Add the next frame."""
        frame.pts = None  # the fifo would insist on stamps of its own
        self._fifo.write(frame)

    def read(self, *, is_last: bool) -> PlacedSamples | None:
        """Convert all samples added since the last call (with ``is_last``: those that the resampler still holds).

        Raises libav's error, once, where the format cannot be converted; the rest of the run is silent.
        """
        frame = None if is_last else self._fifo.read()
        if self._is_broken or (frame is None and not is_last):
            return None
        if frame is not None and self._fine_rate is not None:
            frame.sample_rate = self._fine_rate
        try:
            frames = [frame] if self._resampler is None else self._resampler.resample(frame)
            chunks = [_clipped(f) for f in frames if f is not None]
        except (av.FFmpegError, ValueError):
            self._is_broken = True  # a half-built resampler must not be touched again
            raise
        if not chunks:
            return None
        placed = PlacedSamples(self._at, chunks[0] if len(chunks) == 1 else np.concatenate(chunks, axis=1))
        self._at = placed.end
        return placed


def _kind(frame: AudioFrame) -> tuple[int, str, int, str]:
    layout = frame.layout
    return frame.sample_rate, frame.format.name, layout.nb_channels, layout.name


def _clipped(frame: AudioFrame) -> Samples:
    samples = np.asarray(frame.to_ndarray(), dtype=np.float32)
    if samples.size and not max(samples.max(), -samples.min()) <= MAX_LEVEL:
        samples = np.clip(np.nan_to_num(samples, nan=0.0), -MAX_LEVEL, MAX_LEVEL)
    return samples
