"""The verb as a user has it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import requests
from terminal import START, Desk

from assembler.emulator.lesson import load_lesson
from assembler.emulator.quirks import FAULTS, QUIRKS
from assembler.errors import InputError

README = Path(__file__).parent.parent.parent / "README.md"


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    words = [*START, "emulate", "--port", "0", "--speed", "600", "--key", "k3y", "--quirk", "mp3", "--fault", "slow"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        assert server.stderr is not None
        first, second = server.stderr.readline(), server.stderr.readline()
        base = re.match(r"(http://127\.0\.0\.1:\d+)/ shows", first)
        assert base is not None, first
        assert "k3y" not in first + second
        page = requests.get(base[1], timeout=10).text
        assert "600 times as fast" in page
        assert "mp3" in page
        server.terminate()
        assert server.wait(20) == 0
        assert server.stderr.read() == ""


def test_names_are_listed_and_others_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, None)  # type: ignore[arg-type]  # no class lies in this folder
    assert [line.split()[0] for line in desk.say("emulate", "--quirk", "list").out.splitlines()] == [*QUIRKS]
    assert [line.split()[0] for line in desk.say("emulate", "--fault", "list").out.splitlines()] == [*FAULTS]
    wrong = desk.say("emulate", "--quirk", "mp4")
    assert (wrong.code, "there is no --quirk mp4" in wrong.err) == (2, True)
    missing = desk.say("emulate", "--lesson", "nothing.json")
    assert (missing.code, "nothing.json cannot be read" in missing.err) == (2, True)


@pytest.mark.parametrize(
    ("lesson", "said"),
    [
        ({}, "streams: Field required"),
        ({"streams": [{"user": "ann", "shows": "hat"}]}, "streams.0.shows: Input should be"),
        ({"streams": [{"user": "ann", "since": 5, "until": 5}]}, "ends after it begins"),
        ({"streams": [], "pauses": [{"since": 5}]}, "each with its until"),
        ({"streams": [], "pauses": [{"since": 5, "until": 9}, {"since": 8, "until": 10}]}, "in their order"),
        ({"streams": [], "colour": "red"}, "colour: Extra"),
    ],
)
def test_a_lesson_that_cannot_be_is_refused(tmp_path: Path, lesson: object, said: str) -> None:
    path = tmp_path / "lesson.json"
    path.write_text(json.dumps(lesson))
    with pytest.raises(InputError, match=said):
        load_lesson(path)


def test_the_lesson_of_the_readme_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```json\n(\{\"streams\".*?)```", README.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "lesson.json"
    path.write_text(shown)
    assert len(load_lesson(path).streams) == 4
