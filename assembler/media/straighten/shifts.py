"""Shifts for stamps that restart, fall back or jump ahead inside a file.

    #   stamps in file order   0 1 2 3 | 0 1 2 3        concatenated files
    #   moved                  0 1 2 3 | 4 5 6 7        where the declared length is the sum
    #                          0 1 2 3 |                 else: the first part alone, with a finding

All times here are integer microseconds on the container's axis; a stream's stamps are its dts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import NamedTuple

from assembler.media.straighten.breaks import FALL, JUMP, SECOND, Break, StampLine, find_breaks, unwrap
from assembler.times import Ms, clock_text

TOLERANCE = SECOND
"""Maximum distance of a length from the declared one, in µs, besides a five hundredth of it; clocks differ."""
AUDIO_OVERLAP = SECOND // 10
"""Maximum time by which audio may reach into the next part, in µs, so that video continues without a step; the last
audio packet is longer than what was recorded, and clocks differ."""
MAX_TRIED = 8
"""Maximum count of jumps of which every subset is tried."""


class Move(NamedTuple):
    """Shift of a stream's packets from one on, until the next move."""

    first: int
    """Index of the packet in its stream."""
    by: int | None
    """Shift added to the stamps; None: the packets are left out."""


@dataclass(frozen=True)
class StampShifts:
    """Shifts of a file's packets, and the sentence about them."""

    moves: tuple[tuple[Move, ...], ...]
    """Moves of each stream; the first one is at packet 0."""
    is_sorted: bool
    """True if packets have to be put into the order of their stamps."""
    sentence: str
    """Description of the problem and the repair, for people; "" where there is nothing to say."""
    is_whole: bool
    """True if every packet is used, at a place that the declared length confirms."""
    left_out: tuple[str, ...] = ()
    """Content that is not used, as ``Facts.left_out``."""


class _StampPart(NamedTuple):
    """Part between two breaks."""

    starts: dict[int, int]
    """Start of each stream that breaks where the part begins."""
    ends: dict[int, int]
    """End of each stream's last packet in the part, by its stamps."""
    videos: frozenset[int]
    """Numbers of the video streams."""


class _Moved(NamedTuple):
    """Parts after the moves."""

    shifts: dict[int, list[Move]]
    """Moves of each stream, without the first one."""
    end: int
    """End of the last packet, after the moves."""
    landings: dict[int, int]
    """Start of the part behind each break, after the moves."""


def arrange(
    lines: Sequence[StampLine], *, borders: Sequence[int] = (), declared: Ms | None, wrap: int | None = None
) -> StampShifts | None:
    """Decide the moves of a file's packets; None where none is needed.

    ``borders``: numbers of the packets with which a further concatenated file begins. ``declared``: the segment's
    length. ``wrap``: modulus of the stamps.
    """
    if not any(line.stamps for line in lines):
        return None
    plain = [unwrap(line, wrap) for line in lines]
    is_unwrapped = any(a.stamps is not b.stamps for a, b in zip(lines, plain, strict=True))
    breaks = find_breaks(plain, borders)
    if not breaks:
        if not is_unwrapped and not _is_disordered(plain):
            return None
        stay = tuple((Move(0, 0),) for _ in plain)
        return _raw(StampShifts(stay, True, "", is_whole=True), lines, plain)
    origin = min(line.stamps[0] for line in plain if line.stamps)
    found = _decide(plain, breaks, origin, declared)
    return _raw(found, lines, plain) if found is not None else None


def _decide(lines: Sequence[StampLine], breaks: list[Break], origin: int, declared: Ms | None) -> StampShifts | None:
    falls = [b for b in breaks if b.is_fall]
    wanted = None if declared is None else origin + declared * 1000
    if not any(b.is_border for b in breaks) and _fills_holes(lines, breaks, wanted):
        if not _is_disordered(lines):
            return None
        sentence = f"Its packets are not in the order of their stamps from {_at(lines, breaks[0], origin)} on: sorted."
        return StampShifts(tuple((Move(0, 0),) for _ in lines), True, sentence, is_whole=True)
    parts = _parts(lines, breaks)
    closed = _find_false_jumps(parts, breaks, origin, wanted)
    if closed is not None:
        if not falls and not closed:
            return None
        shifts = _follow(parts, breaks, closed).shifts
        moves = tuple((Move(0, 0), *shifts.get(n, [])) for n in range(len(lines)))
        sentence = _sentence(lines, breaks, closed, origin, declared)
        return StampShifts(moves, False, sentence, is_whole=declared is not None)
    if not falls:
        return None
    return _first_part(lines, breaks, falls[0], origin, declared)


def _first_part(
    lines: Sequence[StampLine], breaks: list[Break], cut: Break, origin: int, declared: Ms | None
) -> StampShifts:
    """Keep the part before the first fall, repaired by itself, and drop the rest."""
    ends = {n: cut.starts.get(n, len(line.stamps)) for n, line in enumerate(lines)}
    kept = [line._replace(places=line.places[: ends[n]], stamps=line.stamps[: ends[n]]) for n, line in enumerate(lines)]
    inner = _decide(kept, [b for b in breaks if b.place < cut.place], origin, declared)
    moves = inner.moves if inner is not None else tuple((Move(0, 0),) for _ in lines)
    cut_off = tuple(
        (*moves[n], Move(ends[n], None)) if ends[n] < len(line.stamps) else moves[n] for n, line in enumerate(lines)
    )
    lost = max(sum(_lasts(line, ends[n])) for n, line in enumerate(lines))
    sentence = (
        f"{_problem(cut)} at {_at(lines, cut, origin)} of the file, and its declared length"
        f" ({clock_text(declared or 0)}) is not the sum of its parts: {clock_text(lost // 1000)} are left out."
    )
    before = f"{inner.sentence} " if inner is not None else ""
    return StampShifts(cut_off, inner is not None and inner.is_sorted, before + sentence, is_whole=False)


def _lasts(line: StampLine, first: int) -> Iterable[int]:
    """List the durations of the packets from this one on, each up to a jump."""
    behind = line.stamps[first:]
    yield from (min(max(0, after - before), JUMP) for before, after in pairwise(behind))
    if behind:
        yield line.step


def _problem(found: Break) -> str:
    if found.is_border:
        return "Another file begins"
    return f"Its stamps fall back by {-found.by / SECOND:.1f} s" if found.is_fall else "Its stamps jump ahead"


def _at(lines: Sequence[StampLine], found: Break, origin: int) -> str:
    """Describe the place of a break on the file axis before any move."""
    ends = [lines[n].stamps[first - 1] + lines[n].step for n, first in found.starts.items() if first]
    return clock_text(Ms(max(0, max(ends, default=origin) - origin) // 1000))


def _sentence(
    lines: Sequence[StampLine], breaks: list[Break], closed: frozenset[int], origin: int, declared: Ms | None
) -> str:
    sentences = []
    falls = [b for b in breaks if b.is_fall]
    if falls:
        more = f" and {len(falls) - 1} more times" if len(falls) > 1 else ""
        why = "no length is declared" if declared is None else "as its declared length says"
        where = f"at {_at(lines, falls[0], origin)} of the file{more}"
        sentences.append(f"{_problem(falls[0])} {where}: the parts follow each other, {why}.")
    if closed:
        first = breaks[min(closed)]
        length = sum(breaks[number].by for number in closed) / SECOND
        sentences.append(
            f"Its stamps jump ahead by {length:.1f} s at {_at(lines, first, origin)} of the file, by which it is longer"
            " than declared: the false hole was closed."
        )
    return " ".join(sentences)


def _raw(found: StampShifts, lines: Sequence[StampLine], plain: Sequence[StampLine]) -> StampShifts:
    """Convert moves of unwrapped stamps to the file's own, which also have to be moved where they wrapped."""
    moves = []
    for line, other, own in zip(lines, plain, found.moves, strict=True):
        turns = [other.stamps[n] - line.stamps[n] for n in range(len(line.stamps))] if line is not other else []
        starts = {move.first for move in own} | {n for n, (a, b) in enumerate(pairwise(turns), 1) if a != b}
        merged = []
        for first in sorted(starts):
            by = [move.by for move in own if move.first <= first][-1]
            turn = turns[first] if turns and first < len(turns) else 0
            merged.append(Move(first, None if by is None else by + turn))
        moves.append(tuple(merged))
    return replace(found, moves=tuple(moves))


def _fills_holes(lines: Sequence[StampLine], breaks: list[Break], wanted: int | None) -> bool:
    """True if no two parts overlap, and all is inside the declared length: the stamps are right."""
    for n, line in enumerate(lines):
        if not line.stamps:
            continue
        if wanted is not None and max(line.stamps) + line.step > wanted + _allowed(wanted):
            return False
        borders = [0, *(b.starts[n] for b in breaks if n in b.starts), len(line.stamps)]
        runs = sorted((min(line.stamps[a:b]), max(line.stamps[a:b])) for a, b in pairwise(borders) if a < b)
        if runs[0][0] < line.stamps[0] - JUMP or any(after[0] <= before[1] for before, after in pairwise(runs)):
            return False
    return True


def _is_disordered(lines: Sequence[StampLine]) -> bool:
    return any(before - after > FALL for line in lines for before, after in pairwise(line.stamps))


def _allowed(length: int) -> int:
    return TOLERANCE + abs(length) // 500


def _find_false_jumps(
    parts: Sequence[_StampPart], breaks: list[Break], origin: int, wanted: int | None
) -> frozenset[int] | None:
    """Find the numbers of the false jumps; None where no choice gives the declared length."""
    if wanted is None:
        return frozenset()
    jumps = [number for number, found in enumerate(breaks) if not found.is_fall]
    allowed = _allowed(wanted - origin)
    tries = (frozenset(some) for count in range(len(jumps) + 1) for some in combinations(jumps, count))
    for some in tries if len(jumps) <= MAX_TRIED else (frozenset(), frozenset(jumps)):
        if abs(_follow(parts, breaks, some).end - wanted) <= allowed:
            return some
    # packets behind the declared end cannot have been recorded there
    landings = _follow(parts, breaks, frozenset()).landings
    beyond = frozenset(number for number in jumps if landings[number] >= wanted)
    if beyond and _follow(parts, breaks, beyond).end <= wanted + allowed:
        return beyond
    return None


def _parts(lines: Sequence[StampLine], breaks: list[Break]) -> list[_StampPart]:
    """Split the streams into the parts before, between and behind the breaks."""
    found: list[_StampPart] = []
    videos = frozenset(n for n, line in enumerate(lines) if line.is_video)
    done = [0] * len(lines)
    for one in [*breaks, None]:
        ends: dict[int, int] = {}
        for n, line in enumerate(lines):
            whole = len(line.stamps)
            stop = whole if one is None else one.starts.get(n, max(done[n], bisect_left(line.places, one.place)))
            if done[n] < stop:
                ends[n] = max(line.stamps[done[n] : stop]) + line.step - line.cuts.get(stop, 0)
                done[n] = stop
        last = breaks[len(found) - 1] if found else None
        begun = last.starts if last is not None else {}
        starts = {
            n: lines[n].stamps[at] + lines[n].ahead * (last is not None and last.is_border) for n, at in begun.items()
        }
        found.append(_StampPart(starts, ends, videos))
    return found


def _follow(parts: Sequence[_StampPart], breaks: list[Break], closed: frozenset[int]) -> _Moved:
    """Move the parts behind each fall, and behind these jumps, to the end of the part before."""
    shifts: dict[int, list[Move]] = {}
    ends: dict[int, int] = {}
    landings: dict[int, int] = {}
    for number, part in enumerate(parts, -1):
        found = breaks[number] if number >= 0 else None
        starts = part.starts
        if found is not None and starts:
            by = None
            joins = [ends[n] - start for n, start in starts.items() if n in ends]
            if found.is_border:
                by = max(ends.values(), default=0) - min(starts.values())
            elif found.is_fall and joins:
                by = max(*joins, max(ends.values()) - min(starts.values()) - JUMP)
            elif number in closed:
                by = max(joins)
            video = next((n for n in starts if n in part.videos and n in ends), None)
            if by is not None and video is not None and abs(by - ends[video] + starts[video]) <= AUDIO_OVERLAP:
                by = ends[video] - starts[video]
            for n, first in found.starts.items() if by is not None else ():
                shifts.setdefault(n, []).append(Move(first, by))
            landings[number] = min(start + _current_shift(shifts, n) for n, start in starts.items())
        for n, end in part.ends.items():
            moved = end + _current_shift(shifts, n)
            ends[n] = max(ends.get(n, moved), moved)
    return _Moved(shifts, max(ends.values()), landings)


def _current_shift(shifts: dict[int, list[Move]], n: int) -> int:
    return (shifts[n][-1].by or 0) if n in shifts else 0
