"""``assembler at`` and ``assembler schema``: what they print where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lessons import camera, omission, recording
from terminal import Desk, three_streams

from assembler.schemas import SCHEMAS, build_schema

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A playback of the first version: 22 s from 2023-11-14 22:13:20 UTC, with a pause of 95 s."""
    (tmp_path / "class.assets").mkdir()
    told = json.loads((FIXTURES / "playback-1.json").read_text("utf-8"))
    told["timezone"] = "Asia/Shanghai"
    (tmp_path / "class.assets" / "playback.json").write_text(json.dumps(told))
    (tmp_path / "class.mp4").touch()
    return Desk(tmp_path, three_streams())


def test_there_and_back(desk: Desk) -> None:
    there = desk.say("at", "class.mp4", "--playback", "0:05")
    assert there.code == 0, there.err
    day, time, offset, name = there.out.split()
    assert (offset, name) == ("+08:00", "(Asia/Shanghai)")
    assert desk.say("at", "class.mp4", time).out == "0:05\n"
    assert desk.say("at", "class.mp4", day, time).out == "0:05\n"
    tokyo = desk.say("at", "class.mp4", "--playback", "0:05", "--timezone", "Asia/Tokyo", "--json")
    assert json.loads(tokyo.out)["playback"] == 5000
    assert "+09:00" in tokyo.err
    assert "(Asia/Tokyo)" in desk.say("at", "class.mp4", "--playback", "0:05", timezone="Asia/Tokyo").out


def test_a_pause_is_told_beside_the_answer(desk: Desk) -> None:
    jump = json.loads((desk.folder / "class.assets" / "playback.json").read_text())["clock"]["jumps"][0]
    said = desk.say("at", "class.mp4", "--playback", str(jump["at"] / 1000), "--json")
    moment = json.loads(said.out)
    assert moment["pause"]["end"] - moment["pause"]["start"] == 95_000
    assert "a pause of 1:35 is skipped there" in said.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["10:35"], "is outside of the class"),
        ([], "name one time"),
        (["10:35", "--playback", "0:05"], "name one time"),
        (["--playback", "1:00"], "is behind its end"),
        (["--playback", "0:05", "--timezone", "Mars"], "'Mars' is not a time zone"),
    ],
)
def test_mistakes_are_named(desk: Desk, words: list[str], part: str) -> None:
    said = desk.say("at", "class.mp4", *words)
    assert said.code == 2
    assert part in said.err


def test_without_a_time_zone_the_machine_s_is_named(desk: Desk) -> None:
    path = desk.folder / "class.assets" / "playback.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "timezone": None}))
    assert (
        "the time zone of this machine; --timezone names another" in desk.say("at", "class.mp4", "--playback", "0").err
    )


EXAMPLES: dict[str, list[Any]] = {
    "playback": [json.loads((FIXTURES / "playback-1.json").read_text("utf-8"))],
    "class": [{"title": "Maths", "timezone": "Asia/Shanghai", "people": [{"id": "s-*", "show": "anonymous"}]}],
    "recording": [recording([camera("a", "ann", 0, 5)], omissions=[omission(1, 2, 3)]).model_dump(mode="json")],
    "notice": [
        {"id": "5f", "event": "playback.ready", "job": "t1", "task": "t1", "app": None, "room": "12", "revision": 1,
         "state": "done", "verdict": "ok", "output": "s3://b/t1/playback.mp4", "reason": "", "findings": 0, "time": 1},
        {"id": "5f", "event": "recording.stopped", "job": None, "task": "t1", "app": None, "room": "12", "reason": "x",
         "sent": 1, "pause": None, "stop": 2, "time": 1},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_holds_for_what_there_is_and_says_what_each_field_means(desk: Desk, name: str) -> None:
    said = desk.say("schema", name)
    assert said.code == 0, said.err
    schema = json.loads(said.out)
    Draft202012Validator.check_schema(schema)
    for example in EXAMPLES[name]:
        Draft202012Validator(schema).validate(example)
        assert not Draft202012Validator(schema).is_valid({**example, next(iter(example)): {}}), "it refuses something"
    parts = [part for part in (schema, *schema["$defs"].values()) if "properties" in part]
    assert parts
    for part in parts:
        assert all(field.get("description") for field in part["properties"].values()), part["title"]


def test_what_is_written_may_get_new_keys_and_what_is_read_may_not() -> None:
    assert Draft202012Validator(build_schema("playback")).is_valid({**EXAMPLES["playback"][0], "newer": 1})
    assert not Draft202012Validator(build_schema("class")).is_valid({"titel": "Maths"})


def test_an_unknown_schema_names_those_that_there_are(desk: Desk) -> None:
    said = desk.say("schema", "clas")
    assert said.code == 2
    assert "playback, class, recording, notice" in said.err
