"""What events tell of a task: starts that failed, pauses, ends by force; and what says nothing of a class at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import requests
from terminal import Desk, three_streams
from workshop import Workshop

from assembler.jobs.intake.bodies import list_events
from assembler.jobs.intake.tasks import find_task, missing
from assembler.jobs.web.status_page import clock
from jobs.intake.test_once import event, names
from jobs.web.test_webhook import assert_accepted, post, served

PAUSED, STOPS = 1_795_642_000, 1_795_643_800


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


def told(kind: str, sent: int, **data: Any) -> bytes:
    body = json.loads(event(kind=f"OnlineRecord{kind}", **{"VideoInfos": None, **data}))
    return json.dumps({**body, "Timestamp": sent}).encode()


def v1(kind: str, sent: int, **fields: Any) -> bytes:
    plain = {"error_code": 0, "error_msg": "", "task_id": "t1", "task_type": "record_online", "room_id": 7}
    return json.dumps({**plain, "callback_type": kind, "timestamp": sent, **fields}).encode()


BAD_V1 = v1("record_started", PAUSED, error_code=40004, error_msg="im login failed with code 6206")
BAD_V3 = told("Started", PAUSED, Error={"Code": "FailedOperation.Record", "Message": "code: 40004, msg: im login"})
REFUSALS = [
    {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "21 in a second"}, "RequestId": "r"}},
    {"Response": {"Error": {"Code": "AuthFailure.SignatureExpire", "Message": "late"}, "RequestId": "r"}},
    {"error_code": 20002, "error_msg": "bad sign", "task_id": "t1"},
    {"error_code": 20099, "error_msg": "internal"},
]


def history(shop: Workshop, name: str = "t1") -> list[str]:
    task = find_task(shop.records, name)
    return task.history(clock) if task is not None else []


class TestARefusedRequest:
    @pytest.mark.parametrize("body", REFUSALS)
    def test_is_kept_and_makes_no_job_of_a_task_that_waits(self, shop: Workshop, body: dict[str, Any]) -> None:
        shop.hand_in(told("Started", 5))
        with served() as url:
            assert_accepted(post(url, json.dumps(body).encode()))
        shop.hand_in(json.dumps(body).encode())
        assert names(shop) == []
        assert [(task.task, task.kind) for task in missing(shop.records)] == [("t1", "OnlineRecordStarted")]
        assert list_events(shop.records)[0].note != "", "what the vendor said"

    def test_batch_says_it(self, shop: Workshop) -> None:
        desk = Desk(shop.folder, three_streams())
        said = desk.say("batch", "-", stdin="\n".join(json.dumps(body) for body in REFUSALS))
        assert (said.code, said.out.count("the vendor refused a request"), names(shop)) == (8, 4, [])


@pytest.mark.parametrize("bad", [BAD_V1, BAD_V3], ids=["v1", "v3"])
class TestAStartThatFailed:
    def test_is_seen_on_the_page_and_in_the_list_at_once(self, shop: Workshop, bad: bytes) -> None:
        shop.hand_in(told("Started", 5, TaskId="other"), bad)
        assert names(shop) == []
        with served() as url:
            text = requests.get(url, timeout=10).text
        said = Desk(shop.folder, three_streams()).say("jobs", "list", "--missing").out
        for shown in (text, said):
            for words in ("40004", "The recorder could not log in to IM", "NOT being recorded", "2026-11-2"):
                assert words in shown
        assert [task.task for task in missing(shop.records)] == ["t1", "other"], "the worst first"

    def test_and_still_when_a_result_came(self, shop: Workshop, bad: bytes) -> None:
        shop.hand_in(bad, told("Finished", PAUSED + 60, VideoInfos=json.loads(event())["EventData"]["VideoInfos"]))
        assert names(shop) == ["t1"]
        with served() as url:
            text = requests.get(f"{url}/jobs/t1", timeout=10).text
        said = Desk(shop.folder, three_streams()).say("jobs", "show", "t1").out
        assert "40004" in text
        assert "40004" in said

    def test_until_a_later_start_succeeds(self, shop: Workshop, bad: bytes) -> None:
        later = told("Started", PAUSED + 9)
        for order in ([bad, later], [v1("record_started", PAUSED + 9), bad]):
            shop.hand_in(*order)
            assert history(shop) == []

    def test_batch_makes_no_job_of_it_and_says_why(self, shop: Workshop, bad: bytes) -> None:
        said = Desk(shop.folder, three_streams()).say("batch", "-", stdin=bad.decode())
        assert (said.code, "40004" in said.out, names(shop)) == (8, True, [])
        assert missing(shop.records)[0].error is not None


WARNED = told("LongPauseWarning", PAUSED + 1200, PauseTime=PAUSED, EstimateStopTime=STOPS)
FORCED = told("LongPauseForceStopped", STOPS, PauseTime=PAUSED, StopTime=STOPS)
STOPPED = told("Stopped", STOPS + 1)
VIDEOS = json.loads(event())["EventData"]["VideoInfos"]
FINISHED = told("Finished", STOPS + 60, VideoInfos=VIDEOS, FinishReason="FORCE_STOP")
LATER = told(
    "Finished", STOPS + 60, VideoInfos=VIDEOS,
    OmittedDurations=[{"VideoTime": 5000, "PauseTime": PAUSED * 1000, "ResumeTime": (PAUSED + 1300) * 1000}],
)  # fmt: skip


class TestPauses:
    def test_one_that_lasts_is_told_with_its_times(self, shop: Workshop) -> None:
        shop.hand_in(WARNED)
        assert history(shop) == [f"paused since {clock_of(PAUSED)}, to be ended at {clock_of(STOPS)}"]

    def test_an_end_by_force_stays_told_in_whatever_order_it_came(self, shop: Workshop) -> None:
        for number, order in enumerate(permutations([WARNED, FORCED, STOPPED, FINISHED])):
            task = f"t{number}"
            shop.hand_in(*(body.replace(b'"t1"', f'"{task}"'.encode()) for body in order))
            told = f"ended at {clock_of(STOPS)} by force: it was paused since {clock_of(PAUSED)}"
            assert history(shop, task) == [told]

    @pytest.mark.parametrize("kind", ["Resumed", "Started"])
    @pytest.mark.parametrize("is_late", [False, True])
    def test_a_resume_ends_it_whichever_comes_first(self, shop: Workshop, kind: str, is_late: bool) -> None:
        shop.hand_in(told("Started", PAUSED - 9000), *[WARNED, told(kind, PAUSED + 1300)][:: -1 if is_late else 1])
        assert history(shop) == [f"paused at {clock_of(PAUSED)}, went on at {clock_of(PAUSED + 1300)}"]
        shop.hand_in(told("LongPauseWarning", PAUSED + 9000, PauseTime=PAUSED + 8000, EstimateStopTime=PAUSED + 9800))
        assert history(shop)[0].startswith("paused since"), "another one"

    def test_a_start_before_it_is_no_resume(self, shop: Workshop) -> None:
        shop.hand_in(told("Started", PAUSED - 9000), WARNED)
        assert history(shop)[0].startswith("paused since")

    @pytest.mark.parametrize("order", list(permutations([WARNED, LATER, STOPPED])))
    def test_the_result_says_when_it_went_on_in_whatever_order_they_come(
        self, shop: Workshop, order: tuple[bytes, ...]
    ) -> None:
        shop.hand_in(*order)
        assert history(shop) == [f"paused at {clock_of(PAUSED)}, went on at {clock_of(PAUSED + 1300)}"]

    def test_what_is_over_is_paused_no_longer(self, shop: Workshop) -> None:
        shop.hand_in(WARNED, STOPPED)
        assert history(shop) == [f"was paused for long since {clock_of(PAUSED)}"]


def clock_of(seconds: int) -> str:
    return clock(seconds * 1000)  # type: ignore[arg-type]  # an instant
