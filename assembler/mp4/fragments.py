"""How much of a fragmented mp4 of our own making is whole, wherever it ends: what a killed run left."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assembler.mp4.boxes import count_pictures, find_box

MOST_BYTES, MOST_PICTURES = 1 << 28, 10_000
"""A fragment of about a second never has more."""
# flags of a fragment's boxes (ISO 14496-12, 8.8.7 and 8.8.8), and the bytes of what they announce
USUAL_SIZE = 0x10
USUAL_BEFORE_SIZE = {0x1: 8, 0x2: 4, 0x8: 4}
RUN_HEADS = (0x1, 0x4)
RUN_DURATION, RUN_SIZE = 0x100, 0x200
RUN_FIELDS = (RUN_DURATION, RUN_SIZE, 0x400, 0x800)


@dataclass(frozen=True)
class Fragments:
    """What is whole of a fragmented mp4, from its start."""

    bytes: int
    """Where the last whole fragment ends."""
    pictures: int
    """Pictures in all whole fragments."""


def count_in_either(path: Path) -> int:
    """Pictures in a plain or in a fragmented mp4; 0 where there is no track (or no file)."""
    found = count_pictures(path)
    if not found:
        with suppress(OSError):
            found = whole_fragments(path).pictures
    return found


def whole_fragments(path: Path) -> Fragments:
    """The whole fragments at the start of a file that may end anywhere; raises OSError where it cannot be read.

    A fragment counts if its index (moof) and its pictures (mdat) are there and agree: the sizes add up, and each
    picture is a row of NAL units with 4-byte lengths.
    """
    end, pictures = 0, 0
    with path.open("rb") as file:
        boxes = _whole_boxes(file, path.stat().st_size)
        for name, body, after in boxes:
            if name != b"moof":
                continue
            sizes = _sizes(_content(file, body, after))
            name, body, after = next(boxes, (b"", 0, 0))
            if name != b"mdat" or not sizes or not _holds(_content(file, body, after), sizes):
                break
            end, pictures = after, pictures + len(sizes)
    return Fragments(end, pictures)


def _whole_boxes(file: IO[bytes], size: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of content, end) of the outer boxes that are wholly there and not larger than any of ours."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        if not 8 <= length <= min(size - at, MOST_BYTES):
            return
        yield head[4:], at + 8, at + length
        at += length


def _content(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _sizes(moof: bytes) -> list[int]:
    """Bytes of each sample that a moof names; none where it is not as ffmpeg writes it."""
    traf = find_box(io.BytesIO(moof), 0, len(moof), b"traf")
    if traf is None:
        return []
    track = moof[traf[0] : traf[1]]
    usual = 0
    sizes: list[int] = []
    for name, body, end in _whole_boxes(io.BytesIO(track), len(track)):
        if name == b"tfhd":
            usual = _usual_size(track[body:end])
        elif name == b"trun":
            run = _run_sizes(track[body:end], usual)
            if not run:
                return []
            sizes += run
    return sizes


def _usual_size(tfhd: bytes) -> int:
    """Bytes of the samples whose size is not said one by one; 0: not said either."""
    flags = int.from_bytes(tfhd[1:4], "big")
    at = 8 + sum(size for flag, size in USUAL_BEFORE_SIZE.items() if flags & flag)
    return int.from_bytes(tfhd[at : at + 4], "big") if flags & USUAL_SIZE else 0


def _run_sizes(trun: bytes, usual: int) -> list[int]:
    flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    at = 8 + sum(4 for flag in RUN_HEADS if flags & flag)
    step = sum(4 for flag in RUN_FIELDS if flags & flag)
    if count > MOST_PICTURES or len(trun) != at + count * step:
        return []
    if not flags & RUN_SIZE:
        return [usual] * count if usual else []
    at += 4 if flags & RUN_DURATION else 0
    return [int.from_bytes(trun[place : place + 4], "big") for place in range(at, at + count * step, step)]


def _holds(mdat: bytes, sizes: list[int]) -> bool:
    """True if the content is exactly these samples, each a row of NAL units."""
    if sum(sizes) != len(mdat):
        return False
    at = 0
    for size in sizes:
        end = at + size
        while at < end:
            length = int.from_bytes(mdat[at : at + 4], "big")
            if length == 0:
                return False  # what a disk gives that never got the bytes
            at += 4 + length
        if at != end:
            return False
    return True
