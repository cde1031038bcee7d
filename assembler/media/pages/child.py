"""Comparison of key frames, in a child process (``python -m assembler.media.pages.child ORDER.json``): what is copied
comes from untrusted files.

Each is decoded alone and averaged to some thousand cells of brightness, so that neither noise nor a pointer counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
import numpy as np

from assembler.media.libav import INDEX_ONLY, decode_alone
from assembler.media.mux.by_packets import stamped_packets
from assembler.media.mux.order import PacketRun
from assembler.media.pages.order import PagesOrder, View
from assembler.processes import cores

Cells = np.ndarray[Any, np.dtype[np.float32]]
"""Brightness of each cell of a view."""
NOTHING: Cells = np.zeros((0, 0), np.float32)
"""Cells where no view is."""
COLUMNS, ROWS = 80, 45
"""Maximum number of cells beside and above each other: small enough for a line of text to fill some."""
DIFFERENT = 6.0
"""Minimum difference of brightness of a cell that is another, of 255; an encoder's noise stays below it."""


def compare(order: PagesOrder) -> Iterator[tuple[int, int, int]]:
    """Playback ms, change and loss, both in 1/1000, of each key frame against the one before it in the same view."""
    before: tuple[View, Cells] | None = None
    with ThreadPoolExecutor(cores()) as pool:  # libav and numpy give the lock away while they work
        for at, view, cells in chain.from_iterable(pool.map(partial(_look, order), order.runs)):
            if view is not None and before is not None and before[0] is view and before[1].shape == cells.shape:
                yield (at, *_difference(before[1], cells))
            before = (view, cells) if view is not None else None


def _look(order: PagesOrder, run: PacketRun) -> list[tuple[int, View | None, Cells]]:
    """Look at the key frames of one run, as they are shown: playback ms, the view at that time, and its cells (none
    without a view)."""
    found: list[tuple[int, View | None, Cells]] = []
    for at, frame in _key_frames(order, run):
        view = next((view for view in order.views if view.start <= at < view.end), None)
        found.append((at, view, NOTHING if view is None else _cells(frame, view)))
    return sorted(found, key=itemgetter(0))


def _key_frames(order: PagesOrder, run: PacketRun) -> Iterator[tuple[int, Any]]:
    """Decode key frames; the others are demuxed too, as libav's mp4 demuxer gives a key frame the composition offset of
    another sample where it is told to pass over those between them."""
    options = INDEX_ONLY if run.container == "mov" else {}
    with suppress(av.FFmpegError), av.open(run.name, format=run.container, options=options) as source:
        content, frame = b"", None
        for packet, stamp in stamped_packets(run, source, order.time_scale, order.frame_ticks):
            if not packet.is_keyframe:
                continue
            if bytes(packet) != content:  # else it is a held one, repeated
                content, frame = bytes(packet), decode_alone(source.streams[run.stream], packet)
            if frame is not None:
                yield stamp * 1000 // order.time_scale, frame


def _cells(frame: Any, view: View) -> Cells:
    """Average the brightness of the view's cells; what does not fill one at the right and below is left out."""
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    if (more := frame.format.components[0].bits - 8) > 0:
        luma = np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)[: frame.height, : frame.width] >> more
    part = luma[view.y : view.y + view.height, view.x : view.x + view.width]
    high, wide = max(1, part.shape[0] // ROWS), max(1, part.shape[1] // COLUMNS)
    rows, columns = part.shape[0] // high, part.shape[1] // wide
    beside, above = np.arange(0, columns * wide, wide), np.arange(0, rows * high, high)
    lines = np.add.reduceat(part[: rows * high, : columns * wide], beside, axis=1, dtype=np.uint32)
    sums: Cells = np.add.reduceat(lines, above, axis=0).astype(np.float32)
    return sums / np.float32(high * wide)


def _difference(before: Cells, after: Cells) -> tuple[int, int]:
    changed = np.abs(after - before) > DIFFERENT
    stood = np.abs(before - np.median(before)) > DIFFERENT  # what is not the page's own colour
    vanished = (changed & stood).sum() / max(1, stood.sum())
    return round(1000 * float(changed.mean())), round(1000 * float(vanished))


def main() -> int:
    """Compare the order's key frames and write the answer."""
    av.logging.set_level(None)
    order = PagesOrder.from_json(Path(sys.argv[1]).read_text("utf-8"))
    Path(order.answer).write_text("".join(f"{at} {one} {two}\n" for at, one, two in compare(order)), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
