"""What processes of ours tell each other comes back equal, or is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import facts

from assembler.facts import Facts
from assembler.messages import Message
from assembler.times import FileMs


@dataclass(frozen=True)
class Inner(Message):
    rate: Fraction
    at: FileMs | None


@dataclass(frozen=True)
class Outer(Message):
    text: str
    is_so: bool
    path: Path
    inner: Inner | None
    stamps: tuple[int, ...] | None
    pairs: tuple[tuple[int, str], ...]
    ends: tuple[tuple[Fraction, Fraction | None], ...]
    inners: tuple[Inner, ...] = ()


WHOLE = st.integers()
INNERS = st.builds(Inner, st.fractions(), st.none() | WHOLE.map(FileMs))
OUTERS = st.builds(
    Outer,
    st.text(),
    st.booleans(),
    st.sampled_from([Path("/a b"), Path("c\udcff")]),
    st.none() | INNERS,
    st.none() | st.lists(WHOLE).map(tuple),
    st.lists(st.tuples(WHOLE, st.text())).map(tuple),
    st.lists(st.tuples(st.fractions(), st.none() | st.fractions())).map(tuple),
    st.lists(INNERS).map(tuple),
)


@given(OUTERS)
def test_a_message_comes_back_equal(message: Outer) -> None:
    assert Outer.from_json(message.to_json()) == message


def test_facts_come_back_equal() -> None:
    known = facts("a", 1000, keyframes=(0, 15), stamps=(0, 30, 15))
    assert Facts.from_json(known.to_json()) == known


GOOD = json.loads(Inner(Fraction(1, 3), FileMs(7)).to_json())


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "nothing",
        json.dumps(GOOD)[:-1],
        json.dumps({"rate": "1/3"}),
        json.dumps({**GOOD, "more": 1}),
        json.dumps({**GOOD, "at": "7"}),
        json.dumps({**GOOD, "at": True}),
        json.dumps({**GOOD, "at": 7.0}),
        json.dumps({**GOOD, "rate": 1}),
        json.dumps({**GOOD, "rate": "a"}),
        json.dumps({**GOOD, "rate": "1/0"}),
        b"\xff",
    ],
)
def test_anything_else_is_refused(bad: str | bytes) -> None:
    with pytest.raises(ValueError):
        Inner.from_json(bad)
