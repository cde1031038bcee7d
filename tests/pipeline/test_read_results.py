"""Result files, read and parsed: every refusal names the file."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from lessons import camera, recording

from assembler.errors import AssemblerError, CloudError, InputError
from assembler.pipeline.read_results import LARGEST_RESULT, read_recordings


def result(task: str) -> bytes:
    return json.dumps(recording([camera("v1", "ann", 0, 1000)], task=task).model_dump(mode="json")).encode()


def refusal(name: str, body: bytes = b"") -> AssemblerError:
    with pytest.raises(AssemblerError) as caught:
        read_recordings([name], BytesIO(body))
    return caught.value


def test_files_and_standard_input_are_read_in_the_order_given(tmp_path: Path) -> None:
    for task in ("a", "b"):
        (tmp_path / task).write_bytes(result(task))
    found = read_recordings([str(tmp_path / "b"), "-", str(tmp_path / "a")], BytesIO(result("c")))
    assert [one.task_id for one in found] == ["b", "c", "a"]


def test_a_result_that_is_named_twice_is_refused_in_these_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(result("a"))
    for again in (tmp_path / "a.json", tmp_path):
        with pytest.raises(InputError) as caught:
            read_recordings([str(tmp_path / "a.json"), str(again)], BytesIO())
        assert caught.value.sentence == f"{tmp_path / 'a.json'}: it is named twice"


def test_what_cannot_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    missing, folder = tmp_path / "missing.json", tmp_path
    assert refusal(str(missing)).sentence == f"{missing}: no such file"
    assert refusal(str(folder)).sentence == f"{folder} names no result file"
    assert "no such file" in refusal("a\0b").sentence
    broken = refusal("-", b"{")
    assert isinstance(broken, InputError)
    assert broken.sentence.startswith("standard input: ")


def test_an_error_keeps_its_kind() -> None:
    body = json.dumps({"Response": {"Error": {"Code": "InternalError", "Message": "x"}, "RequestId": "r"}}).encode()
    error = refusal("-", body)
    assert isinstance(error, CloudError)
    assert error.sentence.startswith("standard input: ")


def test_a_file_beyond_any_result_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "class.json"
    for head, part in ((b"\0\0\0\x18ftyp", "this is an mp4"), (b"{", f"more than {LARGEST_RESULT >> 20} MiB")):
        path.write_bytes(head)
        with path.open("r+b") as file:
            file.truncate(LARGEST_RESULT + 1)
        assert part in refusal(str(path)).sentence
    assert "no recording result is that large" in refusal("-", b" " * LARGEST_RESULT).sentence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("between", ["[{},{}]", "{}\n{}\n"])
def test_a_list_and_lines_are_read_in_each_encoding_that_shells_write(encoding: str, between: str) -> None:
    text = between.replace("{}", "%s") % (result("a\u00e9").decode(), result("b").decode())
    assert [one.task_id for one in read_recordings(["-"], BytesIO(text.encode(encoding)))] == ["a\u00e9", "b"]


def test_a_text_that_ends_inside_a_character_is_refused_and_not_changed() -> None:
    assert "UTF-16" in refusal("-", result("a").decode().encode("utf-16")[:-1]).sentence
