"""How a job ended is told: filed with the end itself, sent by whoever runs, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from receiver import Backend, listening, silence
from storage import KEYS, serving
from terminal import three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.choices import NoticeEvent
from assembler.errors import InputError, JobError
from assembler.jobs.batch import Batch, Given
from assembler.jobs.control import cancel, try_again
from assembler.jobs.engine import Results
from assembler.jobs.prune import prune
from assembler.jobs.store import records as records_room
from assembler.jobs.store.database import open_database
from assembler.jobs.store.model import JobState
from assembler.jobs.store.notices import WAITS_SECONDS
from assembler.jobs.store.records import Records
from assembler.jobs.store.tables import NOTICE
from assembler.jobs.worker.send_notices import tell_due, tell_for, telling
from assembler.jobs.worker.steps import JobSteps
from assembler.options import load_options
from assembler.processes import Stop
from jobs.intake.test_once import event

NO_VIDEOS: dict[str, Any] = {"VideoInfos": [], "Error": {"Code": "FailedOperation.Record", "Message": "code: 40001"}}
DONE: Results = {
    "download": {"files": 1},
    "render": {"verdict": "degraded", "findings": ["one", "two"], "digest": "d", "length": 1},
    "publish": {"output": "/there/playback.mp4"},
}
FAILED: Results = {"download": {"over": True, "error": "the file is not a video", "hint": "", "retry": False}}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with listening() as backend:
        yield backend


@pytest.fixture
def shop(tmp_path: Path, backend: Backend) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path, **backend.settings()) as opened:
        opened.hand_in(event())
        yield opened


def end(shop: Workshop, results: Results, times: int = 1) -> None:
    """The job's present try ends like this; so often, as if the worker died before the engine wrote it down."""
    work = JobSteps(shop.options, shop.records, shop.engine, Stop())
    workflow = shop.job().workflow
    assert work.begin(workflow)
    for _ in range(times):
        work.steps[-1][1](workflow, results)


def send(shop: Workshop) -> int:
    return tell_due(shop.options, shop.records, lambda: False)


def filed(shop: Workshop) -> list[sa.Row[Any]]:
    with shop.records.transaction() as connection:
        return list(connection.execute(sa.select(NOTICE)))


def later(shop: Workshop) -> None:
    """Time passes until everything is due."""
    with shop.records.transaction() as connection:
        connection.execute(sa.update(NOTICE).values(due=0))


def said(shop: Workshop) -> list[str]:
    return [sentence for _, sentence in shop.records.log_of("t1")]


class TestWhatIsTold:
    def test_a_playback_is_ready(self, shop: Workshop, backend: Backend) -> None:
        end(shop, DONE)
        assert send(shop) == 1
        (came,) = backend.came
        told = came.told
        assert isinstance(told.pop("time"), int)
        assert told == {
            "id": came.delivery, "event": "playback.ready", "job": "t1", "task": "t1", "app": None, "room": "12",
            "revision": 1, "state": "done", "verdict": "degraded", "output": "/there/playback.mp4", "reason": "",
            "findings": 2,
        }  # fmt: skip
        assert said(shop)[-1] == "Notice delivered."
        assert send(shop) == 0

    def test_a_playback_failed(self, shop: Workshop, backend: Backend) -> None:
        end(shop, FAILED)
        send(shop)
        told = backend.came[0].told
        assert (told["event"], told["state"], told["reason"]) == (
            "playback.failed",
            "failed",
            "the file is not a video",
        )

    def test_three_dead_workers_are_a_failure_too(self, shop: Workshop, backend: Backend) -> None:
        work = JobSteps(shop.options, shop.records, shop.engine, Stop())
        assert [work.begin("t1:1") for _ in range(4)] == [True, True, True, False]
        send(shop)
        assert (backend.came[0].told["event"], backend.came[0].told["state"]) == ("playback.failed", "poison")

    def test_what_goes_on_or_was_ended_by_hand_is_not(self, shop: Workshop) -> None:
        end(shop, {"download": {"over": True, "error": "busy", "retry": True}})
        cancel(shop.records, shop.engine, shop.job())
        assert filed(shop) == []

    def test_nothing_is_filed_where_nobody_is_to_be_told(self, tmp_path: Path) -> None:
        with Workshop.opened(tmp_path) as shop:
            shop.hand_in(event())
            end(shop, DONE)
            assert filed(shop) == []
            assert tell_for(shop.options, shop.records, 1) == 0


VENDOR = Path(__file__).parents[2] / "fixtures" / "vendor"
RECORDINGS = [
    ("v1-callback-start-failed.json", "recording.failed", "startfail2", "40004"),
    ("online-record-long-pause-warning.json", "recording.paused_long", "bj0mt2l23osdj300hl30", "paused for long"),
    ("online-record-long-pause-force-stopped.json", "recording.stopped", "bj0mt2l23osdj300hl30", "by force"),
]
"""(Body, event, task, what the reason says)."""


class TestRecordings:
    @pytest.fixture
    def shop(self, tmp_path: Path, backend: Backend) -> Iterator[Workshop]:
        named = ",".join(NoticeEvent)
        with Workshop.opened(tmp_path, **backend.settings(), notify_events=named) as opened:
            yield opened

    @pytest.mark.parametrize(("name", "told", "task", "why"), RECORDINGS, ids=[r[1] for r in RECORDINGS])
    def test_what_an_operator_should_act_on_is_told_once(
        self, shop: Workshop, backend: Backend, name: str, told: str, task: str, why: str
    ) -> None:
        body = (VENDOR / name).read_bytes()
        shop.hand_in(body, body)
        send(shop)
        (came,) = [one.told for one in backend.came if one.told["event"].startswith("recording.")]
        assert (came["event"], came["task"], came["job"]) == (told, task, None)
        assert why in came["reason"]
        assert (came["pause"] is not None) == (told == "recording.paused_long" or "force" in name)
        shop.hand_in(body)
        assert send(shop) == 0

    def test_other_events_are_not(self, shop: Workshop) -> None:
        for name in ("online-record-started.json", "online-record-stopped.json", "v1-callback-record-started.json"):
            shop.hand_in((VENDOR / name).read_bytes())
        assert filed(shop) == []

    def test_a_delivered_one_stands_in_no_log(self, shop: Workshop, backend: Backend) -> None:
        shop.hand_in((VENDOR / RECORDINGS[1][0]).read_bytes())
        assert send(shop) == 1
        assert shop.records.log_of("") == []


def test_recordings_are_told_only_where_that_was_asked_for(shop: Workshop) -> None:
    for name, *_ in RECORDINGS[1:]:
        shop.hand_in((VENDOR / name).read_bytes())
    assert filed(shop) == []


def test_an_unknown_event_is_a_mistake_that_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"recording\.paused_long"):
        load_options(notify_events="playback.ready,recording.pausd")


class TestOnce:
    def test_an_end_written_down_twice_is_told_once(self, shop: Workshop, backend: Backend) -> None:
        end(shop, DONE, times=2)
        send(shop)
        later(shop)
        send(shop)
        assert len(backend.came) == 1

    def test_done_again_by_hand_is_told_again_under_another_id(self, shop: Workshop, backend: Backend) -> None:
        end(shop, FAILED)
        send(shop)
        try_again(shop.records, shop.engine, shop.job())
        end(shop, FAILED)
        send(shop)
        assert len({came.delivery for came in backend.came}) == 2

    def test_many_senders_send_it_once(self, shop: Workshop, backend: Backend) -> None:
        end(shop, DONE)
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: send(shop), range(8)))
        assert sum(taken) == len(backend.came) == 1

    def test_it_is_forgotten_with_its_job_but_not_before_it_was_sent(self, shop: Workshop, backend: Backend) -> None:
        end(shop, DONE)
        prune(shop.records, shop.engine, shop.options, 0)
        assert send(shop) == len(backend.came) == 1
        prune(shop.records, shop.engine, shop.options, 0)
        assert filed(shop) == []


class TestNotLost:
    def test_job_and_notice_are_written_together_or_not_at_all(
        self, shop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(*_: object) -> None:
            raise JobError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(records_room, "file_notice", dies)
            with pytest.raises(JobError):
                end(shop, DONE)
        assert shop.job().state is JobState.RUNNING
        assert filed(shop) == []

    def test_a_failing_receiver_is_told_again_under_the_same_id(self, shop: Workshop, backend: Backend) -> None:
        backend.answers = [500, 503]
        end(shop, DONE)
        assert send(shop) == send(shop) == 0
        assert len(backend.came) == 1, "it waits between the tries"
        later(shop)
        send(shop)
        later(shop)
        assert send(shop) == 1
        assert len(backend.came) == 3
        assert len({(came.delivery, came.body) for came in backend.came}) == 1
        assert "Notice not delivered, repeated for about a day: 127.0.0.1 answers 500" in said(shop)

    def test_it_is_given_up_after_about_a_day(self, shop: Workshop, backend: Backend) -> None:
        assert 22 * 3600 < sum(WAITS_SECONDS) < 26 * 3600
        backend.answers = [500] * 100
        end(shop, DONE)
        for _ in range(40):
            later(shop)
            send(shop)
        assert len(backend.came) == len(WAITS_SECONDS) + 1
        assert said(shop)[-1] == f"Notice given up after {len(WAITS_SECONDS) + 1} tries: 127.0.0.1 answers 500"
        assert shop.job().state is JobState.DONE

    def test_a_worker_killed_before_it_was_told_loses_nothing(self, shop: Workshop, backend: Backend) -> None:
        shop.hand_in(event("t2", **NO_VIDEOS))
        cancel(shop.records, shop.engine, shop.job("t1"))
        backend.answers = [silence(60)]
        first = shop.start()
        until(lambda: len(backend.came) == 1, 30)
        assert shop.job("t2").state is JobState.FAILED
        kill(first)
        later(shop)
        with shop.worker():
            until(lambda: all(row.is_over for row in filed(shop)), 30)
        assert [came.told["task"] for came in backend.came] == ["t2", "t2"]
        assert len({came.delivery for came in backend.came}) == 1

    def test_the_end_does_not_wait_for_a_silent_receiver(self, shop: Workshop, backend: Backend) -> None:
        backend.answers = [silence(5)]
        end(shop, DONE)
        with telling(shop.options, lambda: shop.records):
            until(lambda: len(backend.came) == 1, 5)
        assert not filed(shop)[0].is_over

    def test_a_batch_tells_of_its_last_job_too(self, shop: Workshop, backend: Backend) -> None:
        cancel(shop.records, shop.engine, shop.job("t1"))
        batch = Batch(shop.options, shop.records, shop.engine)
        batch.enqueue([Given("x", event("t2", **NO_VIDEOS))])
        batch.wait(1, print)
        assert [came.told["task"] for came in backend.came] == ["t2"]


def test_on_postgres_it_is_the_same(postgres: Any, tmp_path: Path, backend: Backend) -> None:
    with Workshop.opened(tmp_path, database_url=postgres.database("notices"), **backend.settings()) as shop:
        shop.hand_in(event())
        end(shop, DONE, times=2)
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(lambda _: send(shop), range(4))) == 1
        assert all(row.is_over for row in filed(shop))
        prune(shop.records, shop.engine, shop.options, 0)
        assert filed(shop) == []


def test_a_database_of_an_earlier_version_gets_what_it_lacks(shop: Workshop) -> None:
    with shop.records.transaction() as connection:
        connection.execute(sa.text("DROP TABLE assembler_notice"))
        connection.execute(sa.text("ALTER TABLE assembler_job DROP COLUMN remaining"))
        connection.execute(sa.text("DROP TABLE assembler_version"))  # it came later than both
    shop.records = Records(open_database(shop.options), tells=frozenset(NoticeEvent))
    end(shop, DONE)
    assert len(filed(shop)) == 1


def test_from_a_body_to_object_storage_and_the_owners_backend(
    tmp_path: Path, bundled_ffmpeg: str, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = three_streams(3)
    settings = laid(tmp_path, lesson, bundled_ffmpeg) | backend.settings()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with serving() as storage:
        storage.empty()
        place = {"output": "s3://lessons/played", "s3_endpoint": storage.url}
        with Workshop.opened(tmp_path, processes="1", **place, **settings) as shop:
            shop.hand_in(body_of(lesson))
            with shop.worker():
                job = shop.wait(JobState.DONE)
                until(lambda: len(backend.came) == 1, 10)
        assert job.output == backend.came[0].told["output"] == "s3://lessons/played/unknown/7/t1/playback.mp4"
        film = storage.get("played/unknown/7/t1/playback.mp4") or b""
        assert film[4:8] == b"ftyp"
        assert "played/unknown/7/t1/job.json" in storage.names()
