"""A worker's name, held by a lock as long as the worker lives: who can take the lock knows that the worker is dead.

On one machine (SQLite) the lock is on a file, and the kernel lets go of it. With Postgres it is a session's advisory
lock: the server lets go of it when the connection ends, or when keepalives find its other end gone. A session can also
end while the worker lives (the server restarts): ``is_held`` tells, and takes it again if nobody else did.
"""

from __future__ import annotations

import hashlib
import platform
import re
from contextlib import suppress
from typing import Any, Protocol

import psycopg
from filelock import FileLock, Timeout

from assembler.errors import JobError
from assembler.options import Options
from assembler.workspace import LOCK

MOST_SEATS = 1000
"""Maximum number of workers of one machine."""
_KEEPALIVES: dict[str, Any] = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3}
_SERVER_SIDE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"


class WorkerLease(Protocol):
    """A name that is held."""

    name: str
    """The worker's name, the engine's executor id."""

    def is_held(self) -> bool:
        """False where it was lost and could not be taken again."""

    def leave(self) -> None:
        """Let go of it."""


class _FileLease:
    def __init__(self, name: str, lock: FileLock) -> None:
        self.name, self._lock = name, lock

    def is_held(self) -> bool:
        return self._lock.is_locked

    def leave(self) -> None:
        self._lock.release()


class _PostgresLease:
    def __init__(self, name: str, url: str, session: psycopg.Connection) -> None:
        self.name, self._url, self._session = name, url, session

    def is_held(self) -> bool:
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error:
            return self._take_again()
        return True

    def _take_again(self) -> bool:
        """True also while the server cannot be reached: nobody else can take it then, either."""
        with suppress(psycopg.Error):
            self._session.close()
        try:
            session = _lock(self.name, self._url)
        except psycopg.Error:
            return True
        if session is None:
            return False
        self._session = session
        return True

    def leave(self) -> None:
        self._session.close()


def take_seat(options: Options) -> WorkerLease:
    """The first free name of this machine: after a restart usually the same as before."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())[:60] or "worker"
    for number in range(1, MOST_SEATS + 1):
        seat = try_seat(options, f"{host}-{number}")
        if seat is not None:
            return seat
    raise JobError(f"{MOST_SEATS} workers run on {host}", hint="End some of them.")


def try_seat(options: Options, name: str) -> WorkerLease | None:
    """The name if it is free; None while its worker lives."""
    if options.database_url is not None:
        url = options.database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            session = _lock(name, url)
        except psycopg.Error as exc:
            error = JobError(
                "the database of the jobs cannot be reached", hint="Look at ASSEMBLER_DATABASE_URL and at the server."
            )
            error.retry = True
            raise error from exc
        return None if session is None else _PostgresLease(name, url, session)
    folder = options.home.absolute() / "locks"
    lock = FileLock(str(folder / f"worker-{name}{LOCK}"), thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except OSError as exc:
        raise JobError(
            f"{folder} cannot be used: {exc.strerror}", hint="Name another folder with ASSEMBLER_HOME."
        ) from exc
    return _FileLease(name, lock)


def _lock(name: str, url: str) -> psycopg.Connection | None:
    session = psycopg.connect(url, autocommit=True, connect_timeout=5, options=_SERVER_SIDE, **_KEEPALIVES)
    number = int.from_bytes(hashlib.sha256(f"assembler worker {name}".encode()).digest()[:8], "big", signed=True)
    row = session.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
    if row is not None and row[0]:
        return session
    session.close()
    return None
