"""Walk the boxes of an mp4 (ISO/IEC 14496-12, 4.2), and read the video's sample tables in one that we wrote."""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import RawIOBase
from mmap import mmap
from pathlib import Path
from typing import IO, NamedTuple

SAMPLE_TABLE_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
"""Types of the boxes around the sample tables, from the outside."""
VIDEO_ENTRY_HEAD = 86
"""Size of a video's sample entry before the boxes in it, in bytes (12.1.3)."""
MAX_BOXES = 200_000
"""Maximum number of boxes of one walk; a file of empty boxes would take minutes."""

ReadableFile = IO[bytes] | RawIOBase | mmap
"""File, or mapped file, that is open for reading."""


class Box(NamedTuple):
    """Box of a file, as positions in it."""

    name: bytes
    """Type, four bytes."""
    start: int
    """Position of the header."""
    body: int
    """Position of the content."""
    end: int
    """End by its size; it may lie behind the end of the range that was walked."""


def walk_boxes(file: ReadableFile, end: int, start: int = 0, *, is_file: bool = False) -> Iterator[Box]:
    """Walk the boxes in ``[start, end)`` of an untrusted file, side by side.

    Sizes may have 64 bits. The walk ends at a truncated header, and at a size smaller than its header, also 0; but the
    last box of a file (``is_file``) with size 0 extends to the end.
    """
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16) or b""
        size, body = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), start + 16
        elif size == 0 and is_file:
            size = end - start
        if size < body - start or len(header) < body - start:
            return
        yield Box(header[4:8], start, body, start + size)
        start += size


def inner_boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """List (name, content) of the boxes in a box; the last content may be truncated."""
    return [(box.name, content[box.body : box.end]) for box in walk_boxes(io.BytesIO(content), len(content))]


def find_box(content: bytes, *names: bytes) -> bytes | None:
    """Find the content of the first box of this name, of the first of the next name in that, and so on."""
    for name in names:
        found = next((box for box in walk_boxes(io.BytesIO(content), len(content)) if box.name == name), None)
        if found is None:
            return None
        content = content[found.body : found.end]
    return content


def find_avcc(entry: bytes) -> bytes:
    """Find the avcC of an avc1 sample entry: how its H.264 is decoded; empty where it has none."""
    return find_box(entry[VIDEO_ENTRY_HEAD:], b"avcC") or b""


def read_box(file: ReadableFile, box: Box) -> bytes:
    """Read the content of a box, as far as it is there."""
    file.seek(box.body)
    return file.read(box.end - box.body) or b""


def count_frames(path: Path) -> int:
    """Count the samples of the file's first track; 0 where there is no track (or no file), or only fragments."""
    behind = 8  # version, flags and the common size
    return int.from_bytes(_first_table(path, b"stsz")[behind : behind + 4], "big")


def read_sample_description(path: Path) -> bytes:
    """Read the sample description of the file's first track, parameter sets and all; empty where there is none."""
    return _first_table(path, b"stsd")


def _first_table(path: Path, name: bytes) -> bytes:
    """Read this sample table of the first track; seeks from box to box, as the moov may be large."""
    try:
        with path.open("rb") as file:
            start, end = 0, path.stat().st_size
            for part in (*SAMPLE_TABLE_PATH, name):
                box = next((box for box in walk_boxes(file, end, start) if box.name == part), None)
                if box is None:
                    return b""
                start, end = box.body, min(end, box.end)
            file.seek(start)
            return file.read(end - start)
    except OSError:
        return b""
