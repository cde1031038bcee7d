"""Uploads under way, on record: what a dead worker had sent of one may still lie in the bucket, out of sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from assembler.jobs.store.model import Job
from assembler.jobs.store.records import Records, note, now
from assembler.jobs.store.tables import UPLOAD

LEFT = (
    "parts it had sent are charged until a lifecycle rule of the bucket removes them (assembler doctor looks for one)"
)
"""Sentence about what such an upload leaves."""


@contextmanager
def uploading(records: Records, worker: str, job: Job, place: str) -> Iterator[None]:
    """Keep an upload on record while it is under way; one that fails is aborted by the client itself."""
    if "://" not in place:
        yield
        return
    values = {"worker": worker, "job": job.id, "place": place, "begun": now()}
    with records.transaction() as connection:
        number = connection.execute(sa.insert(UPLOAD).values(values).returning(UPLOAD.c.id)).scalar_one()
    try:
        yield
    finally:
        with records.transaction() as connection:
            connection.execute(sa.delete(UPLOAD).where(UPLOAD.c.id == number))


def give_up_uploads(records: Records, worker: str, say: Callable[[str], None]) -> None:
    """Tell of the uploads of a worker that died; its name is held by us. obstore can neither list nor abort them."""
    with records.transaction() as connection:
        rows = connection.execute(sa.select(UPLOAD.c.job, UPLOAD.c.place).where(UPLOAD.c.worker == worker)).all()
        connection.execute(sa.delete(UPLOAD).where(UPLOAD.c.worker == worker))
        for row in rows:
            note(connection, row.job, f"A worker died uploading {row.place}: {LEFT}.")
    for row in rows:
        say(f"warning: worker {worker} died uploading {row.place}: {LEFT}")
