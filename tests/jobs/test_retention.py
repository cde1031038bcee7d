"""Retention by the settings: what a worker removes once a day, what it never touches, and what a dry run tells."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from terminal import Desk, three_streams
from workshop import Workshop

from assembler.errors import PublishError
from assembler.jobs.retention import keep_of
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import now
from assembler.jobs.store.tables import JOB, SEEN, UPLOAD
from assembler.jobs.worker.retain import retain_today
from assembler.jobs.worker.uploads import give_up_uploads, uploading
from assembler.network.publish.card import Card
from assembler.network.publish.publish import publish
from assembler.options import Options
from assembler.processes import Stop
from jobs.intake.test_once import event, names

DAY_MS = 86_400_000


def published(shop: Workshop, name: str) -> Path:
    made = shop.folder / name / "playback.mp4"
    (made.parent / "playback.assets").mkdir(parents=True)
    made.write_bytes(b"film")
    card = Card(job=name, key=f"/{name}", revision=1, digest="d")
    output, assets = str(shop.options.home / "output"), made.with_name("playback.assets")
    place = publish(made, assets, output, name, card, shop.options, Stop())
    shop.records.change(name, state=JobState.DONE, output=place, verdict="ok")
    return Path(place)


def age(shop: Workshop, days: float, *jobs: str) -> None:
    with shop.records.transaction() as connection:
        connection.execute(sa.update(JOB).where(JOB.c.id.in_(jobs)).values(updated=now() - round(days * DAY_MS)))


def test_a_worker_removes_once_a_day_what_is_old_and_published_and_nothing_else(tmp_path: Path) -> None:
    with Workshop.opened(tmp_path, keep_outputs_days="2", keep_sources_days="2", keep_jobs_days="5") as shop:
        shop.hand_in(*(event(name) for name in ("old", "middle", "recent", "failed", "cancelled", "waiting")))
        old, middle, recent = (published(shop, name) for name in ("old", "middle", "recent"))
        for name, state in (("failed", JobState.FAILED), ("cancelled", JobState.CANCELLED)):
            shop.records.change(name, state=state)
        age(shop, 6, "old", "failed", "cancelled", "waiting")
        age(shop, 3, "middle")
        desk = Desk(tmp_path, three_streams())
        told = desk.say("jobs", "prune", "--dry-run").out.splitlines()
        assert told == [
            "0 downloads would be removed, 0.0 MiB", "2 playbacks would be removed", "3 jobs would be forgotten",
        ]  # fmt: skip
        assert all(path.exists() for path in (old, middle, recent))
        said: list[str] = []
        retain_today(shop.options, shop.records, shop.engine, said.append)
        assert said == ["retention: 2 playbacks removed", "retention: 2 jobs forgotten"]
        assert [path.exists() for path in (old, middle, recent)] == [False, False, True]
        assert set(names(shop)) == {"middle", "recent", "failed", "waiting"}, "failed ones wait for somebody"
        assert "ASSEMBLER_KEEP_OUTPUTS_DAYS" in shop.job("middle").reason
        age(shop, 6, "recent")
        retain_today(shop.options, shop.records, shop.engine, said.append)
        assert (len(said), recent.exists()) == (2, True), "another worker did it today"
        with shop.records.transaction() as connection:
            connection.execute(sa.update(SEEN).values(at=now() - DAY_MS - 1))
        retain_today(shop.options, shop.records, shop.engine, said.append)
        assert (len(said), recent.exists()) == (4, False)


def test_a_job_is_kept_a_day_longer_than_what_belongs_to_it() -> None:
    assert keep_of(Options(keep_jobs_days=3, keep_outputs_days=9)).jobs == 10
    assert keep_of(Options(keep_jobs_days=30, keep_sources_days=9)).jobs == 30
    assert (keep_of(Options()).jobs, keep_of(Options(keep_outputs_days=9)).jobs) == (None, None)


def test_uploads_are_on_record_while_they_last_and_a_dead_workers_are_told(tmp_path: Path) -> None:
    with Workshop.opened(tmp_path) as shop:
        shop.hand_in(event())
        said: list[str] = []
        with suppress(PublishError), uploading(shop.records, "w", shop.job(), "s3://lessons/x.mp4"):
            give_up_uploads(shop.records, "another", said.append)
            raise PublishError("no")
        with shop.records.reading() as connection:
            assert connection.execute(sa.select(UPLOAD)).all() == []
        with uploading(shop.records, "w", shop.job(), "s3://lessons/x.mp4"):
            give_up_uploads(shop.records, "w", said.append)  # its name could be taken: it is dead
        give_up_uploads(shop.records, "w", said.append)
        assert len(said) == 1
        assert "worker w died uploading s3://lessons/x.mp4" in said[0]
        assert "lifecycle" in shop.records.log_of("t1")[-1][1]
