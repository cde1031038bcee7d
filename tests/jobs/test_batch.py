"""What `batch` is given: files, folders, globs, standard input; one result each, or one in every line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from assembler.errors import InputError
from assembler.pipeline import read_results
from assembler.pipeline.read_results import read_bodies


def given(*names: object, text: bytes = b"") -> list[tuple[str, bytes]]:
    return [(one.source, one.body) for one in read_bodies([str(name) for name in names], BytesIO(text))]


def test_a_body_is_a_file_or_a_line() -> None:
    assert given("-", text=b'{\n"a": 1}\n') == [("standard input", b'{\n"a": 1}\n')]
    assert given("-", text=b'{"a": 1}\n') == [("standard input", b'{"a": 1}\n')]
    assert given("-", text=b'{"a": 1}\n\n {"b": 2}\r\n') == [
        ("standard input:1", b'{"a": 1}'), ("standard input:3", b'{"b": 2}'),
    ]  # fmt: skip
    assert len(given("-", text=b'{"a": 1}\n{"b":\n')) == 1, "a line that is cut off is no line of its own"


def test_a_folder_holds_results_but_what_lies_beside_a_playback(tmp_path: Path) -> None:
    for name in ("b.json", "a.jsonl", "deep/c.ndjson", "class.assets/playback.json", "deep/job.json", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = [str(tmp_path / name) for name in ("b.json", "a.jsonl", "deep/c.ndjson")]
    assert [source for source, _ in given(tmp_path)] == found
    assert [source for source, _ in given(tmp_path / "*", tmp_path / "notes.txt")].count(found[0]) == 1
    (tmp_path / "[x].json").write_text("{}")
    assert [source for source, _ in given(tmp_path / "[x].json")] == [str(tmp_path / "[x].json")]
    (tmp_path / "[y]").mkdir()
    (tmp_path / "[y]/z.json").write_text("{}")
    assert str(tmp_path / "[y]/z.json") in [source for source, _ in given(tmp_path / "*")]


def test_a_name_that_stands_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no result file"):
        given(tmp_path / "*.json")


def test_lines_beyond_the_limit_are_refused_and_never_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_results, "LARGEST_RESULT", 2**20)
    line, path = b'{"a": "' + b"x" * 1013 + b'"}\n', tmp_path / "many.jsonl"
    text = line * (2**20 // len(line))
    assert len(given("-", text=text)) == len(text) // len(line) == 1025
    path.write_bytes(text + line)
    for name in ("-", path):
        with pytest.raises(InputError, match=r"(standard input|many.jsonl) has more than 1 MiB"):
            given(name, text=text + line)
    path.write_bytes(b"\0\0\0\x18ftyp" + bytes(2**20))
    assert len(given(path)) == 1, "what is no JSON is refused on its own, with its own words"
