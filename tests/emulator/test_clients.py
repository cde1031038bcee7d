"""Our own clients of both generations against the stand-in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from workshop import Workshop

from assembler.cloud import Api, Kind, Steer
from assembler.cloud.bodies import Generation, Start, checked
from assembler.cloud.choose import open_cloud
from assembler.cloud.fetch import ask
from assembler.dialects.vendor_errors import ADVICE
from assembler.emulator.cloud import APP, KEY
from assembler.emulator.lesson import Lesson, Presence
from assembler.emulator.task import Phase
from assembler.errors import CloudError, RecordingFailed
from assembler.jobs.control import try_again
from assembler.jobs.store.model import JobState
from assembler.jobs.store.tables import TASK
from assembler.jobs.worker.ask_vendor import MOST_FRESH, ask_due
from assembler.jobs.worker.steps import JobSteps
from assembler.options import load_options
from assembler.processes import Stop
from emulator.conftest import ROOM, Open, Practice, until

START = {"room_id": ROOM, "user_id": f"tic_record_user_{ROOM}_1", "user_sig": "s1g"}
MORE = {"concat": {"enabled": True}, "whiteboard": {"width": 640, "height": 480, "init_param": '{"ratio": "4:3"}'}}
ALONE = Lesson(streams=(Presence(user="ann"),), scale=0.1)


@pytest.fixture(params=Api)
def api(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Api:
    if request.param is Api.V3:
        pytest.importorskip("tencentcloud.tiw", reason="the extra cloud is not installed")
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("TENCENTCLOUD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASSEMBLER_SDK_APP_ID", str(APP))
    monkeypatch.setenv("ASSEMBLER_TICKEY", KEY)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDpractice")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", KEY)
    return Api(request.param)


def point(monkeypatch: pytest.MonkeyPatch, stand_in: Practice) -> None:
    monkeypatch.setenv("ASSEMBLER_CLOUD_BASE", stand_in.base)
    monkeypatch.setenv("ASSEMBLER_CLOUD_ENDPOINT", stand_in.base)


def test_a_recording_is_driven_to_its_result(practice: Open, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = practice(lesson=ALONE)
    point(monkeypatch, stand_in)
    with open_cloud(load_options(), api) as cloud:
        cloud.send(cloud.set_callback(stand_in.backend.url, Kind.ONLINE))
        task = cloud.send(cloud.start(checked(Start, {**START, **MORE}))).task
        states = [ask(cloud, task).state]
        for how in (None, Steer.PAUSE, Steer.RESUME, Steer.STOP):
            if how is not None:
                cloud.send(cloud.steer(how, task))
            stand_in.clock.move(2)
            if how is not Steer.STOP:
                states.append(ask(cloud, task).state)
        until(lambda: stand_in.cloud.tasks[task].phase is Phase.FINISHED)
        result = ask(cloud, task)
        assert result.recording is not None
        assert (result.recording.task_id, result.recording.total) == (task, 4000)
        assert states[0] == "PREPARED"
        assert states[1:] == (["RECORDING"] * 3 if api is Api.V1 else ["RECORDING", "PAUSED", "RECORDING"])
        with pytest.raises(CloudError, match="already stopped") as caught:
            cloud.send(cloud.steer(Steer.STOP, task))
        assert caught.value.hint
        whole = {"room_id": ROOM} if api is Api.V1 else {"online_record_task_id": task}
        made = cloud.send(cloud.generate(checked(Generation, whole))).task
        stand_in.clock.move(2)
        until(lambda: stand_in.cloud.tasks[made].phase is Phase.FINISHED)
        generated = ask(cloud, made, Kind.OFFLINE)
        assert generated.recording is not None
        assert generated.recording.segments


def test_a_failed_start_and_an_old_signature_say_so(practice: Open, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = practice(quirks=("start-fails",), lesson=ALONE)
    point(monkeypatch, stand_in)
    with open_cloud(load_options(), api) as cloud:
        task = cloud.send(cloud.start(checked(Start, START))).task
        stand_in.clock.move(2)
        result = ask(cloud, task)
        assert isinstance(result.problem, RecordingFailed)
        assert "40004" in result.problem.sentence
        stand_in.clock.move(3600)
        with pytest.raises(CloudError, match=r"expired|5 minutes"):
            ask(cloud, task)


def codes_of(api: Api) -> list[str]:
    """Codes of the vendor's tables."""
    if api is Api.V1:
        return [str(number) for number in sorted(ADVICE)]
    from tencentcloud.tiw.v20190919 import errorcodes

    return [code for name, code in sorted(vars(errorcodes).items()) if name.isupper()]


def test_every_code_of_the_tables_says_what_to_do(practice: Open, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in, codes = practice(lesson=ALONE), codes_of(api)
    point(monkeypatch, stand_in)
    assert len(codes) >= (25 if api is Api.V1 else 38), "this test would not notice"
    with open_cloud(load_options(), api) as cloud:
        for code in codes:
            if code == "RequestLimitExceeded":
                continue  # it is asked again for a minute: tests/cloud
            stand_in.clock.move(2)
            stand_in.cloud.setup = stand_in.cloud.setup.model_copy(update={"refuse": code})
            with pytest.raises(CloudError) as caught:
                cloud.send(cloud.steer(Steer.PAUSE, "g68cee8e90jcq4ogg8jb"))
            assert code in caught.value.sentence
            assert caught.value.hint


def tried(shop: Workshop) -> JobState:
    """The state of the one job after a try that downloads, and no more."""
    (job,) = shop.records.list_jobs()
    work = JobSteps(shop.options, shop.records, shop.engine, Stop())
    assert work.begin(job.workflow)
    got = work.steps[0][1](job.workflow, {})
    if "error" in got:
        work.steps[-1][1](job.workflow, {"download": got})
    return shop.job(job.id).state


def questions(shop: Workshop) -> int:
    """Number of results that come to questions an hour later."""
    with shop.records.transaction() as connection:
        moved = {c.name: c - 3_600_000 for c in (TASK.c.updated, TASK.c.asked)}
        connection.execute(sa.update(TASK).values(moved))
    return ask_due(shop.options, shop.records, shop.engine, lambda _: None, lambda: False)


def test_a_job_whose_links_have_expired_gets_fresh_ones_but_not_for_ever(
    practice: Open, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in = practice(faults=("expired",), quirks=("expiring-urls",), lesson=ALONE, speed=60)
    point(monkeypatch, stand_in)
    monkeypatch.setenv("ASSEMBLER_ALLOW_HOSTS", "127.0.0.1")
    with open_cloud(load_options(), api) as cloud:
        cloud.send(cloud.set_callback(stand_in.backend.url, Kind.ONLINE))
        task = cloud.send(cloud.start(checked(Start, START))).task
        stand_in.clock.move(4)
        cloud.send(cloud.steer(Steer.STOP, task))
        stand_in.clock.move(2)
    bodies = until(lambda: len(came := [one.body for one in stand_in.backend.came]) >= 2 + (api is Api.V3) and came)
    with Workshop.opened(tmp_path) as shop:
        shop.hand_in(*bodies)
        for _ in range(MOST_FRESH):
            assert tried(shop) is JobState.FAILED
            assert shop.job(task).lacking == 1
            assert questions(shop) == 1
            assert shop.job(task).state is JobState.WAITING, "it begins anew with fresh links"
            stand_in.clock.move(11)  # too long in the queue: they expire as well
        assert tried(shop) is JobState.FAILED
        assert questions(shop) == 0
        stand_in.clock.move(-11)
        try_again(shop.records, shop.engine, shop.job(task))
        assert tried(shop) is JobState.RUNNING, "there in time, it gets its file"
