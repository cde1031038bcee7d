"""Pictures of a finished file: a large one to be seen before it plays, and a small one of each chapter."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import av
from PIL import Image

from assembler.media.libav import INDEX_ONLY, decode_alone, discard_others, time_base_of
from assembler.media.verify.order import Pictures

Image.preinit()  # where its module is imported, once, and not in each process that is forked then

COVER_WIDTH = 960
"""Maximum width of the large picture, in pixels."""
SMALL_WIDTH = 192
"""Width of a small picture, in pixels: twice that of the list, for screens with small pixels."""
MOST_SMALL = 200
"""Maximum number of small pictures; a JPEG has at most 65535 lines."""
FARTHEST = 20_000
"""Maximum distance from an instant to the key frame that shows it, in ms; behind it the one before is taken."""
EARLY = 20
"""Maximum time by which a key frame may be before the instant that it shows, in ms: chapters are rounded."""


def take_pictures(path: str, order: Pictures, length: int) -> None:
    """Take the pictures from key frames; what cannot be decoded is left out."""
    with suppress(av.FFmpegError), av.open(path, format="mov", options=INDEX_ONLY) as source:
        video: Any = source.streams.video[0]
        discard_others(source, video)
        best = _frame_at(source, video, order.best, order.best + FARTHEST)
        if best is not None:
            _scaled(best, min(COVER_WIDTH, best.width)).save(order.cover, "JPEG", quality=80)
        instants = order.instants[:MOST_SMALL]
        frames = (_frame_at(source, video, at, min(end, at + FARTHEST)) for at, end in pairwise([*instants, length]))
        _sheet(frames, len(instants)).save(order.sheet, "JPEG", quality=72)


def _frame_at(source: Any, video: Any, at: int, end: int) -> Any:
    """Decode the first key frame from an instant on, before ``end``; where there is none the last one before it."""
    base = time_base_of(video)
    with suppress(av.FFmpegError):
        source.seek(int(at / 1000 / base), stream=video)
        found = None
        for packet in source.demux(video):
            shown = None if packet.pts is None else packet.pts * base * 1000
            if shown is None or (found is not None and shown >= end):
                break
            if packet.is_keyframe:
                found = packet
                if shown >= at - EARLY:
                    break
        if found is not None:
            return decode_alone(video, found)
    return None


def _scaled(frame: Any, width: int) -> Image.Image:
    height = max(2, round(frame.height * width / frame.width / 2) * 2)
    picture: Image.Image = frame.to_image(width=width, height=height, interpolation="AREA")
    return picture


def _sheet(frames: Iterable[Any], count: int) -> Image.Image:
    """Put the pictures below each other; the place of one that is missing stays dark."""
    sheet: Image.Image | None = None
    for number, frame in enumerate(frames):
        if frame is None:
            continue
        small = _scaled(frame, SMALL_WIDTH)
        if sheet is None:
            sheet = Image.new("RGB", (small.width, small.height * count), (32, 36, 41))
        sheet.paste(small, (0, sheet.height // count * number))
    return sheet or Image.new("RGB", (SMALL_WIDTH, 2 * count))
