"""Breaks in the stamps of a file's streams: they restart, fall back or jump ahead.

All times here are integer microseconds on the container's axis; a stream's stamps are its dts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from statistics import median_low
from typing import NamedTuple

SECOND = 1_000_000
"""Microseconds in a second."""
FALL = SECOND // 10
"""Minimum fall of a stamp that is a break, in µs; less is jitter."""
JUMP = SECOND
"""Minimum jump of a stamp that is a break, in µs; a longer hole may be a false one."""
NEAR = 3 * SECOND
"""Maximum distance in the file of the breaks of several streams that are one break, in µs."""
SEARCHED = 50
"""Maximum count of packets behind a fall after which stamps may continue from before it."""


class StampLine(NamedTuple):
    """Stamps of a stream's packets in the order of the file."""

    places: Sequence[int]
    """Number of each packet among all packets of the file, rising."""
    stamps: Sequence[int]
    """Stamp of each packet."""
    step: int
    """Usual duration of a packet."""
    ahead: int = 0
    """Time at the start of a part that is not presented (priming)."""
    is_video: bool = False
    """True for video, whose frames decide where parts are joined, up to the duration of an audio packet."""
    cuts: Mapping[int, int] = {}
    """Time at the end of a part that is not presented, by the index of the first packet of the next part."""


@dataclass(frozen=True)
class Break:
    """Break of the stamps, in one stream or in several."""

    place: int
    """Number of the first packet behind it."""
    starts: dict[int, int]
    """Index of the first packet behind it, for each stream that breaks here."""
    is_fall: bool
    """True where stamps fall back or restart; False: they jump ahead."""
    is_border: bool = False
    """True where the bytes say that another file begins."""
    by: int = 0
    """Size of the jump (falls: negative), of the stream that jumps the least."""


def unwrap(line: StampLine, wrap: int | None) -> StampLine:
    """Unwrap stamps that are counted modulo ``wrap``, by the shortest steps; the same object where none wraps."""
    if wrap is None or all(abs(after - before) <= wrap // 2 for before, after in pairwise(line.stamps)):
        return line
    steps = ((after - before + wrap // 2) % wrap - wrap // 2 for before, after in pairwise(line.stamps))
    return line._replace(stamps=list(accumulate(steps, initial=line.stamps[0])))


def find_breaks(lines: Sequence[StampLine], borders: Sequence[int]) -> list[Break]:
    """Find all breaks in the order of the file, those of several streams at one place as one."""
    single = sorted((line.places[first], n, first, by) for n, line in enumerate(lines) for first, by in _steps(line))
    found = []
    for border in borders:
        starts = {n: at for n, line in enumerate(lines) if (at := bisect_left(line.places, border)) < len(line.places)}
        found.append(Break(border, starts, is_fall=True, is_border=True))
    open_ones: list[Break] = []
    for place, n, first, by in single:
        if any(first == border.starts.get(n) for border in found):
            continue
        for one in reversed(open_ones[-4:]):
            between = first - bisect_left(lines[n].places, one.place)
            is_like = one.is_fall if by < 0 else not one.is_fall and abs(one.by - by) < JUMP
            if is_like and n not in one.starts and between * lines[n].step < NEAR:
                one.starts[n] = first
                open_ones[open_ones.index(one)] = replace(one, by=max(one.by, by) if by < 0 else min(one.by, by))
                break
        else:
            open_ones.append(Break(place, {n: first}, is_fall=by < 0, by=by))
    for one in open_ones:
        if one.is_fall:
            _join_absent(lines, one)
    return sorted(found + open_ones, key=lambda b: b.place)


def _join_absent(lines: Sequence[StampLine], fall: Break) -> None:
    """Add streams without packets around a fall to it."""
    witness, start = next(iter(fall.starts.items()))
    step = lines[witness].step
    for n, line in enumerate(lines):
        first = bisect_left(line.places, fall.place)
        if n in fall.starts or first == len(line.places):
            continue
        before = bisect_left(lines[witness].places, line.places[first - 1]) if first else None
        behind = bisect_left(lines[witness].places, line.places[first])
        if before is None or ((behind - before) * step > NEAR and start - before > 0):
            fall.starts[n] = first


def _steps(line: StampLine) -> list[tuple[int, int]]:
    """Find every break of a stream: (index, distance of its stamp from the end of the packet before).

    Packets that are only out of order are none: stamps that fall back and soon continue from before.
    """
    found: list[tuple[int, int]] = []
    stamps, step = line.stamps, line.step
    if all(-FALL < after - before < JUMP for before, after in pairwise(stamps)):
        return []  # nearly always
    index, highest = 1, stamps[0]
    while index < len(stamps):
        by = stamps[index] - highest - step
        if by < -FALL - step:
            back = index if _follows_earlier(stamps, index, step) else _back_in_order(stamps, index, highest)
            if back is not None:
                highest = max(highest, *stamps[index : back + 1])
                index = back + 1
                continue
            found.append((index, by))
            highest = stamps[index]
        elif by > JUMP:
            found.append((index, by))
            highest = stamps[index]
        highest = max(highest, stamps[index])
        index += 1
    return found


def _follows_earlier(stamps: Sequence[int], index: int, step: int) -> bool:
    """True if the packets just before came too early, and this one follows the one before them."""
    for earlier in range(index - 1, max(0, index - SEARCHED), -1):
        if stamps[earlier] - stamps[index] > SECOND:
            return False
        if stamps[earlier - 1] <= stamps[index]:
            is_ahead = stamps[earlier] - stamps[earlier - 1] > 3 * step // 2
            return is_ahead and stamps[index] - stamps[earlier - 1] <= 3 * step // 2
    return False


def _back_in_order(stamps: Sequence[int], index: int, highest: int) -> int | None:
    """Find the index at which stamps soon continue behind the highest one, in one step; None where they do not."""
    fallen = highest - stamps[index]
    for later in range(index + 1, min(index + SEARCHED, len(stamps))):
        up = stamps[later] - stamps[later - 1]
        if stamps[later] > highest and up > fallen / 2 and stamps[later] - highest < SECOND:
            return later
        if stamps[later] > highest:
            return None
    return None


def usual_step(stamps: Sequence[int]) -> int:
    """Compute the median distance of rising neighbours; 0 where there is none."""
    return median_low([b - a for a, b in pairwise(sorted(stamps)) if b > a] or [0])
