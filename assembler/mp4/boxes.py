"""The boxes of an mp4, and what the index of one of our own making says: how many pictures, with which parameters."""

from __future__ import annotations

from collections.abc import Iterator
from io import RawIOBase
from mmap import mmap
from pathlib import Path
from typing import IO

TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
MAX_BOXES = 200_000


def count_pictures(path: Path) -> int:
    """Samples of the file's first track; 0 where there is no track (or no file), or only fragments have them."""
    behind = 8  # version, flags and the common size
    return int.from_bytes(_content(path, b"stsz")[behind : behind + 4], "big")


def picture_parameters(path: Path) -> bytes:
    """The sample description of the file's first track, parameter sets and all; empty where there is none."""
    return _content(path, b"stsd")


def _content(path: Path, name: bytes) -> bytes:
    """What is in this box of the first track's tables."""
    try:
        with path.open("rb") as file:
            start, end = 0, path.stat().st_size
            for part in (*TABLE, name):
                found = find_box(file, start, end, part)
                if found is None:
                    return b""
                start, end = found
            file.seek(start)
            return file.read(end - start)
    except OSError:
        return b""


def find_box(file: IO[bytes], start: int, end: int, name: bytes) -> tuple[int, int] | None:
    """Where the content of the first box of this name lies."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        length, body = int.from_bytes(head[:4], "big"), start + 8
        if length == 1:
            length, body = int.from_bytes(head[8:], "big"), start + 16
        if length < body - start:
            return None
        if head[4:8] == name:
            return body, min(end, start + length)
        start += length
    return None


def outer_boxes(file: IO[bytes] | RawIOBase | mmap, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of its content, end) of every top-level box; an end may lie behind the end of the file."""
    at = 0
    for _ in range(MAX_BOXES):
        if at >= size:
            return
        file.seek(at)
        header = file.read(16) or b""
        if len(header) < 8:
            return
        length, start = int.from_bytes(header[:4], "big"), at + 8
        if length == 1:
            length, start = int.from_bytes(header[8:16], "big"), at + 16
        elif length == 0:
            length = size - at
        if length < start - at:
            return
        yield header[4:8], start, at + length
        at += length
