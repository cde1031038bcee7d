"""Colours of backgrounds and bars, converted to the arguments of each ffmpeg version."""

from __future__ import annotations

BT601 = (0.299, 0.114)
"""Luma coefficients of red and blue (ITU-R BT.601, 2.5.1)."""
BT709 = (0.2126, 0.0722)
"""Luma coefficients of red and blue (ITU-R BT.709, 3.2)."""


def convert_colour(colour: str, *, in_frame_matrix: bool) -> str:
    """Convert ``#RRGGBB`` to the argument of pad and xstack that gives this colour in a BT.709 frame.

    Before 7.1 these filters convert RGB by BT.601 whatever the frame is tagged (measured): they get the colour whose
    601 values are the wanted colour's 709 values. A saturated one may lie outside of RGB and is clipped.
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if not in_frame_matrix:
        red, green, blue = _swapped(red, green, blue)
    return f"0x{red:02X}{green:02X}{blue:02X}"


def is_drawn_exactly(colour: str, *, in_frame_matrix: bool) -> bool:
    """True if an argument gives exactly this colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return in_frame_matrix or all(0 <= round(value) <= 255 for value in _in_709(red, green, blue))


def _swapped(red: int, green: int, blue: int) -> tuple[int, int, int]:
    red_601, green_601, blue_601 = _in_709(red, green, blue)
    return _byte(red_601), _byte(green_601), _byte(blue_601)


def _in_709(red: int, green: int, blue: int) -> tuple[float, float, float]:
    """Find the colour whose 601 values are this colour's 709 values."""
    kr, kb = BT709
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    kr, kb = BT601
    back_red, back_blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    back_green = (luma - kr * back_red - kb * back_blue) / (1 - kr - kb)
    return back_red, back_green, back_blue


def _byte(value: float) -> int:
    return max(0, min(255, round(value)))


def scale_matrix(tag: str, height: int) -> str:
    """Translate a source's matrix tag for ffmpeg's scale; untagged: BT.601 below 720 lines, else BT.709."""
    known = {
        "bt709": "bt709",
        "smpte170m": "bt601",
        "bt470bg": "bt601",
        "fcc": "fcc",
        "smpte240m": "smpte240m",
        "bt2020nc": "bt2020",
        "bt2020_ncl": "bt2020",
        "bt2020c": "bt2020",
    }
    return known.get(tag) or ("bt601" if height < 720 else "bt709")
