"""Empty edits in the middle of an mp4's edit list: libav takes them for edits from media time -1, and shows the
beginning of the track once more. Here the list is read without them, and what is behind each is moved by its length."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from assembler.media.straighten.breaks import SECOND
from assembler.mp4.boxes import outer_boxes

MAX_MOOV_BYTES = 64 << 20
EMPTY = -1


class Hole(NamedTuple):
    """In microseconds."""

    at: int
    """Where it is once all of them are taken out."""
    length: int


class Patched(NamedTuple):
    """A movie box without such edits."""

    start: int
    """Where the original one's content begins in the file."""
    moov: bytes
    """What is to be read instead; of the same length."""
    holes: dict[int, tuple[Hole, ...]]
    """By track number."""


def without_empty_edits(path: Path) -> Patched | None:
    """None where there are none (those in front of a track are read rightly)."""
    with path.open("rb") as file:
        size = path.stat().st_size
        box = next(((start, end) for kind, start, end in outer_boxes(file, size) if kind == b"moov"), None)
        if box is None or box[1] > size or box[1] - box[0] > MAX_MOOV_BYTES:
            return None
        file.seek(box[0])
        moov = bytearray(file.read(box[1] - box[0]))
    found: dict[int, tuple[Hole, ...]] = {}
    try:
        movie = _scale(moov, *_one(moov, 0, len(moov), b"mvhd"))
        for start, end in _each(moov, 0, len(moov), b"trak"):
            holes = _patch(moov, start, end, movie)
            if holes:
                head = _one(moov, start, end, b"tkhd")[0]
                (number,) = struct.unpack_from(">I", moov, head + (20 if moov[head] else 12))
                found[number] = holes
    except (LookupError, struct.error, ZeroDivisionError):
        return None
    return Patched(box[0], bytes(moov), found) if found else None


def _each(data: bytearray, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """Where the content of every box of this name lies."""
    while start + 8 <= end:
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8:
            return
        if data[start + 4 : start + 8] == name:
            yield start + 8, min(end, start + length)
        start += length


def _one(data: bytearray, start: int, end: int, *names: bytes) -> tuple[int, int]:
    for name in names:
        found = next(_each(data, start, end, name), None)
        if found is None:
            raise LookupError(name)
        start, end = found
    return start, end


def _scale(data: bytearray, start: int, _: int) -> int:
    """Ticks per second, of an mvhd or mdhd."""
    (scale,) = struct.unpack_from(">I", data, start + (20 if data[start] else 12))
    return int(scale)


def _patch(moov: bytearray, start: int, end: int, movie: int) -> tuple[Hole, ...]:
    """Take the empty edits out of a track's list, joining what goes on behind them where it had been."""
    if next(_each(moov, start, end, b"edts"), None) is None:
        return ()
    at, stop = _one(moov, start, end, b"edts", b"elst")
    row = struct.Struct(">Qqi" if moov[at] else ">Iii")
    (count,) = struct.unpack_from(">I", moov, at + 4)
    rows = [row.unpack_from(moov, at + 8 + n * row.size) for n in range(min(count, (stop - at - 8) // row.size))]
    media = _scale(moov, *_one(moov, start, end, b"mdia", b"mdhd"))
    kept: list[tuple[int, int, int]] = []
    holes: list[Hole] = []
    now, is_behind_hole = 0, False
    for length, begin, rate in rows:
        if begin == EMPTY and any(other != EMPTY for _, other, _ in kept):
            holes.append(Hole(now * SECOND // movie, length * SECOND // movie))
            is_behind_hole = True
            continue
        last = kept[-1] if kept else (0, 0, 0)
        if is_behind_hole and abs(last[1] + last[0] * media / movie - begin) <= media / movie + 1:
            kept[-1] = (last[0] + length, last[1], last[2])
        else:
            kept.append((length, begin, rate))
        now, is_behind_hole = now + length, False
    if holes:
        struct.pack_into(">I", moov, at + 4, len(kept))
        for n, one in enumerate(kept):
            row.pack_into(moov, at + 8 + n * row.size, *one)
        # libav goes by the size of the box: what is left of it becomes another one
        new = at + 8 + len(kept) * row.size
        struct.pack_into(">I", moov, at - 8, new - at + 8)
        struct.pack_into(">I4s", moov, new, stop - new, b"free")
    return tuple(holes)
