"""Offsets between files by the sound that they share: pairs, read from what was measured (DESIGN, Files that share
sound)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import sqrt
from statistics import fmean, median
from typing import NamedTuple

from assembler.echoes import Echo

CONFIDENT = 0.5
"""Minimum confidence of an offset that is applied: its peak is twice as high as any other."""
SUPPORT = 300
"""Minimum height of a peak, in hundredths of a window: a signal that every client plays by itself is shorter."""
NOISE = 72
"""Height of the highest peak that noise makes in one window, in hundredths; it grows with the root of their number."""
STEADY = 20.0
"""Maximum difference of offsets that are the same, in ms: between parts of a class, and around a loop of files."""
SAME = 10.0
"""Maximum difference of two lags that are one, in ms."""
LONGEST_ECHO = 400.0
"""Maximum delay of an echo, in ms, where each of two files holds the other's sound."""
REACH = 1990.0
"""Maximum lag, in ms, that is applied: the comparison ends at 2 s, and a peak at its edge may belong to a later one."""


class Offset(NamedTuple):
    """Offset between two files."""

    first: str
    """Video id of one."""
    second: str
    """Video id of the other."""
    late: float
    """Time by which the second is placed later than the first one, in ms."""
    echo: float | None
    """Delay of the echo, in ms, where each holds the other's sound, 0 where both lags agree; None where one does."""
    confidence: float
    """Confidence, from 0 to 1: how far the highest peak stands out."""
    windows: int
    """Number of windows in which they were compared."""
    doubt: str = ""
    """Reason why it is not to be applied; "" where it is."""


def find_offsets(echoes: Iterable[Echo]) -> list[Offset]:
    """Find the offsets of all pairs of files that share sound, doubtful ones among them."""
    ordered = sorted(echoes, key=_pair_of)
    found = [_read_pair(first, second, list(group)) for (first, second), group in groupby(ordered, key=_pair_of)]
    return [offset for offset in found if offset is not None]


def _pair_of(echo: Echo) -> tuple[str, str]:
    return min(echo.source, echo.other), max(echo.source, echo.other)


def _read_pair(first: str, second: str, echoes: Sequence[Echo]) -> Offset | None:
    """Read the echoes of one pair; None where nothing is shared.

    #   first   --A------------B'-->     A is heard in the second by an echo later than it is said, B in the first:
    #   second  -----A'--B--------->     half of the difference of both lags is the echo, their middle the offset
    """
    loud = [echo for echo in echoes if echo.peaks and echo.peaks[0].height >= SUPPORT]
    clear = {name: [_lag(e, 0, first) for e in loud if e.source == name and _is_clear(e)] for name in (first, second)}
    both = [(_lag(e, 0, first), _lag(e, 1, first)) for e in loud if _is_double(e)]
    used = [echo for echo in loud if _is_clear(echo) or _is_double(echo)]
    if not used:
        doubtful = [echo for echo in loud if echo.peaks[0].height >= 2 * NOISE * sqrt(echo.windows)]
        if not doubtful:
            return None
        best = max(doubtful, key=_stands_out)
        why = "it fits equally well at several places"
        return Offset(first, second, _lag(best, 0, first), None, _stands_out(best), best.windows, why)
    windows = sum(echo.windows for echo in used)
    confidence = fmean(map(_confidence, used), weights=[echo.windows for echo in used])
    # whoever hears an echo has it later: in the second file what the first one said, and the other way round
    high = [*clear[first], *(max(pair) for pair in both)]
    low = [*clear[second], *(min(pair) for pair in both)]
    made = Offset(first, second, median([*high, *low]), None, confidence, windows)
    steps = max(max(lags) - min(lags) for lags in (high, low) if lags)
    if steps > STEADY:
        return made._replace(doubt=f"it changes by {steps:.0f} ms during the class")
    if max(map(abs, (*high, *low))) > REACH:
        return made._replace(doubt="it is 2 s or more")
    if not high or not low:
        return made
    apart = median(high) - median(low)
    made = made._replace(late=(median(high) + median(low)) / 2)
    if abs(apart) <= SAME:
        return made._replace(echo=0.0)
    if not 0 < apart <= 2 * LONGEST_ECHO:
        return made._replace(doubt=f"it is {apart:+.0f} ms otherwise in the one than in the other")
    return made._replace(echo=apart / 2)


def _lag(echo: Echo, place: int, first: str) -> float:
    late = echo.peaks[place].late / 1000
    return late if echo.source == first else -late


def _height(echo: Echo, place: int) -> float:
    return float(echo.peaks[place].height) if place < len(echo.peaks) else 0.0


def _stands_out(echo: Echo) -> float:
    return 1 - max(0.0, _height(echo, 1)) / echo.peaks[0].height


def _is_double(echo: Echo) -> bool:
    """True where both people of a pair speak into each other's echo: two peaks, and nothing else."""
    is_second = _height(echo, 1) >= SUPPORT and _height(echo, 2) <= (1 - CONFIDENT) * _height(echo, 1)
    return is_second and abs(echo.peaks[0].late - echo.peaks[1].late) <= 2000 * LONGEST_ECHO


def _is_clear(echo: Echo) -> bool:
    return _stands_out(echo) >= CONFIDENT and not _is_double(echo)


def _confidence(echo: Echo) -> float:
    return 1 - max(0.0, _height(echo, 2)) / _height(echo, 1) if _is_double(echo) else _stands_out(echo)
