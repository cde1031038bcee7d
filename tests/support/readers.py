"""Asks a finished file what it really shows and sounds: whose picture is in this rectangle, which frame, which beep.

Nothing in here uses the code that made the file; only how synthetic streams are drawn is shared with their maker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from sounds import Heard, beeps, listen, tone_level

from assembler.demo.identity import IDENTITIES
from assembler.demo.picture import BITS, COLOUR_SPOTS, LUMA, cell

__all__ = ["Heard", "beeps", "listen", "tone_level"]

Array = NDArray[Any]
Box = tuple[int, int, int, int]

COLOUR_REACH = 45.0
"""Distance in RGB up to which a colour is taken for an identity's; the nearest two identities are further apart."""
DARK_BELOW, BRIGHT_ABOVE = 85, 170
"""Luma of a cell in between is unreadable: two frames are mixed, or something covers it."""
GRID = (0.35, 0.5, 0.65)
"""Where inside a cell it is looked at, as fractions of the cell."""
SPOT = 0.02
"""How far around a colour spot the colour is averaged, as a fraction of the picture."""


@dataclass(frozen=True)
class View:
    """A picture somewhere in the frame."""

    rect: Box
    """x, y, width and height of its slot in pixels."""
    source: tuple[int, int] | None = None
    """Width and height of the picture in square pixels, upright; None: the same shape as the slot."""
    fill: str = "fit"
    """"fit" (with bars) or "crop"."""

    @property
    def picture(self) -> tuple[float, float, float, float]:
        """Where the whole picture lies: x, y, width, height in pixels; reaches beyond the slot where it is cropped."""
        x, y, width, height = self.rect
        if self.source is None:
            return x, y, width, height
        ratios = (width / self.source[0], height / self.source[1])
        scale = min(ratios) if self.fill == "fit" else max(ratios)
        w, h = self.source[0] * scale, self.source[1] * scale
        return x + (width - w) / 2, y + (height - h) / 2, w, h


@dataclass(frozen=True)
class Seen:
    """What one view showed in one frame."""

    identity: str | None
    """Whose colour is at all four spots; None: nobody's (background), or not the same one everywhere."""
    counter: int | None
    """The source frame's number; None: nobody is there, or the cells cannot be read."""


NOBODY = Seen(None, None)


@dataclass(frozen=True)
class Row:
    """One frame of the file."""

    index: int
    stamp: Fraction
    """Seconds on the container's axis (edit lists applied)."""
    seen: dict[str, Seen]
    """By the name of the view."""


class _Eye:
    """A view turned into the pixels it looks at."""

    def __init__(self, view: View, width: int, height: int) -> None:
        x, y, w, h = view.picture
        boxes = [cell(bit) for bit in range(BITS)]
        columns = [[x + w * (a + (c - a) * g) for _ in GRID for g in GRID] for a, _, c, _ in boxes]
        rows = [[y + h * (b + (d - b) * g) for g in GRID for _ in GRID] for _, b, _, d in boxes]
        self._columns, self._rows = np.array(columns).astype(int), np.array(rows).astype(int)
        around = [(i * SPOT / 2, j * SPOT / 2) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        spots = [[(x + w * (a + i), y + h * (b + j)) for i, j in around] for a, b in COLOUR_SPOTS]
        places = np.array(spots)
        self._spot_columns, self._spot_rows = places[..., 0].astype(int), places[..., 1].astype(int)
        for found, most in ((self._columns, width), (self._spot_columns, width), (self._rows, height)):
            if found.min() < 0 or found.max() >= most:
                raise ValueError(f"the view {view} reaches outside the picture of {width} x {height}")

    def look(self, planes: Planes) -> Seen:
        identity = self._identity(planes)
        return Seen(identity, self._counter(planes.luma)) if identity is not None else NOBODY

    def _counter(self, luma: Array) -> int | None:
        cells = luma[self._rows, self._columns].astype(np.int32).mean(axis=1)
        if ((cells > DARK_BELOW) & (cells < BRIGHT_ABOVE)).any():
            return None
        return int(sum(1 << bit for bit, level in enumerate(cells) if level > 127))

    def _identity(self, planes: Planes) -> str | None:
        names = {*nearest_each(planes.rgb(self._spot_rows, self._spot_columns).mean(axis=1))}
        return names.pop() if len(names) == 1 else None


_NAMES = tuple(IDENTITIES)
_COLOURS = np.array([who.rgb for who in IDENTITIES.values()], float)


def nearest(rgb: Sequence[float] | Array) -> str | None:
    """The identity whose colour this is; None where it is nobody's."""
    return nearest_each(np.asarray([rgb], float))[0]


def nearest_each(colours: Array) -> list[str | None]:
    """The same of several colours (n x 3)."""
    distances = np.sqrt(((_COLOURS - colours[:, None]) ** 2).sum(axis=2))
    best = distances.argmin(axis=1)
    return [_NAMES[i] if row[i] <= COLOUR_REACH else None for i, row in zip(best, distances, strict=True)]


class Planes:
    """A decoded frame as arrays."""

    def __init__(self, frame: av.VideoFrame) -> None:
        if frame.format.name not in ("yuv420p", "yuv444p", "yuvj420p"):
            frame = frame.reformat(format="yuv420p")
        self.luma, self._u, self._v = (_array(plane) for plane in frame.planes)
        self.height, self.width = self.luma.shape
        self._step = 1 if frame.format.name == "yuv444p" else 2
        self._full = frame.color_range == 2
        tagged = {1: "bt709", 5: "smpte170m", 6: "smpte170m"}.get(int(frame.colorspace))
        self._matrix = tagged or ("smpte170m" if self.height < 720 else "bt709")

    def rgb(self, rows: Array, columns: Array) -> Array:
        """Red, green and blue (0 to 255, along a new last axis) of these pixels."""
        y = self.luma[rows, columns].astype(float)
        u, v = (p[rows // self._step, columns // self._step].astype(float) - 128 for p in (self._u, self._v))
        if self._full:
            y, u, v = y / 255, u / 255, v / 255
        else:
            y, u, v = (y - 16) / 219, u / 224, v / 224
        kr, kb = LUMA[self._matrix]
        red, blue = y + (2 - 2 * kr) * v, y + (2 - 2 * kb) * u
        green = (y - kr * red - kb * blue) / (1 - kr - kb)
        return np.stack([red, green, blue], axis=-1).clip(0, 1) * 255

    def counted(self, step: int) -> tuple[Array, Array]:
        """Red, green and blue of every colour among each ``step``-th pixel of each ``step``-th row, and of how many."""
        rows, columns = np.mgrid[0 : self.height : step, 0 : self.width : step]
        u, v = (plane[rows // self._step, columns // self._step].astype(np.uint32) for plane in (self._u, self._v))
        coded = self.luma[rows, columns].astype(np.uint32) << 16 | u << 8 | v
        _, first, counts = np.unique(coded, return_index=True, return_counts=True)
        return self.rgb(rows.flat[first], columns.flat[first]), counts


def _array(plane: Any) -> Array:
    flat = np.frombuffer(plane, np.uint8)
    return flat.reshape(plane.height, plane.line_size)[:, : plane.width]


class Playback:
    """A file that is asked; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = av.open(str(path))
        self._is_fresh = True
        pictures = self._container.streams.video
        self.picture = pictures[0] if pictures else None
        if self.picture is not None:
            self.picture.thread_type = "AUTO"

    def __enter__(self) -> Playback:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def size(self) -> tuple[int, int]:
        assert self.picture is not None
        return self.picture.width, self.picture.height

    @property
    def frames(self) -> Iterator[av.VideoFrame]:
        """Every presented frame, in order, from the start."""
        if not self._is_fresh:
            self._container.seek(0)
        self._is_fresh = False
        yield from self._container.decode(video=0)

    def frame(self, at: int | Fraction | float) -> av.VideoFrame:
        """The frame with this number (an int), or the one on the screen at this second."""
        if isinstance(at, int):
            for number, frame in enumerate(self.frames):
                if number == at:
                    return frame
            raise ValueError(f"{self.path.name} has no frame {at}")
        return self._frame_at(Fraction(at))

    def _frame_at(self, at: Fraction) -> av.VideoFrame:
        assert self.picture is not None
        assert self.picture.time_base is not None
        self._is_fresh = False
        self._container.seek(int(at / self.picture.time_base), stream=self.picture, backward=True)
        best = None
        for frame in self._container.decode(video=0):
            if stamp_of(frame) > at:
                break
            best = frame
        if best is None:
            raise ValueError(f"{self.path.name} shows nothing at {float(at):.3f} s")
        return best

    def seen(self, view: View | Any, at: int | Fraction | float) -> Seen:
        """Who and which source frame is in the view."""
        planes = Planes(self.frame(at))
        return _Eye(as_view(view), planes.width, planes.height).look(planes)

    def counter_at(self, view: View | Any, at: int | Fraction | float) -> int | None:
        return self.seen(view, at).counter

    def colour_at(self, x: int, y: int, at: int | Fraction | float) -> tuple[int, int, int]:
        """Red, green and blue of one pixel."""
        red, green, blue = Planes(self.frame(at)).rgb(np.array([y]), np.array([x]))[0]
        return round(red), round(green), round(blue)


def open_playback(path: Path) -> Playback:
    return Playback(path)


def as_view(view: View | Any) -> View:
    """A view of a tuple (x, y, width, height) or of anything with these four."""
    if isinstance(view, View):
        return view
    if isinstance(view, tuple):
        return View(view)
    return View((view.x, view.y, view.width, view.height))


def stamp_of(frame: av.VideoFrame | av.AudioFrame) -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base


def read_all(path: Path, views: Mapping[str, View | Any]) -> list[Row]:
    """What every view shows in every frame of the file."""
    rows: list[Row] = []
    places = {name: as_view(view) for name, view in views.items()}
    eyes: dict[View, _Eye] = {}
    size = (0, 0)
    with open_playback(path) as playback:
        for index, frame in enumerate(playback.frames):
            planes = Planes(frame)
            if (planes.width, planes.height) != size:
                size = (planes.width, planes.height)
                eyes = {view: _Eye(view, *size) for view in {*places.values()}}
            seen = {view: eye.look(planes) for view, eye in eyes.items()}
            rows.append(Row(index, stamp_of(frame), {name: seen[view] for name, view in places.items()}))
    return rows


def read_source(path: Path) -> list[tuple[Fraction, str | None, int | None]]:
    """Stamp, identity and counter of every frame of a stream file, whatever its sizes."""
    found = []
    with open_playback(path) as playback:
        for frame in playback.frames:
            planes = Planes(frame)
            seen = _Eye(View((0, 0, planes.width, planes.height)), planes.width, planes.height).look(planes)
            found.append((stamp_of(frame), seen.identity, seen.counter))
    return found


def file_origin(path: Path) -> Fraction:
    """Second of the first presented sample of any stream on the container's axis: file time 0."""
    starts = []
    for kind in ("video", "audio"):
        with av.open(str(path)) as container:
            if any(stream.type == kind for stream in container.streams):
                starts.append(stamp_of(next(container.decode(**{kind: 0}))))
    return min(starts)


def stamps(path: Path, kind: str = "video") -> list[Fraction]:
    """Presentation stamps of all packets in seconds, in file order; ``kind`` is "video" or "audio"."""
    with av.open(str(path)) as container:
        return [
            packet.pts * packet.time_base
            for packet in container.demux(**{kind: 0})
            if packet.pts is not None and packet.time_base is not None
        ]


def boxes(path: Path) -> list[str]:
    """Names of an mp4's outermost boxes, in order."""
    names, at, data = [], 0, path.read_bytes()
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        names.append(data[at + 4 : at + 8].decode("latin-1"))
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        at += size if size >= 8 else len(data)
    return names


def has_faststart(path: Path) -> bool:
    """True if the index of an mp4 lies before its media."""
    names = boxes(path)
    return "moov" in names and "mdat" in names and names.index("moov") < names.index("mdat")


def colour_tags(path: Path) -> dict[str, int]:
    """Matrix, primaries, transfer (1 is BT.709, 2 untagged) and range (1 limited) of the first frame's stream."""
    with open_playback(path) as playback:
        assert playback.picture is not None
        context = playback.picture.codec_context
        return {
            "matrix": int(context.colorspace),
            "primaries": int(context.color_primaries),
            "transfer": int(context.color_trc),
            "range": int(context.color_range),
        }


def counters(rows: Iterable[Row], name: str) -> list[int | None]:
    """One view's counter in every frame."""
    return [row.seen[name].counter for row in rows]
