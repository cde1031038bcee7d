"""playback.json: what other versions wrote, read by this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assembler.errors import InputError
from assembler.findings import Verdict
from assembler.plan.manifest import FORMAT, UPGRADES, Manifest, find_claims, load_manifest, parse_manifest, upgraded
from assembler.times import PlayMs

FIXTURES = Path(__file__).parents[2] / "fixtures"
PATH = Path("class.assets/playback.json")
FORMAT_1 = json.loads((FIXTURES / "playback-1.json").read_text("utf-8"))
"""What the first version wrote beside its demo. Later ones must read it as it is: it is never made anew."""


def parsed(told: Any) -> Manifest:
    return parse_manifest(json.dumps(told).encode(), PATH)


def dicts_in(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield told
    for inner in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from dicts_in(inner)


def test_a_playback_json_of_format_1_is_read() -> None:
    manifest = parsed(FORMAT_1)
    assert (manifest.format, manifest.verdict, manifest.length) == (FORMAT, Verdict.OK, PlayMs(22000))
    assert manifest.stamps.count == 330
    assert {outcome.fate for outcome in manifest.outcomes} == {"used"}
    assert [jump.length for jump in manifest.clock.jumps] == [95_000]
    assert {o.user for o in manifest.origins} >= {"teacher"}


@pytest.mark.parametrize("key", ["quality", "recordings", "accounts"])
def test_a_key_that_came_later_may_be_missing(key: str) -> None:
    assert parsed({k: v for k, v in FORMAT_1.items() if k != key}).stamps == parsed(FORMAT_1).stamps


def test_keys_that_a_newer_version_adds_are_left_out_at_every_depth() -> None:
    newer = json.loads(json.dumps(FORMAT_1))
    places = [
        told for told in dicts_in(newer) if "lengths" not in told and not set(told) <= {"shown", "heard", "covered"}
    ]
    assert len(places) > 50
    for told in places:
        told["added later"] = {"some": ["value"]}
    for account in newer["accounts"]:
        account["picture"]["added later"] = 1
    assert parsed(newer) == parsed(FORMAT_1)


def test_a_newer_format_names_the_file_both_formats_and_the_next_step(tmp_path: Path) -> None:
    playback = tmp_path / "class.mp4"
    playback.touch()
    (tmp_path / "class.assets").mkdir()
    (tmp_path / PATH).write_text(json.dumps({**FORMAT_1, "format": FORMAT + 1, "stamps": "of a new kind"}))
    with pytest.raises(InputError) as caught:
        load_manifest(playback)
    assert caught.value.sentence == (
        f"{tmp_path / PATH} has format {FORMAT + 1}, and this version of assembler reads formats up to {FORMAT}"
    )
    assert caught.value.hint.startswith("Upgrade assembler")
    claims = find_claims(playback)
    assert claims is not None, "it is still known as a playback of ours"
    assert claims["tasks"] == ["task demo-lesson"]


@pytest.mark.parametrize("text", [b"\xff", b"[" * 100_000, b'{"format": -1}', b'{"format": "1"}'])
def test_what_no_version_wrote_is_an_input_error(text: bytes) -> None:
    with pytest.raises(InputError, match=r"class\.assets/playback\.json is not a playback\.json of this version"):
        parse_manifest(text, PATH)


def test_an_older_format_is_upgraded_step_by_step() -> None:
    steps = (
        lambda told: {**told, "b": told["a"] + 1},
        lambda told: {"c": told["b"] + 1},
    )
    assert upgraded({"a": 1}, PATH, steps) == {"c": 3, "format": 3}
    assert upgraded({"format": 2, "b": 5}, PATH, steps) == {"c": 6, "format": 3}
    assert upgraded({"format": 3, "c": 7}, PATH, steps) == {"c": 7, "format": 3}


def test_every_format_up_to_todays_has_a_fixture() -> None:
    assert len(UPGRADES) + 1 == FORMAT == len(list(FIXTURES.glob("playback-*.json")))
