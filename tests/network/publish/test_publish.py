"""A finished file appears at its place whole, and never over somebody else's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assembler.errors import InputError, PublishError
from assembler.network.publish.card import Card
from assembler.network.publish.publish import fill_template, publish
from assembler.options import Options
from assembler.processes import Stop

from ..conftest import card


def put(made: Path, tmp_path: Path, card: Card, below: str = "a/b/c") -> Path:
    assets = made.with_name("playback.assets")
    return Path(publish(made, assets, str(tmp_path / "out"), below, card, Options(), Stop()))


def test_file_assets_and_card_are_there(made: Path, tmp_path: Path) -> None:
    target = put(made, tmp_path, card())
    assert target == tmp_path / "out/a/b/c/playback.mp4"
    assert target.read_bytes() == made.read_bytes() == b"film"
    assert sorted(str(p.relative_to(target.parent)) for p in target.parent.rglob("*") if p.is_file()) == [
        "job.json", "playback.assets/playback.json", "playback.mp4",
    ]  # fmt: skip
    assert json.loads((target.parent / "job.json").read_text())["job"] == "t1"


def test_a_later_revision_takes_the_place_and_an_earlier_one_does_not(made: Path, tmp_path: Path) -> None:
    put(made, tmp_path, card())
    made.write_bytes(b"second")
    target = put(made, tmp_path, card(revision=2))
    assert target.read_bytes() == b"second"
    made.write_bytes(b"first again")
    assert put(made, tmp_path, card(revision=1)).read_bytes() == b"second"


def test_another_tasks_place_is_left_alone(made: Path, tmp_path: Path) -> None:
    put(made, tmp_path, card())
    with pytest.raises(PublishError, match="another task") as caught:
        put(made, tmp_path, card(key="/t2"))
    assert not caught.value.retry


def test_a_failure_leaves_no_half_file(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(PublishError, match="No space left") as caught:
        put(made, tmp_path, card())
    assert caught.value.retry
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]


def test_a_place_of_an_unknown_kind_is_refused(made: Path) -> None:
    with pytest.raises(PublishError, match="ftp://"):
        publish(made, made.with_name("playback.assets"), "ftp://host/x", "a", card(), Options(), Stop())


class TestTheTemplate:
    @pytest.mark.parametrize(
        ("task", "named"),
        [
            ("t1", "t1"), ("../../etc", "..%2F..%2Fetc"), ("..", "%2E%2E"), (".", "%2E"), ("a b\\c", "a%20b%5Cc"),
            ("课", "%E8%AF%BE"), (None, "unknown"), ("", "unknown"), ("a\0b", "a%00b"), ("{app}", "%7Bapp%7D"),
        ],
    )  # fmt: skip
    def test_every_id_is_encoded(self, task: str | None, named: str) -> None:
        assert fill_template("{app}/{room}/{task}", {"app": "1", "room": "r", "task": task}) == f"1/r/{named}"

    def test_a_very_long_id_is_shortened_and_stays_unique(self) -> None:
        first, second = (fill_template("{task}", {"task": "x" * 5000 + end}) for end in "ab")
        assert first != second
        assert len(first) < 200

    @pytest.mark.parametrize(
        "template",
        ["", "{task", "{0}/{task}", "{task}/../x", "/{task}", "{room}", "{task}//x", "{task.real}", "{x}/{task}"],
    )
    def test_one_that_leads_elsewhere_or_tells_no_tasks_apart_is_refused(self, template: str) -> None:
        with pytest.raises(InputError, match="template"):
            fill_template(template, {})
