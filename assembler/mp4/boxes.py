"""Walks the boxes of an mp4 (ISO/IEC 14496-12, 4.2) and reads what the index of one of our own says of its video."""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import RawIOBase
from mmap import mmap
from pathlib import Path
from typing import IO, NamedTuple

TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
MAX_BOXES = 200_000
"""Maximum number of boxes of one walk; a file of empty boxes would take minutes."""

ReadableFile = IO[bytes] | RawIOBase | mmap


class Box(NamedTuple):
    """One box of a file, as places in it."""

    name: bytes
    """Its type, four bytes."""
    start: int
    """Where its header starts."""
    body: int
    """Where its content starts."""
    end: int
    """Where it ends as its size says, which may lie behind the end of what was walked."""


def walk_boxes(file: ReadableFile, end: int, start: int = 0, *, is_file: bool = False) -> Iterator[Box]:
    """Walk the boxes that stand in ``[start, end)`` of a file, side by side; safe with bytes that anybody wrote.

    Sizes may have 64 bits. The walk ends at a header that is cut, and at a size smaller than its header; a size of 0
    is one, but for the last box of a file (``is_file``), which then goes on to the end.
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
    """List (name, content) of the boxes in a box; the last content may be cut."""
    return [(box.name, content[box.body : box.end]) for box in walk_boxes(io.BytesIO(content), len(content))]


def find_box(content: bytes, *names: bytes) -> bytes | None:
    """Find the content of the first box of this name, of the first of the next name in that, and so on."""
    for name in names:
        found = next((box for box in walk_boxes(io.BytesIO(content), len(content)) if box.name == name), None)
        if found is None:
            return None
        content = content[found.body : found.end]
    return content


def read_box(file: ReadableFile, box: Box) -> bytes:
    """Read the content of a box, as far as it is there."""
    file.seek(box.body)
    return file.read(box.end - box.body) or b""


def count_frames(path: Path) -> int:
    """Count the samples of the file's first track; 0 where there is no track (or no file), or only fragments."""
    behind = 8  # version, flags and the common size
    return int.from_bytes(_first_table(path, b"stsz")[behind : behind + 4], "big")


def picture_parameters(path: Path) -> bytes:
    """Read the sample description of the file's first track, parameter sets and all; empty where there is none."""
    return _first_table(path, b"stsd")


def _first_table(path: Path, name: bytes) -> bytes:
    """Read this box of the first track's tables; seeks from box to box, for the index may be large."""
    try:
        with path.open("rb") as file:
            start, end = 0, path.stat().st_size
            for part in (*TABLE, name):
                box = next((box for box in walk_boxes(file, end, start) if box.name == part), None)
                if box is None:
                    return b""
                start, end = box.body, min(end, box.end)
            file.seek(start)
            return file.read(end - start)
    except OSError:
        return b""
