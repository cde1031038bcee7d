"""Check that every picture of an encoded file is a row of whole NAL units, without decoding any."""

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
CONFIGURATIONS = {b"avc1": (b"avcC", 4), b"hvc1": (b"hvcC", 21)}
"""Box that says how many bytes a unit's length has, and the byte in it, by sample entry."""
FORBIDDEN = 0x80
"""Bit of a unit's first byte that is never set."""


def length_width(track: Mp4Track) -> int | None:
    """Count the bytes of a unit's length; None where pictures are no NAL units, or it is not said."""
    name, at = CONFIGURATIONS.get(track.description[4:8], (b"", 0))
    configuration = find_box(track.description[VIDEO_HEAD:], name) or b""
    return (configuration[at] & 3) + 1 if len(configuration) > at else None


def check_units(path: Path, track: Mp4Track, width: int) -> Iterator[str]:
    """Name the first picture of which the units do not fill exactly its place in the file."""
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
