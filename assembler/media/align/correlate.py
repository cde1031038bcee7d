"""Correlation of two sounds by the phases of their spectra, in windows of 8 s (DESIGN, Files that share sound)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assembler.echoes import Echo, Peak
from assembler.times import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
"""Samples, or a correlation."""
DOWN = 6
"""Factor by which 48 kHz are too many: what is not heard through a telephone tells nothing here."""
WINDOW = 65_536
"""Count of samples of a window, at 8 kHz: 8.2 s."""
HOP = WINDOW // 2
"""Count of samples from one window to the next."""
REACH = 2 * SAMPLE_RATE // DOWN
"""Maximum lag, in samples."""
LOWEST, HIGHEST = 150, 3600
"""Range of frequencies that are compared, in Hz: below are hum and rumble."""
LOUD = 10.0**-5.5
"""Minimum mean square of a window in which somebody speaks (-55 dB)."""
SILENT = 10.0**-9
"""Maximum mean square of a window without sound."""
OUTSTANDING = 6.0
"""Height of a peak, in standard deviations, from which a window counts in full; a louder one counts no more."""
NEAR = 200
"""Minimum distance of two peaks, in samples: what is nearer is the room's."""
PEAKS = 3
"""Number of peaks that are told."""

_TAPER = np.hanning(WINDOW).astype(np.float32)
_BAND = slice(LOWEST * WINDOW * DOWN // SAMPLE_RATE, HIGHEST * WINDOW * DOWN // SAMPLE_RATE)


class Spectrum(NamedTuple):
    """Spectrum of a window."""

    power: float
    """Mean square of what is compared of its samples."""
    phases: npt.NDArray[np.complex64]
    """Phases of all frequencies that are compared, each of the same height."""


def find_spectrum(samples: Floats) -> Spectrum | None:
    """Find the spectrum of a window; None for one without sound."""
    if float(np.mean(samples * samples)) <= SILENT:
        return None
    found = np.fft.rfft(samples * _TAPER)[_BAND]
    heights = np.abs(found)
    power = 2 * float(np.mean(heights * heights)) * len(found) / WINDOW / float(_TAPER @ _TAPER)
    return Spectrum(power, (found / np.maximum(heights, np.float32(1e-20))).astype(np.complex64))


class Tally:
    """Correlation of one sound with another, added up over windows."""

    def __init__(self, source: str, other: str) -> None:
        self._names = source, other
        self._sum = np.zeros(2 * REACH + 1, np.float32)
        self.windows = 0
        """Number of windows that were added."""

    def add(self, source: Spectrum, other: Spectrum) -> None:
        """Add a window. It counts for one at most: no single sound decides."""
        crossed = np.zeros(WINDOW // 2 + 1, np.complex64)
        crossed[_BAND] = np.conj(source.phases) * other.phases
        whole = np.fft.irfft(crossed, WINDOW)
        curve = np.concatenate([whole[-REACH:], whole[: REACH + 1]])
        deviation = float(curve.std())
        if deviation > 0:
            self._sum += (curve / max(OUTSTANDING * deviation, float(curve.max()))).astype(np.float32)
        self.windows += 1

    def settle(self) -> Echo:
        """Tell what was found."""
        left, peaks = self._sum.copy(), []
        for _ in range(PEAKS):
            place = int(left.argmax())
            late = (place - REACH) * DOWN * 1_000_000 // SAMPLE_RATE
            peaks.append(Peak(late, round(100 * float(left[place]))))
            left[max(0, place - NEAR) : place + NEAR + 1] = -np.inf
        return Echo(*self._names, self.windows, tuple(peaks))
