"""Exact grid of an encoded playback: stamps of sources in ticks of it, and the output frames that they fall on."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from assembler.facts import VideoFacts
from assembler.times import Frame


def grid_rate(fps: Fraction) -> int:
    """Grid ticks per second: every frame border, every millisecond and every 1/90000 s is whole."""
    return lcm(90_000, fps.numerator)


def frame_ticks(fps: Fraction) -> int:
    """Grid ticks per output frame."""
    return grid_rate(fps) * fps.denominator // fps.numerator


def rounded(value: Fraction) -> int:
    """The nearest integer, halves upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def frame_of(stamp: int, picture: VideoFacts, shift: int, fps: Fraction) -> Frame:
    """The output frame from which a source frame is shown: its stamp on the grid, rounded half upwards."""
    time_base, pace = picture.time_base, picture.pace
    up, down, step = time_base.numerator * grid_rate(fps), time_base.denominator, frame_ticks(fps)
    ticks = (2 * stamp * up + down) // (2 * down)  # whole numbers: there may be 100,000 key frames
    ticks = (2 * ticks * pace.numerator + pace.denominator) // (2 * pace.denominator) + shift
    return Frame((2 * ticks + step) // (2 * step))
