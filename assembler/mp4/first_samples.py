"""Position of the first samples of an mp4 by its sample tables alone (ISO/IEC 14496-12, 8.7), from an untrusted
server."""

from __future__ import annotations

from assembler.mp4.boxes import find_box, inner_boxes


def first_samples(moov: bytes) -> int:
    """Find the end of the last of all tracks' first samples, as a position in the file; 0 where there is none.

    ``moov``: the whole box, with its header.
    """
    return max((_first_end(track) for kind, track in inner_boxes(moov[8:]) if kind == b"trak"), default=0)


def _first_end(track: bytes) -> int:
    found = dict(inner_boxes(find_box(track, b"mdia", b"minf", b"stbl") or b""))
    chunks, wide = found.get(b"stco", b""), found.get(b"co64", b"")
    sizes = found.get(b"stsz", b"")
    # version and flags, then: the count of chunks, their offsets; a size for all, the count of samples, the sizes
    place = int.from_bytes(wide[8:16] or chunks[8:12], "big")
    size = int.from_bytes(sizes[4:8], "big") or int.from_bytes(sizes[12:16], "big")
    return place + size if place else 0
