"""Database of the jobs: opened, with our tables in it, in a file (SQLite) or on a server (Postgres)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from assembler.errors import JobError
from assembler.jobs.store.migrations import bring_up_to_date
from assembler.jobs.store.tables import METADATA, REFUSED
from assembler.options import Options
from assembler.workspace import make_private

READS = "assembler_reads"
"""Execution option of a transaction that writes nothing."""
PATIENCE_SECONDS = 5
"""Maximum time that a writer waits for another one (SQLite), and for a connection, in s."""


def database_file(options: Options) -> Path:
    """Return the file of the database, where no server holds it."""
    return options.home.absolute() / "jobs.sqlite"


def open_database(options: Options) -> sa.Engine:
    """The database with our tables in it. Raises JobError where it cannot be reached, or a newer version made it."""
    with database_errors():
        if options.database_url is None:
            engine = _sqlite(database_file(options))
        else:
            engine = _postgres(options.database_url.get_secret_value())
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7151720170)"))  # one process makes the tables
            bring_up_to_date(connection, METADATA.sorted_tables)
        return engine


def open_refusals(engine: sa.Engine) -> sa.Engine:
    """Open the place of refused bodies: a connection of their own, and, as SQLite lets one write at a time, a file of
    their own. Raises JobError where it cannot be reached."""
    with database_errors():
        if engine.dialect.name == "postgresql":
            return sa.create_engine(engine.url, pool_pre_ping=True, pool_size=1, connect_args={"connect_timeout": 5})
        separate = _sqlite(Path(engine.url.database or "").with_name("refused.sqlite"))
        with separate.begin() as connection:
            bring_up_to_date(connection, [REFUSED])
        _move_refused(engine, separate)
        return separate


def _move_refused(engine: sa.Engine, separate: sa.Engine) -> None:
    """Move what an older version kept among the jobs."""
    with engine.connect() as plain:
        reader = plain.execution_options(**{READS: True})
        with reader.begin():
            rows = [dict(row) for row in reader.execute(sa.select(REFUSED).order_by(REFUSED.c.id)).mappings()]
    if not rows:
        return
    numbers = [row.pop("id") for row in rows]
    with engine.begin() as connection:
        removed = connection.execute(sa.delete(REFUSED).where(REFUSED.c.id <= numbers[-1])).rowcount
        if removed:  # nobody else moves them in this moment
            with separate.begin() as other:
                other.execute(sa.insert(REFUSED), rows)


def _sqlite(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise JobError(
            f"the folder {path.parent} cannot be made: {exc.strerror}", hint="Name another one with ASSEMBLER_HOME."
        ) from exc
    make_private(path)  # bodies hold signed URLs; the files beside it get its mode
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": PATIENCE_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        # a transaction that may write begins as a writer: one that only becomes a writer later could be refused
        connection.isolation_level = None
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        is_reader = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sa.engine.interfaces.DBAPIConnection) -> None:
    """Switch to the write-ahead log; SQLite refuses that at once, whatever its timeout, while another one does so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _postgres(url: str) -> sa.Engine:
    try:
        made = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as exc:
        raise _no_url() from exc
    if made.get_backend_name() not in ("postgresql", "postgres"):
        raise _no_url()
    made = made.set(drivername="postgresql+psycopg")
    return sa.create_engine(made, pool_pre_ping=True, pool_timeout=10, connect_args={"connect_timeout": 5})


def _no_url() -> JobError:
    return JobError(
        "ASSEMBLER_DATABASE_URL is not a Postgres URL",
        hint="Write postgresql://user:password@host/database, or unset it for a file in ASSEMBLER_HOME.",
    )


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insertion that can say what to do where the row is there already."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Raise JobError for whatever the database refuses inside of the ``with``, without statements and values."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = str(getattr(exc, "orig", None) or type(exc).__name__).strip().splitlines()
        error = JobError(
            f"the database of the jobs does not answer as it should: {cause[0] if cause else type(exc).__name__}",
            hint="Look at ASSEMBLER_DATABASE_URL, at the server, or at the disk of ASSEMBLER_HOME.",
        )
        is_wrong = any(words in str(exc) for words in ("authentication failed", "does not exist", "no pg_hba.conf"))
        error.retry = isinstance(exc, OperationalError | InterfaceError) and not is_wrong
        raise error from exc
