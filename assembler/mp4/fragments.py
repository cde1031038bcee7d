"""Fragments of a fragmented mp4 that ffmpeg wrote: the whole ones of a file that it left when it was killed, and the
tables of a finished one."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from pathlib import Path
from typing import IO, NamedTuple

from assembler.mp4.boxes import Box, count_frames, find_box, inner_boxes, read_box, walk_boxes
from assembler.mp4.moov import run_lengths
from assembler.mp4.nal_units import whole_units
from assembler.mp4.parse import read_empty_tables, require
from assembler.mp4.sample_tables import Tables

MAX_FRAGMENT_BYTES, MAX_FRAGMENT_FRAMES = 1 << 28, 10_000
"""Maximum size of a fragment's box, in bytes, and count of its frames; a fragment is about a second."""
DEFAULTS = {0x1: 8, 0x2: 4, 0x8: 4, 0x10: 4, 0x20: 4}
"""Flags of a tfhd for its fields, in order, and their sizes in bytes (ISO/IEC 14496-12, 8.8.7): base offset, sample
description; default duration, size and flags of a sample."""
DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS = 0x8, 0x10, 0x20
"""Flags of those that matter here."""
RUN_OFFSET, RUN_FIRST_FLAGS = 0x1, 0x4
"""Flags of a trun for fields of 4 bytes before its samples (8.8.8)."""
RUN_FIELDS = (0x100, 0x200, 0x400, 0x800)
"""Flags of a trun for fields of 4 bytes for each sample: duration, size, flags, composition offset."""
NO_SYNC = 0x10000
"""Flag of a sample that is no sync sample (8.8.3.1)."""


class _Sample(NamedTuple):
    duration: int
    size: int
    flags: int
    offset: int
    """Composition offset."""


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
        for mdat, _, samples in _walk(file, path.stat().st_size):
            end, frames = mdat.end, frames + len(samples)
    return Fragments(end, frames)


def read_samples(path: Path) -> list[bytes]:
    """Read the samples of all whole fragments; raises OSError."""
    found: list[bytes] = []
    with path.open("rb") as file:
        for _, content, samples in _walk(file, path.stat().st_size):
            sizes = [sample.size for sample in samples]
            found += [content[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return found


def read_fragment_tables(path: Path) -> Tables:
    """Read the tables of a fragmented mp4 of our own with one track of video, as those of a plain one.

    Raises UnsupportedMp4 where it is another, or is cut, and OSError.
    """
    size = path.stat().st_size
    samples: list[_Sample] = []
    offsets, firsts = list[int](), [0]
    moov, clock = None, 0
    with path.open("rb") as file:
        boxes = walk_boxes(file, size)
        for box in boxes:
            require(box.end <= size, "it is cut")
            if box.name == b"moov":
                moov = read_box(file, box)
            elif box.name == b"moof":
                content, mdat = read_box(file, box), next(boxes, box)
                found = _samples(content)
                is_whole = mdat.name == b"mdat" and mdat.end <= size and bool(found)
                require(is_whole and sum(sample.size for sample in found) == mdat.end - mdat.body, "it is cut")
                require(_begins(content) == clock, "its clock stands, or jumps")
                offsets.append(mdat.body)
                samples += found
                firsts.append(len(samples))
                clock += sum(sample.duration for sample in found)
    require(bool(samples) and not any(sample.offset for sample in samples), "it has no samples, or B-frames")
    tables = read_empty_tables(moov or b"", size)
    track = replace(
        tables.track(b"vide"), sizes=array("I", [sample.size for sample in samples]), offsets=offsets, firsts=firsts,
        durations=tuple(run_lengths(sample.duration for sample in samples)),
        keys=[number for number, sample in enumerate(samples) if not sample.flags & NO_SYNC],
    )  # fmt: skip
    return replace(tables, tracks=(track,))


def _begins(moof: bytes) -> int:
    """Read the decode time of its first sample (tfdt, 8.8.12)."""
    tfdt = find_box(moof, b"traf", b"tfdt") or b""
    return int.from_bytes(tfdt[4 : 12 if tfdt[:1] == b"\1" else 8], "big")


def _walk(file: IO[bytes], size: int) -> Iterator[tuple[Box, bytes, list[_Sample]]]:
    """Walk the whole fragments at the start of a file: mdat, its content, its samples."""
    boxes = _whole_boxes(file, size)
    for box in boxes:
        if box.name != b"moof":
            continue
        samples = _samples(read_box(file, box))
        mdat = next(boxes, None)
        content = b"" if mdat is None else read_box(file, mdat)
        if mdat is None or mdat.name != b"mdat" or not samples or not _holds(content, samples):
            return
        yield mdat, content, samples


def _whole_boxes(file: IO[bytes], size: int) -> Iterator[Box]:
    """Walk the outer boxes as long as they are whole and not larger than ours can be."""
    return takewhile(lambda box: box.end <= min(size, box.start + MAX_FRAGMENT_BYTES), walk_boxes(file, size))


def _samples(moof: bytes) -> list[_Sample]:
    """List a moof's samples; empty where it is not as ffmpeg writes it."""
    defaults = dict.fromkeys(DEFAULTS, 0)
    samples: list[_Sample] = []
    for name, content in inner_boxes(find_box(moof, b"traf") or b""):
        if name == b"tfhd":
            defaults = _defaults(content)
        elif name == b"trun":
            run = _run(content, defaults)
            if not run:
                return []
            samples += run
    return samples


def _defaults(tfhd: bytes) -> dict[int, int]:
    """Read the fields of a tfhd by their flags; 0 for those that it does not have."""
    flags, at, found = int.from_bytes(tfhd[1:4], "big"), 8, dict.fromkeys(DEFAULTS, 0)
    for flag, size in DEFAULTS.items():
        if flags & flag:
            found[flag] = int.from_bytes(tfhd[at : at + size], "big")
            at += size
    return found


def _run(trun: bytes, defaults: Mapping[int, int]) -> list[_Sample]:
    flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    at = 8 + sum(4 for flag in (RUN_OFFSET, RUN_FIRST_FLAGS) if flags & flag)
    given = [flag for flag in RUN_FIELDS if flags & flag]
    if count > MAX_FRAGMENT_FRAMES or len(trun) != at + count * len(given) * 4:
        return []
    first = int.from_bytes(trun[at - 4 : at], "big") if flags & RUN_FIRST_FLAGS else None
    numbers = struct.unpack(f">{count * len(given)}I", trun[at:])
    columns = {flag: numbers[place :: len(given)] for place, flag in enumerate(given)}
    durations, sizes, marks, offsets = (
        columns.get(flag) or (defaults.get(default, 0),) * count
        for flag, default in zip(RUN_FIELDS, (DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS, 0), strict=True)
    )
    if not all(sizes):
        return []
    if first is not None:
        marks = (first, *marks[1:])
    return [_Sample(*fields) for fields in zip(durations, sizes, marks, offsets, strict=True)]


def _holds(mdat: bytes, samples: list[_Sample]) -> bool:
    """True if the content is exactly these samples, each a sequence of NAL units."""
    if sum(sample.size for sample in samples) != len(mdat):
        return False
    at = 0
    for sample in samples:  # units of no bytes are zeros: the disk never got the right ones
        if not whole_units(lambda length, place: mdat[place : place + length], at, at + sample.size, 4):
            return False
        at += sample.size
    return True
