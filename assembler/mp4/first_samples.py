"""Where the first samples of an mp4 lie (ISO/IEC 14496-12, 8.7), by its tables alone: from an untrusted server."""

from __future__ import annotations

import io
from collections.abc import Iterator

from assembler.mp4.boxes import outer_boxes

TABLES = (b"mdia", b"minf", b"stbl")


def first_samples(moov: bytes) -> int:
    """Behind the first sample of every track, as a place in the file; 0 where the tables name none.

    ``moov``: the whole box, with its head.
    """
    return max((_first_end(track) for kind, track in _boxes(moov[8:]) if kind == b"trak"), default=0)


def _first_end(track: bytes) -> int:
    for name in TABLES:
        track = next((content for kind, content in _boxes(track) if kind == name), b"")
    found = dict(_boxes(track))
    chunks, wide = found.get(b"stco", b""), found.get(b"co64", b"")
    sizes = found.get(b"stsz", b"")
    # version and flags, then: the number of chunks, then the places; a size for all, the number of samples, the sizes
    place = int.from_bytes(wide[8:16] or chunks[8:12], "big")
    size = int.from_bytes(sizes[4:8], "big") or int.from_bytes(sizes[12:16], "big")
    return place + size if place else 0


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content), as far as it is there."""
    for name, start, end in outer_boxes(io.BytesIO(content), len(content)):
        yield name, content[start:end]
