"""What strangers write neither shows a signature nor turns a line around, wherever it comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from terminal import Desk, three_streams
from workshop import body_of

from assembler.errors import InputError, without_queries
from assembler.findings import note
from assembler.network.http import host_of
from assembler.recording import VendorError
from assembler.report.markup import text


@pytest.mark.parametrize(("told", "shown"), [
    ("at http://u:PW@h.example:8/p?sign=S#f now", "at http://h.example:8/p now"),
    ("//h.example/p?sign=S", "//h.example/p"),
    ("cos://b/k?q-signature=S&x='y'", "cos://b/k'y'"),
    ("what? no=thing", "what? no=thing"),
])  # fmt: skip
def test_no_query_of_any_url_is_told(told: str, shown: str) -> None:
    error = VendorError(code="", number=None, message=told, advice="")
    assert {without_queries(told), InputError(told).sentence, note("", told).sentence, error.message} == {shown}
    assert "=S" not in text(told)


def test_marks_of_direction_are_written_out_in_a_terminal(tmp_path: Path) -> None:
    lesson = three_streams()
    path = tmp_path / "r.json"
    path.write_bytes(body_of(lesson, room_id="\u202egnp.exe\u2066", task_id="t\u200f"))
    desk = Desk(tmp_path, lesson)
    told, plain = desk.say("inspect", str(path)), desk.say("inspect", str(path), "--json")
    assert not set(told.out + plain.out) & set("\u202e\u2066\u200f")
    assert "\u202egnp.exe" in json.dumps(json.loads(plain.out), ensure_ascii=False)


def test_a_backslash_ends_the_host_as_it_does_when_the_url_is_fetched() -> None:
    assert host_of("http://good.example\\@evil.example/x") == "good.example"
