"""Check that every picture of an encoded file is a row of whole NAL units (ISO/IEC 14496-15), without decoding any."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import partial
from pathlib import Path

from assembler.mp4.boxes import find_box
from assembler.mp4.nal_units import walk_units
from assembler.mp4.sample_tables import Mp4Track

VIDEO_HEAD = 86
"""Bytes of a video's sample entry before the boxes in it."""
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
    configuration = find_box(track.description[VIDEO_HEAD:], b"avcC") or b""
    if len(configuration) <= WIDTH_AT:
        return ["nothing says how the pictures are decoded"], set()
    width = (configuration[WIDTH_AT] & 3) + 1
    keys = range(track.count) if track.keys is None else track.keys
    doubtful: set[int] = set()
    with path.open("rb") as file:
        for number, (at, size) in enumerate(zip(track.sample_offsets(), track.sizes, strict=True)):
            content = os.pread(file.fileno(), size, at)
            reached = 0
            for first, start, reached in walk_units(partial(_read, content), 0, size, width):
                if first & FORBIDDEN or not start < reached <= size:
                    reached = 0
                    break
                if content.find(HOLE, start, reached) >= 0:
                    doubtful.add(bisect_right(keys, number) - 1)
            if reached != size:
                return [f"picture {number} is damaged: its bytes are no row of whole NAL units"], doubtful
    return [], doubtful


def _read(content: bytes, size: int, at: int) -> bytes:
    return content[at : at + size]
