"""Picture of a synthetic stream: its colour everywhere, and in the middle its frame counter as black and white cells.

      0     .2                          .8     1
    0 +------------------------------------------+
      |  label                            flash  |
      |        x                      x          |   x: where a reader looks for the colour
   .3 |     [15][14][13][12][11][10][ 9][ 8]     |
      |     [ 7][ 6][ 5][ 4][ 3][ 2][ 1][ 0]     |   white: the bit is 1
   .7 |        x                      x          |
      |  clock             [=====hand          ] |
    1 +------------------------------------------+

The places are fractions of the picture, so they survive scaling, bars, and a crop of 16:9 to 4:3 or back. Label,
flash, clock and hand are for people and are drawn only where a label is given.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from assembler.demo.font import lettering
from assembler.demo.identity import BEEP_SECONDS
from assembler.demo.scenery import Image, draw_scenery

Plane = NDArray[np.uint8]

COLUMNS, ROWS = 8, 2
"""Cells in a row, and rows."""
BITS = COLUMNS * ROWS
"""Number of bits of the frame counter, one for each cell."""
PANEL = (0.2, 0.3, 0.8, 0.7)
"""Left, top, right and bottom of all cells, as fractions of the picture."""
COLOUR_SPOTS = ((0.3, 0.2), (0.7, 0.2), (0.3, 0.8), (0.7, 0.8))
"""Places to look for the colour: (x, y) as fractions of the picture."""
DARK, BRIGHT = 16, 235
"""Luma of a cell whose bit is 0, and of one whose bit is 1."""

LUMA = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}
"""Weights of red and blue in each colour matrix."""


def cell(bit: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of one bit's cell, as fractions of the picture; bit 15 is top left."""
    left, top, right, bottom = PANEL
    row, column = divmod(BITS - 1 - bit, COLUMNS)
    width, height = (right - left) / COLUMNS, (bottom - top) / ROWS
    return left + column * width, top + row * height, left + (column + 1) * width, top + (row + 1) * height


def yuv(rgb: tuple[int, int, int], matrix: str) -> tuple[int, int, int]:
    """One colour in limited range."""
    red, green, blue = (part / 255 for part in rgb)
    kr, kb = LUMA[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    return round(16 + 219 * luma), round(128 + 224 * cb), round(128 + 224 * cr)


def yuv_planes(image: Image, matrix: str) -> tuple[Plane, Plane, Plane]:
    """Convert every pixel of an image to luma and both chromas."""
    packed = image.astype(np.int32) @ (1 << 16, 1 << 8, 1)  # whole numbers sort much faster than rows of three
    colours, place = np.unique(packed, return_inverse=True)
    table = np.array([yuv((int(c) >> 16, int(c) >> 8 & 255, int(c) & 255), matrix) for c in colours], np.uint8)
    planes = table[place.reshape(image.shape[:2])]
    return planes[..., 0].copy(), planes[..., 1], planes[..., 2]


class Painter:
    """Draws the frames of one stream as planes of yuv420p (or yuv444p)."""

    def __init__(
        self,
        size: tuple[int, int],
        rgb: tuple[int, int, int],
        *,
        matrix: str,
        fps: Fraction = Fraction(15),
        label: str = "",
        clock_start: Fraction = Fraction(0),
        subsampled: bool = True,
        scene: str = "",
    ) -> None:
        height = size[1]
        step = 2 if subsampled else 1
        self._fps, self._label, self._clock_start = fps, label, clock_start
        self._scale = max(1, height // 120)
        y, u, v = yuv_planes(draw_scenery(scene, size, rgb), matrix)
        self._luma, self._chroma = y, (u[::step, ::step].copy(), v[::step, ::step].copy())
        self._cells = [_pixels(cell(bit), size) for bit in range(BITS)]
        rows, columns = _pixels(PANEL, size)
        for plane in self._chroma:
            plane[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step] = 128
        if label:
            self._write(self._luma, label, 0.03, 0.03)

    def planes(self, counter: int) -> tuple[Plane, Plane, Plane]:
        """Luma and both chromas of the frame with this number (its lowest 16 bits are drawn)."""
        luma = self._luma.copy()
        for bit, (rows, columns) in enumerate(self._cells):
            luma[rows, columns] = BRIGHT if counter >> bit & 1 else DARK
        if self._label:
            self._decorate(luma, self._clock_start + counter / self._fps)
        return luma, *self._chroma

    def frame(self, counter: int) -> bytes:
        """Draw the frame with this number, as the bytes of a raw frame."""
        return b"".join(plane.tobytes() for plane in self.planes(counter))

    def _decorate(self, luma: Plane, at: Fraction) -> None:
        height, width = luma.shape
        whole, part = int(at), float(at % 1)
        self._write(luma, f"{whole // 60}:{whole % 60:02d}.{int(part * 10)}", 0.03, 0.87)
        if part < 3 * BEEP_SECONDS:  # longer than the beep, so that slow streams show it at all
            luma[int(height * 0.03) : int(height * 0.13), int(width * 0.87) : int(width * 0.97)] = BRIGHT
        top, bottom = int(height * 0.89), int(height * 0.95)
        left, right = int(width * 0.45), int(width * 0.97)
        luma[top:bottom, left:right] = DARK
        luma[top:bottom, left : left + round((right - left) * part)] = BRIGHT

    def _write(self, luma: Plane, text: str, x: float, y: float) -> None:
        letters = lettering(text, self._scale)
        top, left = int(luma.shape[0] * y), int(luma.shape[1] * x)
        room = luma[top : top + letters.shape[0], left : left + letters.shape[1]]
        room[letters[: room.shape[0], : room.shape[1]]] = BRIGHT


def _pixels(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a box given in fractions."""
    left, top, right, bottom = box
    width, height = size
    return slice(round(top * height), round(bottom * height)), slice(round(left * width), round(right * width))
