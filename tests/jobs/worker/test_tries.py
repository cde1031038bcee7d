"""What becomes of a try that fails: tried again later, given up, or handed to whoever mends it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lessons import camera, recording
from pytest_httpserver import HTTPServer
from terminal import Desk, three_streams, until
from workshop import Workshop

from assembler.errors import DownloadError, MediaError
from assembler.jobs.control import cancel, try_again
from assembler.jobs.engine import Happened, Phase, Results
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.sources import remove_sources
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import now
from assembler.jobs.worker.prefetch import claim, fetching_ahead
from assembler.jobs.worker.steps import MOST_DEATHS, MOST_FAILURES, JobSteps
from assembler.network.download.download import fetch_all
from assembler.network.download.owners import owner_of
from assembler.options import load_options
from assembler.processes import Stop
from assembler.progress import Silent
from assembler.times import WallMs
from assembler.workspace import Workspace
from jobs.intake.test_once import event


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        opened.hand_in(event())
        yield opened


Fail = Callable[[Exception], Job]


@pytest.fixture
def fail(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """The job's present try, whose download fails with this error; the job afterwards."""

    def run(error: Exception) -> Job:
        def fetch_all(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("assembler.jobs.sources.fetch_all", fetch_all)
        work = JobSteps(shop.options, shop.records, shop.engine, Stop())
        workflow = shop.job().workflow
        assert work.begin(workflow)
        results: Results = {"download": work.steps[0][1](workflow, {})}
        work.steps[-1][1](workflow, results)
        work.steps[-1][1](workflow, results)  # died before it was written down: done again
        return shop.job()

    return run


PASSING = DownloadError("the server is busy", hint="Wait.", retry=True)


def test_an_error_that_may_pass_is_tried_again_later_and_later(shop: Workshop, fail: Fail) -> None:
    waits = []
    for number in range(1, 6):
        job = fail(PASSING)
        assert (job.state, job.tries, job.failures) == (JobState.DELAYED, number + 1, number)
        assert job.due is not None
        waits.append(round((job.due - now()) / 1000))
        assert shop.engine.status(job.workflow) is Phase.WAITING
    assert waits == pytest.approx([30, 120, 480, 1920, 3600], abs=2)
    assert "the server is busy. Wait." in job.reason


def test_but_not_for_ever(fail: Fail) -> None:
    states = [fail(PASSING).state for _ in range(MOST_FAILURES)]
    assert states == [JobState.DELAYED] * (MOST_FAILURES - 1) + [JobState.FAILED]


def test_an_error_that_stays_is_told_at_once(shop: Workshop, fail: Fail) -> None:
    job = fail(MediaError("the file is not a video"))
    assert (job.state, job.reason, job.tries) == (JobState.FAILED, "the file is not a video", 1)
    assert (job.memory or 0) > 2**20, "a failed try has cost something, too"
    assert job.length is None


def test_a_fault_of_ours_is_tried_three_times_and_its_traceback_is_in_the_log(shop: Workshop, fail: Fail) -> None:
    states = [fail(ZeroDivisionError("oh")).state for _ in range(3)]
    assert states == [JobState.DELAYED, JobState.DELAYED, JobState.POISON]
    assert "a bug in assembler: ZeroDivisionError" in shop.job().reason
    assert any("Traceback" in sentence for _, sentence in shop.records.log_of("t1"))


def test_started_again_by_hand_it_has_a_clean_slate(shop: Workshop, fail: Fail) -> None:
    fail(MediaError("no"))
    job = try_again(shop.records, shop.engine, shop.job())
    assert (job.state, job.tries, job.failures, job.reason) == (JobState.WAITING, 2, 0, "")
    assert shop.engine.status("t1:2") is Phase.WAITING
    assert fail(PASSING).failures == 1


def test_one_that_waits_for_its_next_try_can_be_started_at_once(shop: Workshop, fail: Fail) -> None:
    fail(PASSING)
    try_again(shop.records, shop.engine, shop.job())
    assert shop.engine.list(["t1:2", "t1:3"]) == {"t1:2": Phase.CANCELLED, "t1:3": Phase.WAITING}


def test_a_try_that_is_not_the_latest_does_nothing(shop: Workshop, fail: Fail) -> None:
    fail(PASSING)
    work = JobSteps(shop.options, shop.records, shop.engine, Stop())
    assert not work.begin("t1:1")
    assert not work.begin("nobody:1")
    assert shop.job().state is JobState.DELAYED


def test_a_result_that_came_later_takes_the_place_of_one_not_begun(shop: Workshop) -> None:
    shop.hand_in(event(video={"VideoId": "v2"}))
    work = JobSteps(shop.options, shop.records, shop.engine, Stop())
    assert not work.begin("t1:1")
    assert shop.job().state is JobState.SUPERSEDED
    assert work.begin("t1.2:1")


def test_a_failed_recording_is_a_failed_job_with_the_vendors_reason(shop: Workshop) -> None:
    shop.hand_in(
        event("t2", VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": "code: 40001, msg: no"})
    )
    work = JobSteps(shop.options, shop.records, shop.engine, Stop())
    assert work.begin("t2:1")
    results: Results = {"download": work.steps[0][1]("t2:1", {})}
    work.steps[-1][1]("t2:1", results)
    assert shop.job("t2").state is JobState.FAILED
    assert "40001" in shop.job("t2").reason


class TestFilesThatMayStillCome:
    """One of two files is answered with 503, which may pass."""

    @pytest.fixture
    def served(self, shop: Workshop, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Workshop:
        monkeypatch.setenv("ASSEMBLER_ALLOW_HOSTS", httpserver.host)
        monkeypatch.setattr("assembler.network.download.fetch.ATTEMPTS", 1)
        shop.options = load_options()
        httpserver.expect_request("/good.mp4").respond_with_data(b"x" * 1000)
        httpserver.expect_request("/busy.mp4").respond_with_data(b"", status=503, headers={"Retry-After": "1"})
        segments = [camera("good", "ann", 0, 1000), camera("busy", "bob", 0, 1000)]
        placed = [s.model_copy(update={"url": httpserver.url_for(f"/{s.video_id}.mp4")}) for s in segments]
        shop.hand_in(recording(placed, task="t2").model_dump_json().encode())
        return shop

    def test_the_class_waits_for_them(self, served: Workshop) -> None:
        work = JobSteps(served.options, served.records, served.engine, Stop())
        assert work.begin("t2:1")
        result = work.steps[0][1]("t2:1", {})
        assert result["retry"]
        assert result["error"].startswith("busy: ")

    def test_they_are_fetched_ahead_while_the_job_waits(self, served: Workshop, httpserver: HTTPServer) -> None:
        stop = Stop()
        with fetching_ahead(served.options, served.records, "w", stop):
            until(lambda: any(request.path == "/good.mp4" for request, _ in httpserver.log), 10)
            stop.set()
        assert served.job("t2").state is JobState.WAITING
        assert claim(served.records, "v") is None

    def test_they_are_removed_only_when_all_who_want_them_are_published(self, served: Workshop) -> None:
        recording = recording_of(served.records, served.job("t2").event)
        cache = Workspace(served.options.home).cache
        fetch_all(
            recording.segments, cache=cache, options=served.options, progress=Silent(), owner=owner_of([recording])
        )
        again = recording.model_copy(update={"task_id": "t3", "segments": recording.segments[:1]})
        served.hand_in(again.model_dump_json().encode())
        served.records.change("t2", state=JobState.DONE)
        assert remove_sources(served.records, served.options, 0) == (0, 0), "t3 still wants it"
        served.records.change("t3", state=JobState.FAILED)
        assert remove_sources(served.records, served.options, 0) == (0, 0), "it may be tried again"
        served.records.change("t3", state=JobState.DONE)
        assert remove_sources(served.records, served.options, 1) == (0, 0), "that was no day ago"
        assert remove_sources(served.records, served.options, 0, is_dry=True) == (1, 1000), "that only tells"
        assert remove_sources(served.records, served.options, 0) == (1, 1000)
        assert remove_sources(served.records, served.options, 0) == (0, 0)


class TestCancelled:
    """At the last moment, when all is rendered."""

    @pytest.fixture
    def rendered(self, shop: Workshop) -> JobSteps:
        work = JobSteps(shop.options, shop.records, shop.engine, Stop())
        assert work.begin("t1:1")
        made = shop.options.home / "made" / "t1" / "playback.mp4"
        made.parent.mkdir(parents=True)
        made.write_bytes(b"film")
        made.with_name("playback.assets").mkdir()
        return work

    RENDERED: ClassVar[Results] = {
        "download": {"files": 1},
        "render": {"verdict": "ok", "digest": "d", "findings": [], "length": 1},
    }

    def test_it_never_publishes(self, shop: Workshop, rendered: JobSteps) -> None:
        assert cancel(shop.records, shop.engine, shop.job())
        done = rendered.steps[2][1]("t1:1", self.RENDERED)
        assert done == {"over": True}
        rendered.steps[-1][1]("t1:1", {**self.RENDERED, "publish": done})
        assert shop.job().state is JobState.CANCELLED
        assert list((shop.options.home / "output").rglob("*.mp4")) == []

    def test_behind_the_point_of_no_return_it_is_too_late(
        self, shop: Workshop, rendered: JobSteps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = []
        real = os.replace

        def replace(source: Any, target: Any) -> None:
            said.append(cancel(shop.records, shop.engine, shop.job()))
            real(source, target)

        with monkeypatch.context() as patched:
            patched.setattr("assembler.network.publish.folder.os.replace", replace)
            done = rendered.steps[2][1]("t1:1", self.RENDERED)
        rendered.steps[-1][1]("t1:1", {**self.RENDERED, "publish": done})
        assert (set(said), shop.job().state) == ({False}, JobState.DONE)
        assert Path(shop.job().output).read_bytes() == b"film"


def test_the_list_is_in_columns_and_says_of_a_running_job_what_it_does(shop: Workshop, fail: Fail) -> None:
    fail(PASSING)
    desk = Desk(shop.folder, three_streams())
    assert re.search(r"^t1   delayed  12 .*  20\S+Z  the server is busy", desk.say("jobs", "list").out, re.MULTILINE)
    assert JobSteps(shop.options, shop.records, shop.engine, Stop()).begin("t1:2")
    assert shop.job().reason == ""
    shop.records.change("t1", step="download", progress=0.5)
    shop.hand_in(event("a-longer-name"))
    _, first, second = desk.say("jobs", "list").out.splitlines()
    assert second.endswith("Z  download 50%")
    assert first.index("waiting") == second.index("running")


def test_a_later_try_that_fails_leaves_the_earlier_playback_on_record(shop: Workshop, fail: Fail) -> None:
    """Started again by hand with a layout that fits nothing, say: the class can still be watched."""
    (played := shop.folder / "playback.mp4").write_bytes(b"film")
    shop.records.change("t1", output=str(played), verdict="ok", choice={"layout": "tiw-2"})
    job = fail(MediaError("no picture fits"))
    assert (job.state, job.output, job.verdict) == (JobState.DONE, str(played), "ok")
    assert job.reason.startswith("Its latest try failed, the earlier playback is still there: no picture fits")
    assert job.reason.endswith("`assembler jobs retry t1 --layout settings` takes that back.")
    shop.records.change("t1", state=JobState.WAITING, is_held=True, deaths=MOST_DEATHS - 1)
    assert not JobSteps(shop.options, shop.records, shop.engine, Stop()).begin(shop.job().workflow)
    assert (shop.job().state, shop.job().deaths) == (JobState.DONE, MOST_DEATHS), "nor does one that kills its workers"
    shop.records.change("t1", state=JobState.WAITING, deaths=0, withdrawn=True)
    assert fail(MediaError("no picture fits")).state is JobState.FAILED, "it shows somebody whom a card hides now"
    played.unlink()
    shop.records.change("t1", state=JobState.WAITING, deaths=0, withdrawn=None)
    job = fail(MediaError("no picture fits"))
    assert (job.state, job.reason.startswith("no picture fits")) == (JobState.FAILED, True), "it is gone"


def test_a_step_that_failed_is_not_called_done(shop: Workshop, fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(MediaError("no"))
    steps = [Happened(name, WallMs(1), WallMs(2)) for name in ("download", "render", "settle")]
    monkeypatch.setattr("assembler.jobs.engine.Engine.events", lambda *_: steps)
    out = Desk(shop.folder, three_streams()).say("jobs", "show", "t1").out
    assert "step download: done" in out
    assert "step render: ended without success" in out
    assert "settle" not in out


@pytest.mark.parametrize("status", [503, 500, None])
def test_where_nobody_answers_a_job_is_tried_ten_times(
    tmp_path: Path, httpserver: HTTPServer, closed: str, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    """None: nobody listens."""
    monkeypatch.setattr("assembler.network.download.fetch.ATTEMPTS", 1)
    place = httpserver.url_for("/v1.mp4") if status else f"http://{closed}/v1.mp4"
    httpserver.expect_request("/v1.mp4").respond_with_data(b"", status=status or 200)
    with Workshop.opened(tmp_path, allow_hosts=f"127.0.0.1,{httpserver.host}") as shop:
        segment = camera("v1", "ann", 0, 1000).model_copy(update={"url": place})
        shop.hand_in(recording([segment], task="t1").model_dump_json().encode())
        states = []
        while not shop.job().state.is_over:
            work, workflow = JobSteps(shop.options, shop.records, shop.engine, Stop()), shop.job().workflow
            assert work.begin(workflow)
            work.steps[-1][1](workflow, {"download": work.steps[0][1](workflow, {})})
            states.append(shop.job().state)
        assert states == [JobState.DELAYED] * (MOST_FAILURES - 1) + [JobState.FAILED]
        assert "assembler jobs retry t1" in shop.job().reason
