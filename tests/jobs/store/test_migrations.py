"""Databases of other versions: older ones are brought to today's tables, newer ones are left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa

from assembler.errors import JobError
from assembler.jobs.intake.bodies import list_refused, load_body
from assembler.jobs.intake.tasks import missing
from assembler.jobs.store.database import open_database
from assembler.jobs.store.migrations import MIGRATIONS, VERSION
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import Records
from assembler.jobs.store.tables import METADATA
from assembler.options import Options

if TYPE_CHECKING:
    from jobs.conftest import Postgres

FIXTURES = Path(__file__).parents[3] / "fixtures"
DUMPS = sorted(FIXTURES.glob("jobs-*.sql"))
"""SQL dumps of databases as each version left them; 0 is the first one there ever was. They are never made anew."""
LATER = {
    "assembler_event": ["urls"],
    "assembler_job": ["remaining", "sent", "stop", "count", "lacking", "placing", "fetched"],
    "assembler_refused": ["query"],
    "assembler_task": ["error", "started", "resumed", "forced"],
}
"""Columns that came before versions had a number."""


def laid(home: Path, dump: Path, *more: str) -> Options:
    home.mkdir()
    with closing(sqlite3.connect(home / "jobs.sqlite")) as database:
        database.executescript(dump.read_text("utf-8") + ";".join(more))
    return Options(home=home)


@contextmanager
def opened(options: Options) -> Iterator[sa.Engine]:
    engine = open_database(options)
    try:
        yield engine
    finally:
        engine.dispose()


def shape_of(engine: sa.Engine) -> dict[str, object]:
    """Columns and indexes of our tables, whatever their order."""
    seen = sa.inspect(engine)
    return {
        name: (
            {c["name"]: (str(c["type"]), c["nullable"], c["default"] is None) for c in seen.get_columns(name)},
            {(i["name"], *i["column_names"]) for i in seen.get_indexes(name)},
            {tuple(u["column_names"]) for u in seen.get_unique_constraints(name)},
        )
        for name in [*METADATA.tables, VERSION.name]
    }


def version_of(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(VERSION.c.number)).scalar_one())


def assert_as_today(options: Options, fresh: Path) -> None:
    with opened(options) as engine, opened(Options(home=fresh)) as new:
        assert shape_of(engine) == shape_of(new)
        assert version_of(engine) == version_of(new) == len(MIGRATIONS)


def assert_its_jobs_are_listed(options: Options) -> None:
    with closing(Records(open_database(options))) as records:
        jobs = {job.id: job for job in records.list_jobs()}
        done, waiting = jobs.pop("ghucnligqtgtvk2624mb"), jobs.pop("~20753fd1b28acdb5c59edc01a8849a41")
        assert jobs == {}
        assert (done.state, done.verdict, done.room) == (JobState.DONE, "degraded", "880528")
        assert (waiting.state, waiting.room) == (JobState.WAITING, "1234")
        assert b"VideoInfos" in load_body(records, done.event).raw
        assert len(records.log_of(done.id)) == 1
        assert [refused.reason for refused in list_refused(records)] == ["the sign is missing"]
        assert [task.task for task in missing(records)] == ["bj0mt2l23osdj300hl30"], "the other one's result came"
        records.change(waiting.id, state=JobState.RUNNING)


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: str(dump.stem))
def test_a_database_of_every_version_has_todays_tables_and_its_jobs(dump: Path, tmp_path: Path) -> None:
    options = laid(tmp_path / "old", dump)
    assert_as_today(options, tmp_path / "fresh")
    assert_its_jobs_are_listed(options)


def test_every_version_has_a_fixture() -> None:
    assert [dump.name for dump in DUMPS] == [f"jobs-{number}.sql" for number in range(len(MIGRATIONS) + 1)]


def test_a_database_of_today_from_before_there_were_numbers_is_recognised(tmp_path: Path) -> None:
    options = laid(tmp_path / "old", FIXTURES / "jobs-1.sql", "DROP TABLE assembler_version")
    assert_as_today(options, tmp_path / "fresh")
    assert_its_jobs_are_listed(options)


def test_older_refusals_in_a_file_of_their_own_get_what_came_later(tmp_path: Path) -> None:
    options = laid(tmp_path / "old", FIXTURES / "jobs-0.sql")
    with closing(sqlite3.connect(options.home / "refused.sqlite")) as aside:
        aside.executescript((FIXTURES / "jobs-0.sql").read_text("utf-8"))
        for name in ("event", "job", "log", "task"):
            aside.execute(f"DROP TABLE assembler_{name}")
    with closing(Records(open_database(options))) as records:
        assert len(list_refused(records)) == 2


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    newer = len(MIGRATIONS) + 1
    options = laid(tmp_path / "newer", DUMPS[-1], f"UPDATE assembler_version SET number = {newer}")
    with pytest.raises(JobError, match=f"has version {newer}, and this version of assembler knows up to") as caught:
        open_database(options)
    assert caught.value.hint.startswith("Upgrade assembler")
    assert not caught.value.retry
    with closing(sqlite3.connect(options.home / "jobs.sqlite")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {*METADATA.tables, VERSION.name}


def test_processes_that_start_at_once_migrate_one_behind_the_other(tmp_path: Path) -> None:
    options = laid(tmp_path / "old", FIXTURES / "jobs-0.sql")
    with ThreadPoolExecutor(8) as pool:
        for engine in pool.map(lambda _: open_database(options), range(8)):
            assert version_of(engine) == len(MIGRATIONS)
            engine.dispose()


@pytest.mark.parametrize("has_number", [True, False])
def test_the_same_on_postgres(postgres: Postgres, tmp_path: Path, has_number: bool) -> None:
    options = Options(home=tmp_path, database_url=postgres.database(uuid4().hex))
    with opened(options) as engine:
        today = shape_of(engine)
        with engine.begin() as connection:
            columns = [f'ALTER TABLE {table} DROP COLUMN "{name}"' for table, names in LATER.items() for name in names]
            for said in ["DROP INDEX ix_assembler_event_job", "DROP TABLE assembler_notice", *columns]:
                connection.execute(sa.text(said))
            connection.execute(
                sa.text("UPDATE assembler_version SET number = 0" if has_number else "DROP TABLE assembler_version")
            )
    with ThreadPoolExecutor(4) as pool:
        for engine in pool.map(lambda _: open_database(options), range(4)):
            assert shape_of(engine) == today
            engine.dispose()
    with opened(options) as engine, engine.begin() as connection:
        connection.execute(sa.update(VERSION).values(number=len(MIGRATIONS) + 1))
    with pytest.raises(JobError, match="knows up to version"):
        open_database(options)
