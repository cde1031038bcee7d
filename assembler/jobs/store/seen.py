"""Times at which something was last there or last happened: workers, and what is done once a day."""

from __future__ import annotations

import sqlalchemy as sa

from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import SEEN

WORKER = "worker:"
"""Beginning of the names of workers (stored)."""


def mark_seen(records: Records, name: str) -> None:
    """Mark that it is there now. Raises JobError."""
    with records.transaction() as connection:
        if not connection.execute(sa.update(SEEN).where(SEEN.c.name == name).values(at=now())).rowcount:
            connection.execute(sa.insert(SEEN).values(name=name, at=now()))


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
        is_there = connection.execute(sa.select(SEEN.c.at).where(SEEN.c.name == name).with_for_update()).first()
        if is_there is None:
            connection.execute(sa.insert(SEEN).values(name=name, at=now()))
            return True
        mine = sa.update(SEEN).where(SEEN.c.name == name, SEEN.c.at < before).values(at=now())
        return connection.execute(mine).rowcount > 0
