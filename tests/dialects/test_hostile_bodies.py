"""Whatever the bytes: a recording, an InputError or the CloudError of a refused request, nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import VENDOR_KINDS, WRITERS, examples, recordings, write_body

from assembler.dialects import parse, read_event
from assembler.errors import CloudError, InputError
from assembler.recording import Recording
from dialects.bodies import VENDOR, online, video

SYSTEMS = [path.read_bytes() for path in sorted((VENDOR.parent / "systems").glob("*.json"))]
FIXTURES = [*(path.read_bytes() for path in sorted(VENDOR.glob("*.json"))), *SYSTEMS]
NAMES = ["video_info", "VideoInfos", "VideoInfoList", "segments", "EventType", "EventData", "Response", "Error"]
NAMES += ["error_code", "callback_type", "Status", "status", "TotalTime", "OmittedDurations", "Interrupts", "kind"]
NAMES += [
    "dialect",
    "omissions",
    "findings",
    "play_time",
    "VideoType",
    "VideoPlayTime",
    "PauseTime",
    "UserId",
    "VideoId",
]
LEAVES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["OnlineRecordFinished", "FINISHED", "camera", "\ud800", "1e999", 10**50, 10**18, -(10**15)])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=15,
)


def parse_or_refuse(body: bytes | str) -> None:
    """Fails on any other exception, on an unprintable message, and on a value that cannot be written."""
    for read in (parse, read_event):
        try:
            value = read(body)
        except (InputError, CloudError) as exc:
            text = f"{exc} {exc.hint}"
            assert text.isprintable(), text
            text.encode()
        else:
            value.model_dump_json()
            if isinstance(value, Recording):
                assert parse(value.model_dump_json()) == value


@given(body=st.binary(max_size=200))
@examples(200)
def test_random_bytes(body: bytes) -> None:
    parse_or_refuse(body)


@given(body=st.text(max_size=100))
@examples(100)
def test_random_text(body: str) -> None:
    parse_or_refuse(body)


@given(value=ANYTHING)
@examples(150)
def test_random_json_of_our_words(value: Any) -> None:
    parse_or_refuse(json.dumps(value))


@given(body=st.sampled_from(FIXTURES), data=st.data())
@examples(200)
def test_fixtures_with_a_few_bytes_changed(body: bytes, data: st.DataObject) -> None:
    mutable = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutable) - 1))
        mutable[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not mutable:
            break
    parse_or_refuse(bytes(mutable))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, child in children for deeper in _paths(child, (*path, key)))]


@given(
    recording=recordings(max_segments=2, kinds=VENDOR_KINDS),
    name=st.sampled_from(sorted(WRITERS)),
    value=ANYTHING,
    data=st.data(),
)
@examples(200)
def test_good_bodies_with_one_value_replaced(recording: Recording, name: str, value: Any, data: st.DataObject) -> None:
    parse_or_refuse(_replaced(json.loads(write_body(name, recording)), value, data))


HOSTILE = st.sampled_from(
    [
        "[" * 100_000,
        r'{"name": "\ud800", "userId": [1]}',
        "7_UserId_s_\u00e9_UserId_e_main.ts",
        f"7_UserId_s_{base64.b64encode(bytes(range(32))).decode()}_UserId_e_main.ts",
        "UserId_s_" * 50_000,
        "{publisher_identity}{publisher_identity}",
        "{publisher_identity}-{a}-{b}-{c}-{d}-{e}-{f}-x",
        "{",
        "-" * 5_000,
    ]
)
"""Texts against what looks inside names: JSON in a text, base64, patterns of paths."""


@given(body=st.sampled_from(SYSTEMS), value=ANYTHING | HOSTILE, data=st.data())
@examples(200)
def test_bodies_of_other_systems_with_one_value_replaced(body: bytes, value: Any, data: st.DataObject) -> None:
    parse_or_refuse(_replaced(json.loads(body), value, data))


def _replaced(body: Any, value: Any, data: st.DataObject) -> str:
    *way, last = data.draw(st.sampled_from([path for path in _paths(body) if path]))
    target = body
    for key in way:
        target = target[key]
    target[last] = value
    return json.dumps(body)


DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"video_info":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"segments":[{"kind":' + b"[" * 900 + b"]" * 900 + b"}]}",
        b'{"segments":[{"kind":"camera"}],"findings":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_deep_nesting(body: bytes) -> None:
    parse_or_refuse(body)


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-" + "9" * 5000, "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1e308"]
)
@pytest.mark.parametrize(
    "field", ["VideoType", "VideoPlayTime", "VideoDuration", "VideoSize", "Width", "VideoId", "UserId", "VideoUrl"]
)
def test_absurd_numbers(number: str, field: str) -> None:
    good = online(video(), video(**{field: "@"}, VideoFormat="webm")).decode()
    parse_or_refuse(good.replace('"@"', number))
    assert parse(good.replace('"@"', number)).segments[0].video_id == "v1"


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "NaN"])
@pytest.mark.parametrize(
    "field", ["RecordStartTime", "RecordStopTime", "TotalTime", "ExceptionCnt", "RoomId", "TaskId"]
)
def test_absurd_numbers_about_the_whole_do_not_refuse_the_class(number: str, field: str) -> None:
    body = online(**{field: "@"}).decode().replace('"@"', number)
    recording = parse(body)
    assert [f.where for f in recording.findings] == [f"EventData.{field}"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_or_a_wider_encoding_is_read(encoding: str) -> None:
    assert parse(online(video(UserId="李雷")).decode().encode(encoding)).segments[0].user == "李雷"


def test_text_with_a_byte_order_mark_is_read() -> None:
    assert parse("\ufeff" + online().decode()).segments


def test_bytes_that_are_no_utf8_are_refused_with_line_and_column() -> None:
    with pytest.raises(InputError, match="not UTF-8 at line 2, column 3"):
        parse(b'{"a":\n "\xff"}')


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"[]", "the body is a list, expected a JSON object"),
        (b'"text"', "the body is a string, expected a JSON object"),
        (b"null", "the body is null, expected a JSON object"),
        (b"{}", "its keys: none"),
        (b'{"name": "x"}', 'its keys: "name"'),
        (b"<html></html>", "not JSON: expecting value at line 1, column 1"),
    ],
)
def test_json_of_something_else_is_named(body: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(body)
    assert sentence in str(caught.value)
    assert caught.value.hint


def test_a_key_that_stands_twice_with_two_values_is_refused() -> None:
    with pytest.raises(InputError, match='the key "video_info" stands twice'):
        parse(b'{"video_info": [], "video_info": [{"video_type": 2, "video_play_time": 0}]}')


def test_a_key_that_stands_twice_with_one_value_is_harmless() -> None:
    assert (
        parse(b'{"room_id": 1, "room_id": 1, "video_info": [{"video_type": 2, "video_play_time": 0}]}').room_id == "1"
    )


def test_messages_never_show_the_query_of_a_url() -> None:
    url = "https://files.example.com/a.mp4?q-signature=secret"
    for body in (online(url), online(video(VideoType=url)), online(video(VideoPlayTime=url)), json.dumps({url: 1})):
        with pytest.raises(InputError) as caught:
            parse(body)
        assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("text", ["\u202ecod.exe", "\x1b[2J", "a\u2028b", "\ud800", "\U00018d09", "x" * 9999])
def test_messages_are_short_and_printable_whatever_they_quote(text: str) -> None:
    event = {"EventType": text, "EventData": {"TaskId": text}}
    error = {"Code": text, "Message": text}
    neutral = {"segments": [{"kind": "camera", "play_time": 0}], text: 1}
    for body in (event, neutral, {text: 1}, {"TaskId": text, "Status": "RECORDING"}, {"TaskId": text, "Error": error}):
        with pytest.raises(InputError) as caught:
            parse(json.dumps(body))
        assert str(caught.value).isprintable()
        assert len(caught.value.sentence) < 700


def test_twenty_thousand_segments_are_no_class() -> None:
    with pytest.raises(InputError, match="over 20000 segments"):
        parse(online(*[0] * 20_001))


def test_a_thousand_segments_of_one_id_are_all_kept() -> None:
    recording = parse(online(*[video(UserId=str(n)) for n in range(1000)]))
    assert len({s.video_id for s in recording.segments}) == 1000


def test_the_query_of_a_callback_is_optional() -> None:
    assert parse(online(), query={}).app_id is None
    assert parse(online(), query={"sdkappid": "7"}).app_id == "7"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(40), "a zip archive"),
        (b"\x1f\x8b\x08\0" + bytes(40), "a gzip archive"),
        (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nhttps://host/a.ts?sign=5ecret\n", "a playlist (m3u8)"),
        (b"\xef\xbb\xbf\n#EXTM3U\n", "a playlist (m3u8)"),
        (b"\0\0\0\x20ftypisom" + bytes(40), "an mp4 (or mov) file"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "an mp4 (or mov) file"),
        (b"\x1a\x45\xdf\xa3\x01", "a webm (or mkv) file"),
        (b"FLV\x01\x05\0\0\0\x09", "an flv file"),
        (b"ID3\x03\0", "an mp3 file"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a wav file"),
        (b"RIFF\0\0\0\0AVI LIST", "an avi file"),
        (b"OggS\0\x02", "an ogg file"),
        ((b"\x47\x40\x11\x10" + bytes(184)) * 2, "an MPEG transport stream (ts)"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"%PDF-1.7", "a PDF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_kind_is_called_what_it_is(body: bytes, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(body)
    assert f"this is {kind}" in caught.value.sentence
    assert "JSON" in caught.value.hint
    assert "5ecret" not in caught.value.sentence + caught.value.hint
