"""Scenery of the demo around a stream's counter: a slide, a person, a shared window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assembler.demo.font import lettering

Image = NDArray[np.uint8]
"""Rows, columns, red green blue."""
Colour = tuple[int, int, int]

PAPER, INK, SKIN, HAIR, FRAME = (244, 242, 234), (44, 48, 56), (226, 180, 148), (70, 48, 38), (96, 102, 116)
"""Colours of the drawings, as red, green and blue."""


def draw_scenery(scene: str, size: tuple[int, int], colour: Colour) -> Image:
    """The still part of a picture: "slide", "person", "share", or "" for the bare colour.

    Where a reader looks for the colour (``picture.COLOUR_SPOTS``) it is in every scene.
    """
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[:] = colour
    canvas = _Drawing(image)
    match scene:
        case "slide":
            _slide(canvas, colour)
        case "person":
            _person(canvas, colour)
        case "share":
            _share(canvas, colour)
    return image


class _Drawing:
    """Shapes in fractions of the picture."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.height, self.width = image.shape[:2]
        self._rows, self._columns = np.ogrid[: self.height, : self.width]

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        w, h = self.width, self.height
        self.image[round(top * h) : round(bottom * h), round(left * w) : round(right * w)] = colour

    def disc(self, x: float, y: float, across: float, down: float, colour: Colour, *, slices: int = 0) -> None:
        """An ellipse; of ``slices`` quarters only so many (0: all of it)."""
        dx = (self._columns - x * self.width) / (across * self.width)
        dy = (self._rows - y * self.height) / (down * self.height)
        inside = dx**2 + dy**2 <= 1
        if slices:
            inside = inside & (dx >= 0 if slices == 2 else (dx >= 0) & (dy <= 0))
        self.image[inside] = colour

    def text(self, words: str, x: float, y: float, scale: int, colour: Colour) -> None:
        letters = lettering(words, scale)
        top, left = round(y * self.height), round(x * self.width)
        room = self.image[top : top + letters.shape[0], left : left + letters.shape[1]]
        room[letters[: room.shape[0], : room.shape[1]]] = colour

    def lines(self, left: float, top: float, lengths: Sequence[float], colour: Colour) -> None:
        """Words too small to read."""
        for number, length in enumerate(lengths):
            self.box(left, top + 0.04 * number, left + length, top + 0.04 * number + 0.014, colour)


def _slide(canvas: _Drawing, colour: Colour) -> None:
    canvas.box(0, 0, 1, 1, INK)  # name and clock are written in white
    canvas.box(0, 0.13, 1, 0.86, PAPER)
    canvas.box(0, 0.15, 1, 0.25, colour)
    canvas.box(0, 0.75, 1, 0.85, colour)
    canvas.text("FRACTIONS", 0.4, 0.165, max(1, canvas.height // 160), PAPER)
    canvas.text("1:2", 0.075, 0.32, max(1, canvas.height // 160), INK)
    canvas.text("1:4", 0.875, 0.32, max(1, canvas.height // 160), INK)
    for x, slices in ((0.1, 2), (0.9, 1)):
        canvas.disc(x, 0.53, 0.07, 0.07 * canvas.width / canvas.height, INK)
        canvas.disc(x, 0.53, 0.065, 0.065 * canvas.width / canvas.height, PAPER)
        canvas.disc(x, 0.53, 0.065, 0.065 * canvas.width / canvas.height, colour, slices=slices)


def _person(canvas: _Drawing, colour: Colour) -> None:
    dark: Colour = (colour[0] // 3, colour[1] // 3, colour[2] // 3)
    canvas.disc(0.5, 0.95, 0.47, 0.68, dark)  # the edge of the shoulders
    canvas.disc(0.5, 0.96, 0.455, 0.67, colour)
    canvas.box(0.45, 0.24, 0.55, 0.36, SKIN)
    canvas.disc(0.5, 0.13, 0.115, 0.14, HAIR)
    canvas.disc(0.5, 0.16, 0.095, 0.13, SKIN)
    for x in (0.465, 0.535):
        canvas.disc(x, 0.15, 0.011, 0.015, INK)
    canvas.box(0.47, 0.222, 0.53, 0.234, (150, 60, 60))
    for x in (0.19, 0.81):  # hands at the card with the counter
        canvas.disc(x, 0.6, 0.03, 0.05, SKIN)


def _share(canvas: _Drawing, colour: Colour) -> None:
    canvas.box(0, 0, 1, 0.1, FRAME)
    for number, dot in enumerate(((235, 95, 85), (245, 190, 80), (100, 200, 90))):
        canvas.disc(0.77 + 0.03 * number, 0.05, 0.009, 0.009 * canvas.width / canvas.height, dot)
    canvas.box(0, 0.1, 0.17, 0.86, PAPER)
    canvas.lines(0.02, 0.16, [0.12, 0.09, 0.11, 0.07, 0.1, 0.12, 0.06, 0.1, 0.08, 0.11, 0.09, 0.12, 0.07, 0.1], INK)
    canvas.lines(0.84, 0.16, [0.12, 0.1, 0.13, 0.08, 0.12, 0.11, 0.13, 0.09, 0.12, 0.07, 0.13, 0.1, 0.12, 0.08], PAPER)
    canvas.text("REPORT", 0.42, 0.16, max(1, canvas.height // 160), PAPER)
