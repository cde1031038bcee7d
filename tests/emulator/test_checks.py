"""Parameters of requests, read and checked: by which reason each wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from assembler.emulator.checks import (
    Generate,
    Made,
    Start,
    StartV1,
    check_address,
    check_made,
    check_recorder,
    check_start,
    read,
)
from assembler.emulator.errors import Reason, Refused

ROOM = 4294967295
USER = f"tic_record_user_{ROOM}_1"
START = {"room_id": ROOM, "record_user_id": USER, "record_user_sig": "s1g"}


def refusal(call: Any, *words: Any, **named: Any) -> tuple[Reason, str]:
    with pytest.raises(Refused) as caught:
        call(*words, **named)
    return caught.value.reason, caught.value.sentence


def test_both_spellings_are_the_same_parameters() -> None:
    given = {"room_id": 7, "record_user_id": "u", "record_user_sig": "s", "mix_stream": {"model_id": 2}}
    pascal = {"RoomId": 7, "RecordUserId": "u", "RecordUserSig": "s", "MixStream": {"ModelId": 2}}
    assert read(Start, given) == read(Start, pascal)
    named = read(Start, {**pascal, "TRTCRoomId": 8, "TRTCRoomIdStr": "eight"})
    assert (named.trtc_room_id, named.trtc_room_id_str) == (8, "eight")


def test_numbers_may_be_text_in_a_url_alone() -> None:
    given = {"RoomId": "7", "RecordUserId": "u", "RecordUserSig": "s"}
    assert read(Start, given, is_text=True).room_id == 7
    assert refusal(read, Start, given)[0] is Reason.WRONG_TYPE
    assert refusal(read, Start, {**given, "RoomId": "x"}, is_text=True)[0] is Reason.WRONG_TYPE


@pytest.mark.parametrize(
    ("model", "values", "reason", "where"),
    [
        (Start, {}, Reason.PARAMETER, "RoomId"),
        (StartV1, {}, Reason.MALFORMED, "RoomId"),
        (Generate, {}, Reason.MALFORMED, "OnlineRecordTaskId"),
        (Made, {"Nonsense": 1}, Reason.UNKNOWN_PARAMETER, "Nonsense"),
        (Made, {"Whiteboard": {"Width": 3001}}, Reason.PARAMETER, "Whiteboard.Width"),
        (Made, {"Whiteboard": {"Height": "x"}}, Reason.WRONG_TYPE, "Whiteboard.Height"),
    ],
)
def test_what_cannot_be_read_is_named(model: Any, values: dict[str, Any], reason: Reason, where: str) -> None:
    found, sentence = refusal(read, model, values)
    assert (found, sentence.partition(":")[0]) == (reason, where)


@pytest.mark.parametrize(
    ("changed", "reason", "part"),
    [
        ({"extras": ["MIX_STREAM", "OTHER"]}, Reason.EXTRA, "unknown extra"),
        ({"mix_stream": {"enabled": True, "model_id": 1}}, Reason.PARAMETER, "needs MIX_STREAM"),
        ({"auto_stop_timeout": 299}, Reason.PARAMETER, "300 to 86400"),
        ({"auto_stop_timeout": 86_401}, Reason.PARAMETER, "300 to 86400"),
        ({"record_mode": "OTHER"}, Reason.PARAMETER, "RecordMode"),
    ],
)
def test_a_start_that_breaks_a_rule_is_refused(changed: dict[str, Any], reason: Reason, part: str) -> None:
    found, sentence = refusal(check_start, read(Start, {**START, **changed}))
    assert found is reason
    assert part in sentence


def test_a_start_says_what_is_wished_of_its_files() -> None:
    plain = check_start(read(Start, {**START, "auto_stop_timeout": 86_400}))
    assert (plain.audio, plain.later, plain.mix, plain.auto_stop, plain.streams) == (False, False, None, 86_400, {})
    more = {"audio_file_needed": True, "record_mode": "VIDEO_GENERATION_MODE", "extras": ["MIX_STREAM"]}
    full = check_start(read(Start, {**START, **more, "mix_stream": {"enabled": True, "model_id": 2}}))
    assert (full.audio, full.later, full.mix) == (True, True, "102")


@pytest.mark.parametrize(
    ("room", "user", "signature", "part"),
    [
        (0, "tic_record_user_0_1", "s", "the room is 1 to"),
        (ROOM + 1, f"tic_record_user_{ROOM + 1}_1", "s", "the room is 1 to"),
        (7, "tic_record_user_7", "s", "and something"),
        (7, "tic_record_user_71", "s", "and something"),
        (7, "ann", "s", "and something"),
        (7, "tic_record_user_7_" + "é" * 22, "s", "more than 60 bytes"),
        (7, "tic_record_user_7_1", "", "no UserSig"),
    ],
)
def test_a_recorder_that_breaks_a_rule_is_refused(room: int, user: str, signature: str, part: str) -> None:
    found, sentence = refusal(check_recorder, room, user, signature)
    assert found is Reason.PARAMETER
    assert part in sentence


def test_a_recorder_at_the_limits_is_not() -> None:
    check_recorder(ROOM, USER, "s")
    check_recorder(1, "tic_record_user_1" + "x" * 43, "s")


def test_a_mixed_stream_is_named_by_its_layout() -> None:
    def mix(**fields: Any) -> str | None:
        return check_made(read(Made, {"mix_stream": fields})).mix

    assert mix(enabled=False, model_id=9) is None
    assert mix(enabled=True, model_id=1) == "101"
    assert mix(enabled=True, custom={}) == "100"
    for fields in ({"enabled": True}, {"enabled": True, "model_id": 3}):
        assert refusal(check_made, read(Made, {"mix_stream": fields}))[0] is Reason.PARAMETER


def test_streams_are_controlled_only_where_that_is_on() -> None:
    control = {"disable_audio": True, "stream_controls": [{"stream_id": "ann", "disable_record": True}]}
    assert check_made(read(Made, {"record_control": control})).streams == {}
    wishes = check_made(read(Made, {"record_control": {"enabled": True, **control}, "whiteboard": {"width": 640}}))
    assert wishes.streams == {
        "": {"DisableRecord": False, "DisableAudio": True},
        "ann": {"DisableRecord": True, "DisableAudio": False},
    }
    assert wishes.board == (640, 960)


def test_a_callback_address_is_http_https_or_empty() -> None:
    for good in ("", "http://a", "https://example.com:8080/x?y=1"):
        assert check_address(good) == good
    for bad in (None, 7, "ftp://a", "http://", "http:///x", "http://a b", "xhttp://a"):
        assert refusal(check_address, bad)[0] is Reason.CALLBACK
