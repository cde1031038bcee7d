"""Prefetch of the files of jobs that still wait: the vendor deletes them after three days, a queue may be longer.

What is fetched lies in this machine's cache, where the job's own download finds it. Each job is fetched ahead once, by
one worker; with several machines without a shared home it may be another than the one that renders it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, suppress

import sqlalchemy as sa

from assembler.errors import AssemblerError, DiskFull
from assembler.jobs.costs import TryCost, add_cost
from assembler.jobs.sources import fetch_sources
from assembler.jobs.store.model import QUEUED
from assembler.jobs.store.records import Records
from assembler.jobs.store.tables import JOB
from assembler.jobs.worker.background import beside
from assembler.options import Options
from assembler.processes import Stop, Stopped
from assembler.progress import Silent

LOOK_SECONDS = 10.0
"""Time between two looks for waiting jobs, in s."""
FULL_SECONDS = 300.0
"""Time until a full disk is tried again, in s."""
END_SECONDS = 1.0
"""Maximum time that the end waits for a download, in s."""


def fetching_ahead(options: Options, records: Records, name: str, stop: Stop) -> AbstractContextManager[None]:
    """Fetch for waiting jobs, one after the other and the oldest first, until ``stop`` is set."""
    return beside(lambda left: _fetch_ahead(options, records, name, stop, left), END_SECONDS)


def _fetch_ahead(options: Options, records: Records, name: str, stop: Stop, left: threading.Event) -> None:
    while not left.is_set() and not stop.is_set():
        pause = LOOK_SECONDS
        with suppress(AssemblerError, Stopped):  # whatever is wrong with a job is said when it is its turn
            job = claim(records, name)
            if job is not None:
                pause = 0.0
                try:
                    _fetch(options, records, job, stop)
                except DiskFull:
                    pause = FULL_SECONDS
                    _unclaim(records, job)
        left.wait(pause)


def claim(records: Records, name: str) -> str | None:
    """The id of the oldest waiting job nobody fetched ahead, now ours."""
    waiting = [state.value for state in QUEUED]
    first = sa.select(JOB.c.id).where(JOB.c.state.in_(waiting), JOB.c.fetched.is_(None))
    with records.transaction() as connection:
        row = connection.execute(first.order_by(JOB.c.number).limit(1).with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        connection.execute(sa.update(JOB).where(JOB.c.id == row.id).values(fetched=name))
        return str(row.id)


def _unclaim(records: Records, job: str) -> None:
    with records.transaction() as connection:
        connection.execute(sa.update(JOB).where(JOB.c.id == job).values(fetched=None))


def _fetch(options: Options, records: Records, job: str, stop: Stop) -> None:
    found = fetch_sources(records, job, options, Silent(), stop)
    if found.received:
        with records.transaction() as connection:
            add_cost(connection, job, TryCost(fetched_bytes=found.received))
