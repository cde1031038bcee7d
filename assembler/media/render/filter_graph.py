"""Filter graph of a chunk: the only place that builds one (ffmpeg-python compiles it, ``run_ffmpeg`` runs it).

Every source's pts are put on the playback's exact grid, the ``fps`` filter picks the frame for each output frame,
and the chunk takes its range. No decision is made here: the chunk says what is where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import ffmpeg

from assembler.choices import Fill
from assembler.facts import Facts, VideoFacts
from assembler.layout.fit import Fitted, pictured_size
from assembler.layout.model import Canvas, Rect, find_uncovered
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render.colour import convert_colour, is_drawn_exactly, scale_matrix
from assembler.media.render.drawn import TAGS, DrawnStreams, Stream, between
from assembler.media.render.inputs import Input
from assembler.plan.artwork import Artwork, Overlay
from assembler.plan.chunks import Chunk, Source, Tile
from assembler.plan.grid import frame_of, frame_ticks, grid_rate
from assembler.plan.reflowed import find_disjoint_parts


def build_graph(
    chunk: Chunk,
    facts: Mapping[str, Facts],
    inputs: Mapping[tuple[str, int], Input],
    program: Ffmpeg,
    drawn: Mapping[Artwork, str] | None = None,
) -> Stream:
    """Build a chunk's filter graph: its composed frames one behind the other at ``chunk.fps``, tagged BT.709 limited.

    ``inputs``: by video id and stretch. ``drawn``: names of the files of drawn pictures.
    """
    builder = _Builder(chunk, facts, inputs, program, DrawnStreams(chunk, drawn or {}))
    return (
        builder.composed()
        .filter("format", pix_fmts="yuv420p")
        .filter("setparams", **TAGS)
        .filter("settb", expr=str(1 / chunk.fps))
        .filter("setpts", expr="N")
        .filter("fps", fps=str(chunk.fps))
    )


_Opening = tuple[str, int, int | None, Fill, str]


def _opening(source: Source) -> _Opening:
    """Key by which sources of one tile share a decoder."""
    return source.video_id, source.stretch, source.seek, source.fill, source.background


@dataclass(frozen=True)
class _Builder:
    chunk: Chunk
    facts: Mapping[str, Facts]
    inputs: Mapping[tuple[str, int], Input]
    program: Ffmpeg
    drawn: DrawnStreams
    openings: Counter[tuple[str, int, int | None]] = field(default_factory=Counter)
    """Count of times each stretch was opened at each position, however it is fitted."""

    def composed(self) -> Stream:
        canvas, tiles = self.chunk.canvas, self.chunk.tiles
        if not tiles:
            return self.drawn.whole_canvas()
        if not self.chunk.is_disjoint:
            parts = find_disjoint_parts(self.chunk, self.facts)
            return self._overlaid() if len(parts) == 1 else self._joined([self._part(part) for part in parts])
        if len(tiles) == 1:
            return self._padded(self._lane(tiles[0]), tiles[0].rect, canvas)
        return self._stacked([(self._lane(t), t.rect) for t in tiles], canvas.width, canvas.height, canvas.background)

    def _part(self, part: Chunk) -> Stream:
        """Build a part of the chunk as if it were one of its own."""
        whole = Rect(x=0, y=0, width=part.canvas.width, height=part.canvas.height)
        builder = replace(self, chunk=part, drawn=replace(self.drawn, chunk=part))
        return builder.composed() if part.tiles else self._flat(whole, part.composed)

    def _padded(self, lane: Stream, rect: Rect, canvas: Canvas) -> Stream:
        if (rect.width, rect.height) == (canvas.width, canvas.height):
            return lane
        if not self._can_draw(canvas.background):
            return self._stacked([(lane, rect)], canvas.width, canvas.height, canvas.background)
        colour = self._drawn(canvas.background)
        return lane.filter("pad", w=canvas.width, h=canvas.height, x=rect.x, y=rect.y, color=colour)

    def _stacked(self, lanes: Sequence[tuple[Stream, Rect]], width: int, height: int, colour: str) -> Stream:
        """Stack lanes side by side, the colour wherever none of them is."""
        rects = [rect for _, rect in lanes]
        if self._can_draw(colour):
            corner = Rect(x=width - 2, y=height - 2, width=2, height=2)
            # xstack is as large as its inputs reach: this one makes it the canvas
            free = [] if any(rect.covers(corner) for rect in rects) else [corner]
        else:
            free = find_uncovered(rects, width, height)
        places = [*lanes, *((self._flat(r, self.chunk.composed, colour), r) for r in free)]
        if len(places) == 1:
            return places[0][0]
        layout = "|".join(f"{rect.x}_{rect.y}" for _, rect in places)
        streams = [stream for stream, _ in places]
        return ffmpeg.filter(streams, "xstack", inputs=len(places), layout=layout, fill=self._drawn(colour))

    def _overlaid(self) -> Stream:
        canvas = self.chunk.canvas
        base = self._flat(Rect(x=0, y=0, width=canvas.width, height=canvas.height), self.chunk.composed)
        for tile in self.chunk.tiles:
            shown = self.drawn.shown_while([*tile.sources, *(o for o in tile.overlays if o.is_card)])
            base = ffmpeg.filter(
                [base, self._lane(tile)], "overlay", x=tile.rect.x, y=tile.rect.y, enable=shown, eof_action="pass",
                shortest=0, repeatlast=0, format="yuv420",
            )  # fmt: skip
        return base

    def _lane(self, tile: Tile) -> Stream:
        """Build a tile over the whole chunk, with what is drawn on it."""
        return self.drawn.lay_over(self._filled(tile), (o for o in tile.overlays if not o.is_card))

    def _filled(self, tile: Tile) -> Stream:
        """Fill a tile with its sources and cards, background between them."""
        parts: list[Stream] = []
        at = self.chunk.first
        rect, opened = tile.rect, self._opened_together(tile)
        cards = [overlay for overlay in tile.overlays if overlay.is_card]
        both: list[Source | Overlay] = [*tile.sources, *cards]
        for shown in sorted(both, key=lambda one: one.first):
            if shown.first > at:
                parts.append(self._flat(rect, self.chunk.place(shown.first) - self.chunk.place(at)))
            if isinstance(shown, Overlay):
                parts.append(self.drawn.card(shown))
            else:
                parts.append(self._source_frames(shown, rect, next(opened[_opening(shown)])))
            at = shown.end
        if at < self.chunk.end:
            parts.append(self._flat(rect, self.chunk.composed - self.chunk.place(at)))
        return self._joined(parts)

    def _joined(self, parts: Sequence[Stream]) -> Stream:
        """Put parts one behind the other."""
        if len(parts) == 1:
            return parts[0]
        # concat guesses the length of a part from its stamps; every part has its exact count of frames, so count
        joined = ffmpeg.filter(parts, "concat", n=len(parts), v=1, a=0)
        return joined.filter("settb", expr=str(1 / self.chunk.fps)).filter("setpts", expr="N")

    def _flat(self, rect: Rect, frames: int, colour: str | None = None) -> Stream:
        """Build frames of background."""
        return self.drawn.colour(rect.width, rect.height, frames, colour or self.chunk.canvas.background)

    def _opened_together(self, tile: Tile) -> dict[_Opening, Iterator[Stream]]:
        """Open the sources of a tile, in their order: those with the same start share one decoder."""
        uses = Counter(map(_opening, tile.sources))
        opened: dict[_Opening, Iterator[Stream]] = {}
        for source in tile.sources:
            key = _opening(source)
            if key not in opened:
                video = self.facts[source.video_id].picture
                assert video is not None  # a source exists only for video
                stream = self._opened(source, video)
                if video.rate <= self.chunk.fps:  # scale each frame once: before the rate is raised
                    stream = self._fitted(stream, source, video, tile.rect)
                opened[key] = iter([stream] if uses[key] == 1 else map(stream.split().stream, range(uses[key])))
        return opened

    def _source_frames(self, source: Source, rect: Rect, stream: Stream) -> Stream:
        video = self.facts[source.video_id].picture
        assert video is not None
        stream = self._chosen(stream, source, video)
        is_fitted_late = video.rate > self.chunk.fps  # after it is lowered
        cut = [(max(a, source.first), min(b, source.end)) for a, b in self.chunk.held]
        held = [(a - source.first, b - source.first) for a, b in cut if a < b]
        if not held:
            if is_fitted_late:
                stream = self._fitted(stream, source, video, rect)
            return _padded_to(stream, source.end - source.first)
        stream = _padded_to(stream, source.end - source.first)
        stream = stream.filter("select", expr=f"not({between(held)})").filter("setpts", expr="N")
        return self._fitted(stream, source, video, rect) if is_fitted_late else stream

    def _opened(self, source: Source, video: VideoFacts) -> Stream:
        opened = self.inputs[source.video_id, source.stretch]
        url, options = opened.open_at(source.seek, video.time_base)
        options |= {"threads": 1, "an": None, "sn": None, "dn": None}
        opening = source.video_id, source.stretch, source.seek
        if self.openings[opening]:
            # equal inputs in two tiles would be one input with several uses: a longer queue keeps them apart
            options["thread_queue_size"] = 8 + self.openings[opening]
        self.openings[opening] += 1
        return ffmpeg.input(url, f=opened.container, **options)[str(opened.stream)]

    def _chosen(self, stream: Stream, source: Source, video: VideoFacts) -> Stream:
        """Choose the frames for this range: pts on the grid, far from zero so that halves always round upwards."""
        fps, ticks = self.chunk.fps, frame_ticks(self.chunk.fps)
        if video.frames == 1:
            # fps would lose a lone frame of a file that does not say how long it lasts
            return stream.filter("settb", expr=str(1 / fps)).filter("setpts", expr="N").filter("fps", fps=str(fps))
        far, late = _far(fps), self.inputs[source.video_id, source.stretch].late * grid_rate(fps)
        paced = f"PTS-({late})"
        if source.pace != 1:
            paced = f"floor(({paced})*{source.pace.numerator}/{source.pace.denominator}+0.5)"
        held = source.end - frame_of(video.first, video, source.shift, fps)
        return (
            # ffmpeg 5 guesses where a stream ends and drops its last frame where that is too early: twins behind it
            stream.filter("tpad", stop_mode="clone", stop=1)
            .filter("tpad", stop_mode="clone", stop_duration=1)
            .filter("settb", expr=f"1/{grid_rate(fps)}")
            .filter("setpts", expr=f"{paced}+({source.shift + far * ticks})")
            .filter("fps", fps=str(fps), round="near")
            # the last frame is held before the cut: the range may begin behind it
            .filter("tpad", stop_mode="clone", stop=max(1, held))
            .filter("trim", start_pts=source.first + far, end_pts=source.end + far)
            .filter("setpts", expr=f"PTS-{source.first + far}")
            .filter("fps", fps=str(fps), start_time=0)
        )

    def _fitted(self, stream: Stream, source: Source, video: VideoFacts, rect: Rect) -> Stream:
        stretch = video.stretches[source.stretch]
        placed = pictured_size(stretch.display_size, rect, source.fill)
        matrix = scale_matrix(stretch.matrix, stretch.display_size[1])
        is_same = (stretch.width, stretch.height) == (placed.width, placed.height) and not stretch.rotation % 180
        if is_same and matrix == "bt709" and not stretch.full_range:
            stream = stream.filter("format", pix_fmts="yuv420p")
        else:
            stream = stream.filter(
                "scale",
                w=placed.width,
                h=placed.height,
                flags="bicubic",
                in_color_matrix=matrix,
                out_color_matrix="bt709",
                in_range="pc" if stretch.full_range else "tv",
                out_range="tv",
            ).filter("format", pix_fmts="yuv420p")
        if source.fill is Fill.CROP:
            stream = stream.filter("crop", w=rect.width, h=rect.height, x=placed.x, y=placed.y)
        elif (placed.width, placed.height) != (rect.width, rect.height):
            stream = self._barred(stream, placed, rect, source.background)
        return stream.filter("setsar", sar=1).filter("setparams", **TAGS)

    def _barred(self, stream: Stream, placed: Fitted, rect: Rect, colour: str) -> Stream:
        stream = stream.filter("setparams", **TAGS)
        size = {"w": rect.width, "h": rect.height, "x": placed.x, "y": placed.y}
        if self._can_draw(colour):
            return stream.filter("pad", color=self._drawn(colour), **size)
        return (
            stream.filter("scale", in_color_matrix="bt709", in_range="tv")
            .filter("format", pix_fmts="gbrp")
            .filter("pad", color="0x" + colour[1:], **size)
            .filter("scale", out_color_matrix="bt709", out_range="tv")
            .filter("format", pix_fmts="yuv420p")
        )

    def _can_draw(self, colour: str) -> bool:
        return is_drawn_exactly(colour, in_frame_matrix=self.program.draws_in_frame_matrix)

    def _drawn(self, colour: str) -> str:
        return convert_colour(colour, in_frame_matrix=self.program.draws_in_frame_matrix)


def _padded_to(stream: Stream, frames: int) -> Stream:
    """Give a stream exactly so many frames: the last one is repeated, or others are cut off."""
    return stream.filter("tpad", stop_mode="clone", stop=frames).filter("trim", end_frame=frames)


def _far(fps: Fraction) -> int:
    """Count frames for longer than any class (48 h of playback and as much before it)."""
    return int(fps * 200_000)


def compile_graph(stream: Stream, out: str, options: Mapping[str, Any]) -> tuple[list[str], str]:
    """Compile a graph to ffmpeg's arguments (without the program) and the text of its graph file.

    The arguments hold ``{graph}`` where the graph option and its file belong.
    """
    argv: Sequence[str] = ffmpeg.compile(ffmpeg.output(stream, out, **options), cmd="ffmpeg")[1:]
    place = list(argv).index("-filter_complex")
    return [*argv[:place], "{graph}", *argv[place + 2 :]], argv[place + 1]
