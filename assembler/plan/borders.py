"""Borders between chunks: long ones first and ever shorter ones towards the end, so that all cores finish together; and
where the least is decoded twice.

A chunk costs about a quarter of a CPU second to start and to check, whatever its length. And each of its sources is
decoded from the key frame before the chunk's first frame on: what lies between the two is decoded for nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from assembler.facts import Facts
from assembler.plan.chunks import Source, placed_sources, reads_on
from assembler.plan.grid import frame_of, rounded
from assembler.plan.model import Plan
from assembler.times import Frame

SHORTEST_SECONDS = 5
"""Minimum length of a chunk, in s: a shorter one costs more to start than a second core gains by it."""
LAST_SECONDS = 15
"""Minimum length, in s, to which chunks are cut for the sake of cores that finish together (on 2 cores: within 1.5
s)."""
GRADUAL_SECONDS, GRADUAL_PARTS = 30, 25
"""Maximum length of a chunk, in seconds, and minimum count of chunks of a class, where chunks are begun gradually: one
begins when all of it is there, so cores wait for that long, and about one is left at the end."""
FIRST_SECONDS = 10
"""Length of the first chunks and the last then, in seconds; shorter ones cost more than they win."""
REACH = 4
"""Divisor of the wanted length that gives how far a border may lie off its place."""
DISTANCE_WEIGHT = 10
"""Cost of being a frame off the wanted place: as much as decoding a tenth of a canvas for nothing."""
CROWDED_SECONDS = 1
"""Minimum length of a chunk, in s, where more would be opened in it than memory allows."""
MOST_OPENED = 60_000_000
"""Bytes that a chunk's ffmpeg may hold for what is opened within it: where many come and go, chunks are shorter. What
is open at its start does not count, as no border makes that less."""
BYTES_ALWAYS, BYTES_PACKET, PICTURES = 1_000_000, 48, 12
"""Memory of a source: bytes of its filters; bytes for each packet of a file's index; and number of decoded pictures
that are waiting (measured with ffmpeg 9.0: 2.4 MB for 3 s of 320x240, 3 MB more for 18 minutes)."""
SOUND_PACKETS = 47
"""Number of packets in a second of AAC at 48 kHz."""
COSTLIEST = 3
"""Number of sources whose key frames are looked at for a border, the ones that cost most to decode."""


@dataclass(frozen=True)
class _Decoded:
    """A source that can be read from several of its key frames."""

    first: Frame
    end: Frame
    weight: int
    """Pixels decoded per output frame."""
    keyframes: tuple[Frame, ...]
    """Output frames from which these key frames are shown."""

    def wasted(self, at: int) -> int:
        """Pixels that are decoded a second time if a chunk begins at this frame."""
        if not self.first < at < self.end:
            return 0
        place = bisect_right(self.keyframes, at) - 1
        return (at - self.keyframes[place]) * self.weight if place >= 0 else 0


def place_borders(
    plan: Plan, facts: Mapping[str, Facts], *, seconds: float, processes: int, is_gradual: bool = False, calm: int = 1
) -> tuple[Frame, ...]:
    """Frames at which chunks meet, from 0 to the last: chunks of about ``seconds`` at most, for ``processes`` at once.

    ``calm``: factor of all lengths of chunks (``plan.held.find_calm``): they cost less where little changes.
    ``is_gradual``: chunks are begun one by one, as their sources come. So the first ones are short, to begin early, and
    the last ones too, as little is to be left when the last source is there.
    """
    if is_gradual:
        part = float(plan.frames / plan.fps) / GRADUAL_PARTS
        seconds = min(seconds, GRADUAL_SECONDS, max(part, FIRST_SECONDS))
    seconds *= calm
    most = max(1, rounded(Fraction(seconds) * plan.fps))
    pixels = plan.canvas.width * plan.canvas.height
    scenes = [scene.first for scene in plan.scenes]
    placed = [source for _, _, source in placed_sources(plan, facts, Frame(0), plan.frames)]
    sources, opened = _decoded(placed, plan, facts), _opened(placed, facts, plan.fps)
    borders = [Frame(0)]
    while True:
        few = max(_uncrowded(opened, borders[-1], plan), int(CROWDED_SECONDS * plan.fps))
        length = _wanted(plan, borders[-1], min(most, few), processes, is_gradual=is_gradual, calm=calm)
        if length is None:
            break
        wanted, reach = borders[-1] + length, length // REACH
        near = [s for s in sources if s.first < wanted + reach and wanted - reach < s.end]
        places = {wanted, *scenes, *_keyframes(near, wanted - reach, wanted + reach)}
        cost = {
            at: sum(s.wasted(at) for s in near) + abs(at - wanted) * pixels // DISTANCE_WEIGHT
            for at in places
            if abs(at - wanted) <= reach
        }
        borders.append(Frame(min(cost, key=lambda at: (cost[at], abs(at - wanted), at))))
    return (*borders, plan.frames)


def _opened(placed: Iterable[Source], facts: Mapping[str, Facts], fps: Fraction) -> list[tuple[Frame, int]]:
    """Return from when on which source is read, and the bytes that an ffmpeg then holds for it; sorted."""
    found: list[tuple[Frame, int]] = []
    last: dict[str, Source] = {}
    for source in placed:
        known, before = facts[source.video_id], last.get(source.video_id)
        is_open = before is not None and reads_on(before, source, known, fps)
        found.append((source.first, BYTES_ALWAYS + (0 if is_open else _bytes(known, source.stretch))))
        last[source.video_id] = source
    return found


def _bytes(known: Facts, stretch: int) -> int:
    picture = known.picture
    if picture is None:
        return 0
    size = picture.stretches[stretch]
    packets = picture.frames + picture.end * SOUND_PACKETS // 1000
    return packets * BYTES_PACKET + PICTURES * size.width * size.height * 3 // 2


def _uncrowded(opened: Sequence[tuple[Frame, int]], at: Frame, plan: Plan) -> int:
    """Count the frames from here on in which no more than ``MOST_OPENED`` is opened."""
    room = MOST_OPENED
    for first, size in opened[bisect_right(opened, at, key=lambda one: one[0]) :]:
        room -= size
        if room < 0:
            return first - at
    return plan.frames - at


def _wanted(plan: Plan, at: Frame, most: int, processes: int, *, is_gradual: bool, calm: int) -> int | None:
    """Frames that the chunk from here on should have; None: all that is left.

    What is left is shared among all processes: the first chunks have the full length, later ones are ever shorter.
    """
    left = plan.frames - at
    shared = rounded(Fraction(plan.frames, processes))
    last = calm * (FIRST_SECONDS if is_gradual else LAST_SECONDS)
    shortest = max(int(calm * SHORTEST_SECONDS * plan.fps), min(int(last * plan.fps), shared))
    length = min(most, max(shortest, rounded(Fraction(left, processes))))
    if is_gradual:
        length = min(length, max(shortest, at // processes))
    if 2 * left <= 3 * length:
        return None
    return min(length, (left + 1) // 2)


def _decoded(placed: Iterable[Source], plan: Plan, facts: Mapping[str, Facts]) -> list[_Decoded]:
    return [_sought(source, facts[source.video_id], plan.fps) for source in placed if facts[source.video_id].starts]


def _sought(source: Source, known: Facts, fps: Fraction) -> _Decoded:
    picture, starts = known.picture, known.starts
    assert picture is not None

    def shown(stamp: int) -> Frame:
        return frame_of(stamp, picture, source.shift, fps)

    begin = max(0, bisect_right(starts, source.first, key=shown) - 1)
    end = bisect_right(starts, source.end, key=shown)
    size = picture.stretches[source.stretch]
    return _Decoded(
        first=source.first,
        end=source.end,
        weight=int(size.width * size.height * picture.rate / fps),
        keyframes=tuple(map(shown, starts[begin:end])),
    )


def _keyframes(near: Iterable[_Decoded], first: int, end: int) -> Iterable[Frame]:
    """The key frames between two frames of the sources that cost most."""
    for source in sorted(near, key=lambda s: (-s.weight, s.first, s.end, s.keyframes))[:COSTLIEST]:
        begin = bisect_right(source.keyframes, first - 1)
        yield from source.keyframes[begin : bisect_right(source.keyframes, end)]
