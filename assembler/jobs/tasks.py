"""What is known of tasks from events: which run, which pause for long, and whose result never came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assembler.dialects import Event
from assembler.jobs.records import Records, now
from assembler.jobs.tables import JOB, TASK
from assembler.times import WallMs
from assembler.values import Value

EXPECTED = "expected"
OF_RECORDINGS = ("OnlineRecord", "OfflineRecord", "record_")
"""How types of events about recordings begin; tasks of other kinds (transcoding) never have a result of ours."""


class Task(Value):
    """A recording task, as events (or a person) told of it."""

    task: str
    """The vendor's id."""
    app: str | None
    """The vendor's app; None where no event named it."""
    room: str | None
    """The vendor's room; None where no event named it."""
    kind: str
    """Type of the latest event, by the vendor's own time; "expected" where there was none."""
    sent: WallMs | None
    """When the vendor made that event, Unix ms; None where it does not say."""
    progress: int | None
    """Percent, where an event told."""
    pause: WallMs | None
    """When it was paused, Unix ms, after a warning about a long pause."""
    stop: WallMs | None
    """When it was, or is going to be, ended for the pause, Unix ms."""
    is_expected: bool
    """True if somebody named it with `assembler jobs expect`."""
    updated: WallMs
    """When we last heard of it, Unix ms."""


def learn(connection: sa.Connection, event: Event, received: WallMs) -> None:
    """Add what an event says of its task; an older one than the latest changes only what was unknown."""
    if event.task_id is None:
        return
    row = connection.execute(sa.select(TASK).where(TASK.c.task == event.task_id)).mappings().first()
    if row is None and not event.kind.startswith(OF_RECORDINGS):
        return
    told: dict[str, Any] = {
        "app": event.app_id, "room": event.room_id, "progress": event.progress,
        "pause": event.pause, "stop": event.stop,
    }  # fmt: skip
    latest = {"kind": event.kind, "sent": event.sent}
    if row is None:
        values = {"task": event.task_id, **told, **latest, "is_expected": False, "updated": received}
        connection.execute(sa.insert(TASK).values(values))
        return
    is_later = (event.sent or received) >= (row["sent"] or 0)
    if is_later:
        changed = {name: value for name, value in told.items() if value is not None} | latest
    else:
        changed = {name: value for name, value in told.items() if value is not None and row[name] is None}
    wanted = sa.update(TASK).where(TASK.c.task == event.task_id)
    connection.execute(wanted.values(**changed, updated=max(received, row["updated"])))


def expect(records: Records, tasks: Sequence[str]) -> None:
    """Remember tasks whose results are to come."""
    with records.transaction() as connection:
        for task in tasks:
            row = connection.execute(sa.select(TASK.c.task).where(TASK.c.task == task)).first()
            if row is None:
                values = {"task": task, "kind": EXPECTED, "is_expected": True, "updated": now()}
                connection.execute(sa.insert(TASK).values(values))
            else:
                connection.execute(sa.update(TASK).where(TASK.c.task == task).values(is_expected=True))


def missing(records: Records) -> list[Task]:
    """Tasks seen, or expected, of which no result came: the longest silent first."""
    has_job = sa.exists().where(JOB.c.key == TASK.c.task)
    with records.reading() as connection:
        rows = connection.execute(sa.select(TASK).where(~has_job).order_by(TASK.c.updated)).mappings()
        return [Task.model_validate(dict(row)) for row in rows]
