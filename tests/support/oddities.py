"""A wall of up to twelve cameras, each an odd file in a place of its own: one render measures them all."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from classes import Class, Rectangle, Stream
from readers import NOBODY, Row, Seen, View, read_all
from synthetic import Recipe

from assembler.demo.identity import IDENTITIES
from assembler.findings import Finding, Severity
from assembler.pipeline.assemble import Playback
from assembler.recording import StreamKind

TILE = (160, 120)
COLUMNS = 4
FIRST, STEP = 110, 35
"""Play times in ms: whatever the place, 5 ms or more from where a frame is between two output frames of 15 fps."""
NAMES = tuple(IDENTITIES)


def tile(place: int) -> Rectangle:
    row, column = divmod(place, COLUMNS)
    return column * TILE[0], row * TILE[1], *TILE


def odd(name: str, **more: Any) -> Recipe:
    """A recipe of 3 s, quiet enough for twelve to sound together; seconds may be given as text."""
    given: dict[str, Any] = {"seconds": 3, "gain": 0.06, **more}
    return Recipe(identity=name, **given)


def wall(odd_ones: Mapping[str, Recipe | tuple[Recipe, int]], **options: Any) -> Wall:
    """One camera for each recipe, at play times that are not whole frames; with a recipe, its declared length in ms."""
    streams = []
    for place, (name, given) in enumerate(odd_ones.items()):
        recipe, duration = given if isinstance(given, tuple) else (given, -1)
        play = FIRST + STEP * place
        streams.append(Stream(name, StreamKind.CAMERA, name, play, recipe, tile(place), duration))
    return Wall(streams, options=options)


@dataclass(frozen=True)
class Wall(Class):
    """Cameras side by side."""

    fill_mode: int = 0
    """The vendor's number: 0 fits with bars, 1 crops."""
    bars: str = "#000000"
    """Colour beside a picture that does not fill its place."""

    def assemble(self, folder: Path, ffmpeg: str, name: str = "class.mp4", **options: Any) -> Playback:
        layout = folder / "wall.json"
        layout.write_text(json.dumps(self._layout()))
        return super().assemble(folder, ffmpeg, name, **{"layout": str(layout), **options})

    def _layout(self) -> dict[str, Any]:
        shown = [stream for stream in self.streams if stream.rect is not None]
        rows = max(1, -(-len(shown) // COLUMNS))
        return {
            "Canvas": {
                "LayoutParams": {"Width": COLUMNS * TILE[0], "Height": rows * TILE[1]},
                "BackgroundColor": "#34363B",
            },
            "InputStreamList": [self._slot(s.user, s.rect) for s in shown if s.rect is not None],
        }

    def _slot(self, user: str, rect: Rectangle) -> dict[str, Any]:
        x, y, width, height = rect
        place = {"X": x, "Y": y, "Width": width, "Height": height, "ZOrder": 1}
        return {
            "InputStreamId": user, "LayoutParams": place, "FillMode": self.fill_mode, "BackgroundColor": self.bars
        }  # fmt: skip

    def with_pieces(self, video_id: str, *pieces: tuple[int, int, int]) -> Wall:
        """The same class with the truth about where one stream really is: (start, end, file time) in ms."""
        streams = [replace(s, pieces=pieces) if s.video_id == video_id else s for s in self.streams]
        return replace(self, streams=streams)

    def rows(self, playback: Playback) -> list[Row]:
        return read_odd(playback.path, self.streams, "crop" if self.fill_mode else "fit")


def read_odd(path: Path, streams: Sequence[Stream], fill: str = "fit") -> list[Row]:
    """What every stream's place shows, whatever shape its picture has; where the size changes inside a file, a view
    for each size, which counts for the frames of that size only."""
    views: dict[str, View] = {}
    for stream in streams:
        if stream.rect is not None:
            for number, size in enumerate(_sizes(stream.recipe)):
                views[f"{stream.video_id} {number}"] = View(stream.rect, size, fill)
    rows = read_all(path, views)
    return [Row(row.index, row.stamp, seen) for row, seen in zip(rows, _merged(rows, streams), strict=True)]


def _sizes(recipe: Recipe) -> Sequence[tuple[int, int]]:
    return recipe.sizes or (recipe.display_size,)


def _merged(rows: Sequence[Row], streams: Sequence[Stream]) -> list[dict[str, Seen]]:
    """A picture of one size, looked at as if it had another, may look like another frame: what goes on counts."""
    merged: list[dict[str, Seen]] = [{} for _ in rows]
    for stream in streams:
        last = 0
        for row, seen in zip(rows, merged, strict=True):
            if stream.rect is None:
                continue
            found = _possible(row, stream)
            best = min(found, key=lambda one: (abs((one.counter or 0) - last - 1), one.counter or 0), default=NOBODY)
            seen[stream.video_id] = best
            last = best.counter if best.counter is not None else last
    return merged


def _possible(row: Row, stream: Stream) -> list[Seen]:
    sizes = _sizes(stream.recipe)
    views = [row.seen[f"{stream.video_id} {number}"] for number in range(len(sizes))]
    if len(sizes) == 1:
        return views
    count = stream.recipe.count
    borders = [count * number // len(sizes) for number in range(len(sizes) + 1)]
    return [
        seen
        for seen, first, end in zip(views, borders, borders[1:], strict=False)
        if seen.counter in range(first, end) and seen.identity == stream.recipe.identity
    ]


def unseen(lesson: Class, rows: Sequence[Row], video_id: str) -> set[int]:
    """Source frames of a stream that are on no output frame."""
    stream = next(s for s in lesson.streams if s.video_id == video_id)
    shown = {row.seen[video_id].counter for row in rows}
    return {counter for counter, _ in stream.recipe.stamps()} - shown


def warnings(playback: Playback, where: str | None = None) -> list[str]:
    return [f.sentence for f in playback.manifest.findings if is_warning(f) and where in (None, f.where)]


def is_warning(finding: Finding) -> bool:
    return finding.severity is Severity.WARNING


def packets(path: Path, first: float, end: float, kind: str = "video") -> list[tuple[int, int]]:
    """Place and size in the file of the packets of one track with stamps in this range of seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.get(**{kind: 0})[0]
        base = stream.time_base or Fraction(1)
        return [
            (packet.pos, packet.size)
            for packet in container.demux(stream)
            if packet.pos is not None and packet.pts is not None and first <= packet.pts * base < end
        ]


def spoiled(path: Path, places: Sequence[tuple[int, int]], keep: int = 5) -> None:
    """Random bytes over these packets, behind their first bytes (which say how long the parts of a picture are)."""
    data, chance = bytearray(path.read_bytes()), random.Random(7)
    for at, size in places:
        data[at + keep : at + size] = chance.randbytes(max(0, size - keep))
    path.write_bytes(data)


def wiped(path: Path, places: Sequence[tuple[int, int]]) -> None:
    """Nothing at all is left of these packets."""
    data = bytearray(path.read_bytes())
    for at, size in places:
        data[at : at + size] = bytes(size)
    path.write_bytes(data)
