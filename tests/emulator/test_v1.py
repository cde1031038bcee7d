"""Generation 1 over HTTP: what breaks a rule is answered as the vendor's tables have it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from dialects.bodies import vendor

from assembler.emulator.cloud import MOST_RUNNING
from emulator.conftest import ROOM, Open

GOOD = {"room_id": ROOM, "user_id": f"tic_record_user_{ROOM}_9", "user_sig": "s1g"}


@pytest.mark.parametrize(
    ("changed", "number", "said"),
    [
        ({"sign": "0" * 32}, 20002, "md5"),
        ({"sign": "课"}, 20002, "md5"),
        ({"expire_time": 1557202745}, 20001, "expired"),
        ({"expire_time": "soon"}, 20003, "expire_time"),
        ({"sdkappid": 1400127115}, 20000, "1400000001"),
        ({"sign": None}, 20003, "no sign"),
        ({"random": None}, 20003, "no random"),
        ({"random": 0}, 20003, "random"),
        ({"random": 2**31}, 20003, "random"),
    ],
)
def test_a_url_that_is_not_signed_well_is_refused(practice: Open, changed: Any, number: int, said: str) -> None:
    told = practice().post("online/start", GOOD, **changed)
    assert (told["error_code"], "task_id" in told) == (number, False)
    assert said in told["error_msg"]


@pytest.mark.parametrize(
    ("path", "body", "number"),
    [
        ("online/start", {**GOOD, "room_id": 0}, 20003),
        ("online/start", {**GOOD, "room_id": str(ROOM)}, 20003),
        ("online/start", {**GOOD, "user_id": "ann"}, 20003),
        ("online/start", {**GOOD, "user_id": f"tic_record_user_{ROOM}0_1"}, 20003),
        ("online/start", {**GOOD, "user_id": f"tic_record_user_{ROOM}_\ud800"}, 20003),
        ("online/start", {**GOOD, "user_sig": ""}, 20003),
        ("online/start", {**GOOD, "mix_stream": {"enabled": True}}, 20003),
        ("online/start", {**GOOD, "whiteboard": {"width": 1}}, 20003),
        ("online/start", {"room_id": ROOM}, 20003),
        ("online/begin", GOOD, 20003),
        ("online/callback", {"callback": "ftp://a.example"}, 20004),
        ("online/callback", {}, 20004),
        ("online/query", {"task_id": "g68cee8e90jcq4ogg8jb"}, 20005),
        ("online/stop", {"task_id": 5}, 20003),
        ("online/pause", {}, 20003),
        ("offline/query", {"task_id": "g68cee8e90jcq4ogg8jb"}, 20005),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(practice: Open, path: str, body: Any, number: int) -> None:
    assert practice().post(path, body)["error_code"] == number


def test_a_body_that_is_no_json_or_10_mb_long_is_refused(practice: Open) -> None:
    stand_in = practice()
    for raw in (b"", b"{", b"[1]", vendor("v1-start-request-missing-comma.json"), b'{"task_id": "' + b"x" * 10_000_000):
        assert stand_in.post("online/start", None, raw=raw)["error_code"] == 20003
    assert stand_in.post("online/start", GOOD)["error_code"] == 0, "it goes on"


@pytest.mark.parametrize("path", ["online/start", "online/callback", "online/stop"])
@pytest.mark.parametrize(
    "raw",
    [
        b'{"callback": "http://\\ud800/", "task_id": "\\ud800", "room_id": 5, "user_id": "\\ud800", "user_sig": "s"}',
        b'{"\\ud800": 1, "room_id": 5}',
        b'{"room_id": NaN, "task_id": {}, "callback": []}',
        b'{"room_id": 1e999, "task_id": null, "callback": true}',
        b'{"a":' * 5000,
        b"\xff\xfe{}",
        b'{"room_id": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_hostile_body_is_answered(practice: Open, path: str, raw: bytes) -> None:
    stand_in = practice()
    assert stand_in.post(path, None, raw=raw)["error_code"] in (0, 20003, 20004, 20005)
    assert requests.get(stand_in.base, timeout=60).status_code == 200


def test_the_vendors_example_is_granted(practice: Open) -> None:
    told = practice().post("online/start", None, raw=vendor("v1-start-request.json"))
    assert (told["error_code"], told["error_msg"], len(told["task_id"])) == (0, "ok", 20)


def test_a_busy_user_a_paused_task_and_an_ended_one_are_refused(practice: Open) -> None:
    stand_in = practice()
    task = stand_in.start(9)
    assert stand_in.post("online/start", GOOD)["error_code"] == 20013
    assert stand_in.post("online/resume", {"task_id": task})["error_code"] == 20003
    assert stand_in.post("online/query", {"task_id": task})["status"] == "recording"
    assert stand_in.post("online/pause", {"task_id": task})["error_code"] == 0
    refused = stand_in.post("online/pause", {"task_id": task})
    assert (refused["error_code"], "PAUSED cannot pause" in refused["error_msg"]) == (20003, True)
    assert stand_in.post("online/stop", {"task_id": task})["error_code"] == 0
    assert stand_in.post("online/stop", {"task_id": task})["error_code"] == 20011
    assert stand_in.post("online/start", GOOD)["error_code"] == 0, "the user is free again"


def test_of_two_starts_at_once_one_is_granted(practice: Open) -> None:
    stand_in = practice()
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: stand_in.post("online/start", GOOD)["error_code"], range(8)))
    assert sorted(told) == [0, *[20013] * 7]


def test_more_than_twenty_recordings_or_requests_a_second_are_refused(practice: Open) -> None:
    stand_in = practice()
    for number in range(MOST_RUNNING):
        stand_in.start(number)
    body = {**GOOD, "user_id": f"tic_record_user_{ROOM}_99"}
    told = [stand_in.post("online/start", body) for _ in range(21)]
    assert [one["error_code"] for one in told] == [20099] * 21
    assert "running" in told[0]["error_msg"]
    assert "within a second" in told[20]["error_msg"]


def test_the_page_tells_what_was_wrong_and_no_secret(practice: Open) -> None:
    stand_in = practice(quirks=("mp3",))
    task = stand_in.start(9)
    stand_in.post("online/resume", {"task_id": task})
    stand_in.post("online/stop", {"task_id": "<b>nobody"}, key="other")
    page = requests.get(stand_in.base, timeout=60)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for words in (
        str(ROOM),
        task,
        "RECORDING",
        "20003 a task that is RECORDING cannot resume",
        "20002 sign is not",
        "mp3",
    ):
        assert words in page.text, words
    assert "s1g" not in page.text
    assert requests.get(f"{stand_in.base}/record/v1/online/start", timeout=60).status_code == 405
    assert requests.get(stand_in.base, headers={"Host": "evil.example"}, timeout=60).status_code == 421
