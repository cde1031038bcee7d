"""Captions and messages as people have them: every spelling is read, and nothing breaks it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import START

from assembler.captions.read import (
    FIELDS,
    Caption,
    ChatMessage,
    parse_captions,
    parse_chat,
    parse_fields,
    read_file,
    wall_of,
)
from assembler.captions.webvtt import Cue, plain_lines, write_vtt
from assembler.errors import InputError
from assembler.timeline.time_of_day import Zone
from assembler.times import PlayMs, WallMs

SHANGHAI = Zone(ZoneInfo("Asia/Shanghai"), "option")
VTT = """WEBVTT - a title

NOTE
00:00:09.000 is no caption

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start position:0%
<v.loud Dr. M&amp;M><c.yellow>Hello</c> <00:01.500>1 &lt; 2</v>

01:00:00.000 --> 01:00:01.000
שלום
second line
"""
SRT = """\ufeff1\r
00:00:05,000 --> 00:00:04,000\r
ends before it starts\r
\r
2\r
00:00:01,000 --> 00:00:03,000  X1:40 X2:600\r
<i>AT&T</i> {\\an8}1 < 2 <3\r
"""


def test_an_arrow_in_a_text_is_text() -> None:
    read = parse_captions("1\n00:00:01,000 --> 00:00:02,000\na --> b\n00:00:02,000 --> 00:00:03,000\nc\n", "x")
    assert [caption.text for caption in read] == ["a --> b", "c"]


def test_webvtt_is_read_without_its_markup() -> None:
    assert parse_captions(VTT, "x") == (
        Caption(1000, 2500, "Hello 1 < 2", "Dr. M&M"),
        Caption(3_600_000, 3_601_000, "שלום\nsecond line"),
    )


def test_subrip_is_read_in_the_order_of_the_file() -> None:
    assert parse_captions(SRT, "x") == (
        Caption(5000, 4000, "ends before it starts"),
        Caption(1000, 3000, "AT&T 1 < 2 <3"),
    )


@pytest.mark.parametrize("text", ["", "WEBVTT\n\n", "nothing", '{"a": 1}'])
def test_a_file_without_captions_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the file holds no caption"):
        parse_captions(text, "the file")


texts = st.text(max_size=60)
cues = st.lists(
    st.tuples(st.integers(0, 10**8), st.integers(1, 10**6), texts.filter(plain_lines), texts).map(
        lambda row: Cue(start=PlayMs(row[0]), end=PlayMs(row[0] + row[1]), text=row[2], speaker=row[3])
    ),
    min_size=1,
    max_size=5,
)


@given(cues)
def test_what_is_written_is_read_back_whatever_is_in_it(given: list[Cue]) -> None:
    again = parse_captions(write_vtt(given), "x")
    assert [(cue.start, cue.end, cue.text) for cue in again] == [
        (cue.start, cue.end, plain_lines(cue.text)) for cue in given
    ]


@given(st.text(alphabet="0123456789:.,->\n <v>WEBTx&;{}\\", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InputError):
        assert parse_captions("WEBVTT\n" + text, "x")


@pytest.mark.parametrize(
    "time",
    [
        START, START / 1000, str(START), f"{START / 1000:.3f}", "2020-09-13T12:26:40Z", "2020-09-13 20:26:40",
        "2020-09-13T20:26:40.000+08:00",
    ],
)  # fmt: skip
def test_a_time_is_seconds_or_ms_or_iso(time: object) -> None:
    assert wall_of(time, SHANGHAI) == START


@given(st.integers(10**12, 2 * 10**12), st.sampled_from(["Asia/Kolkata", "America/St_Johns", "UTC"]))
def test_every_spelling_of_an_instant_is_the_same_instant(at: int, name: str) -> None:
    zone = Zone(ZoneInfo(name), "option")
    exact = datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=at % 1000)
    assert {wall_of(spelled, zone) for spelled in (at, str(at), exact.isoformat(), at / 1000)} == {at}


@pytest.mark.parametrize("time", [None, True, "", "noon", float("nan"), "inf", [1], {"a": 1}, "9999-99-99", 1e400])
def test_what_is_no_time_is_none(time: object) -> None:
    assert wall_of(time, SHANGHAI) is None


def test_fields_may_have_other_names_and_lie_inside_others() -> None:
    fields = parse_fields("time=sent.at, user = from.id,text=msg".replace(" = ", "="))
    entry = {"sent": {"at": START}, "from": {"id": 7}, "msg": "hi", "a.b": 1}
    found, not_read = parse_chat(json.dumps({"total": 1, "rows": [entry, {}, 5, None]}), "x", fields, SHANGHAI)
    assert (found, not_read) == ([ChatMessage(WallMs(START), "7", "hi")], 3)
    assert parse_fields(None) == FIELDS


@pytest.mark.parametrize("text", ["when=x", "time", "time=", "=x"])
def test_an_unknown_field_is_named(text: str) -> None:
    with pytest.raises(InputError, match="names no field of a message"):
        parse_fields(text)


@pytest.mark.parametrize("text", ["", "{", "5", "{}", '{"a": [], "b": []}', "[" * 100_000])
def test_what_is_no_list_of_messages_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the chat is not"):
        parse_chat(text, "the chat", FIELDS, SHANGHAI)


values = st.sampled_from([None, True, float("nan"), 10**400, -5, 1.5, START, "noon", "2020-09-13", "hi", [], {"a": 1}])


@given(st.lists(st.fixed_dictionaries({}, optional={"time": values, "user": values, "text": values}), max_size=5))
def test_any_entry_is_a_message_or_counted(entries: list[dict[str, object]]) -> None:
    found, not_read = parse_chat(json.dumps(entries), "x", FIELDS, SHANGHAI)
    assert len(found) + not_read == len(entries)
    assert [message.at for message in found] == sorted(message.at for message in found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_as_its_mark_says(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_text("שלום", encoding)
    assert read_file(path, "the captions") == "שלום"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    with pytest.raises(InputError, match=r"the captions .*a\.srt cannot be read: No such file"):
        read_file(path, "the captions")
    path.write_bytes(b"\xe4\xff")
    with pytest.raises(InputError, match="is not text in UTF-8"):
        read_file(path, "the captions")
