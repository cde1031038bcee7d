"""The vendor's rules for parameters: what breaks one is refused before anybody is asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from typing import Any

import pytest

from assembler.cloud.bodies import Start, check_address, check_task, checked, mix_by
from assembler.cloud.recorder import fresh_user, make_user_sig, recorder_of
from assembler.errors import InputError
from assembler.layout.arrange import find_row
from assembler.layout.custom import custom_of, load_custom
from assembler.layout.row import Needs
from assembler.options import Options

GOOD = {"room_id": 1234, "user_id": "tic_record_user_1234_1", "user_sig": "s3cret"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"room_id": 0}, r"room_id: .*greater than or equal to 1 \(got 0\)"),
        ({"room_id": 4294967296}, r"room_id: .*4294967295 \(got 4294967296\)"),
        ({"room_id": "north"}, "room_id: .*integer"),
        ({"user_id": "ann"}, 'has to be tic_record_user_1234_ and something, not "ann"'),
        ({"user_id": "tic_record_user_12345_1"}, "has to be tic_record_user_1234_"),
        ({"user_id": "tic_record_user_1234_"}, "has to be tic_record_user_1234_ and something"),
        ({"user_id": "tic_record_user_1234_" + "课" * 14}, "more than 60 bytes"),
        ({"user_id": "tic_record_user_1234_\ud800"}, "not to be printed"),
        ({"user_id": "tic_record_user_1234_\n"}, "not to be printed"),
        ({"user_sig": ""}, r"user_sig: .*at least 1 character\. See"),
        ({"user_sig": 5}, r"user_sig: [^5(]*$"),
        ({"auto_stop_timeout": 299}, "auto_stop_timeout: .*300"),
        ({"auto_stop_timeout": 86401}, "auto_stop_timeout: .*86400"),
        ({"mix_stream": {"model_id": 3}}, r"mix_stream.model_id: .*1 or 2 \(got 3\)"),
        ({"mix_stream": {"enabled": True}}, "mix_stream: a mixed stream needs ModelId 1 or 2, or a Custom layout"),
        ({"whiteboard": {"width": 1}}, "whiteboard.width: .*2"),
        ({"whiteboard": {"init_param": "{ratio"}}, "whiteboard.init_param: this is not JSON"),
        ({"RecordMode": "FAST"}, "record_mode: .*REALTIME_MODE"),
        ({"Colour": "red"}, "Colour: extra"),
    ],
)
def test_what_breaks_a_rule_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        checked(Start, {**GOOD, **changes})
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None, "it would hold what was given"


def test_limits_are_allowed() -> None:
    for room in (1, 4294967295):
        user = f"tic_record_user_{room}_1"
        assert checked(Start, {**GOOD, "room_id": room, "user_id": user, "auto_stop_timeout": 86400}).room_id == room
    longest = "tic_record_user_1234_".ljust(60, "x")
    assert checked(Start, {**GOOD, "user_id": longest}).user_id == longest


@pytest.mark.parametrize("url", ["ftp://a.example", "a.example/callback", "http://", "https:///x", "http://a b", " "])
def test_a_callback_address_is_http_or_https_or_nothing(url: str) -> None:
    with pytest.raises(InputError, match="not a callback address"):
        check_address(url)
    assert check_address("") == ""
    assert check_address("http://127.0.0.1:8000/callback") == "http://127.0.0.1:8000/callback"


@pytest.mark.parametrize("task", ["", "../x", "a b", "x" * 65, "课"])
def test_a_task_id_is_one_word(task: str) -> None:
    with pytest.raises(InputError, match="not a task id"):
        check_task(task)


@pytest.mark.parametrize("layout", ["tiw-1", "tiw-2", "stage", "presenter", "grid"])
def test_a_layout_of_ours_is_mixed_by_the_vendor_as_we_read_it(layout: str) -> None:
    ours = find_row(layout).divide(Needs(users=4))
    again = load_custom(json.dumps({"Custom": custom_of(ours)}), layout)
    assert again.canvas == ours.canvas
    assert [slot.model_dump() for slot in again.slots] == [slot.model_dump() for slot in ours.slots]


def test_a_custom_layout_keeps_its_users_when_it_is_written_again() -> None:
    size = {"Width": 320, "Height": 240}
    streams = [{"InputStreamId": who, "LayoutParams": size, "FillMode": 1} for who in ("ann", "tic_substream_ann")]
    given = {"Canvas": {"LayoutParams": size}, "InputStreamList": streams}
    written = custom_of(load_custom(json.dumps(given), "given"))
    assert [(s["InputStreamId"], s["FillMode"]) for s in written["InputStreamList"]] == [
        ("ann", 1),
        ("tic_substream_ann", 1),
    ]


def test_only_the_vendors_models_have_a_teachers_place() -> None:
    assert mix_by("tiw-2", "ann") == {"model_id": 2, "teacher_id": "ann"}
    with pytest.raises(InputError, match="reserves no place"):
        mix_by("grid", "ann")
    for layout in ("auto", "auto-classroom", "mix"):
        with pytest.raises(InputError, match=f"nothing can be mixed by the layout {layout}"):
            mix_by(layout, None)
    with pytest.raises(InputError, match="unknown layout"):
        mix_by("gird", None)


def test_a_recorder_is_another_user_for_each_recording() -> None:
    users = {fresh_user(1234) for _ in range(20)}
    assert len(users) == 20
    for user in users:
        assert checked(Start, {**GOOD, "user_id": user}).user_id == user


def test_a_user_sig_is_what_the_vendors_libraries_verify() -> None:
    packed = make_user_sig("key", 1400000000, "tic_record_user_1_a", 1600000000)
    told = json.loads(zlib.decompress(base64.b64decode(packed.translate(str.maketrans("*-_", "+/=")))))
    signed = "TLS.identifier:tic_record_user_1_a\nTLS.sdkappid:1400000000\nTLS.time:1600000000\nTLS.expire:172800\n"
    assert told == {
        "TLS.ver": "2.0",
        "TLS.identifier": "tic_record_user_1_a",
        "TLS.sdkappid": 1400000000,
        "TLS.time": 1600000000,
        "TLS.expire": 172800,
        "TLS.sig": base64.b64encode(hmac.digest(b"key", signed.encode(), hashlib.sha256)).decode(),
    }


def test_a_recorder_without_a_user_sig_is_refused() -> None:
    with pytest.raises(InputError, match="no UserSig") as caught:
        recorder_of(Options(sdk_app_id=1), 5, None, None)
    assert "ASSEMBLER_USERSIG_KEY" in caught.value.hint
    with pytest.raises(InputError, match="of one user only"):
        recorder_of(Options(sdk_app_id=1), 5, None, "sig")
    assert recorder_of(Options(sdk_app_id=1), 5, "u", "sig") == {"user_id": "u", "user_sig": "sig"}
