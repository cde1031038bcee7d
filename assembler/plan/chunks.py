"""A plan's lanes cut into chunks, each rendered by one ffmpeg run, and each piece paired with what ffmpeg must read.

The source frame shown at output frame n depends only on n and on where its file lies, never on the chunk: stamps are
placed on one exact grid (``Grid``) and a chunk takes its range of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, pairwise

from pydantic import Field

from assembler.choices import Fill
from assembler.facts import Facts
from assembler.layout.model import Canvas, Rect
from assembler.plan.artwork import Overlay
from assembler.plan.grid import frame_of, frame_ticks, grid_rate, rounded
from assembler.plan.model import Mode, Piece, Plan
from assembler.times import Frame, PlayMs, frame_stamp
from assembler.values import Value

MOST_SKIPPED_SECONDS = 10
"""Maximum part of a file that is decoded for nothing, in s, rather than that the file is opened once more: each opening
holds the file's whole index and pictures of its own (3 MB for 18 minutes of 320x240, ten times that for three
hours)."""


class Source(Value):
    """A range of output frames of one tile, read from one stretch of one file."""

    video_id: str
    """The segment."""
    stretch: int
    """Index of the stretch (``VideoFacts.stretches``)."""
    first: Frame
    """First output frame, on the playback."""
    end: Frame
    """Output frame behind the last one."""
    shift: int
    """Grid ticks added to a source stamp (in grid ticks, times ``pace``) to get its playback stamp."""
    pace: Fraction = Fraction(1)
    """Number of true seconds that a second of its stamps lasts, as ``VideoFacts.pace``."""
    seek: int | None
    """Stamp of the key frame at which reading starts, ticks of the picture; None: from the file's start. Sources of one
    tile with the same file, stretch and start are read in one go."""
    fill: Fill
    """Fit or crop."""
    background: str
    """Colour of bars."""


class Tile(Value):
    """One rectangle of the canvas within a chunk; the canvas' background wherever no source is."""

    rect: Rect
    """Place on the canvas."""
    sources: tuple[Source, ...]
    """Disjoint, sorted; at least one, or a card among the overlays."""
    overlays: tuple[Overlay, ...] = Field(default=(), exclude_if=lambda overlays: not overlays)
    """Drawn pictures, as ``Lane.overlays``, on the playback's frames."""


class Chunk(Value):
    """Order to one ffmpeg run: output frames ``[first, end)``."""

    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""
    fps: Fraction
    """Frames per second."""
    canvas: Canvas
    """Size and background."""
    tiles: tuple[Tile, ...]
    """Lowest first."""
    is_disjoint: bool
    """True if no two tiles meet: they can be stacked side by side instead of laid over each other."""
    keyframes: tuple[Frame, ...]
    """Planned key frames inside the chunk, counted from its first frame."""
    held: tuple[tuple[Frame, Frame], ...] = Field(default=(), exclude_if=lambda held: not held)
    """Ranges of output frames that show what the one before them shows and are not composed (``plan.held``); disjoint,
    sorted. Empty, and then in no digest, where every frame is composed."""
    is_variable: bool = Field(default=False, exclude_if=lambda is_variable: not is_variable)
    """True if frames before held ones last longer in the finished chunk; False, and then in no digest, if skip pictures
    fill their places."""

    @property
    def frames(self) -> int:
        """Number of output frames."""
        return self.end - self.first

    @property
    def composed(self) -> int:
        """Number of frames that are composed and encoded."""
        return self.place(self.end)

    def place(self, frame: Frame) -> int:
        """Number of composed frames before this output frame."""
        return frame - self.first - sum(min(end, frame) - first for first, end in self.held if first < frame)


def cut_chunks(plan: Plan, facts: Mapping[str, Facts], borders: Sequence[Frame]) -> tuple[Chunk, ...]:
    """The whole encoded plan as chunks that meet at these borders (see ``plan.borders``)."""
    sources = placed_sources(plan, facts, Frame(0), plan.frames)
    return tuple(_chunk(plan, facts, sources, first, end) for first, end in pairwise(borders))


def split_chunk(chunk: Chunk, facts: Mapping[str, Facts], frames: int) -> tuple[Chunk, ...]:
    """The chunk as two: its first ``frames`` frames and the rest, if there is one. Each shows what the whole would."""
    placed = [(tile.rect, z, source) for z, tile in enumerate(chunk.tiles) for source in tile.sources]
    drawn = [(tile.rect, z, overlay) for z, tile in enumerate(chunk.tiles) for overlay in tile.overlays]
    borders = sorted({chunk.first, Frame(chunk.first + frames), chunk.end})
    keyframes = [Frame(chunk.first + k) for k in chunk.keyframes]
    parts = (
        _cut(chunk.fps, chunk.canvas, keyframes, facts, placed, drawn, first, end) for first, end in pairwise(borders)
    )
    return tuple(
        part.model_copy(update={"held": _held_within(chunk, part.first, part.end), "is_variable": chunk.is_variable})
        for part in parts
    )


def _held_within(chunk: Chunk, first: Frame, end: Frame) -> tuple[tuple[Frame, Frame], ...]:
    """The held ranges within a part, whose first frame is composed."""
    inside = ((max(a, Frame(first + 1)), min(b, end)) for a, b in chunk.held)
    return tuple((a, b) for a, b in inside if a < b)


def cut_frame(plan: Plan, facts: Mapping[str, Facts], frame: Frame) -> Chunk:
    """The chunk of a single output frame; only what is seen in it needs facts."""
    end = Frame(frame + 1)
    return _chunk(plan, facts, placed_sources(plan, facts, frame, end), frame, end)


Placed = tuple[Rect, int, Source]
"""Rectangle, place in the stack, source."""
Drawn = tuple[Rect, int, Overlay]
"""Rectangle, place in the stack, overlay."""


def placed_sources(plan: Plan, facts: Mapping[str, Facts], first: Frame, end: Frame) -> list[Placed]:
    """The sources of every piece that meets these frames, whole, by their first frame."""
    sources = [
        (lane.rect, lane.z, source)
        for lane in plan.lanes
        for piece in lane.pieces
        if piece.first < end and first < piece.end
        for source in _sources(piece, facts[piece.video_id], plan.fps, lane.fill, lane.background)
    ]
    return sorted(sources, key=lambda placed: placed[2].first)


def _chunk(plan: Plan, facts: Mapping[str, Facts], sources: Sequence[Placed], first: Frame, end: Frame) -> Chunk:
    drawn = [(lane.rect, lane.z, overlay) for lane in plan.lanes for overlay in lane.overlays]
    return _cut(plan.fps, plan.canvas, plan.keyframes, facts, sources, drawn, first, end)


def _cut(
    fps: Fraction,
    canvas: Canvas,
    keyframes: Sequence[Frame],
    facts: Mapping[str, Facts],
    sources: Sequence[Placed],
    overlays: Sequence[Drawn],
    first: Frame,
    end: Frame,
) -> Chunk:
    inside = [
        (rect, z, _clipped(source, first, end, facts[source.video_id], fps))
        for rect, z, source in sources
        if source.first < end and first < source.end
    ]
    drawn = [
        (rect, z, o.model_copy(update={"first": max(o.first, first), "end": min(o.end, end)}))
        for rect, z, o in overlays
        if o.first < end and first < o.end
    ]
    tiles = _tiles(inside, drawn, facts, fps)
    return Chunk(
        first=first,
        end=end,
        fps=fps,
        canvas=canvas,
        tiles=tiles,
        is_disjoint=not any(a.rect.meets(b.rect) for a, b in combinations(tiles, 2)),
        keyframes=tuple(Frame(k - first) for k in keyframes if first < k < end),
    )


def _sources(piece: Piece, known: Facts, fps: Fraction, fill: Fill, background: str) -> list[Source]:
    """A piece split where the parameters of its file change."""
    picture = known.picture
    if picture is None:
        return []
    shift = rounded((Fraction(piece.play_start, 1000) - known.origin * picture.pace) * grid_rate(fps))
    starts = [piece.first]
    for stretch in picture.stretches[1:]:
        starts.append(Frame(min(piece.end, max(piece.first, frame_of(stretch.start, picture, shift, fps)))))
    ends = [*starts[1:], piece.end]
    return [
        Source(
            video_id=piece.video_id,
            stretch=index,
            first=first,
            end=end,
            shift=shift,
            pace=picture.pace,
            seek=None,
            fill=fill,
            background=background,
        )
        for index, (first, end) in enumerate(zip(starts, ends, strict=True))
        if first < end
    ]


def _clipped(source: Source, first: Frame, end: Frame, known: Facts, fps: Fraction) -> Source:
    first, end = max(source.first, first), min(source.end, end)
    seek = _seek(known, source.shift, first, fps)
    return source.model_copy(update={"first": first, "end": end, "seek": seek})


def _seek(known: Facts, shift: int, first: Frame, fps: Fraction) -> int | None:
    """The last start of reading that is shown at or before this output frame; None where that is the first one."""
    picture, starts = known.picture, known.starts
    if picture is None:
        return None
    place = bisect_right(starts, first, key=lambda k: frame_of(k, picture, shift, fps)) - 1
    return starts[place] if place > 0 else None


def reads_on(last: Source, source: Source, known: Facts, fps: Fraction) -> bool:
    """True if little lies in their file between the end of ``last`` and the key frame that ``source`` begins with."""
    if known.picture is None or (last.video_id, last.stretch) != (source.video_id, source.stretch):
        return False
    seek = _seek(known, source.shift, source.first, fps)
    if seek is None:
        return True
    step = frame_ticks(fps)
    skipped = seek * known.picture.time_base * grid_rate(fps) + last.shift - last.end * step
    return (
        skipped <= MOST_SKIPPED_SECONDS * grid_rate(fps)
        and last.first * step - last.shift <= source.first * step - source.shift
    )


def _read_together(sources: Sequence[Source], facts: Mapping[str, Facts], fps: Fraction) -> tuple[Source, ...]:
    """The sources of a tile, those that go on in a file where another one just ended started where that one is."""
    found: list[Source] = []
    last: dict[str, Source] = {}
    for source in sources:
        before = last.get(source.video_id)
        if before is not None and reads_on(before, source, facts[source.video_id], fps):
            source = source.model_copy(update={"seek": before.seek})
        last[source.video_id] = source
        found.append(source)
    return tuple(found)


def _tiles(
    inside: Sequence[Placed], drawn: Sequence[Drawn], facts: Mapping[str, Facts], fps: Fraction
) -> tuple[Tile, ...]:
    """Slots with the same rectangle (board and screen share) are one tile: they are never visible together."""
    lowest: dict[Rect, int] = {}
    for rect, z, _ in (*inside, *drawn):
        lowest[rect] = min(z, lowest.get(rect, z))
    sources: dict[Rect, list[Source]] = {rect: [] for rect in lowest}
    overlays: dict[Rect, list[Overlay]] = {rect: [] for rect in lowest}
    for rect, _, source in inside:
        sources[rect].append(source)
    for rect, _, overlay in drawn:
        overlays[rect].append(overlay)
    return tuple(
        Tile(
            rect=rect,
            sources=_read_together(sorted(sources[rect], key=lambda s: s.first), facts, fps),
            overlays=tuple(overlays[rect]),
        )
        for rect in sorted(lowest, key=lambda rect: lowest[rect])
    )


def stamp_shown(plan: Plan, facts: Mapping[str, Facts], at: PlayMs) -> Fraction:
    """Stamp, in seconds, of the picture that is on the screen at an instant: the last one that is not later."""
    if plan.mode is Mode.ENCODE:
        frame = at * plan.fps.numerator // (1000 * plan.fps.denominator)
        return frame_stamp(Frame(min(frame, plan.frames - 1)), plan.fps)
    stamps = [
        stamp * picture.time_base + run.offset
        for run in plan.copied
        if (picture := facts[run.video_id].picture) is not None
        for stamp in (picture.stamps or ())[run.first_packet : run.end_packet]
    ]
    return max((s for s in stamps if 1000 * s <= at), default=min(stamps))
