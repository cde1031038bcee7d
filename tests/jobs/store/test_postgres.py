"""The same on Postgres: several workers on one queue, by changing one URL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from terminal import three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.errors import JobError
from assembler.jobs.engine import Phase
from assembler.jobs.store.model import JobState
from assembler.jobs.worker.lease import take_seat, try_seat
from jobs.intake.test_once import event

if TYPE_CHECKING:
    from jobs.conftest import Postgres

LESSON = three_streams(5)


@pytest.fixture
def shop(tmp_path: Path, postgres: Postgres, bundled_ffmpeg: str) -> Iterator[Workshop]:
    settings = laid(tmp_path, LESSON, bundled_ffmpeg)
    url = postgres.database(uuid4().hex)
    with Workshop.opened(tmp_path, database_url=url, chunk_seconds="0.4", processes="1", **settings) as opened:
        yield opened


def test_ten_concurrent_repeats_are_one_job(shop: Workshop) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: shop.hand_in(event()), range(10)))
    assert [job.id for job in shop.records.list_jobs()] == ["t1"]
    assert shop.engine.list() == {"t1:1": Phase.WAITING}
    assert not list(shop.options.home.glob("*.sqlite"))


@pytest.mark.leaves_parts
def test_a_killed_workers_job_runs_on_at_another_one_within_thirty_seconds(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    first = shop.start()
    until(lambda: len(shop.chunks()) >= 2)
    with shop.worker():
        until(lambda: "-2: publishing" in (shop.folder / "worker.log").read_text())
        kill(first)
        before, died = shop.chunks(), time.monotonic()
        until(lambda: shop.job().state is JobState.DONE or shop.job().deaths == 1, 40)
        assert time.monotonic() - died < 30
        assert {name: shop.chunks().get(name, same) for name, same in before.items()} == before
        job = shop.wait(JobState.DONE)
    assert Path(job.output).exists()


class TestSeats:
    def test_each_name_is_held_once(self, shop: Workshop) -> None:
        first, second = take_seat(shop.options), take_seat(shop.options)
        assert first.name != second.name
        assert try_seat(shop.options, first.name) is None
        first.leave()
        again = take_seat(shop.options)
        assert again.name == first.name
        again.leave()
        second.leave()

    def test_one_lost_with_the_server_is_taken_again_unless_somebody_was_faster(
        self, shop: Workshop, postgres: Postgres
    ) -> None:
        seat = take_seat(shop.options)
        shop.records.engine.dispose()
        postgres.stop()
        try:
            assert seat.is_held()  # nobody else can take it now
            with pytest.raises(JobError, match="cannot be reached"):
                try_seat(shop.options, "x")
        finally:
            postgres.start()
        other = try_seat(shop.options, seat.name)
        assert other is not None
        assert not seat.is_held()
        other.leave()
        assert seat.is_held()
        assert try_seat(shop.options, seat.name) is None
        seat.leave()


def test_a_worker_that_starts_while_the_server_is_away_waits_for_it_and_works(
    shop: Workshop, postgres: Postgres
) -> None:
    shop.hand_in(body_of(LESSON))
    shop.engine.close()
    shop.records.engine.dispose()
    log = shop.folder / "worker.log"
    postgres.stop()
    try:
        process = shop.start()
        until(lambda: "waiting for it" in log.read_text())
        assert process.poll() is None
        told = log.read_text()
        assert told.count("waiting for it") == 1
        assert "owner@" not in told
    finally:
        postgres.start()
    shop.wait(JobState.DONE)
    kill(process)


def test_one_that_is_told_to_stop_while_it_waits_ends_well(shop: Workshop, postgres: Postgres) -> None:
    shop.records.engine.dispose()
    postgres.stop()
    try:
        process = shop.start()
        until(lambda: "waiting for it" in (shop.folder / "worker.log").read_text())
        process.terminate()
        assert process.wait(20) == 0
    finally:
        postgres.start()


def test_no_message_shows_the_password(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    from assembler.jobs.store.database import open_database
    from assembler.options import load_options

    for url in ("postgresql://owner:hunter2@127.0.0.1:1/x", "mysql://owner:hunter2@h/x", "owner:hunter2"):
        with pytest.raises(JobError) as caught:
            open_database(load_options(database_url=url))
        assert "hunter2" not in f"{caught.value} {caught.value.hint} {load_options(database_url=url)!r}"
