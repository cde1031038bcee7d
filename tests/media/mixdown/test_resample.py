"""Frames of any format become 48 kHz float, each sample at its place."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from chirps import Array, tone
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

from assembler.media.mixdown.resample import MAX_LEVEL, PlacedSamples, Resampler

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def frame(samples: Array, rate: int, form: str = "fltp") -> AudioFrame:
    """``samples``: channels x samples, full scale 1."""
    scaled = samples * 32767 if form.startswith("s16") else samples
    values = scaled.astype("<i2" if form.startswith("s16") else "<f4")
    planes = values if form.endswith("p") else values.T.reshape(1, -1)
    made = AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=form, layout=LAYOUTS[len(samples)])
    made.rate = rate
    made.pts, made.time_base = 12345, Fraction(1, rate)  # of no matter, and the same in each
    return made


def resampled(
    samples: Array, rate: int, form: str, sizes: list[int], at: int = 0, pace: Fraction = Fraction(1)
) -> list[PlacedSamples]:
    """What comes out of frames of these sizes, read after each, then to the end."""
    resampler, first, found = None, 0, []
    for size in [*sizes, samples.shape[1]]:
        part = frame(samples[:, first : first + size], rate, form) if first < samples.shape[1] else None
        if part is not None and part.samples:
            resampler = resampler or Resampler(part, at, pace)
            assert resampler.continues(part)
            resampler.add(part)
            found.append(resampler.read(is_last=False))
        first += size
    assert resampler is not None
    found.append(resampler.read(is_last=True))
    return [one for one in found if one is not None]


@examples(40)
@example(48_000, "fltp", 6, [], 0, Fraction(1))
@given(
    st.sampled_from([8_000, 44_100, 48_000]),
    st.sampled_from(["fltp", "s16", "s16p"]),
    st.sampled_from([1, 2, 6]),
    st.lists(st.integers(1, 2_000), max_size=5),
    st.integers(-(10**6), 10**6),
    st.sampled_from([Fraction(1), Fraction(1_000_300, 1_000_000), Fraction(999, 1_000)]),
)
def test_the_parts_meet_and_are_as_long_as_the_frames_whatever_their_sizes(
    rate: int, form: str, channels: int, sizes: list[int], at: int, pace: Fraction
) -> None:
    samples = np.repeat(tone(0.25, 0.4, rate=rate, pitch=300), channels, axis=0)
    found = resampled(samples, rate, form, sizes, at, pace)
    assert found[0].at == at
    assert all(one.end == other.at for one, other in pairwise(found))
    assert found[-1].end - at == pytest.approx(samples.shape[1] * Fraction(48_000, rate) * pace, abs=34)
    assert all(one.samples.dtype == np.float32 and len(one.samples) == min(2, channels) for one in found)
    whole = np.concatenate([one.samples for one in found], axis=1)
    wanted = tone(0.25 * float(pace), 0.4, pitch=300 / float(pace))[0]
    if channels < 3:
        middle = slice(1_000, len(wanted) - 1_000)
        assert np.abs(whole[0][middle] - wanted[middle]).max() < 0.02
    else:
        assert 0.4 < np.abs(whole[0]).max() <= 1.1, "mixed down"


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_values_that_are_no_sound_are_limited_and_others_are_not_touched(rate: int) -> None:
    samples = np.zeros((1, rate // 10), np.float32)
    samples[0, 100:104] = [np.nan, np.inf, -np.inf, 1e9]
    samples[0, 3_000] = 0.5
    found = np.concatenate([one.samples for one in resampled(samples, rate, "fltp", [])], axis=1)
    assert np.isfinite(found).all()
    assert np.abs(found).max() == MAX_LEVEL
    if rate == 48_000:
        assert found[0, 99:106].tolist() == [0, 0, MAX_LEVEL, -MAX_LEVEL, MAX_LEVEL, 0, 0]
        assert found[0, 3_000] == 0.5
    deep = np.full((1, 480), -1e9, np.float32)
    assert (resampled(deep, 48_000, "fltp", [])[0].samples == -MAX_LEVEL).all()
    loud = np.full((1, 480), MAX_LEVEL, np.float32)
    assert (resampled(loud, 48_000, "fltp", [])[0].samples == MAX_LEVEL).all()


def test_another_format_does_not_continue() -> None:
    plain = frame(tone(0.1, 0.1), 48_000)
    resampler = Resampler(plain, 0, Fraction(1))
    assert resampler.continues(plain)
    others = frame(tone(0.1, 0.1), 44_100), frame(tone(0.1, 0.1), 48_000, "s16"), frame(np.zeros((2, 9)), 48_000)
    for other in others:
        assert not resampler.continues(other)
    assert resampler.name == "48000 Hz mono"


def test_a_format_that_cannot_be_converted_fails_once_and_is_silent_from_then_on() -> None:
    nine = AudioFrame.from_ndarray(np.zeros((1, 9 * 441), np.float32), format="flt", layout="9 channels")
    nine.rate = 44_100
    resampler = Resampler(nine, 0, Fraction(1))
    resampler.add(nine)
    with pytest.raises(av.FFmpegError):
        resampler.read(is_last=False)
    resampler.add(nine)
    assert resampler.read(is_last=False) is None
    assert resampler.read(is_last=True) is None


def test_it_is_full_when_a_second_waits() -> None:
    resampler = Resampler(frame(tone(0.5, 0.1, rate=8_000), 8_000), 0, Fraction(1))
    resampler.add(frame(tone(0.5, 0.1, rate=8_000), 8_000))
    assert not resampler.is_full
    resampler.add(frame(tone(0.5, 0.1, rate=8_000), 8_000))
    assert resampler.is_full
    assert resampler.read(is_last=False) is not None
    assert not resampler.is_full
    assert resampler.read(is_last=False) is None, "nothing was added"
