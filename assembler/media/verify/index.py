"""Check of a finished file by its sample tables, without libav and the child process that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from assembler.mp4.boxes import walk_boxes
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4
from assembler.plan.stamps import Stamps


def is_as_planned(path: Path, size: int | None, stamps: Stamps) -> bool:
    """True if the file is whole and its sample tables hold the planned stamps; no sample is read.

    False: it is not, or only libav can tell (``ctts``, another codec, a file of somebody else).
    """
    try:
        if any(check_boxes(path, size)):
            return False
        tables = read_tables(path)
        video = tables.track(b"vide")
    except (OSError, UnsupportedMp4):
        return False
    empty, begins, _ = video.edit or (0, 0, 0)
    first = Fraction(empty, tables.scale) - Fraction(begins, video.scale)
    durations = (*video.durations[:-1], (video.durations[-1][0] - 1, video.durations[-1][1]))  # the last leads nowhere
    found = _steps((Fraction(step, video.scale), times) for times, step in durations)
    planned = _steps((Fraction(step, stamps.time_scale), times) for step, times in stamps.steps)
    return first == Fraction(stamps.first, stamps.time_scale) and found == planned


def check_boxes(path: Path, size: int | None) -> Iterator[str]:
    """Check the file's outer boxes: whole, and the moov before the mdat (faststart)."""
    real = path.stat().st_size
    if size is not None and real != size:
        yield f"the file has {real} bytes, {size} were written"
        return
    with path.open("rb") as file:
        boxes = list(walk_boxes(file, real))
    order, end = [box.name for box in boxes], boxes[-1].end if boxes else 0
    if end != real:
        yield f"the file is cut off: its boxes end at {end} of {real} bytes"
    if b"moov" not in order:
        yield "the file has no index (moov)"
    elif b"mdat" in order and order.index(b"moov") > order.index(b"mdat"):
        yield "the index (moov) stands behind the pictures: no fast start"


def _steps(rows: Iterable[tuple[Fraction, int]]) -> list[tuple[Fraction, int]]:
    """Join rows of (s to the next picture, how many times in a row) of the same length; none of an empty row."""
    rows = (row for row in rows if row[1])
    return [(step, sum(times for _, times in same)) for step, same in groupby(rows, key=itemgetter(0))]
