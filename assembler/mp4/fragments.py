"""Whole fragments of a fragmented mp4 that a killed ffmpeg left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import IO

from assembler.mp4.boxes import Box, count_frames, find_box, inner_boxes, read_box, walk_boxes
from assembler.mp4.nal_units import walk_units

MAX_FRAGMENT_BYTES, MAX_FRAGMENT_FRAMES = 1 << 28, 10_000
"""Maximum size of a fragment's box, in bytes, and count of its frames; a fragment is about a second."""
DEFAULT_SIZE = 0x10
"""Flag of a tfhd with a default sample size (ISO/IEC 14496-12, 8.8.7)."""
BYTES_BEFORE_DEFAULT_SIZE = {0x1: 8, 0x2: 4, 0x8: 4}
"""Flags of a tfhd for fields before the default sample size, and their sizes in bytes."""
RUN_HEADER_FIELDS = (0x1, 0x4)
"""Flags of a trun for fields of 4 bytes before its samples (8.8.8)."""
RUN_DURATION, RUN_SIZE = 0x100, 0x200
"""Flags of a trun with durations, and with sizes, for each sample."""
RUN_FIELDS = (RUN_DURATION, RUN_SIZE, 0x400, 0x800)
"""Flags of a trun for fields of 4 bytes for each sample."""


@dataclass(frozen=True)
class Fragments:
    """Whole fragments from the start of a file."""

    bytes: int
    """End of the last whole fragment."""
    frames: int
    """Count of frames in all whole fragments."""


def count_frames_in_either(path: Path) -> int:
    """Count the frames of a plain or a fragmented mp4; 0 where there is no track (or no file)."""
    found = count_frames(path)
    if not found:
        with suppress(OSError):
            found = read_fragments(path).frames
    return found


def read_fragments(path: Path) -> Fragments:
    """Read the whole fragments at the start of a file that may end anywhere; raises OSError where it cannot be read.

    A fragment is whole if its moof and its mdat are there and agree: the sizes add up, and each frame is a sequence of
    NAL units with 4-byte lengths.
    """
    end, frames = 0, 0
    with path.open("rb") as file:
        for mdat, _, sizes in _walk(file, path.stat().st_size):
            end, frames = mdat.end, frames + len(sizes)
    return Fragments(end, frames)


def read_samples(path: Path) -> list[bytes]:
    """Read the samples of all whole fragments; raises OSError."""
    found: list[bytes] = []
    with path.open("rb") as file:
        for _, content, sizes in _walk(file, path.stat().st_size):
            found += [content[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return found


def _walk(file: IO[bytes], size: int) -> Iterator[tuple[Box, bytes, list[int]]]:
    """Walk the whole fragments at the start of a file: mdat, its content, sizes of its samples."""
    boxes = _whole_boxes(file, size)
    for box in boxes:
        if box.name != b"moof":
            continue
        sizes = _sizes(read_box(file, box))
        mdat = next(boxes, None)
        content = b"" if mdat is None else read_box(file, mdat)
        if mdat is None or mdat.name != b"mdat" or not sizes or not _holds(content, sizes):
            return
        yield mdat, content, sizes


def _whole_boxes(file: IO[bytes], size: int) -> Iterator[Box]:
    """Walk the outer boxes as long as they are whole and not larger than ours can be."""
    return takewhile(lambda box: box.end <= min(size, box.start + MAX_FRAGMENT_BYTES), walk_boxes(file, size))


def _sizes(moof: bytes) -> list[int]:
    """List the sizes of a moof's samples; empty where it is not as ffmpeg writes it."""
    default = 0
    sizes: list[int] = []
    for name, content in inner_boxes(find_box(moof, b"traf") or b""):
        if name == b"tfhd":
            default = _default_size(content)
        elif name == b"trun":
            run = _run_sizes(content, default)
            if not run:
                return []
            sizes += run
    return sizes


def _default_size(tfhd: bytes) -> int:
    """Read the default sample size of a tfhd; 0 where it has none."""
    flags = int.from_bytes(tfhd[1:4], "big")
    at = 8 + sum(size for flag, size in BYTES_BEFORE_DEFAULT_SIZE.items() if flags & flag)
    return int.from_bytes(tfhd[at : at + 4], "big") if flags & DEFAULT_SIZE else 0


def _run_sizes(trun: bytes, default: int) -> list[int]:
    flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    at = 8 + sum(4 for flag in RUN_HEADER_FIELDS if flags & flag)
    step = sum(4 for flag in RUN_FIELDS if flags & flag)
    if count > MAX_FRAGMENT_FRAMES or len(trun) != at + count * step:
        return []
    if not flags & RUN_SIZE:
        return [default] * count if default else []
    at += 4 if flags & RUN_DURATION else 0
    return [int.from_bytes(trun[place : place + 4], "big") for place in range(at, at + count * step, step)]


def _holds(mdat: bytes, sizes: list[int]) -> bool:
    """True if the content is exactly these samples, each a sequence of NAL units."""
    if sum(sizes) != len(mdat):
        return False
    at = 0
    for size in sizes:
        end, reached = at + size, at
        for _, start, reached in walk_units(lambda length, place: mdat[place : place + length], at, end, 4):
            if start == reached:
                return False  # zeros: the disk never got the bytes
        if reached != end:
            return False
        at = end
    return True
