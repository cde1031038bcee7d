"""Walk the length-prefixed NAL units of a sample (ISO/IEC 14496-15, 5.3.3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Read = Callable[[int, int], bytes | memoryview]
"""Function that reads (size, position); fewer bytes at the end."""


def walk_units(read: Read, start: int, end: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Walk the NAL units in ``[start, end)``: (first byte, start, end) of each; lengths have ``width`` bytes.

    An empty unit has the first byte of the next one; the last one may end behind ``end`` in a truncated sample.
    """
    while start + width < end:
        head = read(width + 1, start)
        if len(head) <= width:
            return
        unit = start + width
        start = unit + int.from_bytes(head[:width], "big")
        yield head[width], unit, start


def whole_units(read: Read, start: int, end: int, width: int) -> list[tuple[int, int]]:
    """List (start, end) of the NAL units that fill exactly ``[start, end)``; none where they do not or one is empty."""
    found, reached = list[tuple[int, int]](), start
    for _, unit, reached in walk_units(read, start, end, width):
        if not unit < reached <= end:
            return []
        found.append((unit, reached))
    return found if reached == end else []
