"""Fit jittering audio stamps to lines; in a child process only.

Stamps of phones and live recorders are off by up to 20 ms or so. Contiguous frames lie on one line; a stamp off the
line is a jump only where the stamps behind it confirm that:

    #   stamp - samples so far   .'. .'.'. .'         .'.'. .'.      (a hole: the line goes on higher)
    #                                        .  <- one wild stamp: none
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median_low

from av.audio.frame import AudioFrame

from assembler.times import SAMPLE_RATE

Stamped = tuple[AudioFrame, float | None]
"""Decoded frame and its stamp in s, file axis (None where it has none, or it simply follows)."""

TOLERANCE = 0.002
"""Maximum distance of a stamp on the line, in s; rounding (stamps of mkv and flv are whole ms)."""
JITTER = 0.045
"""Maximum distance of two stamps on one line, in s: +-20 ms, and rounding."""
FIRST = 0.012
"""Maximum distance of the first stamp from its line, in s; buffers stamped at their start are early by half."""
SPREAD = 0.6
"""Minimum size of a jump, as a part of the range over which the stamps behind it are scattered."""
LOOKAHEAD_SECONDS, MIN_LOOKAHEAD, MAX_LOOKAHEAD = 0.7, 8, 96
"""Lookahead: minimum in s, and minimum and maximum count of frames."""
FEW = 5
"""Minimum count of frames off the line that are a jump where later ones are on it again."""


def fit_lines(frames: Iterable[Stamped]) -> Iterator[Stamped]:
    """Replace stamps: only frames that do not follow the one before keep one, that of their line."""
    ahead: deque[tuple[AudioFrame, float | None]] = deque()
    """Frames, each with the start of the line through its stamp, in s."""
    source, seconds, counted, level = iter(frames), 0.0, 0.0, 0.0
    total, is_started = 0.0, False
    while True:
        while len(ahead) < MAX_LOOKAHEAD and (seconds < LOOKAHEAD_SECONDS or len(ahead) < MIN_LOOKAHEAD):
            got = next(source, None)
            if got is None:
                break
            frame, stamp = got
            ahead.append((frame, None if stamp is None else stamp - total))
            total += _length(frame)
            seconds += _length(frame)
        if not ahead:
            return
        frame, start = ahead[0]
        stamp = None
        if start is not None and not (is_started and abs(start - level) <= TOLERANCE):
            starts = [one for _, one in ahead if one is not None]
            is_far = len(ahead) == MAX_LOOKAHEAD or (seconds >= LOOKAHEAD_SECONDS and len(ahead) >= MIN_LOOKAHEAD)
            found = _jump(starts, level, is_far=is_far) if is_started else _first(starts)
            if found is not None:
                level, is_started = found, True
                stamp = level + counted
        yield frame, stamp
        ahead.popleft()
        counted += _length(frame)
        seconds -= _length(frame)


def _jump(starts: Sequence[float], level: float, *, is_far: bool) -> float | None:
    """Find the line of the first of these starts, and of those behind it; None if that is still the line at ``level``.

    ``is_far``: they fill the lookahead, which a step as small as jitter needs.
    """
    first, same = starts[0] - level, _together(starts)
    if any(abs(one - level) <= TOLERANCE or (one > level) != (first > 0) for one in same):
        return None
    if len(same) < min(FEW, len(starts)) and abs(starts[len(same)] - level) <= JITTER:
        return None
    middle = median_low(same)
    step = abs(middle - level)
    is_nearer = abs(starts[0] - middle) < abs(first)
    is_confirmed = step > JITTER or (is_far and len(same) == len(starts))
    return middle if is_confirmed and is_nearer and step > SPREAD * (max(same) - min(same)) else None


def _first(starts: Sequence[float]) -> float:
    """Find the start of the file's first line."""
    same = _together(starts)
    if len(same) < min(FEW, len(starts)) and starts[len(same)] < starts[0]:
        return _first(starts[len(same) :])  # the first stamps claim to lie behind those that follow
    middle = median_low(same)
    return middle if abs(middle - starts[0]) > FIRST else starts[0]


def _together(starts: Sequence[float]) -> Sequence[float]:
    """Cut the list before the first two neighbours that differ by more than jitter."""
    for index, (one, following) in enumerate(pairwise(starts), 1):
        if abs(following - one) > JITTER:
            return starts[:index]
    return starts


def _length(frame: AudioFrame) -> float:
    return frame.samples / (frame.sample_rate or SAMPLE_RATE)
