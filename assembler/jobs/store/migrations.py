"""Numbered steps that bring the tables of an older version to today's shape.

A change of the tables is one more function at the end of ``MIGRATIONS``, the same change in ``tables.py``, and a
``fixtures/jobs-<number>.sql``. A new column that may not be empty needs a ``server_default``, here and there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from assembler.errors import JobError

VERSION = sa.Table("assembler_version", sa.MetaData(), sa.Column("number", sa.Integer, nullable=False))
"""One row: how many of the migrations these tables have behind them. Missing: 0, from before there were numbers."""


def _number_1(connection: sa.Connection) -> None:
    """Adds what came one by one before tables had a number: any part of it may be there."""
    _add_columns(connection, "assembler_event", sa.Column("urls", sa.Text))
    _add_columns(connection, "assembler_refused", sa.Column("query", sa.JSON))
    _add_columns(
        connection, "assembler_job",
        sa.Column("remaining", sa.BigInteger), sa.Column("sent", sa.BigInteger), sa.Column("stop", sa.BigInteger),
        sa.Column("count", sa.Integer), sa.Column("lacking", sa.Integer), sa.Column("placing", sa.Boolean),
        sa.Column("fetched", sa.Text),
    )  # fmt: skip
    _add_columns(
        connection, "assembler_task",
        sa.Column("error", sa.Text), sa.Column("started", sa.BigInteger), sa.Column("resumed", sa.BigInteger),
        sa.Column("forced", sa.BigInteger),
    )  # fmt: skip
    if sa.inspect(connection).has_table("assembler_event"):
        connection.execute(sa.text("CREATE INDEX IF NOT EXISTS ix_assembler_event_job ON assembler_event (job)"))


def _number_2(connection: sa.Connection) -> None:
    """Adds what asking the vendor for missing results keeps of a task."""
    _add_columns(
        connection, "assembler_task",
        sa.Column("asked", sa.BigInteger), sa.Column("asks", sa.Integer), sa.Column("answer", sa.Text),
    )  # fmt: skip


def _number_3(connection: sa.Connection) -> None:
    """Adds what a job keeps of class cards, which have a table of their own, and of withdrawing a playback."""
    _add_columns(
        connection, "assembler_job",
        sa.Column("card", sa.Text), sa.Column("placed", sa.Text), sa.Column("withdrawn", sa.Boolean),
    )  # fmt: skip


def _number_4(connection: sa.Connection) -> None:
    """Adds titles, choices and costs of jobs, and what makes a list of 100,000 quick. Sums, uploads and
    signs of life have tables."""
    _add_columns(
        connection, "assembler_job",
        sa.Column("title", sa.Text), sa.Column("choice", sa.JSON(none_as_null=True)),
        sa.Column("length", sa.BigInteger), sa.Column("wall", sa.BigInteger), sa.Column("cpu", sa.BigInteger),
        sa.Column("memory", sa.BigInteger), sa.Column("fetched_bytes", sa.BigInteger),
        sa.Column("published_bytes", sa.BigInteger),
    )  # fmt: skip
    _add_columns(connection, "assembler_task", sa.Column("has_job", sa.Boolean))
    there = sa.inspect(connection).get_table_names()
    order = " text_pattern_ops" if connection.dialect.name == "postgresql" else ""
    for table, index in (
        ("job", "state_number ON assembler_job (state, number)"),
        ("job", "verdict ON assembler_job (verdict, state, number)"),
        ("job", f"room ON assembler_job (room{order}, state, number)"),
        ("job", f"beginning ON assembler_job (id{order})"),
        ("job", "created ON assembler_job (created, number)"),
        ("event", "other ON assembler_event (id) WHERE job IS NULL AND is_taken"),
        ("task", "missing ON assembler_task (updated) WHERE has_job IS NULL"),
    ):
        if f"assembler_{table}" in there:
            connection.execute(sa.text(f"CREATE INDEX IF NOT EXISTS assembler_{table}_{index}"))
    if {"assembler_job", "assembler_task"} <= set(there):
        connection.execute(sa.text("DROP INDEX IF EXISTS ix_assembler_job_state"))
        with_job = "EXISTS (SELECT 1 FROM assembler_job WHERE assembler_job.key = assembler_task.task)"
        connection.execute(sa.text(f"UPDATE assembler_task SET has_job = true WHERE {with_job}"))


def _number_5(connection: sa.Connection) -> None:
    """Adds which bodies tell of one recording together, and of which system a job is. Gatherings have a table."""
    _add_columns(connection, "assembler_event", sa.Column("gathering", sa.Text))
    _add_columns(connection, "assembler_job", sa.Column("system", sa.Text))
    if sa.inspect(connection).has_table("assembler_event"):
        index = "ix_assembler_event_gathering ON assembler_event (gathering)"
        connection.execute(sa.text(f"CREATE INDEX IF NOT EXISTS {index}"))


MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_number_1, _number_2, _number_3, _number_4, _number_5)
"""Migrations in order; once released, none of them changes. Each leaves alone a table that is not in its database, and
what is there already (tables that an older version lacked are made in today's shape first)."""


def bring_up_to_date(connection: sa.Connection, tables: Iterable[sa.Table]) -> None:
    """Make the tables, or migrate those of an older version; nobody else may do so in this moment.

    Raises JobError where a newer version has been here.
    """
    tables, newest = [*tables, VERSION], len(MIGRATIONS)
    found = _found_version(connection, tables)
    if found is not None and found > newest:
        raise JobError(
            f"the database of the jobs has version {found}, and this version of assembler knows up to version {newest}",
            hint="Upgrade assembler, or give this one a database of its own (ASSEMBLER_DATABASE_URL, ASSEMBLER_HOME).",
        )
    if found == newest:
        return
    for table in tables:
        table.create(connection, checkfirst=True)
    for migrate in MIGRATIONS[newest if found is None else found :]:
        migrate(connection)
    connection.execute(sa.delete(VERSION))
    connection.execute(sa.insert(VERSION).values(number=newest))


def _found_version(connection: sa.Connection, tables: Sequence[sa.Table]) -> int | None:
    """Return the version of the tables; None: there are no tables yet."""
    there = set(sa.inspect(connection).get_table_names())
    if VERSION.name in there:
        return int(connection.execute(sa.select(VERSION.c.number)).scalar_one())
    return 0 if any(table.name in there for table in tables) else None


def _add_columns(connection: sa.Connection, table: str, *columns: sa.Column[object]) -> None:
    inspector = sa.inspect(connection)
    if not inspector.has_table(table):
        return
    there = {column["name"] for column in inspector.get_columns(table)}
    for column in columns:
        if column.name not in there:
            said = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {said}"))
