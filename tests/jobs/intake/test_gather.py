"""Callbacks that tell of one file each: they wait for each other, and are one job in the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workshop import Workshop

from assembler.dialects import parse
from assembler.dialects.dialect import PARTS
from assembler.jobs.batch import Batch
from assembler.jobs.control import hand_in
from assembler.jobs.intake.bodies import Body, keep, list_events, load_body, recording_of
from assembler.jobs.intake.gather import Gathering, begin_due, list_gatherings
from assembler.jobs.intake.intake import take_in
from assembler.jobs.prune import prune
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import now
from assembler.jobs.store.tables import EVENT, GATHERING
from assembler.jobs.web.put_result import judge_result
from assembler.options import load_options
from assembler.pipeline.read_results import Given
from assembler.pipeline.timelines import in_order, timeline_of
from assembler.segment_files import SegmentFiles

SAMPLES = Path(__file__).parents[3] / "fixtures" / "systems"
TASK = "-m9-TASK"
START = 1_790_000_000_000


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def trtc(
    kind: int = 311, user: str = "ann", *, task: str = TASK, begin: int = START, sent: int = 1, **told: Any
) -> bytes:
    """An event of TRTC; ``told`` changes its Payload."""
    file = {
        "UserId": user, "TrackType": "audio_video", "MediaId": "main", "FileId": f"id-{user}",
        "VideoUrl": f"https://files.example.com/{user}.mp4?t=1",
        "CacheFile": f"1400000000_20015_UserId_s_{user}_UserId_e_main.mp4",
        "StartTimeStamp": begin, "EndTimeStamp": begin + 60_000,
    }  # fmt: skip
    payload = {"Status": 0, **({"TencentVod": file} if kind == 311 else {}), **told}
    info = {"RoomId": "20015", "EventTs": 1_790_000_000 + sent, "TaskId": task, "Payload": payload}
    return json.dumps({"EventGroupId": 3, "EventType": kind, "CallbackTs": now(), "EventInfo": info}).encode()


def livekit(name: str, status: str = "EGRESS_COMPLETE", *, room: str = TASK, event: str = "egress_ended") -> bytes:
    """An event of LiveKit about one egress."""
    file = {
        "filename": f"rec/{name}.mp4",
        "startedAt": str(START * 10**6),
        "location": f"https://f.example.com/{name}.mp4",
    }
    info: dict[str, Any] = {
        "egressId": f"EG_{name}", "roomId": room, "roomName": "algebra", "status": status,
        "participant": {"identity": name}, "fileResults": [file] if status == "EGRESS_COMPLETE" else [],
    }  # fmt: skip
    return json.dumps(
        {"event": event, "id": f"EV_{name}_{status}", "createdAt": "1790000031", "egressInfo": info}
    ).encode()


def finished(event: str = "room_finished", room: str = TASK) -> bytes:
    told = {"event": event, "id": f"EV_{event}", "createdAt": "1790000030", "room": {"sid": room, "name": "algebra"}}
    return json.dumps(told).encode()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Workshop]:
    """One with a file as its database."""
    with Workshop.opened(tmp_path) as opened:
        yield opened


def call(shop: Workshop, *bodies: bytes, app: str | None = None) -> None:
    """Callbacks that come one by one."""
    for body in bodies:
        keep(shop.records, [Body(body, app, "callback", now())])
        take_in(shop.records, shop.engine)


def quiet(shop: Workshop) -> None:
    """Let the time pass for which is waited."""
    with shop.records.transaction() as connection:
        connection.execute(GATHERING.update().where(GATHERING.c.due.is_not(None)).values(due=1))
    take_in(shop.records, shop.engine)


def users(shop: Workshop, job: Job) -> list[str]:
    return sorted(segment.user for segment in recording_of(shop.records, job.event).segments)


def jobs(shop: Workshop) -> list[str]:
    return sorted(job.id for job in shop.records.list_jobs())


def waiting(shop: Workshop) -> Gathering:
    (one,) = list_gatherings(shop.records)
    return one


class TestOneRecording:
    def test_it_begins_with_the_closing_event_and_is_one_job(self, shop: Workshop) -> None:
        call(shop, trtc(301), trtc(user="ann"), trtc(user="bob", begin=START + 500), app="1400000000")
        assert jobs(shop) == []
        assert (waiting(shop).parts, waiting(shop).room, waiting(shop).app) == (2, "20015", "1400000000")
        call(shop, trtc(312), app="1400000000")
        job = shop.job(TASK)
        assert (job.state, job.room, job.app, job.system) == (JobState.WAITING, "20015", "1400000000", "trtc")
        assert users(shop, job) == ["ann", "bob"]
        assert [event.job for event in list_events(shop.records)] == [TASK] * 5
        assert list_gatherings(shop.records) == []

    def test_without_one_it_begins_when_nothing_more_comes(self, shop: Workshop) -> None:
        call(shop, json.dumps(sample("trtc-310")).encode())
        assert 590_000 < (waiting(shop).due or 0) - now() <= 600_000
        assert jobs(shop) == []
        quiet(shop)
        assert users(shop, shop.job(TASK)) == ["ann", "bob"]

    def test_the_same_one_twice_is_one_and_prolongs_nothing(self, shop: Workshop) -> None:
        call(shop, trtc())
        due = waiting(shop).due
        call(shop, trtc(), trtc())
        assert (waiting(shop).parts, waiting(shop).due) == (1, due)
        quiet(shop)
        assert users(shop, shop.job(TASK)) == ["ann"]
        call(shop, trtc())
        assert (jobs(shop), list_gatherings(shop.records)) == ([TASK], [])

    def test_a_late_one_makes_it_anew(self, shop: Workshop) -> None:
        call(shop, trtc(), trtc(312))
        call(shop, trtc(user="bob"))
        assert waiting(shop).job == TASK
        assert (waiting(shop).due or 0) - now() <= 60_000
        quiet(shop)
        assert users(shop, shop.job(f"{TASK}.2")) == ["ann", "bob"]
        assert jobs(shop) == [TASK, f"{TASK}.2"]

    def test_the_closing_event_may_come_first_and_alone_it_makes_nothing_and_is_shown(self, shop: Workshop) -> None:
        call(shop, trtc(312))
        assert (waiting(shop).due, waiting(shop).parts) == (None, 0)
        assert "no event tells of a file" in waiting(shop).said
        call(shop, trtc())
        quiet(shop)
        assert users(shop, shop.job(TASK)) == ["ann"]

    def test_while_it_is_recorded_no_quiet_begins_it(self, shop: Workshop) -> None:
        call(shop, trtc(301), trtc())
        assert (waiting(shop).due or 0) - now() > 23 * 3_600_000
        call(shop, trtc(302))
        assert (waiting(shop).due or 0) - now() <= 600_000

    def test_a_failed_part_is_said_and_where_all_failed_the_job_fails(self, shop: Workshop) -> None:
        failed = {"TencentVod": None, "Status": 2, "Errmsg": "no space"}
        call(shop, trtc(**failed), trtc(user="bob"), trtc(312), trtc(task="t2", **failed), trtc(312, task="t2"))
        recording = recording_of(shop.records, shop.job(TASK).event)
        assert "TRTC reports status 2 of the files: no space." in [f.sentence for f in recording.findings]
        assert shop.job("t2").segments == ""

    def test_a_file_whose_link_was_signed_anew_is_one_file_with_the_newest_link(self, shop: Workshop) -> None:
        fresh = json.loads(trtc(sent=9))
        fresh["EventInfo"]["Payload"]["TencentVod"]["VideoUrl"] = "https://files.example.com/ann.mp4?t=2"
        call(shop, json.dumps(fresh).encode(), trtc(), trtc(312))
        (segment,) = recording_of(shop.records, shop.job(TASK).event).segments
        assert segment.url == "https://files.example.com/ann.mp4?t=2"


class TestLiveKit:
    def test_a_room_that_is_finished_waits_for_the_egress_that_runs(self, small: Workshop) -> None:
        started = [livekit(name, "EGRESS_ACTIVE", event="egress_started") for name in ("ann", "bob")]
        call(small, finished("room_started"), *started, livekit("ann"), finished())
        assert waiting(small).coming == "open"
        call(small, livekit("bob"))
        assert users(small, small.job(TASK)) == ["ann", "bob"]
        assert [event.kind for event in list_events(small.records, without_job=True)] == ["room_started"]

    def test_a_failed_egress_is_said_and_a_room_without_any_is_an_event(self, small: Workshop) -> None:
        call(small, livekit("ann"), livekit("bob", "EGRESS_FAILED"), finished(), finished(room="RM_other"))
        recording = recording_of(small.records, small.job(TASK).event)
        assert recording.error is not None
        assert [event.kind for event in list_events(small.records, without_job=True)] == ["room_finished"]
        call(small, livekit("bob", "EGRESS_FAILED", room="RM_3"), finished(room="RM_3"))
        assert small.job("RM_3").segments == ""


class TestTwoAtOnce:
    def test_the_same_task_of_two_systems_is_two_jobs(self, shop: Workshop) -> None:
        video = {
            "VideoType": 0,
            "UserId": "u",
            "VideoId": "v",
            "VideoPlayTime": 0,
            "VideoUrl": "https://f.example.com/v",
        }
        data = {"TaskId": TASK, "RoomId": 1, "VideoInfos": [video]}
        told = {"EventType": "OnlineRecordFinished", "Timestamp": 1, "SdkAppId": 1400000000, "EventData": data}
        vendor = json.dumps(told).encode()
        call(shop, trtc(), livekit("ann"), trtc(user="bob"), livekit("zoe"), vendor)
        quiet(shop)
        call(shop, vendor, trtc(user="carl"))
        quiet(shop)
        latest = {
            job.system: job for job in shop.records.list_jobs() if job.revision == shop.records.latest_revision(job)
        }
        assert users(shop, latest["trtc"]) == ["ann", "bob", "carl"]
        assert users(shop, latest["livekit"]) == ["ann", "zoe"]
        assert users(shop, latest[""]) == ["u"]
        assert len(jobs(shop)) == 4

    def test_one_app_adds_nothing_to_the_task_of_another(self, small: Workshop) -> None:
        call(small, trtc(CacheFile=""), app="1400000000")
        call(small, json.dumps({**json.loads(trtc(312)), "x": 1}).encode(), app="1500000000")
        assert len(list_gatherings(small.records)) == 2

    def test_many_servers_at_once_make_one_job(self, shop: Workshop) -> None:
        parts = [trtc(user=f"u{n}") for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda part: call(shop, part), [*parts, *parts]))
        assert waiting(shop).parts == 8
        with shop.records.transaction() as connection:
            connection.execute(GATHERING.update().values(due=1))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: take_in(shop.records, shop.engine), range(4)))
        assert jobs(shop) == [TASK]
        assert len(users(shop, shop.job(TASK))) == 8


class TestByHand:
    def test_a_batch_of_files_of_parts_is_one_job_and_adds_to_what_was_gathered(self, shop: Workshop) -> None:
        call(shop, trtc())
        batch = Batch(shop.options, shop.records, shop.engine)
        batch.enqueue([Given("b.json", trtc(user="bob")), Given("c.json", trtc(user="carl")), Given("x.json", b"{}")])
        rows = {row.source: row for row in batch.ended()}
        assert rows["b.json and 1 more"].job == TASK
        assert rows["x.json"].job is None
        assert users(shop, shop.job(TASK)) == ["ann", "bob", "carl"]
        again = Batch(shop.options, shop.records, shop.engine)
        again.enqueue([Given(name, trtc(user=name)) for name in ("ann", "bob", "carl")])
        assert ([row.job for row in again.ended()], jobs(shop)) == ([TASK], [TASK])

    def test_a_body_of_parts_is_handed_in(self, small: Workshop) -> None:
        body = json.dumps({PARTS: [json.loads(trtc(user=name)) for name in ("ann", "bob")]}).encode()
        assert judge_result(body, TASK).status == 202
        assert hand_in(small.records, small.engine, body, "").id == TASK
        assert users(small, small.job(TASK)) == ["ann", "bob"]
        assert hand_in(small.records, small.engine, trtc(user="carl"), "").id == f"{TASK}.2"

    def test_parts_go_with_their_job_and_gatherings_with_their_parts(self, small: Workshop) -> None:
        call(small, trtc(), trtc(312), trtc(task="t2"))
        prune(small.records, small.engine, small.options, -1)
        assert [one.task for one in list_gatherings(small.records)] == []
        with small.records.reading() as connection:
            assert [row.job for row in connection.execute(EVENT.select())] == [TASK] * 3


KILLED = """
import os, signal, sys
from assembler.jobs.engine import Engine
from assembler.jobs.intake import gather, intake
from assembler.jobs.store.open_records import load_records
from assembler.options import load_options
at = sys.argv[1]
def die(*words, **named):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "settle":
    intake.settle_job = die
elif at == "file":
    intake.file_part = die
else:
    real = intake.begin_due
    def behind(records):
        made = real(records)
        return die() if made else made
    intake.begin_due = behind
options = load_options()
intake.take_in(load_records(options), Engine(options))
"""


@pytest.mark.parametrize("at", ["file", "begin", "settle"])
def test_a_server_that_is_killed_between_two_steps_loses_nothing(small: Workshop, at: str) -> None:
    keep(small.records, [Body(body, None, "callback", now()) for body in (trtc(), trtc(user="bob"), trtc(312))])
    done = subprocess.run([sys.executable, "-P", "-c", KILLED, at], check=False)
    assert done.returncode == -signal.SIGKILL
    take_in(small.records, small.engine)
    assert jobs(small) == [TASK]
    assert users(small, small.job(TASK)) == ["ann", "bob"]
    assert small.job(TASK).state is JobState.WAITING


PARTS_OF_ONE = [trtc(user="ann"), trtc(user="bob", begin=START + 700), trtc(user="carl", begin=START - 40), trtc(312)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(PARTS_OF_ONE), st.lists(st.sampled_from(PARTS_OF_ONE), max_size=3))
def test_in_any_order_and_however_often_they_are_the_same_job_and_the_same_class(
    tmp_path_factory: pytest.TempPathFactory, order: Sequence[bytes], repeats: Sequence[bytes]
) -> None:
    with Workshop.opened(tmp_path_factory.mktemp("order")) as shop:
        call(shop, *order, *repeats)
        quiet(shop)
        job = max(shop.records.list_jobs(), key=lambda job: job.revision)
        made = json.loads(load_body(shop.records, job.event).raw)[PARTS]
        for part in made:
            del part["CallbackTs"]
        expected = parse(json.dumps({PARTS: [json.loads(part) for part in PARTS_OF_ONE]}))
        assert (job.key, sorted(part["EventType"] for part in made)) == (TASK, [311, 311, 311, 312])
        found = recording_of(shop.records, job.event)
        assert sorted(found.segments, key=str) == sorted(expected.segments, key=str)
        options = load_options()
        lines = [timeline_of(in_order(one, options), SegmentFiles(), options) for one in (found, expected)]
        assert sorted(map(str, lines[0].tracks)) == sorted(map(str, lines[1].tracks))


def test_beyond_the_limit_a_body_is_kept_and_belongs_to_nothing(
    small: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assembler.jobs.intake.gather.MOST_PARTS", 2)
    call(small, *(trtc(user=f"u{n}") for n in range(3)))
    assert waiting(small).parts == 2
    assert [event.kind for event in list_events(small.records, without_job=True)] == ["311"]


def test_one_body_with_more_than_the_limit_is_a_job_by_itself(small: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assembler.jobs.intake.gather.MOST_PARTS", 2)
    body = json.dumps({PARTS: [json.loads(trtc(user=f"u{n}")) for n in range(3)]}).encode()
    batch = Batch(small.options, small.records, small.engine)
    batch.enqueue([Given("a.json", body)])
    assert [row.job for row in batch.ended()] == jobs(small) == [TASK]
    assert users(small, small.job(TASK)) == ["u0", "u1", "u2"]


def test_a_batch_of_what_was_forgotten_makes_its_job_again(small: Workshop) -> None:
    call(small, trtc(), trtc(312))
    small.records.remove([small.job(TASK)])
    batch = Batch(small.options, small.records, small.engine)
    batch.enqueue([Given("a.json", trtc())])
    assert [(row.job, row.state) for row in batch.ended()] == [(TASK, "waiting")]


def test_what_is_due_is_begun_once(small: Workshop) -> None:
    call(small, trtc())
    with small.records.transaction() as connection:
        connection.execute(GATHERING.update().values(due=1))
    assert len(begin_due(small.records)) == 1
    assert begin_due(small.records) == []
