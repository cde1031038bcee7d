"""Several results of one task: which one is made, and from whose URLs its files come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from terminal import Desk, three_streams
from workshop import Workshop, laid

from assembler.jobs.control import cancel, try_again
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.sources import bodies_of, fetch_sources
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.worker.steps import JobSteps
from assembler.options import load_options
from assembler.processes import Stop
from assembler.progress import Silent
from jobs.intake.test_once import event, names

LESSON = three_streams(3)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


def v3(files: int, sent: int | None, stop: int = 1000, place: str = "a") -> bytes:
    entries = [
        {"VideoId": f"v{n}", "VideoType": 0, "UserId": f"u{n}", "VideoPlayTime": 0, "VideoDuration": 1000,
         "VideoFormat": "mp4", "VideoSize": 1, "VideoUrl": f"http://{place}.example.com/v{n}.mp4"}
        for n in range(files)
    ]  # fmt: skip
    data = {"TaskId": "t1", "RoomId": 7, "RecordStartTime": 900, "RecordStopTime": stop, "VideoInfos": entries}
    if sent is None:
        return json.dumps({"Response": {**data, "Status": "FINISHED", "RequestId": "r"}}).encode()
    return json.dumps({"EventType": "OnlineRecordFinished", "Timestamp": sent, "EventData": data}).encode()


def v1(files: int, sent: int | None, stop: int = 1000, place: str = "a") -> bytes:
    entries = [
        {"video_id": f"v{n}", "video_type": 0, "user_id": f"u{n}", "video_play_time": 0, "video_duration": 1000,
         "video_format": "mp4", "video_size": 1, "video_url": f"http://{place}.example.com/v{n}.mp4"}
        for n in range(files)
    ]  # fmt: skip
    body = {"task_id": "t1", "room_id": 7, "start_time": 900, "stop_time": stop, "video_info": entries, "error_code": 0}
    if sent is None:
        return json.dumps({**body, "status": "finished"}).encode()
    kind = {"callback_type": "record_finished", "task_type": "record_online", "timestamp": sent}
    return json.dumps({**body, **kind}).encode()


def latest(shop: Workshop, task: str) -> Job:
    return max((job for job in shop.records.list_jobs() if job.task == task), key=lambda job: job.revision)


def files_of(shop: Workshop, job: Job) -> tuple[int, str]:
    """How many, and where."""
    segments = recording_of(shop.records, job.event).segments
    return len(segments), (segments[0].url or "").split("/")[2].split(".")[0]


@pytest.mark.parametrize("write", [v3, v1])
class TestTheNewestResultIsMade:
    """Files named, Timestamp, stop: the last row is the newest."""

    @pytest.mark.parametrize(
        "rows",
        [
            [(3, 10, 1000, "a"), (2, 20, 1000, "b"), (3, 30, 1000, "c")],  # what was revised is revised back
            [(5, 10, 1000, "a"), (4, 20, 1000, "b"), (2, 30, 1000, "c")],  # by Timestamp, however few
            [(5, 10, 800, "a"), (4, 10, 900, "b"), (2, 10, 1000, "c")],  # then by when the recording stopped
            [(2, 10, 1000, "a"), (3, 10, 1000, "b"), (4, 10, 1000, "c")],  # then by how much there is
            [(2, None, 1000, "a"), (3, None, 1000, "b"), (4, None, 1000, "c")],  # answers of the API: no Timestamp
        ],
    )
    def test_in_whatever_order_they_come(self, shop: Workshop, write: Any, rows: list[Any]) -> None:
        for number, order in enumerate(permutations(rows)):
            task = f"task{number}"
            bodies = [write(*row).replace(b'"t1"', f'"{task}"'.encode()) for row in order]
            shop.hand_in(*bodies)
            assert files_of(shop, latest(shop, task)) == (rows[-1][0], rows[-1][3]), order
            shop.hand_in(*bodies)  # the sender's repeats
            assert files_of(shop, latest(shop, task)) == (rows[-1][0], rows[-1][3]), order
            told = bodies_of(shop.records, latest(shop, task))
            assert len(told) == 3, "the others still say where files may be"

    def test_an_older_one_leaves_a_finished_playback_alone(self, shop: Workshop, write: Any) -> None:
        shop.hand_in(write(3, 20))
        shop.records.change("t1", state=JobState.DONE, output="somewhere")
        shop.hand_in(write(2, 10, place="b"), write(2, 20, 900, place="c"))
        assert names(shop) == ["t1"]
        assert shop.job().state is JobState.DONE
        assert "older result" in shop.records.log_of("t1")[-1][1]

    @pytest.mark.parametrize("state", list(JobState))
    def test_the_same_segments_elsewhere_begin_what_failed_anew(
        self, shop: Workshop, write: Any, state: JobState
    ) -> None:
        shop.hand_in(write(2, 10))
        shop.records.change("t1", state=state, reason="link has expired", failures=3)
        shop.hand_in(write(2, 10))
        assert shop.job().state is state, "a mere repeat"
        shop.hand_in(write(2, 10, place="b"), write(2, 10, place="b"))
        again = state in (JobState.FAILED, JobState.DELAYED)
        job = shop.job()
        assert (job.state, job.tries) == ((JobState.WAITING, 2) if again else (state, 1))
        assert files_of(shop, job) == (2, "b")
        assert names(shop) == ["t1"]

    def test_a_playback_without_some_files_is_made_again_where_they_may_be_had_now(
        self, shop: Workshop, write: Any
    ) -> None:
        shop.hand_in(write(2, 10))
        shop.records.change("t1", state=JobState.DONE, verdict="degraded", lacking=1)
        shop.hand_in(write(2, 10, place="b"))
        assert shop.job().state is JobState.WAITING


class TestWhoseUrls:
    """a1 is served by the one, w1 by the other, b1 by nobody."""

    @pytest.fixture
    def served(self, shop: Workshop, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Workshop:
        monkeypatch.setenv("ASSEMBLER_ALLOW_HOSTS", httpserver.host)
        monkeypatch.setattr("assembler.network.download.fetch.ATTEMPTS", 1)
        shop.options = load_options()
        httpserver.expect_request("/new/v0.mp4").respond_with_data(b"x" * 1000)
        httpserver.expect_request("/old/v1.mp4").respond_with_data(b"y" * 2000)
        for path in ("/old/v0.mp4", "/new/v1.mp4", "/old/v2.mp4", "/new/v2.mp4"):
            httpserver.expect_request(path).respond_with_data(b"", status=403)
        self.bodies = [
            v3(3, sent).replace(b"http://a.example.com", httpserver.url_for(f"/{place}").encode())
            for place, sent in (("old", 10), ("new", 20))
        ]
        return shop

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_each_file_comes_from_the_newest_result_that_gives_it(self, served: Workshop, order: Any) -> None:
        served.hand_in(*(self.bodies[place] for place in order))
        found = fetch_sources(served.records, "t1", served.options, Silent(), Stop())
        urls = {s.video_id: (s.url or "").split("/")[-2] for s in found.recording.segments}
        assert urls == {"v0": "new", "v1": "old", "v2": "new"}
        assert set(found.failures) == {"v2"}

    def test_one_that_comes_while_the_try_goes_on_is_no_reason_to_fail(self, served: Workshop) -> None:
        served.hand_in(self.bodies[0].replace(b"/old/v1", b"/old/v2"))
        work = JobSteps(served.options, served.records, served.engine, Stop())
        assert work.begin("t1:1")
        failed = work.steps[0][1]("t1:1", {})
        assert "error" in failed
        served.hand_in(self.bodies[1])
        assert served.job().state is JobState.RUNNING
        work.steps[-1][1]("t1:1", {"download": failed})
        assert (served.job().state, served.job().tries) == (JobState.WAITING, 2)
        assert work.begin("t1:2")
        work.steps[-1][1]("t1:2", {"download": {**work.steps[0][1]("t1:2", {}), "retry": False}})
        assert served.job().state is JobState.FAILED, "no further result came"


class TestWithAWorker:
    """The links of the first result have expired, as the vendor's do after a while."""

    @pytest.fixture
    def desk(
        self, tmp_path: Path, bundled_ffmpeg: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
    ) -> Desk:
        desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
        settings = laid(tmp_path, LESSON, bundled_ffmpeg)
        media = Path(settings.pop("media_dir"))
        for name, value in {**settings, "allow_hosts": httpserver.host}.items():
            monkeypatch.setenv(f"ASSEMBLER_{name.upper()}", value)
        for stream in LESSON.streams:
            (file,) = media.glob(f"{stream.video_id}.*")
            httpserver.expect_request(f"/good/{stream.video_id}").respond_with_data(file.read_bytes())
            httpserver.expect_request(f"/gone/{stream.video_id}").respond_with_data(b"", status=403)
        plain = LESSON.recording().model_dump(mode="json")
        for place in ("gone", "good"):
            segments = [{**s, "url": httpserver.url_for(f"/{place}/{s['video_id']}")} for s in plain["segments"]]
            body = {**plain, "task_id": "t1", "segments": segments}
            (tmp_path / f"{place}.json").write_text(json.dumps(body))
        return desk

    def test_a_fresh_result_repairs_the_job_by_batch(self, desk: Desk) -> None:
        assert desk.say("batch", "gone.json", "--wait").code == 8
        said = desk.say("batch", "good.json", "--wait", "--json")
        assert said.code == 0, said.err
        (row,) = json.loads(said.out)
        assert (row["job"], row["state"], row["verdict"]) == ("t1", "done", "ok")
        assert desk.say("batch", "gone.json", "--wait").code == 0, "what is done stays done"


def test_retry_takes_the_newest(shop: Workshop) -> None:
    shop.hand_in(v3(2, 10))
    cancel(shop.records, shop.engine, shop.job())
    shop.hand_in(v3(2, 20, place="b"))
    assert shop.job().state is JobState.CANCELLED, "ended by hand"
    assert files_of(shop, try_again(shop.records, shop.engine, shop.job())) == (2, "b")


def test_a_failure_never_takes_the_place_of_a_result_however_new(shop: Workshop) -> None:
    failed = {"VideoInfos": [], "Error": {"Code": "FailedOperation.Record", "Message": "no"}}
    shop.hand_in(event(**failed), v3(2, None), event(**failed, TotalTime=1))
    assert names(shop) == ["t1", "t1.2"]
    assert shop.job("t1.2").state is JobState.WAITING
