"""Instants as other systems write them: seconds, ms, µs or ns since 1970 as numbers or text, and ISO 8601."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction

from assembler.dialects.omissions import LAST_WALL
from assembler.times import PlayMs, WallMs, round_ms

SECONDS_BELOW = 10**11
"""Number below which an instant is in seconds (the year 5138); as ms it would lie before 1973."""
STEPS = (Fraction(1), Fraction(1, 1000), Fraction(1, 10**6), Fraction(1, 10**9))
"""Units in seconds, each for numbers up to a thousand times as large as those of the one before."""


def read_instant(value: object, localize: Callable[[datetime], datetime] | None = None) -> WallMs | None:
    """Read an instant, its unit by its size; None for what is none.

    ``localize``: gives its offset to a time without one; None: such a time is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        value = _number(value.strip(), localize)
        if value is None:
            return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    number = Fraction(value)
    unit = next((unit for n, unit in enumerate(STEPS) if number < SECONDS_BELOW * 1000**n), None)
    if unit is None or number <= 0:
        return None
    at = WallMs(round_ms(number * unit))
    return at if at <= LAST_WALL else None


def _number(text: str, localize: Callable[[datetime], datetime] | None) -> float | None:
    """Read a number, or ISO 8601 as Unix seconds; None for neither."""
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None and localize is not None:
            at = localize(at)
        return None if at.tzinfo is None else at.timestamp()
    except (ValueError, OverflowError):
        return None


def place_by_wall(starts: Sequence[WallMs], origin: WallMs | None = None) -> tuple[WallMs, list[PlayMs]]:
    """Place files by the instants of their beginnings: the start of the playback, and the play time of each.

    ``origin``: start that somebody names; it counts where no file begins before it. ``starts`` is not empty.
    """
    first = min(starts)
    start = first if origin is None or origin > first else origin
    return start, [PlayMs(at - start) for at in starts]
