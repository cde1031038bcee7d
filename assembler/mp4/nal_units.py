"""Walks the NAL units of a sample, which stand behind their lengths (ISO/IEC 14496-15, 5.3.3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Read = Callable[[int, int], bytes | memoryview]
"""Reads (this many bytes, from this place); fewer where there are no more."""


def walk_units(read: Read, start: int, end: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Walk the NAL units in ``[start, end)``: (first byte, start, end) of each; lengths have ``width`` bytes.

    A unit of no bytes has the first byte of what follows; the last one may end behind ``end``, where a sample is cut.
    """
    while start + width < end:
        head = read(width + 1, start)
        if len(head) <= width:
            return
        unit = start + width
        start = unit + int.from_bytes(head[:width], "big")
        yield head[width], unit, start
