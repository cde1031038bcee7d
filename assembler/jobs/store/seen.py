"""Times at which something was last there or last happened: workers, and what is done once a day."""

from __future__ import annotations

import sqlalchemy as sa

from assembler.jobs.store.database import insert_into
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import SEEN

WORKER = "worker:"
"""Beginning of the names of workers (stored)."""


def mark_seen(records: Records, name: str) -> None:
    """Mark that it is there now. Raises JobError."""
    with records.transaction() as connection:
        added = insert_into(connection, SEEN).values(name=name, at=now())
        connection.execute(added.on_conflict_do_update(index_elements=["name"], set_={"at": now()}))


def forget_seen(records: Records, name: str) -> None:
    """Forget it: it ended in good order. Raises JobError."""
    with records.transaction() as connection:
        connection.execute(sa.delete(SEEN).where(SEEN.c.name == name))


def count_seen(records: Records, beginning: str, since: int) -> int:
    """Count those of which the name begins like this and that were seen since then, Unix ms."""
    wanted = sa.select(sa.func.count()).where(SEEN.c.name.startswith(beginning, autoescape=True), SEEN.c.at >= since)
    with records.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def take_turn(records: Records, name: str, before: int) -> bool:
    """Take what is to be done again if it was last taken before then (Unix ms): only one caller gets it."""
    with records.transaction() as connection:
        added = insert_into(connection, SEEN).values(name=name, at=now()).on_conflict_do_nothing()
        if connection.execute(added.returning(SEEN.c.name)).first() is not None:
            return True
        mine = sa.update(SEEN).where(SEEN.c.name == name, SEEN.c.at < before).values(at=now())
        return connection.execute(mine).rowcount > 0
