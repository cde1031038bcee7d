"""Stamps that begin anew, fall back or jump ahead inside a file: where they break, and how far each packet is moved.

    #   stamps in file order   0 1 2 3 | 0 1 2 3        a file put together byte by byte
    #   moved                  0 1 2 3 | 4 5 6 7        where the declared length is the sum
    #                          0 1 2 3 |                 else: the first part whole, the rest is told

All times here are integer microseconds on the container's axis; a stream's stamps are its decode stamps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import NamedTuple

from assembler.media.straighten.breaks import FALL, JUMP, SECOND, Break, StampLine, find_breaks, unwrapped
from assembler.times import Ms, clock_text

TOLERANCE = SECOND
"""How far a length may be off the declared one, and a five hundredth of it more: clocks differ."""
SOUND_OVERLAP = SECOND // 10
"""A sound may reach so far into the next part that its pictures follow each other without a step: packets of sound
are longer than what was recorded, and clocks differ."""
MOST_TRIED = 8
"""Jumps of which every subset is tried."""


class Move(NamedTuple):
    """What happens to a stream's packets from one on, until the next move."""

    first: int
    """Index of the packet in its stream."""
    by: int | None
    """Added to its stamps; None: left out."""


@dataclass(frozen=True)
class StampShifts:
    """What is done to a file, and what people are told of it."""

    moves: tuple[tuple[Move, ...], ...]
    """For each stream; the first move is at packet 0."""
    is_sorted: bool
    """True if packets have to be put into the order of their stamps."""
    sentence: str
    """What was found and done."""
    is_whole: bool
    """True if every packet is used and the declared length says where."""
    left_out: tuple[str, ...] = ()
    """As ``Facts.left_out``."""


class _StampPart(NamedTuple):
    """What is between two breaks, by stream."""

    starts: dict[int, int]
    """Of the streams that break where it begins."""
    ends: dict[int, int]
    """Where its last packet ends, as its stamps say; only of streams that have packets in it."""
    pictures: frozenset[int]
    """Streams that are pictures."""


class _Course(NamedTuple):
    """Breaks and what was decided about them, applied."""

    shifts: dict[int, list[Move]]
    """By stream, behind the first packets, which stay."""
    end: int
    """Where the last packet ends, after moving."""
    landings: dict[int, int]
    """Where what is behind each break begins, after moving."""


def arrange(
    lines: Sequence[StampLine], *, borders: Sequence[int] = (), declared: Ms | None, wrap: int | None = None
) -> StampShifts | None:
    """How to move the packets of a file; None where nothing has to be moved.

    ``borders``: numbers of the packets with which a further glued file begins. ``declared``: the segment's length.
    ``wrap``: stamps are counted modulo this.
    """
    if not any(line.stamps for line in lines):
        return None
    plain = [unwrapped(line, wrap) for line in lines]
    is_unwrapped = any(a.stamps is not b.stamps for a, b in zip(lines, plain, strict=True))
    breaks = find_breaks(plain, borders)
    if not breaks:
        if not is_unwrapped and not _is_disordered(plain):
            return None
        stay = tuple((Move(0, 0),) for _ in plain)
        return _raw(StampShifts(stay, True, "", is_whole=True), lines, plain)
    origin = min(line.stamps[0] for line in plain if line.stamps)
    found = _decided(plain, breaks, origin, declared)
    return _raw(found, lines, plain) if found is not None else None


def _decided(lines: Sequence[StampLine], breaks: list[Break], origin: int, declared: Ms | None) -> StampShifts | None:
    falls = [b for b in breaks if b.is_fall]
    wanted = None if declared is None else origin + declared * 1000
    if not any(b.is_border for b in breaks) and _fills_holes(lines, breaks, wanted):
        if not _is_disordered(lines):
            return None
        told = f"Its packets are not in the order of their stamps from {_at(lines, breaks[0], origin)} on: sorted."
        return StampShifts(tuple((Move(0, 0),) for _ in lines), True, told, is_whole=True)
    parts = _parts(lines, breaks)
    closed = _closed(parts, breaks, origin, wanted)
    if closed is not None:
        if not falls and not closed:
            return None
        shifts = _follow(parts, breaks, closed).shifts
        moves = tuple((Move(0, 0), *shifts.get(n, [])) for n in range(len(lines)))
        told = _sentence(lines, breaks, closed, origin, declared)
        return StampShifts(moves, False, told, is_whole=declared is not None)
    if not falls:
        return None
    return _first_part(lines, breaks, falls[0], origin, declared)


def _first_part(
    lines: Sequence[StampLine], breaks: list[Break], cut: Break, origin: int, declared: Ms | None
) -> StampShifts:
    """All up to the first fall, put right by itself, and nothing behind it."""
    ends = {n: cut.starts.get(n, len(line.stamps)) for n, line in enumerate(lines)}
    kept = [line._replace(places=line.places[: ends[n]], stamps=line.stamps[: ends[n]]) for n, line in enumerate(lines)]
    inner = _decided(kept, [b for b in breaks if b.place < cut.place], origin, declared)
    moves = inner.moves if inner is not None else tuple((Move(0, 0),) for _ in lines)
    cut_off = tuple(
        (*moves[n], Move(ends[n], None)) if ends[n] < len(line.stamps) else moves[n] for n, line in enumerate(lines)
    )
    lost = max(sum(_lasts(line, ends[n])) for n, line in enumerate(lines))
    sentence = (
        f"{_what(cut)} at {_at(lines, cut, origin)} of the file, and its declared length"
        f" ({clock_text(declared or 0)}) is not the sum of its parts: {clock_text(lost // 1000)} are left out."
    )
    before = f"{inner.sentence} " if inner is not None else ""
    return StampShifts(cut_off, inner is not None and inner.is_sorted, before + sentence, is_whole=False)


def _lasts(line: StampLine, first: int) -> Iterable[int]:
    """How long each packet from this one on lasts, as far as stamps go on."""
    behind = line.stamps[first:]
    yield from (min(max(0, after - before), JUMP) for before, after in pairwise(behind))
    if behind:
        yield line.step


def _what(found: Break) -> str:
    if found.is_border:
        return "Another file begins"
    return f"Its stamps fall back by {-found.by / SECOND:.1f} s" if found.is_fall else "Its stamps jump ahead"


def _at(lines: Sequence[StampLine], found: Break, origin: int) -> str:
    """Where a break is, on the file axis as it is seen without moving anything."""
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
        sentences.append(f"{_what(falls[0])} at {_at(lines, falls[0], origin)} of the file{more}: the parts follow each"
                         f" other, {why}.")  # fmt: skip
    if closed:
        first = breaks[min(closed)]
        length = sum(breaks[number].by for number in closed) / SECOND
        sentences.append(
            f"Its stamps jump ahead by {length:.1f} s at {_at(lines, first, origin)} of the file, by which it is longer"
            " than declared: the false hole was closed."
        )
    return " ".join(sentences)


def _raw(found: StampShifts, lines: Sequence[StampLine], plain: Sequence[StampLine]) -> StampShifts:
    """The same moves for stamps as the file has them: where a counter began anew they are moved by that as well."""
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
    """True if no two parts hold the same time, and all is inside the declared length: stamps can be believed."""
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


def _closed(parts: Sequence[_StampPart], breaks: list[Break], origin: int, wanted: int | None) -> frozenset[int] | None:
    """Numbers of the jumps that are false; None where falls cannot be followed by what is declared."""
    if wanted is None:
        return frozenset()
    jumps = [number for number, found in enumerate(breaks) if not found.is_fall]
    allowed = _allowed(wanted - origin)
    tries = (frozenset(some) for count in range(len(jumps) + 1) for some in combinations(jumps, count))
    for some in tries if len(jumps) <= MOST_TRIED else (frozenset(), frozenset(jumps)):
        if abs(_follow(parts, breaks, some).end - wanted) <= allowed:
            return some
    # what lies behind the declared end cannot have been recorded there
    landings = _follow(parts, breaks, frozenset()).landings
    beyond = frozenset(number for number in jumps if landings[number] >= wanted)
    if beyond and _follow(parts, breaks, beyond).end <= wanted + allowed:
        return beyond
    return None


def _parts(lines: Sequence[StampLine], breaks: list[Break]) -> list[_StampPart]:
    """What is before the first break, and behind each one until the next."""
    found: list[_StampPart] = []
    pictures = frozenset(n for n, line in enumerate(lines) if line.is_picture)
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
        found.append(_StampPart(starts, ends, pictures))
    return found


def _follow(parts: Sequence[_StampPart], breaks: list[Break], closed: frozenset[int]) -> _Course:
    """Move what is behind each fall, and behind these jumps, to where what is before it ends."""
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
            picture = next((n for n in starts if n in part.pictures and n in ends), None)
            if by is not None and picture is not None and abs(by - ends[picture] + starts[picture]) <= SOUND_OVERLAP:
                by = ends[picture] - starts[picture]
            for n, first in found.starts.items() if by is not None else ():
                shifts.setdefault(n, []).append(Move(first, by))
            landings[number] = min(start + _now(shifts, n) for n, start in starts.items())
        for n, end in part.ends.items():
            moved = end + _now(shifts, n)
            ends[n] = max(ends.get(n, moved), moved)
    return _Course(shifts, max(ends.values()), landings)


def _now(shifts: dict[int, list[Move]], n: int) -> int:
    return (shifts[n][-1].by or 0) if n in shifts else 0
