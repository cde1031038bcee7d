"""Colours as arguments: what a filter that converts by BT.601 has to be given so that a BT.709 frame shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.media.render.colour import BT601, BT709, convert_colour, is_drawn_exactly, scale_matrix

bytes_ = st.integers(0, 255)


def components(colour: str, matrix: tuple[float, float]) -> tuple[float, float, float]:
    """Luma, and both colour differences, in the same units."""
    red, green, blue = (int(colour[-6:][i : i + 2], 16) for i in (0, 2, 4))
    kr, kb = matrix
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    return luma, (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)


@given(bytes_, bytes_, bytes_)
def test_the_argument_has_by_601_the_components_that_the_colour_has_by_709(red: int, green: int, blue: int) -> None:
    colour = f"#{red:02X}{green:02X}{blue:02X}"
    given = convert_colour(colour, in_frame_matrix=False)
    if is_drawn_exactly(colour, in_frame_matrix=False):
        assert components(given, BT601) == pytest.approx(components(colour, BT709), abs=1)
    assert convert_colour(colour, in_frame_matrix=True) == f"0x{colour[1:]}"
    assert is_drawn_exactly(colour, in_frame_matrix=True)


@given(bytes_)
def test_a_grey_stays_itself(level: int) -> None:
    assert (
        convert_colour(f"#{level:02x}" + f"{level:02x}" * 2, in_frame_matrix=False)
        == f"0x{level:02X}" + f"{level:02X}" * 2
    )


def test_a_saturated_colour_is_clipped_and_said_not_to_be_exact() -> None:
    assert not is_drawn_exactly("#00FF00", in_frame_matrix=False)
    assert is_drawn_exactly("#34363B", in_frame_matrix=False)


@pytest.mark.parametrize(
    ("tag", "height", "matrix"),
    [("bt709", 240, "bt709"), ("smpte170m", 1080, "bt601"), ("unknown", 719, "bt601"), ("", 720, "bt709")],
)
def test_an_untagged_source_is_taken_for_what_its_size_suggests(tag: str, height: int, matrix: str) -> None:
    assert scale_matrix(tag, height) == matrix
