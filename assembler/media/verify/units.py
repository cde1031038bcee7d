"""Check that every picture of an encoded file is a row of whole NAL units (ISO/IEC 14496-15), without decoding any."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import partial
from pathlib import Path

from assembler.mp4.boxes import find_avcc
from assembler.mp4.nal_units import whole_units
from assembler.mp4.sample_tables import Mp4Track

WIDTH_AT = 4
"""Byte of an avcC whose lowest two bits say how many bytes a unit's length has (5.3.3.1.2)."""
FORBIDDEN = 0x80
"""Bit of a unit's first byte that is never set."""
HOLE = bytes(3)
"""Bytes that stand in no unit (ISO/IEC 14496-10, 7.4.1): a disk that never got the right ones shows zeros. Some
encoders put zeros behind a unit, so these alone are no damage."""


def check_units(path: Path, track: Mp4Track) -> tuple[list[str], set[int]]:
    """Name the first picture of a track of H.264 of which the units do not fill exactly its place in the file, and find
    the numbers of GOPs with zeros where none belong, which have to be decoded."""
    configuration = find_avcc(track.description)
    if len(configuration) <= WIDTH_AT:
        return ["nothing says how the pictures are decoded"], set()
    width = (configuration[WIDTH_AT] & 3) + 1
    keys = range(track.count) if track.keys is None else track.keys
    doubtful: set[int] = set()
    with path.open("rb") as file:
        for number, (at, size) in enumerate(zip(track.sample_offsets(), track.sizes, strict=True)):
            content = os.pread(file.fileno(), size, at)
            units = whole_units(partial(_read, content), 0, size, width)
            if not units or any(content[start] & FORBIDDEN for start, _ in units):
                return [f"picture {number} is damaged: its bytes are no row of whole NAL units"], doubtful
            if any(content.find(HOLE, start, end) >= 0 for start, end in units):
                doubtful.add(bisect_right(keys, number) - 1)
    return [], doubtful


def _read(content: bytes, size: int, at: int) -> bytes:
    return content[at : at + size]
