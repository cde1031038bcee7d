"""Streams of a filter graph that are not decoded from a source: colours, cards, and what is laid over a tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import ffmpeg
from ffmpeg.nodes import FilterableStream, FilterNode, Node

from assembler.plan.artwork import Artwork, Overlay
from assembler.plan.chunks import Chunk, Source

Stream = Any  # ffmpeg-python has no types

TAGS = {"range": "tv", "colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
"""Colour tags of all output, as arguments of setparams."""


class _SourceNode(FilterNode):  # type: ignore[misc]  # ffmpeg-python has no types
    """Filter without inputs, which ffmpeg-python's own filter function refuses."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        Node.__init__(
            self,
            stream_spec=None,
            name=name,
            incoming_stream_types={FilterableStream},
            outgoing_stream_type=FilterableStream,
            min_inputs=0,
            max_inputs=0,
            kwargs=dict(options),
        )


def between(ranges: Iterable[tuple[int, int]]) -> str:
    """Build the expression of a filter that is true in the frames of these ranges, [first, end)."""
    return "+".join(f"between(n,{first},{end - 1})" for first, end in ranges)


@dataclass(frozen=True)
class DrawnStreams:
    """Streams of one chunk that are drawn."""

    chunk: Chunk
    """The chunk."""
    names: Mapping[Artwork, str]
    """Names of the files of drawn pictures."""
    numbers: Iterator[int] = field(default_factory=count)
    """Numbers that keep equal nodes apart: as one node with several uses they would need a split."""
    opened: dict[tuple[str, str], Iterator[Stream]] = field(default_factory=dict)
    """Outputs of each drawn picture that was opened, by file and form: it is read once, however often it is shown, and
    short names in tiles of different widths are one file."""

    def whole_canvas(self) -> Stream:
        """Build the frames of a chunk in which nothing is shown."""
        canvas = self.chunk.canvas
        # ffmpeg-python compiles no graph without an input, so here the colour is one
        colour = f"color=c=0x{canvas.background[1:]}:s={canvas.width}x{canvas.height}:r={self.chunk.fps}:d=1000"
        return self._repeated(ffmpeg.input(colour, f="lavfi").video, self.chunk.composed)

    def colour(self, width: int, height: int, frames: int, colour: str) -> Stream:
        """Build frames of one colour, ``#RRGGBB``."""
        lasting = 1000 + next(self.numbers)
        options = {"c": f"0x{colour[1:]}", "s": f"{width}x{height}", "r": str(self.chunk.fps), "d": lasting}
        return self._repeated(_SourceNode("color", options).stream(), frames)

    def card(self, card: Overlay) -> Stream:
        """Build the frames of a card."""
        frames = self.chunk.place(card.end) - self.chunk.place(card.first)
        return self._lasting(self._read(card.artwork, "gbrp", "yuv420p"), frames)

    def lay_over(self, stream: Stream, overlays: Iterable[Overlay]) -> Stream:
        """Lay pictures over the stream of a tile, each while it is to be seen; no cards."""
        laid: dict[tuple[Artwork, int, int], list[Overlay]] = {}
        for overlay in overlays:
            laid.setdefault((overlay.artwork, overlay.x, overlay.y), []).append(overlay)
        for (artwork, x, y), times in laid.items():
            # one frame, which the filter keeps
            picture = self._read(artwork, "gbrap", "yuva420p")
            picture = picture.filter("settb", expr=str(1 / self.chunk.fps)).filter("setpts", expr="0")
            stream = ffmpeg.filter(
                [stream, picture], "overlay", x=x, y=y, enable=self.shown_while(times), eof_action="repeat",
                format="yuv420",
            )  # fmt: skip
        return stream

    def shown_while(self, shown: Iterable[Source | Overlay]) -> str:
        """Build the expression that is true in the frames of these."""
        place = self.chunk.place
        return between((place(one.first), place(one.end)) for one in shown)

    def _read(self, artwork: Artwork, rgb: str, yuv: str) -> Stream:
        name = self.names[artwork]
        if (name, yuv) not in self.opened:
            file = ffmpeg.input(name, f="png_pipe", protocol_whitelist="file", threads=1)
            self.opened[name, yuv] = map(self._converted(file.video, rgb, yuv).split().stream, count())
        return next(self.opened[name, yuv])

    def _repeated(self, stream: Stream, frames: int) -> Stream:
        """Convert one frame exactly, then repeat it."""
        return self._lasting(self._converted(stream, "gbrp", "yuv420p"), frames)

    def _lasting(self, stream: Stream, frames: int) -> Stream:
        return (
            stream.filter("loop", loop=frames - 1, size=1, start=0)
            .filter("settb", expr=str(1 / self.chunk.fps))
            .filter("setpts", expr="N")
        )

    def _converted(self, stream: Stream, rgb: str, yuv: str) -> Stream:
        """Convert one frame from RGB exactly."""
        return (
            stream.filter("trim", end_frame=1)
            .filter("format", pix_fmts=rgb)
            .filter("scale", out_color_matrix="bt709", out_range="tv")
            .filter("format", pix_fmts=yuv)
            .filter("setsar", sar=1)
            .filter("setparams", **TAGS)
        )
