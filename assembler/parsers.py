"""Parsers of values that people write: rates and sizes."""

from __future__ import annotations

import re
from fractions import Fraction


def frame_rate(text: object) -> Fraction:
    """``15``, ``29.97`` or ``30000/1001`` as a rate that mp4 can carry; raises ValueError for anything else."""
    try:
        rate = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 120 or rate.denominator > 1001:
        raise ValueError(f"{str(text)!r} is not a frame rate: write 15, 29.97 or 30000/1001, from 1 to 120")
    return rate


def canvas_size(given: object) -> tuple[int, int]:
    """``1600x900`` as width and height; raises ValueError for anything else, and for what is too small, too large or
    odd."""
    text = "x".join(map(str, given)) if isinstance(given, (tuple, list)) else str(given)
    match = re.fullmatch(r"(\d{2,4})[xX*](\d{2,4})", text.strip(), re.ASCII)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if width % 2 or height % 2 or not (320 <= width <= 3840 and 180 <= height <= 3840):
        raise ValueError(f"{text!r} is not a size: write 1600x900, two even numbers, from 320x180 to 3840x3840")
    return width, height
