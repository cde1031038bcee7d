"""Chunks in which places change: cut into parts in which no two places meet.

tile 1  [-------)            the places meet, but are never in use at once:
tile 2           [------)    two parts, each stacked side by side, one behind the other
"""

from __future__ import annotations

from collections.abc import Mapping

from assembler.facts import Facts
from assembler.layout.model import Rect
from assembler.plan.chunks import Chunk, split_chunk
from assembler.times import Frame


def find_disjoint_parts(chunk: Chunk, facts: Mapping[str, Facts]) -> tuple[Chunk, ...]:
    """The chunk as parts in which no two tiles meet, one behind the other; the chunk alone where two that meet are in
    use at once: these have to be laid over each other."""
    parts, rest = [], chunk
    for at in _cuts(chunk):
        part, *more = split_chunk(rest, facts, at - rest.first)
        if not more:
            break
        parts.append(part)
        (rest,) = more
    parts.append(rest)
    return tuple(parts) if all(part.is_disjoint for part in parts) else (chunk,)


def _cuts(chunk: Chunk) -> list[Frame]:
    """Frames at which a tile is used that meets another one used since the last of them."""
    found = [(s.first, s.end, tile.rect) for tile in chunk.tiles for s in tile.sources]
    found += [(o.first, o.end, tile.rect) for tile in chunk.tiles for o in tile.overlays]
    uses = sorted(found, key=lambda use: use[:2])
    cuts: list[Frame] = []
    used: dict[Rect, Frame] = {}
    for first, end, rect in uses:
        if rect not in used and any(rect.meets(other) for other in used):
            cuts.append(first)
            used = {other: until for other, until in used.items() if until > first}
        used[rect] = max(end, used.get(rect, end))
    return [cut for cut in dict.fromkeys(cuts) if chunk.first < cut < chunk.end]
