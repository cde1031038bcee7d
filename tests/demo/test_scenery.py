"""Drawn pictures of the demo: letters that can be read, and the colour where a reader looks for it."""

from __future__ import annotations

import numpy as np
import pytest

from assembler.demo.font import lettering
from assembler.demo.picture import COLOUR_SPOTS
from assembler.demo.scenery import draw_scenery

RED = (200, 30, 40)


def drawn(text: str, scale: int = 1) -> list[str]:
    return ["".join(".#"[int(dot)] for dot in row) for row in lettering(text, scale)]


def test_a_letter_stands_upright() -> None:
    assert drawn("f") == ["#####.", "#.....", "#.....", "####..", "#.....", "#.....", "#....."]
    assert drawn("1:")[0] == "..#........."
    assert lettering("AB", 3).shape == (21, 36)
    assert np.array_equal(lettering("A", 2), lettering("A", 1).repeat(2, 0).repeat(2, 1))
    assert not lettering("é", 1).any(), "a letter that is not known is a space"


@pytest.mark.parametrize("size", [(640, 480), (320, 180)])
@pytest.mark.parametrize("scene", ["", "slide", "person", "share"])
def test_the_colour_is_where_a_reader_looks_and_scenes_differ(scene: str, size: tuple[int, int]) -> None:
    image = draw_scenery(scene, size, RED)
    assert image.shape == (size[1], size[0], 3)
    assert all(tuple(image[round(y * size[1]), round(x * size[0])]) == RED for x, y in COLOUR_SPOTS)
    assert (scene == "") is bool((image == RED).all())
