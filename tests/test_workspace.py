"""The files of the home: every ending stands in one place, and in DESIGN's table."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from assembler import workspace

PACKAGE = Path(workspace.__file__).parent
ENDINGS = {name: value for name, value in vars(workspace).items() if name.isupper() and isinstance(value, str)}
COMMON = {"CHUNK", "LOG", "SOURCES"}
"""Other things have these names too."""
OTHERS = {PACKAGE / "network/download/media_dir.py"}
"""Knows endings of other programs' downloads."""
CHILDREN = {PACKAGE / "media/straighten/straighten.py", PACKAGE / "media/mixdown/meter.py"}
"""Load none of the workspace: children that probe and mix start without pydantic."""


@cache
def spelt(path: Path) -> frozenset[str]:
    """The text of all strings of a module that are not docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    )


@pytest.mark.parametrize("name", sorted(ENDINGS.keys() - COMMON))
def test_an_ending_is_spelt_in_one_place_only(name: str) -> None:
    ending = ENDINGS[name]
    places = [p for p in PACKAGE.rglob("*.py") if any(text.endswith(ending) for text in spelt(p))]
    assert set(places) - CHILDREN - OTHERS == {PACKAGE / "workspace.py"}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_is_in_the_table_of_the_design(name: str) -> None:
    text = (PACKAGE / "DESIGN.md").read_text("utf-8")
    table = text[text.index("### Files of the home") : text.index("## Domain")]
    words = {word for part in table.split("`")[1::2] for word in part.split(", ")}
    assert any(word.endswith(ENDINGS[name]) or f"{ENDINGS[name]}/" in word for word in words)


def test_the_probing_child_has_the_same_ending_for_what_it_writes() -> None:
    from assembler.media.straighten.straighten import PART

    assert PART == workspace.PART
