"""Output frames that need not be composed: nothing on the canvas changes, and the frame before is held.

source   |  |  |              |  |        stamps of its frames
held           [--------------)           what both show as before, but for the first frame of it
card            |   [------)              a border is a change
composed |  |  |    |      |  |  |
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from assembler.facts import Facts, VideoFacts
from assembler.plan.chunks import Chunk, Source, cut_chunks
from assembler.plan.grid import frame_of
from assembler.plan.model import Plan
from assembler.times import Frame

LEAST_HELD = 3
"""Minimum length of a held range, in frames; fewer are not worth a range of their own."""
MOST_RANGES = 400
"""Maximum number of held ranges of a chunk, the longest of all: each is a term of an expression of the filter graph."""
MOST_CALM = 10
"""Maximum factor by which chunks are longer where little changes."""
MAX_GOP_SECONDS = 10
"""Maximum time between two key frames, in s."""

Range = tuple[Frame, Frame]
"""Output frames [first, end)."""


def hold_frames(chunk: Chunk, facts: Mapping[str, Facts], *, is_variable: bool = False) -> Chunk:
    """The chunk with all frames held that show nothing new."""
    longest = sorted(_unchanged(chunk, facts), key=lambda one: one[0] - one[1])[:MOST_RANGES]
    held = tuple(sorted(longest))
    return chunk.model_copy(update={"held": held, "is_variable": is_variable and bool(held)})


def find_calm(plan: Plan, facts: Mapping[str, Facts]) -> int:
    """Number of frames that are seen for each one that is composed, 1 to ``MOST_CALM``."""
    (whole,) = cut_chunks(plan, facts, (Frame(0), plan.frames))
    held = sum(end - first for first, end in _unchanged(whole, facts))
    return min(MOST_CALM, plan.frames // (plan.frames - held))


def _unchanged(chunk: Chunk, facts: Mapping[str, Facts]) -> Iterator[Range]:
    """Ranges of frames that show what the one before them shows."""
    at = Frame(chunk.first + 1)
    for first, end in (*sorted(_changes(chunk, facts)), (chunk.end, chunk.end)):
        if first - at >= LEAST_HELD:
            yield at, first
        at = max(at, end)


def _changes(chunk: Chunk, facts: Mapping[str, Facts]) -> Iterator[Range]:
    """Ranges of frames in which something on the canvas may change."""
    borders = [Frame(chunk.first + k) for k in chunk.keyframes]
    for tile in chunk.tiles:
        borders += (at for source in tile.sources for at in (source.first, source.end))
        borders += (at for overlay in tile.overlays for at in (overlay.first, overlay.end))
        for source in tile.sources:
            video = facts[source.video_id].picture
            assert video is not None  # a source exists only for video
            yield from _moving(source, video, chunk)
    yield from ((at, Frame(at + 1)) for at in borders if chunk.first <= at < chunk.end)


def _moving(source: Source, video: VideoFacts, chunk: Chunk) -> Iterable[Range]:
    """Ranges of frames of a source in which it may show another frame than before."""

    def shown(stamp: int) -> Frame:
        return frame_of(stamp, video, source.shift, chunk.fps)

    at = source.first
    begin = bisect_left(video.held, source.first, key=lambda pair: shown(pair[1]))
    for before, after in (*video.held[begin:], (video.last, None)):
        last = max(shown(before), source.first)
        if last >= source.end:
            break
        yield at, Frame(last + 1)
        if after is None:
            return
        at = shown(after)
    if at < source.end:
        yield at, source.end


def place_keyframes(chunk: Chunk) -> tuple[Frame, ...]:
    """Frames, counted from the chunk's first one, at which key frames are forced: the planned ones, and others where
    so many are held that none would come in time (an encoder counts only what it is given).

    The frame before one that is held longer is forced too: behind other frames x264 gives a key frame their quantiser,
    whatever is asked for it.
    """
    if not chunk.held:
        return chunk.keyframes
    planned, most = set(chunk.keyframes), int(MAX_GOP_SECONDS * chunk.fps)
    composed = composed_frames(chunk)
    found, last = set[int](), 0
    for before, at, following in zip([0, *composed], composed, [*composed[1:], chunk.frames], strict=False):
        if at in planned or following - last > most:
            found |= {before, at} if following - at > most else {at}
            last = max(at, *repeats(at, following, chunk.fps), 0)
    return tuple(Frame(at) for at in sorted(found))


def repeats(at: int, following: int, fps: Fraction) -> range:
    """Frames at which a key frame that is held from one frame to another is repeated: never the last one, as two in a
    row would have to differ in their idr_pic_id (ITU-T H.264, 7.4.3)."""
    step = max(1, int(MAX_GOP_SECONDS * fps) - 1)
    return range(at + step, following - 1, step)


def composed_frames(chunk: Chunk) -> list[int]:
    """The composed frames, counted from the chunk's first one."""
    ends = [*(first for first, _ in chunk.held), chunk.end]
    starts = [chunk.first, *(end for _, end in chunk.held)]
    return [at - chunk.first for start, end in zip(starts, ends, strict=True) for at in range(start, end)]


def kept_frames(chunk: Chunk) -> Sequence[int]:
    """The frames, counted from the chunk's first one, that the finished chunk has pictures of: all of them, or at a
    variable rate those that are composed or repeated, and before each the last that is held, a skip picture: no two
    key frames are in a row, and the last frame of a chunk is there."""
    if not chunk.is_variable:
        return range(chunk.frames)
    composed = composed_frames(chunk)
    kept = set(composed)
    for at, following in pairwise([*composed, chunk.frames]):
        for again in (*repeats(at, following, chunk.fps), following):
            kept |= {again - 1, again}
    return sorted(kept - {chunk.frames})
