"""How many pictures an mp4 of our own making holds, by its index alone."""

from __future__ import annotations

from pathlib import Path
from typing import IO

PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz")


def count_pictures(path: Path) -> int:
    """Samples of the file's first track; 0 where there is no track (or no file)."""
    try:
        with path.open("rb") as file:
            return _samples(file, path.stat().st_size)
    except OSError:
        return 0


def _samples(file: IO[bytes], size: int) -> int:
    start, end = 0, size
    for name in PATH:
        found = _box(file, start, end, name)
        if found is None:
            return 0
        start, end = found
    file.seek(start + 8)  # behind version, flags and the common size
    return int.from_bytes(file.read(4), "big")


def _box(file: IO[bytes], start: int, end: int, name: bytes) -> tuple[int, int] | None:
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
