"""Level meter of what a reader decodes; in a child process only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assembler.levels import NO_SOUND, QUIETEST, STEP, Levels
from assembler.media.mixdown.resample import PlacedSamples, Samples
from assembler.times import SAMPLE_RATE, samples_at

CELL = samples_at(STEP)
"""Count of samples of one level."""
LATE = SAMPLE_RATE
"""Maximum count of samples behind the declared end that are measured; a wild stamp claims any place."""
BATCH = 1000
"""Count of levels that become bytes together."""
NONE = np.float32(-1)
"""Energy where there was no sample."""


class Meter:
    """Measures the level of one audio stream, on the file's axis."""

    def __init__(self, end: int) -> None:
        """``end``: sample at which the stream ends, as far as is known."""
        self._limit = end + LATE
        self._done = bytearray()
        self._open: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._settled = 0
        self.is_whole = False
        """True if the stream was measured to its end."""

    @property
    def values(self) -> bytes:
        """A byte for each level that no later sample changes."""
        self._settle()
        return bytes(self._done)

    def add(self, placed: PlacedSamples, settled: int) -> None:
        """Add the next samples; none that are added later lie before ``settled``."""
        first, last = max(placed.at, len(self._done) * CELL), min(placed.end, self._limit)
        if first < last:
            self._measure(placed.samples[:, first - placed.at : last - placed.at], first)
            self._settled = min(settled, last) // CELL
            if self._settled - len(self._done) >= BATCH:
                self._settle()

    def finish(self) -> None:
        """Settle all: the stream is read to its end."""
        self._settled = len(self._done) + len(self._open)
        self.is_whole = True

    def _measure(self, samples: Samples, first: int) -> None:
        count = samples.shape[1]
        missing = -(-(first + count) // CELL) - len(self._done) - len(self._open)
        if missing > 0:
            self._open = np.concatenate([self._open, np.full(missing, NONE)])
        head = min(-first % CELL, count)
        body = (count - head) // CELL * CELL
        self._put(first, samples[:, :head], 1)
        self._put(first + head, samples[:, head : head + body], body // CELL)
        self._put(first + head + body, samples[:, head + body :], 1)

    def _put(self, at: int, samples: Samples, cells: int) -> None:
        if not samples.shape[1]:
            return
        blocks = samples.reshape(len(samples), cells, -1)
        place = at // CELL - len(self._done)
        energy = self._open[place : place + cells]
        np.maximum(energy, 0, out=energy)
        squares = blocks[:, :, None, :] @ blocks[:, :, :, None]  # half the time of einsum, a third of (blocks**2).sum
        energy += squares[:, :, 0, 0].mean(axis=0)

    def _settle(self) -> None:
        count = self._settled - len(self._done)
        if count <= 0:
            return
        energy, self._open = self._open[:count], self._open[count:]
        with np.errstate(divide="ignore"):
            below = np.clip(-10 * np.log10(np.maximum(energy, 0) / CELL), 0, QUIETEST)
        self._done += np.where(energy < 0, NO_SOUND, np.rint(below)).astype(np.uint8).tobytes()


def join_tracks(meters: Sequence[Meter]) -> Levels:
    """Return the levels of a file from its streams, as far as all of them were measured."""
    is_whole = all(meter.is_whole for meter in meters)
    until = max(len(m.values) for m in meters) if is_whole else min(len(m.values) for m in meters if not m.is_whole)
    padded = [np.frombuffer(m.values[:until].ljust(until, bytes([NO_SOUND])), np.uint8) for m in meters]
    return Levels.pack(np.minimum.reduce(padded).tobytes(), is_whole=is_whole)


def write_levels(path: Path, levels: Levels) -> None:
    """Write a file of levels, whole or not at all: where the disk refuses it, nothing is known of who spoke."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(levels.to_json(), encoding="ascii")
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
