"""Names, cards and frames in rendered frames: exactly their frames, their places and their colours, by every ffmpeg."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from assembler import processes
from assembler.choices import Quality
from assembler.layout.model import Canvas, Rect
from assembler.media.artwork.draw import draw_artwork
from assembler.media.encoders import X264
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.render.filter_graph import build_graph, compile_graph
from assembler.media.render.run_ffmpeg import ffmpeg_argv
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.plan.artwork import Artwork, ArtworkKind, Overlay
from assembler.plan.chunks import Chunk, Tile, split_chunk
from assembler.processes import Stop
from assembler.times import Frame

CANVAS = Canvas(width=360, height=200, background="#34363B")
RECT, OTHER = Rect(x=16, y=10, width=320, height=180), Rect(x=2, y=100, width=96, height=72)
CARD = Artwork(kind=ArtworkKind.CARD, text="Anna", user="u1", width=320, height=180)
HIDDEN = Artwork(kind=ArtworkKind.SILHOUETTE, text="Student 3", user="Student 3", width=96, height=72)
LABEL = Artwork(kind=ArtworkKind.LABEL, text="王小明 (Anna)", user="u1", width=312, height=22)
FRAME = Artwork(kind=ArtworkKind.FRAME, width=320, height=180)


def overlay(artwork: Artwork, first: int, end: int, x: int = 0, y: int = 0) -> Overlay:
    return Overlay(artwork=artwork, first=Frame(first), end=Frame(end), x=x, y=y)


TILE = Tile(
    rect=RECT,
    sources=(),
    overlays=(
        overlay(CARD, 33, 50),
        overlay(LABEL, 34, 41, 4, 154),
        overlay(FRAME, 35, 38),
        overlay(FRAME, 45, 46),
        overlay(CARD, 52, 55),
    ),
)
ABOVE = Tile(rect=OTHER, sources=(), overlays=(overlay(HIDDEN, 40, 57),))


def chunk_of(*tiles: Tile, is_disjoint: bool = True) -> Chunk:
    return Chunk(
        first=Frame(30), end=Frame(60), fps=Fraction(15), canvas=CANVAS, tiles=tiles, is_disjoint=is_disjoint,
        keyframes=(),
    )  # fmt: skip


def rendered(chunk: Chunk, folder: Path, ffmpeg: str) -> NDArray[np.uint8]:
    """Luma of every frame, as it goes to the encoder."""
    folder.mkdir()
    program = find_ffmpeg(ffmpeg)
    setup = RenderSetup(folder, program, X264.at(Quality.DRAFT), SourceFiles(), {}, Stop(), 60)
    stream = build_graph(chunk, {}, {}, program, setup.draw(chunk))
    arguments, graph = compile_graph(
        stream, "out.yuv", {"f": "rawvideo", "pix_fmt": "yuv420p", "fps_mode": "passthrough"}
    )
    (folder / "graph").write_text(graph)
    assert "Anna" not in graph + " ".join(arguments)
    log = folder / "log"
    assert processes.run(ffmpeg_argv(program, arguments, "graph"), cwd=folder, log=log, stall_seconds=60) == 0, (
        log.read_text()
    )
    planes = np.fromfile(folder / "out.yuv", np.uint8).reshape(chunk.frames, -1)
    return planes[:, : CANVAS.width * CANVAS.height].reshape(chunk.frames, CANVAS.height, CANVAS.width)


def expected(chunk: Chunk, frame: int) -> NDArray[np.float64]:
    """Luma of one frame, from the PNGs by the equations of BT.709."""
    image = Image.new("RGBA", (CANVAS.width, CANVAS.height), CANVAS.background)
    for tile in chunk.tiles:
        for one in sorted(tile.overlays, key=lambda o: not o.is_card):
            if one.first <= frame < one.end:
                drawn = Image.open(BytesIO(draw_artwork(one.artwork).png))
                image.alpha_composite(drawn, (tile.rect.x + one.x, tile.rect.y + one.y))
    red, green, blue, _ = np.moveaxis(np.asarray(image, float), 2, 0)
    return 16 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219 / 255


LEFT = TILE.model_copy(update={"rect": Rect(x=0, y=0, width=320, height=180)})
RIGHT = Tile(rect=Rect(x=320, y=0, width=40, height=200), sources=())
LATER = Tile(
    rect=Rect(x=20, y=12, width=320, height=180), overlays=(overlay(CARD, 55, 60), overlay(FRAME, 57, 58)), sources=()
)
NARROW = [
    Tile(
        rect=Rect(x=x, y=0, width=180, height=200),
        overlays=(overlay(LABEL.model_copy(update={"text": "Anna", "width": width}), 30, 60, 4, 170),),
        sources=(),
    )
    for x, width in ((0, 172), (180, 156))
]
"""Tiles of different widths whose labels are drawn as one and the same file."""


@pytest.mark.parametrize(
    "chunk",
    [
        chunk_of(TILE),
        chunk_of(TILE, ABOVE, is_disjoint=False),
        chunk_of(LEFT, RIGHT),
        chunk_of(TILE, LATER, is_disjoint=False),
        chunk_of(*NARROW),
    ],
    ids=["alone", "overlapping", "side by side", "one after the other", "one file for two"],
)
def test_each_picture_is_on_its_frames_and_no_others(chunk: Chunk, tmp_path: Path, ffmpeg: str) -> None:
    found = rendered(chunk, tmp_path / "whole", ffmpeg)
    for place, luma in enumerate(found):
        assert np.abs(luma - expected(chunk, chunk.first + place)).max() < 3, place
    for part in split_chunk(chunk, {}, 17):
        again = rendered(part, tmp_path / f"part-{part.first}", ffmpeg)
        assert (again == found[part.first - chunk.first : part.end - chunk.first]).all()
