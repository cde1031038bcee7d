"""Asks a file what it sounds like; re-exported by ``readers``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from assembler.demo.identity import BEEP_SECONDS

Array = NDArray[Any]

LEAST_LEVEL = 0.02
"""Quieter beeps (full scale is 1) are not heard."""
PARTS = 8
"""A beep has to sound in each of so many parts of its length, or it was cut and is left out..."""
WHOLE = 0.6
"""... and in the quietest part at least so loud, compared with the loudest..."""
ROUGHLY_WHOLE = 0.2
"""... or, while other pitches still sound along, so loud."""
BLOCK = 16
"""How many samples lie between two places at which a beep is looked for, before the wave itself tells."""
ROUNDS = 3
"""How often every pitch is measured again with all other beeps taken away."""


@dataclass(frozen=True)
class Heard:
    """The decoded sound of a file on the container's axis; where there are no packets it is zero."""

    rate: int
    start: Fraction
    """Second of the first sample, container axis (priming skipped, edit lists applied)."""
    samples: Array
    """float32, channels x samples."""

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.samples.shape[1], self.rate)

    @property
    def end(self) -> Fraction:
        return self.start + self.seconds

    @property
    def mono(self) -> Array:
        """Mean of all channels."""
        return np.asarray(self.samples.mean(axis=0), np.float64)


def listen(path: Path, *, rate: int | None = None, span: tuple[float, float] | None = None) -> Heard:
    """Decode the sound and place it by its stamps; ``rate`` None takes that of the first frame.

    ``span``: only from here to there, in seconds on the container's axis; None: all of it.

    Stretches of another rate are resampled; where the number of channels changes, the smallest is kept.
    """
    with av.open(str(path)) as container:
        if not container.streams.audio:
            raise ValueError(f"{path.name} has no sound")
        if span is not None:
            container.seek(max(int((span[0] - 1) * av.time_base), 0))
        pieces = _joined(_decoded(container, span))
    if not pieces:
        raise ValueError(f"{path.name} has a sound track without sound")
    return _placed(pieces, rate or pieces[0][1])


def _decoded(
    container: av.container.InputContainer, span: tuple[float, float] | None
) -> Iterator[tuple[Fraction, Fraction, int, Array]]:
    """Start, tick, rate and samples of every frame."""
    for frame in container.decode(audio=0):
        if not frame.samples:
            continue
        assert frame.pts is not None
        assert frame.time_base is not None
        at = frame.pts * frame.time_base
        if span is not None and at >= span[1]:
            break
        if span is None or at >= span[0]:
            yield at, frame.time_base, frame.sample_rate, _floats(frame)


def _floats(frame: av.AudioFrame) -> Array:
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype.kind == "i":
        return np.asarray(raw / float(np.iinfo(raw.dtype).max), np.float32)
    return np.asarray(raw, np.float32)


def _joined(frames: Iterable[tuple[Fraction, Fraction, int, Array]]) -> list[tuple[Fraction, int, Array]]:
    """Start, rate and samples; frames that follow each other within the rounding of their stamps become one piece."""
    pieces: list[tuple[Fraction, int, list[Array]]] = []
    count = 0
    for start, tick, rate, samples in frames:
        before, before_rate, joined = pieces[-1] if pieces else (start, 0, [samples])
        follows = abs(before + Fraction(count, rate) - start) <= 2 * tick
        if follows and before_rate == rate and joined[0].shape[0] == samples.shape[0]:
            joined.append(samples)
            count += samples.shape[1]
        else:
            pieces.append((start, rate, [samples]))
            count = samples.shape[1]
    return [(start, rate, np.concatenate(joined, axis=1)) for start, rate, joined in pieces]


def _placed(pieces: list[tuple[Fraction, int, Array]], rate: int) -> Heard:
    start = min(at for at, _, _ in pieces)
    channels = min(samples.shape[0] for _, _, samples in pieces)
    ready = [(round((at - start) * rate), _resampled(samples, own, rate)) for at, own, samples in pieces]
    total = max(at + samples.shape[1] for at, samples in ready)
    out = np.zeros((channels, total), np.float32)
    for at, samples in ready:
        out[:, at : at + samples.shape[1]] = samples[:channels]
    return Heard(rate, start, out)


def _resampled(samples: Array, own: int, wanted: int) -> Array:
    if own == wanted:
        return samples
    count = samples.shape[1] * wanted // own
    places = np.arange(count) * (own / wanted)
    return np.stack([np.interp(places, np.arange(len(one)), one) for one in samples])


def beeps(source: Path | Heard, pitches: Iterable[float]) -> dict[float, list[float]]:
    """When a whole beep of each pitch begins, in seconds on the container's axis, to much less than 1 ms.

    Several pitches may sound together. Beeps cut short are left out: ``tone_level`` tells about them.
    """
    heard = source if isinstance(source, Heard) else listen(source)
    signal, length = heard.mono, round(BEEP_SECONDS * heard.rate)
    wanted = list(pitches)
    lone = {pitch: _Beeps(pitch, heard.rate, length) for pitch in wanted}
    for found in lone.values():
        found.find(signal, ROUGHLY_WHOLE if len(lone) > 1 else WHOLE)
    present = [found for found in lone.values() if found.onsets]
    for turn in range(1, ROUNDS + 1):
        rest = signal - sum(found.waves(len(signal)) for found in present)
        for found in present:
            mine = rest + found.waves(len(signal))
            found.find(mine, WHOLE if turn == ROUNDS else ROUGHLY_WHOLE)
            rest = mine - found.waves(len(signal))
    return {pitch: [float(heard.start) + at / heard.rate for at in found.onsets] for pitch, found in lone.items()}


class _Beeps:
    """The beeps of one pitch: where, and how loud, found by correlation with the one known beep."""

    def __init__(self, pitch: float, rate: int, length: int) -> None:
        self._wave = np.sin(2 * np.pi * pitch * np.arange(length) / rate)
        self._turn = np.exp(-2j * np.pi * pitch * np.arange(length) / rate)
        self._pitch, self._rate = pitch, rate
        self._length, self._spread = length, max(1, int(rate / pitch))
        self.onsets: list[int] = []
        self._levels: list[float] = []

    def find(self, signal: Array, whole: float) -> None:
        padded = np.concatenate([np.zeros(self._length), signal, np.zeros(self._length)])
        level = _envelope(padded, self._pitch, self._rate, self._length)
        self.onsets, self._levels = [], []
        for peak in _peaks(level, LEAST_LEVEL, self._length // BLOCK):
            onset, loud = self._onset(padded, peak * BLOCK, whole)
            if loud is not None:
                self.onsets.append(onset - self._length)
                self._levels.append(loud)

    def _onset(self, padded: Array, peak: int, whole: float) -> tuple[int, float | None]:
        """The place near a peak of the envelope where the wave itself fits best; None for a part of a beep."""
        first = max(0, peak - self._spread)
        room = padded[first : peak + self._spread + self._length]
        fits = np.correlate(room, self._wave, "valid") * 2 / self._length
        onset = first + int(fits.argmax())
        loud = float(fits.max())
        body = padded[onset : onset + self._length] * self._turn
        levels = [abs(part.mean()) for part in np.array_split(body, PARTS)]
        return onset, loud if min(levels) >= whole * max(levels) else None

    def waves(self, samples: int) -> Array:
        """What was found, as sound, to be taken away while another pitch is measured."""
        out = np.zeros(samples + 2 * self._length)
        for onset, level in zip(self.onsets, self._levels, strict=True):
            at = onset + self._length
            out[at : at + self._length] += level * self._wave
        return out[self._length : self._length + samples]


def _envelope(signal: Array, pitch: float, rate: int, length: int) -> Array:
    """Amplitude of the pitch within a beep's length, for every BLOCK-th place where it could begin."""
    turn = np.exp(-2j * np.pi * pitch * np.arange(BLOCK) / rate)
    blocks = signal[: len(signal) // BLOCK * BLOCK].reshape(-1, BLOCK) @ np.stack([turn.real, turn.imag], axis=1)
    turned = blocks.view(complex)[:, 0] * np.exp(-2j * np.pi * pitch * BLOCK * np.arange(len(blocks)) / rate)
    summed, reach = np.concatenate([[0], np.cumsum(turned)]), length // BLOCK
    return np.asarray(np.abs(summed[reach:] - summed[:-reach]) * 2 / (reach * BLOCK))


def _peaks(level: Array, least: float, apart: int) -> list[int]:
    """Where the level is highest within a beep's length on both sides."""
    found: list[int] = []
    loud = np.flatnonzero(level >= least)
    while len(loud):
        groups = np.split(loud, np.flatnonzero(np.diff(loud) > 1) + 1)
        loud = np.array([], int)
        for group in groups:
            peak = int(group[level[group].argmax()])
            if level[max(0, peak - apart) : peak + apart + 1].max() <= level[peak]:
                found.append(peak)
            loud = np.concatenate([loud, group[np.abs(group - peak) > apart]])
    return sorted(found)


def tone_level(
    source: Path | Heard, pitch: float, at: float, seconds: float = BEEP_SECONDS, channel: int | None = None
) -> float:
    """Amplitude (full scale is 1) of a pitch in ``[at, at + seconds)`` on the container's axis.

    ``channel`` None: of the mean of all channels.
    """
    heard = source if isinstance(source, Heard) else listen(source)
    signal = heard.mono if channel is None else heard.samples[channel].astype(np.float64)
    first = round((at - float(heard.start)) * heard.rate)
    body = signal[max(0, first) : max(0, first + round(seconds * heard.rate))]
    if not len(body):
        return 0.0
    turn = np.exp(-2j * np.pi * pitch * np.arange(len(body)) / heard.rate)
    return float(abs((body * turn).sum()) * 2 / len(body))
