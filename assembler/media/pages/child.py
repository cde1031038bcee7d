"""Comparison of key frames, in a child process (``python -m assembler.media.pages.child ORDER.json``): what is copied
comes from untrusted files.

Each is decoded alone and averaged to some thousand cells of brightness, so that neither noise nor a pointer counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Discard

from assembler.media.libav import INDEX_ONLY, discard_others, time_base_of
from assembler.media.pages.order import KeyFrameFile, PagesOrder, View
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
        for at, view, cells in chain.from_iterable(pool.map(partial(_look, order.views), order.files)):
            if view is not None and before is not None and before[0] is view and before[1].shape == cells.shape:
                yield (at, *_difference(before[1], cells))
            before = (view, cells) if view is not None else None


def _look(views: Sequence[View], file: KeyFrameFile) -> list[tuple[int, View | None, Cells]]:
    """Look at the key frames of one file: playback ms, the view at that time, and its cells (none without a view)."""
    found: list[tuple[int, View | None, Cells]] = []
    for at, frame in _key_frames(file):
        view = next((view for view in views if view.start <= at < view.end), None)
        found.append((at, view, NOTHING if view is None else _cells(frame, view)))
    return found


def _key_frames(file: KeyFrameFile) -> Iterator[tuple[int, Any]]:
    options = INDEX_ONLY if file.container == "mov" else {}
    with suppress(av.FFmpegError), av.open(file.path, format=file.container, options=options) as source:
        video: Any = source.streams[file.stream]
        discard_others(source, video)
        video.discard = Discard.nonkey
        video.codec_context.skip_frame = "NONKEY"
        base = time_base_of(video)
        content, same = b"", None
        for packet in source.demux(video):
            if packet.pts is not None and (not packet.is_keyframe or not file.start <= _ms(packet.pts, base, file)):
                continue
            if packet.pts is not None and _ms(packet.pts, base, file) >= file.end:
                break
            if same is not None and packet.pts is not None and bytes(packet) == content:  # a held one, repeated
                yield _ms(packet.pts, base, file), same
                continue
            content, same = bytes(packet), None
            with suppress(av.FFmpegError):  # a damaged one is passed over
                for frame in packet.decode():
                    if frame.pts is not None and not frame.is_corrupt:
                        same = frame if frame.pts == packet.pts else None
                        yield _ms(frame.pts, base, file), frame


def _ms(pts: int, base: Fraction, file: KeyFrameFile) -> int:
    return int((pts * base + file.offset) * 1000)


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
