"""The verb as a user has it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from terminal import START, Desk

from assembler.emulator.cloud import APP, KEY
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
        page = requests.get(base[1], timeout=60).text
        assert "600 times as fast" in page
        assert "mp3" in page
        for _ in range(2):  # somebody who is impatient
            server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
        assert server.stderr.read() == ""


def test_a_stand_in_that_was_killed_and_started_again_knows_no_task_and_the_client_says_so(tmp_path: Path) -> None:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TENCENTCLOUD_")},
        "ASSEMBLER_SDK_APP_ID": str(APP), "ASSEMBLER_TICKEY": KEY, "ASSEMBLER_USERSIG_KEY": "k",
    }  # fmt: skip

    def begin(*words: str) -> tuple[subprocess.Popen[str], Iterator[str]]:
        process = subprocess.Popen([*START, *words], env=env, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        stack.callback(process.wait)
        stack.callback(process.kill)
        assert process.stderr is not None
        stack.callback(process.stderr.close)
        return process, iter(process.stderr)

    def say(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*START, *words], env=env, capture_output=True, text=True, cwd=tmp_path, check=False)

    with ExitStack() as stack:
        server, lines = begin("emulate", "--port", "0")
        (port,) = re.findall(r":(\d+)/ shows", next(lines))
        env["ASSEMBLER_CLOUD_BASE"] = f"http://127.0.0.1:{port}"
        task = say("record", "start", "5").stdout.strip()
        _, told = begin("fetch", task, "--wait", "--every", "0.1")
        assert any("RECORDING" in line for line in told)
        server.kill()
        assert any("cannot be reached" in line for line in told)
        gone = say("record", "stop", task)
        assert (gone.returncode, "look before you repeat it" in gone.stderr) == (3, True)
        _, lines = begin("emulate", "--port", port)
        assert "shows" in next(lines)
        assert "asking again" in next(line for line in told if "20005" in line)
        unknown = say("record", "stop", task)
        assert (unknown.returncode, "check the TaskId" in unknown.stderr) == (3, True)


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
