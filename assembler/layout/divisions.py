"""Division of a canvas among those who are there just now: what re-flowed layouts are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from assembler.layout.divide import MOST_USERS, largest_filled, make_rect
from assembler.layout.model import Rect

LEAST_TILE = 8
"""Divisor of a canvas' width that gives the minimum width of a tile: 200 of 1600 pixels, on which a face and a name are
still made out on a telephone."""
EASY_TILE = 6
"""Divisor of a canvas' width that gives the minimum width of a tile where one column or row is enough."""
LARGEST_TILE = 4
"""Divisor of a canvas' width that gives the maximum width of a tile beside something large."""
STEPS = 16
"""Number of steps from the minimum width of a tile to the maximum, each of which is tried."""
MOST_COLUMNS = 2
"""Maximum number of columns of a filmstrip: more of them leave too little to what is large."""
LARGE_WEIGHT = 3, 2
"""Worth of a pixel of what is large and of a pixel of a tile: text is read in what is large."""
MARGINS = 400
"""Divisor of a canvas' width that gives half the distance of two pictures: 8 of 1600 pixels."""


@dataclass(frozen=True)
class Crowd:
    """People and a stage among whom a canvas is divided."""

    canvas: tuple[int, int]
    """Width and height of the canvas."""
    camera: tuple[int, int]
    """Shape of the tiles, width to height."""
    number: int
    """Number of people who have a place."""
    stage: tuple[int, int] | None = None
    """Shape of the board or share; None where there is neither."""
    has_large: bool = False
    """True if the first of the people has a larger place than the others."""

    @property
    def margin(self) -> int:
        """Distance of two pictures, in pixels."""
        return max(2, self.canvas[0] // MARGINS * 2)


@dataclass(frozen=True)
class Division:
    """Places on a canvas; none meets another."""

    stage: Rect | None
    """Place of board and share; None where there is none."""
    users: tuple[Rect, ...]
    """Places of people, in their order."""


@lru_cache(4096)
def divide_classroom(crowd: Crowd) -> Division:
    """Stage (else the large person) with a filmstrip at its right or below it, whichever shows more; without either
    all people in rows."""
    if crowd.stage is None and not crowd.has_large:
        return Division(None, tuple(_in_rows(crowd, crowd.number)))
    shape, others = crowd.stage or crowd.camera, crowd.number - (crowd.stage is None)
    if not others:
        (alone,) = _in_rows(replace(crowd, camera=shape), 1)
        return Division(alone, ()) if crowd.stage else Division(None, (alone,))
    large, tiles = _beside(crowd, shape, others, EASY_TILE)
    return Division(large, tuple(tiles)) if crowd.stage else Division(None, (large, *tiles))


@lru_cache(4096)
def divide_speaker(crowd: Crowd) -> Division:
    """Stage with one person in a large tile beside it; without a stage the person alone."""
    if crowd.stage is None or not crowd.number:
        return divide_classroom(crowd)
    large, tiles = _beside(crowd, crowd.stage, crowd.number, LARGEST_TILE)
    return Division(large, tuple(tiles))


@lru_cache(4096)
def divide_presenter(crowd: Crowd) -> Division:
    """Stage with a column at its right: the large person, the others below; without a stage as ``classroom``."""
    if crowd.stage is None or not crowd.number:
        return divide_classroom(crowd)
    (width, height), margin = crowd.canvas, crowd.margin
    wide, high = _largest_in(width * 2 // 3, height - 2 * margin, crowd.stage)
    right = 2 * margin + wide
    area = make_rect(right, margin, width - right - margin, height - 2 * margin)
    first: list[Rect] = []
    if crowd.has_large:
        one_wide, one_high = _largest_in(
            area.width, area.height * 2 // 3 if crowd.number > 1 else area.height, crowd.camera
        )
        first = [make_rect(area.x + (area.width - one_wide) // 4 * 2, area.y, one_wide, one_high)]
    below = first[0].bottom + margin if first else area.y
    rest = make_rect(area.x, below, area.width, area.bottom - below)
    students = _tiled(rest, crowd.number - len(first), crowd.camera, margin) if crowd.number > len(first) else []
    column = [*first, *students]
    down = (area.bottom - column[-1].bottom) // 4 * 2
    stage = make_rect(margin, (height - high) // 4 * 2, wide, high)
    return Division(stage, tuple(make_rect(r.x, r.y + down, r.width, r.height) for r in column))


@lru_cache(4096)
def divide_grid(crowd: Crowd) -> Division:
    """All people in rows."""
    return Division(None, tuple(_in_rows(crowd, crowd.number)))


def most_beside(crowd: Crowd) -> int:
    """Count how many people have a place in a filmstrip, or in rows where nothing is large."""
    width, height = crowd.canvas
    margin = crowd.margin
    wide, high = largest_filled(width // LEAST_TILE, crowd.camera)
    if crowd.stage is None and not crowd.has_large:
        return (width - margin) // (wide + margin) * ((height - margin) // (high + margin))
    right = MOST_COLUMNS * ((height - margin) // (high + margin))
    below = MOST_COLUMNS * ((width - margin) // (wide + margin))
    return max(1, right, below if _is_upright(crowd) else 0) + (crowd.stage is None)


def most_one(crowd: Crowd) -> int:
    """Count one person, whoever is there."""
    return 1


def most_in_rows(crowd: Crowd) -> int:
    """Count the people for whom a grid has places."""
    return MOST_USERS


def _is_upright(crowd: Crowd) -> bool:
    """Tell whether a filmstrip may lie below what is large: on a canvas less wide than 3:2."""
    return 2 * crowd.canvas[0] < 3 * crowd.canvas[1]


def _largest_in(width: int, height: int, shape: tuple[int, int]) -> tuple[int, int]:
    """The largest even size of this shape inside another."""
    return largest_filled(max(4, min(width, height * shape[0] // shape[1])), shape)


def _in_rows(crowd: Crowd, number: int) -> list[Rect]:
    """Equal tiles in the middle of the canvas; one alone fills it."""
    margin = 0 if number == 1 else crowd.margin
    (width, height) = crowd.canvas
    area = make_rect(margin, margin, width - 2 * margin, height - 2 * margin)
    cells = _tiled(area, number, crowd.camera, margin) if number else []
    down = (area.bottom - cells[-1].bottom) // 4 * 2 if cells else 0
    return [make_rect(cell.x, cell.y + down, cell.width, cell.height) for cell in cells]


def _tiled(area: Rect, number: int, shape: tuple[int, int], margin: int) -> list[Rect]:
    """Equal tiles as large as so many fit into an area, from its top on, every row in its middle."""

    def room(columns: int) -> int:
        rows = -(-number // columns)
        wide, high = (area.width + margin) // columns - margin, (area.height + margin) // rows - margin
        return min(wide, high * shape[0] // shape[1])

    most = max(map(room, range(1, number + 1)))
    columns = max(n for n in range(1, number + 1) if 20 * room(n) >= 19 * most)  # wide rather than tall
    size = largest_filled(room(columns), shape)
    return _rows(area, size, number, columns, margin)


def _rows(area: Rect, size: tuple[int, int], number: int, columns: int, margin: int) -> list[Rect]:
    """Tiles of a size in rows from the top of an area on, as many in each, every row in its middle."""
    wide, high = size
    cells: list[Rect] = []
    rows = -(-number // columns)
    for row in range(rows):
        here = number // rows + (row < number % rows)
        left = area.x + (area.width - here * (wide + margin) + margin) // 4 * 2
        cells += [
            make_rect(left + k * (wide + margin), area.y + row * (high + margin), wide, high) for k in range(here)
        ]
    return cells


@dataclass(frozen=True)
class _Strip:
    """A filmstrip, and what is left to what is large."""

    columns: int
    rows: int
    tile: tuple[int, int]
    size: tuple[int, int]
    large: tuple[int, int]
    is_below: bool

    def worth(self, number: int) -> tuple[int, int]:
        large, tiles = self.large[0] * self.large[1], number * self.tile[0] * self.tile[1]
        return LARGE_WEIGHT[0] * large + LARGE_WEIGHT[1] * tiles, self.tile[0]


def _strips(crowd: Crowd, shape: tuple[int, int], number: int, least: int) -> Iterator[_Strip]:
    """Return every filmstrip that fits."""
    (width, height), margin = crowd.canvas, crowd.margin
    widest = max(least, width // LARGEST_TILE)
    tiles = {largest_filled(least + (widest - least) * step // STEPS, crowd.camera) for step in range(STEPS + 1)}
    for tile in sorted(tiles):
        most = min(number, (width - margin) // (tile[0] + margin))
        sides = [(columns, False) for columns in range(1, min(MOST_COLUMNS, most) + 1)]
        below = [(-(-number // rows), True) for rows in range(1, MOST_COLUMNS + 1) if -(-number // rows) <= most]
        for columns, is_below in [*sides, *(below if _is_upright(crowd) else [])]:
            rows = -(-number // columns)
            wide, high = columns * (tile[0] + margin) - margin, rows * (tile[1] + margin) - margin
            left = (
                (width - 2 * margin, height - high - 3 * margin)
                if is_below
                else (width - wide - 3 * margin, height - 2 * margin)
            )
            if high <= height - 2 * margin and min(left) > 0:
                yield _Strip(columns, rows, tile, (wide, high), _largest_in(*left, shape), is_below)


def _beside(crowd: Crowd, shape: tuple[int, int], number: int, easy: int) -> tuple[Rect, list[Rect]]:
    """Place something large, and tiles at its right or below it, all in the middle of the canvas."""
    easily = [s for s in _strips(crowd, shape, number, crowd.canvas[0] // easy) if 1 in (s.columns, s.rows)]
    found = easily or list(_strips(crowd, shape, number, crowd.canvas[0] // LEAST_TILE))
    strip = max(found, key=lambda s: s.worth(number))
    (width, height), margin, (wide, high) = crowd.canvas, crowd.margin, strip.large
    if strip.is_below:
        top = (height - high - margin - strip.size[1]) // 4 * 2
        large = make_rect((width - wide) // 4 * 2, top, wide, high)
        area = make_rect(margin, large.bottom + margin, width - 2 * margin, strip.size[1])
    else:
        left = (width - wide - margin - strip.size[0]) // 4 * 2
        large = make_rect(left, (height - high) // 4 * 2, wide, high)
        area = make_rect(large.right + margin, (height - strip.size[1]) // 4 * 2, strip.size[0], strip.size[1])
    return large, _rows(area, strip.tile, number, strip.columns, margin)
