"""Check that every picture of an encoded file is a row of whole NAL units (ISO/IEC 14496-15), without decoding any."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def check_units(path: Path, track: Mp4Track) -> Iterator[str]:
    """Name the first picture of a track of H.264 of which the units do not fill exactly its place in the file."""
    configuration = find_box(track.description[VIDEO_HEAD:], b"avcC") or b""
    if len(configuration) <= WIDTH_AT:
        yield "nothing says how the pictures are decoded"
        return
    width = (configuration[WIDTH_AT] & 3) + 1
    with path.open("rb") as file:
        read = partial(_read, file.fileno())
        for number, (at, size) in enumerate(zip(track.sample_offsets(), track.sizes, strict=True)):
            reached = at
            for first, start, reached in walk_units(read, at, at + size, width):
                if first & FORBIDDEN or not start < reached <= at + size:
                    reached = at
                    break
            if reached != at + size:
                yield f"picture {number} is damaged: its bytes are no row of whole NAL units"
                return


def _read(file: int, size: int, at: int) -> bytes:
    return os.pread(file, size, at)
