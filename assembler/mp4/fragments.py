"""How much of a fragmented mp4 of our own making is whole, wherever it ends: what a killed run left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import IO

from assembler.mp4.boxes import Box, count_frames, find_box, inner_boxes, read_box, walk_boxes
from assembler.mp4.nal_units import walk_units

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
    frames: int
    """Pictures in all whole fragments."""


def count_frames_in_either(path: Path) -> int:
    """Pictures in a plain or in a fragmented mp4; 0 where there is no track (or no file)."""
    found = count_frames(path)
    if not found:
        with suppress(OSError):
            found = read_fragments(path).frames
    return found


def read_fragments(path: Path) -> Fragments:
    """The whole fragments at the start of a file that may end anywhere; raises OSError where it cannot be read.

    A fragment counts if its index (moof) and its pictures (mdat) are there and agree: the sizes add up, and each
    picture is a row of NAL units with 4-byte lengths.
    """
    end, frames = 0, 0
    with path.open("rb") as file:
        boxes = _whole_boxes(file, path.stat().st_size)
        for box in boxes:
            if box.name != b"moof":
                continue
            sizes = _sizes(read_box(file, box))
            mdat = next(boxes, None)
            if mdat is None or mdat.name != b"mdat" or not sizes or not _holds(read_box(file, mdat), sizes):
                break
            end, frames = mdat.end, frames + len(sizes)
    return Fragments(end, frames)


def _whole_boxes(file: IO[bytes], size: int) -> Iterator[Box]:
    """Walk the outer boxes as long as they are wholly there and not larger than any of ours."""
    return takewhile(lambda box: box.end <= min(size, box.start + MOST_BYTES), walk_boxes(file, size))


def _sizes(moof: bytes) -> list[int]:
    """Bytes of each sample that a moof names; none where it is not as ffmpeg writes it."""
    usual = 0
    sizes: list[int] = []
    for name, content in inner_boxes(find_box(moof, b"traf") or b""):
        if name == b"tfhd":
            usual = _usual_size(content)
        elif name == b"trun":
            run = _run_sizes(content, usual)
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
        end, reached = at + size, at
        for _, start, reached in walk_units(lambda length, place: mdat[place : place + length], at, end, 4):
            if start == reached:
                return False  # zeros: what a disk gives that never got the bytes
        if reached != end:
            return False
        at = end
    return True
