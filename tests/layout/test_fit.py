"""How a picture lies in its slot."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.choices import Fill
from assembler.layout import pictured_size
from assembler.layout.fit import LONGEST_SIDE
from assembler.layout.model import Rect

sides = st.integers(1, 4096)
slots = st.builds(
    lambda width, height: Rect(x=0, y=0, width=2 * width, height=2 * height),
    st.integers(1, 1500),
    st.integers(1, 1500),
)
fills = st.sampled_from(Fill)


@given(sides, sides, slots, fills)
def test_all_numbers_are_even(width: int, height: int, slot: Rect, fill: Fill) -> None:
    fitted = pictured_size((width, height), slot, fill)
    assert all(n % 2 == 0 for n in (fitted.x, fitted.y, fitted.width, fitted.height))


@given(sides, sides, slots)
def test_a_fitted_picture_lies_inside_its_slot_and_touches_two_edges(width: int, height: int, slot: Rect) -> None:
    fitted = pictured_size((width, height), slot, Fill.FIT)
    assert fitted.x + fitted.width <= slot.width
    assert fitted.y + fitted.height <= slot.height
    assert fitted.width == slot.width or fitted.height == slot.height


@given(sides, sides, slots)
def test_a_cropped_picture_covers_its_slot_and_is_no_larger_than_needed(width: int, height: int, slot: Rect) -> None:
    fitted = pictured_size((width, height), slot, Fill.CROP)
    assert fitted.width >= fitted.x + slot.width
    assert fitted.height >= fitted.y + slot.height
    assert fitted.width == slot.width or fitted.height == slot.height


@given(sides, sides, slots, fills)
def test_the_shape_is_kept_to_within_a_pixel(width: int, height: int, slot: Rect, fill: Fill) -> None:
    ratios = Fraction(slot.width, width), Fraction(slot.height, height)
    scale = min(ratios) if fill is Fill.FIT else max(ratios)
    fitted = pictured_size((width, height), slot, fill)
    if max(width * scale, height * scale) <= LONGEST_SIDE:
        assert abs(fitted.width - max(Fraction(2), width * scale)) <= 1
        assert abs(fitted.height - max(Fraction(2), height * scale)) <= 1


@given(sides, sides, slots, fills)
def test_it_lies_in_the_middle_to_within_two_pixels(width: int, height: int, slot: Rect, fill: Fill) -> None:
    fitted = pictured_size((width, height), slot, fill)
    assert abs(2 * fitted.x - abs(slot.width - fitted.width)) <= 2
    assert abs(2 * fitted.y - abs(slot.height - fitted.height)) <= 2


@pytest.mark.parametrize(
    ("source", "fill", "expected"),
    [
        ((640, 480), Fill.FIT, (0, 0, 320, 240)),
        ((640, 480), Fill.CROP, (0, 0, 320, 240)),
        ((1280, 720), Fill.FIT, (0, 30, 320, 180)),
        ((1280, 720), Fill.CROP, (52, 0, 426, 240)),
        ((480, 640), Fill.FIT, (70, 0, 180, 240)),
        ((4096, 1), Fill.FIT, (0, 118, 320, 2)),
    ],
)
def test_pictures_in_a_users_place(source: tuple[int, int], fill: Fill, expected: tuple[int, int, int, int]) -> None:
    fitted = pictured_size(source, Rect(x=8, y=8, width=320, height=240), fill)
    assert (fitted.x, fitted.y, fitted.width, fitted.height) == expected


def test_a_strip_is_squeezed_rather_than_blown_up_beyond_all_memory() -> None:
    fitted = pictured_size((16, 4096), Rect(x=0, y=0, width=1280, height=960), Fill.CROP)
    assert (fitted.width, fitted.height) == (1280, LONGEST_SIDE)
