"""Rules by which callbacks are sent again, of both generations, and their signatures."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from assembler.dialects.signature import sign
from assembler.emulator.callbacks import RULES, Delivery, after, queued
from assembler.emulator.cloud import KEY
from assembler.emulator.lesson import Lesson, Presence
from assembler.emulator.task import Delays, Event
from assembler.times import WallMs
from emulator.conftest import Open, Practice, received, until

DELAYS = Delays()


def delivery(api: str, event: Event = Event.FINISHED, due: int | None = 0) -> Delivery:
    due = None if due is None else WallMs(due)
    return Delivery(task="t", api=api, app=1, event=event, body={}, url="http://h/", key="k", due=due)


@pytest.mark.parametrize(("api", "wait", "repeats"), [("v1", 60_000, 10), ("v3", 5_000, 5)])
def test_a_callback_that_nobody_takes_is_repeated_and_given_up(api: str, wait: int, repeats: int) -> None:
    waiting, times = (delivery(api),), []
    while waiting:
        (one,) = waiting
        assert one.due is not None
        times.append(one.due)
        waiting = after(waiting, one, "no", one.due, 1.0)
    assert times == [number * wait for number in range(repeats + 1)]


def test_one_that_is_taken_is_not_repeated_unless_told_to() -> None:
    plain = queued((), delivery("v3"), frozenset(), DELAYS)
    assert after(plain, plain[0], "", WallMs(0), 1.0) == ()
    twice = queued((), delivery("v3"), frozenset({"repeat"}), DELAYS)
    again = after(twice, twice[0], "", WallMs(7), 1.0)
    assert [one.due for one in again] == [7]
    assert after(again, again[0], "", WallMs(8), 1.0) == ()


def test_faults_drop_delay_and_reorder_only_what_they_name() -> None:
    started, result = delivery("v3", Event.STARTED), delivery("v3")
    assert queued((started,), result, frozenset({"drop-callback"}), DELAYS) == (started,)
    assert queued((), started, frozenset({"drop-callback", "late"}), DELAYS) == (started,)
    assert queued((), result, frozenset({"late"}), DELAYS)[0].due == 600_000
    held = queued((), started, frozenset({"reorder"}), DELAYS)
    assert held[0].due is None
    both = queued(held, result, frozenset({"reorder"}), DELAYS)
    assert [one.due for one in after(both, result, "", WallMs(9), 1.0)] == [9]


def said(status: int, raw: bytes) -> Any:
    def answer(request: Any) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    return answer


def queries(practice: Practice) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(came.path).query) for came in practice.backend.came]


@pytest.mark.parametrize("quirk", ["", "same-signature"])
def test_generation_1_wants_to_read_error_code_0(practice: Open, quirk: str) -> None:
    stand_in = practice(quirks=(quirk,) if quirk else (), lesson=Lesson(streams=(Presence(user="ann"),), scale=0.1))
    refusals = [said(500, b'{"error_code":0}'), said(200, b"ok"), said(200, b'{"error_code":false}'), 302]
    stand_in.backend.answers[:] = [*refusals, received]
    stand_in.hook()
    stand_in.start()
    for count in range(1, 6):
        until(lambda count=count: len(stand_in.cloud.asked) >= 2 + count)
        stand_in.clock.move(60)
    stand_in.cloud.deliver()
    came = queries(stand_in)
    assert len(came) == 5
    assert [one.problem for one in stand_in.cloud.asked if one.what.startswith("callback Online")] == [
        "", "the receiver answered 302, not 200", *['the receiver did not answer {"error_code": 0}'] * 2,
        "the receiver answered 500, not 200",
    ]  # fmt: skip
    assert len({one["random"][0] for one in came}) == 5
    assert len({one["expire_time"][0] for one in came}) == (1 if quirk else 5)
    for one in came:
        assert (one["token"], one["sdkappid"]) == (["t0ken"], ["1400000001"]), "the address's own query stays"
        assert one["sign"] == [sign(KEY, one["expire_time"][0])]


def test_generation_3_wants_status_200_and_signs_in_the_body(practice: Open, sdk: Any) -> None:
    stand_in = practice()
    client = sdk(stand_in)
    client("SetOnlineRecordCallback", Callback=stand_in.backend.url)
    stand_in.backend.answers[:] = [204, said(200, b"whatever")]
    client.start()
    for count in (1, 2):
        until(lambda count=count: len(stand_in.cloud.asked) >= 2 + count)
        stand_in.clock.move(5)
    bodies = [json.loads(came.body) for came in stand_in.backend.came]
    assert bodies[0] == bodies[1]
    assert "Sign" not in bodies[0], "no key is set"
    assert (bodies[0]["SdkAppId"], bodies[0]["EventData"]["RoomId"]) == (1400000001, 880528)
    assert RULES["v3"].repeats == 5


def test_a_receiver_that_is_away_is_told_on_the_page(practice: Open) -> None:
    stand_in = practice(speed=1)
    assert stand_in.post("online/callback", {"callback": "http://127.0.0.1:1/?secret=5"})["error_code"] == 0
    stand_in.start()
    until(lambda: any(one.problem for one in stand_in.cloud.asked))
    page = requests.get(stand_in.base, timeout=60).text
    assert "127.0.0.1 cannot be reached" in page
    assert "secret" not in page


def test_an_expiring_address_ends_after_ten_minutes(practice: Open) -> None:
    stand_in = practice(quirks=("expiring-urls",), lesson=Lesson(streams=(Presence(user="ann"),), scale=0.1))
    task = stand_in.start()
    stand_in.clock.move(1)
    url = stand_in.finish(task)["video_info"][0]["video_url"]
    assert requests.get(url, timeout=60).status_code == 200
    stand_in.clock.move(600)
    assert requests.get(url, timeout=60).status_code == 403
    fresh = stand_in.post("online/query", {"task_id": task})["video_info"][0]["video_url"]
    assert requests.get(fresh, timeout=60).status_code == 200
