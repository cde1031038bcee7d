"""Pictures like those of a lesson, drawn frame by frame as planar 4:2:0: slides with text, ink, a scrolling page.

The text is no language, but it has a text's strokes, edges and spacing, which is what decoders and encoders work on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
INKS = ((60, 90, 200), (70, 190, 90), (90, 140, 60))
"""Y, U, V of the pens."""
WRITING = 6, 10
"""Somebody writes for so many of so many seconds."""
GLYPH_HEIGHT, GLYPH_WIDTH, GLYPHS = 18, 12, 40


@dataclass
class Picture:
    """One picture as three planes; drawing changes it in place."""

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def filled(cls, width: int, height: int, shade: int) -> Picture:
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        return cls(np.full((height, width), shade, np.uint8), chroma, chroma.copy())

    def raw(self) -> bytes:
        return self.y.tobytes() + self.u.tobytes() + self.v.tobytes()


def glyphs(rng: np.random.Generator) -> list[Plane]:
    """An alphabet of strokes, darkness 0..220, soft edges."""
    found = []
    rows, columns = np.mgrid[0:GLYPH_HEIGHT, 0:GLYPH_WIDTH]
    for _ in range(GLYPHS):
        ink = np.zeros((GLYPH_HEIGHT, GLYPH_WIDTH))
        for _ in range(3):
            (y0, y1), (x0, x1) = rng.uniform(3, GLYPH_HEIGHT - 4, 2), rng.uniform(2, GLYPH_WIDTH - 3, 2)
            for t in np.linspace(0, 1, 14):
                far = np.hypot(rows - y0 - t * (y1 - y0), columns - x0 - t * (x1 - x0))
                ink = np.maximum(ink, np.clip(1.6 - far, 0, 1))
        found.append((ink * 220).astype(np.uint8))
    return found


def write_text(plane: Plane, rng: np.random.Generator, letters: list[Plane], *, left: int, top: int) -> None:
    """Fill a page with lines of words, paragraphs and a headline's gap."""
    height, width = plane.shape
    tall, wide = letters[0].shape
    y = top
    while y + tall < height - 20:
        x, end = left, width - left - int(rng.integers(0, width // 3))
        while x + wide < end:
            for _ in range(int(rng.integers(2, 9))):
                if x + wide >= end:
                    break
                place = plane[y : y + tall, x : x + wide]
                np.subtract(place, np.minimum(place, letters[int(rng.integers(GLYPHS))]), out=place)
                x += wide
            x += wide
        y += tall + tall * (40 if rng.random() < 0.2 else 10) // GLYPH_HEIGHT


def small(letters: list[Plane]) -> list[Plane]:
    """The alphabet at half its size."""
    return [(g[::2, ::2] // 4 + g[1::2, ::2] // 4 + g[::2, 1::2] // 4 + g[1::2, 1::2] // 4) for g in letters]


def board(width: int, height: int, fps: int, frames: int, seed: int = 1, *, is_small: bool = False) -> Iterator[bytes]:
    """Slides that change every 20 s (``is_small``: with small text, every 5 s), and ink that grows on them."""
    rng = np.random.default_rng(seed)
    letters = small(glyphs(rng)) if is_small else glyphs(rng)
    lasts = (5 if is_small else 20) * fps
    picture = Picture.filled(width, height, 235)
    for number in range(frames):
        if number % lasts == 0:
            picture = _slide(width, height, rng, letters)
            pen = rng.uniform(0.2, 0.8, 2) * (width, height)
            heading = 0.0
            ink = INKS[number // lasts % len(INKS)]
        if number / fps % WRITING[1] < WRITING[0]:
            for _ in range(6):
                heading += float(rng.normal(0, 0.5))
                pen = pen + 3 * np.array([np.cos(heading) + 0.3, np.sin(heading)])
                pen %= (width - 12, height - 12)
                _dot(picture, int(pen[0]), int(pen[1]), ink)
        yield picture.raw()


def _slide(width: int, height: int, rng: np.random.Generator, letters: list[Plane]) -> Picture:
    picture = Picture.filled(width, height, 235)
    page = picture.y[:, : width // 2 + 100]
    write_text(page, rng, letters, left=60, top=80)
    # a figure: a soft gradient with an edge, as photographs on slides have
    rows, columns = np.mgrid[0 : height // 2, 0 : width // 3]
    figure = 128 + 60 * np.sin(rows / 23) * np.cos(columns / 31) + rng.normal(0, 6, rows.shape)
    left, top = width * 5 // 8, height // 4
    picture.y[top : top + height // 2, left : left + width // 3] = figure.astype(np.uint8)
    picture.u[top // 2 : top // 2 + height // 4, left // 2 : left // 2 + width // 6] = 110
    return picture


def _dot(picture: Picture, x: int, y: int, ink: tuple[int, int, int]) -> None:
    picture.y[y : y + 5, x : x + 5] = ink[0]
    picture.u[y // 2 : y // 2 + 2, x // 2 : x // 2 + 2] = ink[1]
    picture.v[y // 2 : y // 2 + 2, x // 2 : x // 2 + 2] = ink[2]


def screen(
    width: int,
    height: int,
    fps: int,
    frames: int,
    seed: int = 2,
    *,
    scrolled: float = 3,
    step: int = 8,
    is_small: bool = False,
) -> Iterator[bytes]:
    """A long page, ``scrolled`` for so many of 6 seconds by ``step`` lines (even) a frame, and a pointer that wanders;
    there is room for a video."""
    rng = np.random.default_rng(seed)
    page = Picture.filled(width, height * 6, 225)
    letters = glyphs(rng)
    write_text(page.y, rng, small(letters) if is_small else letters, left=80, top=40)
    at = 0
    for number in range(frames):
        if number / fps % 6 < scrolled:
            at = (at + step) % (height * 5)
        y = page.y[at : at + height].copy()
        seconds = number / fps
        x = int(width * (0.5 + 0.4 * np.sin(seconds * 0.9)))
        top = int(height * (0.5 + 0.4 * np.cos(seconds * 1.3)))
        y[top : top + 16, x : x + 10] = 20
        half = at // 2
        yield y.tobytes() + page.u[half : half + height // 2].tobytes() + page.v[half : half + height // 2].tobytes()
