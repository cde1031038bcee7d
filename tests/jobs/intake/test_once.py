"""One class, one job: however often, in whatever shape and by whomever its result is handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lessons import camera, recording
from workshop import Workshop

from assembler.errors import JobError, NotFinished
from assembler.jobs.engine import Phase
from assembler.jobs.intake.bodies import Body, Turned, keep, list_events, list_refused, load_body, refuse, untaken
from assembler.jobs.intake.intake import spool, spool_folder, take_in, take_in_spooled
from assembler.jobs.intake.tasks import expect, missing
from assembler.jobs.reconcile import catch_up, requeue_lost
from assembler.jobs.store.model import JobState, claim_of, job_id
from assembler.jobs.store.records import now

VENDOR = Path(__file__).parents[3] / "fixtures" / "vendor"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


def event(task: str | None = "t1", *, app: int | None = None, kind: str = "OnlineRecordFinished", **data: Any) -> bytes:
    entry = {
        "UserId": "ann", "VideoDuration": 900_000, "VideoFormat": "mp4", "VideoId": "v1", "VideoPlayTime": 0,
        "VideoSize": 13_151, "VideoType": 0, "VideoUrl": "http://files.example.com/v1.mp4?sign=1",
    }  # fmt: skip
    changes = data.pop("video", {})
    fields = {"RoomId": 12, "VideoInfos": [{**entry, **changes}], **({"TaskId": task} if task else {}), **data}
    body = {"EventType": kind, "Timestamp": 1, "EventData": fields, **({"SdkAppId": app} if app else {})}
    return json.dumps(body).encode()


def names(shop: Workshop) -> list[str]:
    return sorted(job.id for job in shop.records.list_jobs())


class TestTheSameTask:
    def test_a_repeat_is_the_same_job_though_its_urls_are_signed_anew(self, shop: Workshop) -> None:
        shop.hand_in(event(), event(), event(video={"VideoUrl": "http://files.example.com/v1.mp4?sign=2"}))
        assert names(shop) == ["t1"]
        assert shop.engine.list() == {"t1:1": Phase.WAITING}
        assert shop.job().state is JobState.WAITING

    def test_ten_concurrent_repeats_are_one_job(self, shop: Workshop) -> None:
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda _: shop.hand_in(event()), range(10)))
        assert names(shop) == ["t1"]
        assert len(list_events(shop.records)) == 10

    @pytest.mark.parametrize(
        "change", [{"VideoId": "v2"}, {"VideoType": 1}, {"UserId": "bob"}, {"VideoPlayTime": 1}, {"VideoDuration": 1}]
    )
    def test_other_segments_are_a_new_revision(self, shop: Workshop, change: dict[str, Any]) -> None:
        shop.hand_in(event(), event(video=change), event(), event(video=change))
        assert names(shop) == ["t1", "t1.2"]
        assert shop.job("t1.2").revision == 2
        assert "other segments" in shop.records.log_of("t1.2")[0][1]

    def test_it_may_come_in_another_dialect(self, shop: Workshop) -> None:
        api = json.loads(event())["EventData"]
        shop.hand_in(
            event(app=1400), json.dumps({"Response": {**api, "Status": "FINISHED", "RequestId": "r"}}).encode()
        )
        assert names(shop) == ["t1"]

    def test_a_failure_that_comes_later_does_not_undo_a_result(self, shop: Workshop) -> None:
        failed = event(VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": "no"})
        shop.hand_in(event(), failed)
        assert names(shop) == ["t1"]
        assert "changes nothing" in shop.records.log_of("t1")[-1][1]

    def test_a_result_that_comes_after_a_failure_is_worth_a_revision(self, shop: Workshop) -> None:
        shop.hand_in(event(VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": "no"}), event())
        assert names(shop) == ["t1", "t1.2"]


class TestApps:
    def test_two_known_apps_are_two_jobs_and_a_finding(self, shop: Workshop) -> None:
        shop.hand_in(event(app=1400), event(app=1500), event(app=1500), event(app=1400))
        assert names(shop) == ["t1", "t1@1500"]
        assert "another app (1400)" in shop.records.log_of("t1@1500")[0][1]

    def test_an_unknown_app_matches_any(self, shop: Workshop) -> None:
        shop.hand_in(event(app=1400), event())
        assert names(shop) == ["t1"]

    def test_it_becomes_known_when_somebody_says_it(self, shop: Workshop) -> None:
        shop.hand_in(event(), event(app=1400), event(app=1500))
        assert names(shop) == ["t1", "t1@1500"]
        assert shop.job("t1").app == "1400"

    def test_v1_has_it_in_the_url(self, shop: Workshop) -> None:
        body = (VENDOR / "v1-callback-record-finished.json").read_bytes()
        shop.hand_in(body, app="1400")
        assert [job.app for job in shop.records.list_jobs()] == ["1400"]


class TestWithoutATaskId:
    def test_the_event_itself_is_the_key_whatever_its_signature(self, shop: Workshop) -> None:
        failed = json.loads((VENDOR / "offline-record-finished-failed.json").read_bytes())
        signed = {**failed, "Sign": "a" * 32, "ExpireTime": 1}
        later = {**failed, "Timestamp": failed["Timestamp"] + 1}
        shop.hand_in(*(json.dumps(body).encode() for body in (failed, signed, later)))
        assert len(names(shop)) == 2
        assert all(name.startswith("~") for name in names(shop))


@pytest.mark.parametrize("task", ["../../etc/passwd", "a b", "课", "x" * 200, "a:1", "~a", "a@b", "a.2"])
def test_an_odd_task_id_makes_a_safe_job_id(task: str) -> None:
    made = job_id(task, "", 1)
    assert made.startswith("~")
    assert set(made) <= set("~0123456789abcdef")
    assert made != job_id(task + "x", "", 1)


def test_an_unfinished_result_is_no_job() -> None:
    with pytest.raises(NotFinished):
        claim_of(json.dumps({"Response": {"TaskId": "t1", "Status": "RECORDING", "RequestId": "r"}}).encode())


class TestOtherEvents:
    def test_they_tell_of_the_task_and_make_no_job(self, shop: Workshop) -> None:
        for name in ("online-record-started", "online-record-long-pause-warning"):
            shop.hand_in((VENDOR / f"{name}.json").read_bytes())
        assert names(shop) == []
        (task,) = missing(shop.records)
        assert task.kind == "OnlineRecordLongPauseWarning"
        assert (task.pause, task.stop) == (1575545412000, 1575546412000)

    def test_every_example_of_the_vendor_is_kept(self, shop: Workshop) -> None:
        paths = [*VENDOR.glob("o*line-record-*.json"), *VENDOR.glob("event-20*progress.json")]
        shop.hand_in(*(path.read_bytes() for path in paths))
        events = list_events(shop.records)
        assert len(events) == len(paths) >= 8
        assert all(one.kind for one in events)
        assert untaken(shop.records) == []

    def test_a_task_that_is_no_recording_has_no_missing_result(self, shop: Workshop) -> None:
        shop.hand_in(*(path.read_bytes() for path in VENDOR.glob("event-20*progress.json")))
        assert {one.kind for one in list_events(shop.records)} == {"TranscodeProgressChanged", "PPT2H5ProgressChanged"}
        assert missing(shop.records) == []

    def test_an_older_event_changes_only_what_was_unknown(self, shop: Workshop) -> None:
        started = json.loads(event(kind="OnlineRecordStarted", VideoInfos=None))
        stopped = {**started, "EventType": "OnlineRecordStopped", "Timestamp": 5}
        shop.hand_in(json.dumps(stopped).encode(), json.dumps(started).encode())
        assert missing(shop.records)[0].kind == "OnlineRecordStopped"

    def test_an_expected_task_is_missing_until_its_result_comes(self, shop: Workshop) -> None:
        expect(shop.records, ["t1", "t2"])
        expect(shop.records, ["t1"])
        shop.hand_in(event())
        assert [task.task for task in missing(shop.records)] == ["t2"]


class TestNothingIsLost:
    def test_a_body_stored_but_not_taken_in_is_taken_in_later(self, shop: Workshop) -> None:
        keep(shop.records, [Body(event(), None, "callback", now())])
        assert names(shop) == []
        catch_up(shop.records, shop.engine, shop.options)
        assert shop.engine.list() == {"t1:1": Phase.WAITING}
        catch_up(shop.records, shop.engine, shop.options)
        assert names(shop) == ["t1"]

    def test_a_job_that_never_reached_the_queue_is_put_there(
        self, shop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(shop.records, [Body(event(), None, "callback", now())])
        with monkeypatch.context() as patch:
            patch.setattr(shop.engine, "submit", _dies)
            with pytest.raises(JobError):
                take_in(shop.records, shop.engine)
        assert shop.job().state is JobState.NEW
        assert shop.engine.list() == {}
        monkeypatch.setattr("assembler.jobs.reconcile.NEW_MOMENT_MS", -1000)
        requeue_lost(shop.records, shop.engine)
        assert shop.engine.list() == {"t1:1": Phase.WAITING}

    def test_what_was_spooled_comes_in_with_all_that_came_beside_it(self, shop: Workshop) -> None:
        for number in range(3):
            spool(shop.options, Body(event(f"t{number}"), "1400", "callback", now()))
        (spool_folder(shop.options) / "broken.body").write_bytes(b"nothing")
        take_in_spooled(shop.records, shop.options)
        take_in(shop.records, shop.engine)
        assert names(shop) == ["t0", "t1", "t2"]
        assert {job.app for job in shop.records.list_jobs()} == {"1400"}
        assert [p.name for p in spool_folder(shop.options).iterdir()] == ["broken.unreadable"]

    def test_a_body_comes_back_byte_by_byte(self, shop: Workshop) -> None:
        raw = b"\xff\x00 no json \n"
        (number,) = keep(shop.records, [Body(raw, None, "batch", now())])
        assert load_body(shop.records, number).raw == raw


def _dies(*_: object) -> None:
    raise JobError("died just before it was in the queue")


class TestTheRing:
    def test_the_newest_thousand_are_kept(self, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("assembler.jobs.intake.bodies.MOST_REFUSED", 5)
        for number in range(8):
            refuse(shop.records, [Turned(b"x", 400, str(number), {}, now())])
        assert [one.reason for one in list_refused(shop.records)] == ["7", "6", "5", "4", "3"]

    def test_and_never_more_than_so_many_bytes(self, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("assembler.jobs.intake.bodies.MOST_REFUSED_BYTES", 1000)
        for number in range(8):
            refuse(shop.records, [Turned(b"x" * 300, 403, str(number), {}, now())])
        assert [one.reason for one in list_refused(shop.records)] == ["7", "6", "5"]


def test_a_thousand_results_at_once_are_all_in_the_queue(shop: Workshop) -> None:
    bodies = [recording([camera("v1", "ann", 0, 1000)], task=f"t{n}").model_dump_json().encode() for n in range(1000)]
    shop.hand_in(*bodies)
    assert len(shop.engine.list()) == 1000
