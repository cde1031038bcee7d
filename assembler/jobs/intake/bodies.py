"""Every body that ever came in: the accepted ones for good, the refused ones in a ring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from assembler.dialects import parse
from assembler.dialects.dialect import Query, with_app
from assembler.errors import JobError
from assembler.jobs.store.records import Records
from assembler.jobs.store.tables import EVENT, GATHERING, IS_OTHER, JOB, REFUSED
from assembler.recording import Recording
from assembler.times import WallMs
from assembler.values import Value

GATHERED = "parts"
"""Source of a body that was made of gathered ones (stored)."""
MOST_REFUSED = 1000
"""Maximum number of refused bodies that are kept."""
MOST_REFUSED_BYTES = 100 * 2**20
"""Maximum size of all of them, in bytes."""


class Body(NamedTuple):
    """Raw bytes as they came."""

    raw: bytes
    """The bytes."""
    app: str | None
    """The app id that came beside them (v1: in the URL)."""
    source: str
    """``callback`` or ``batch``."""
    received: WallMs
    """Time of arrival, Unix ms."""

    @property
    def query(self) -> Query:
        """Part of its URL that says what it is, as the dialects read it."""
        return with_app({}, self.app)


class BodyRow(Value):
    """A stored body as lists show it."""

    id: int
    """Number of the body."""
    received: WallMs
    """Time of arrival, Unix ms."""
    source: str
    """``callback`` or ``batch``."""
    kind: str
    """Type as the vendor wrote it; "" as long as it was not looked at, or where it has none."""
    task: str | None
    """The task it names."""
    job: str | None
    """The job it belongs to; None for other events."""
    note: str
    """Remark about what was odd; "" for nothing."""


def keep(records: Records, bodies: Sequence[Body]) -> list[int]:
    """Store bodies, all in one transaction, before anything else is done with them; their numbers."""
    with records.transaction() as connection:
        numbers = []
        for body in bodies:
            wanted = sa.insert(EVENT).values(
                received=body.received,
                source=body.source,
                app=body.app,
                body=body.raw,
                is_taken=False,
                kind="",
                note="",
            )
            numbers.append(int(connection.execute(wanted.returning(EVENT.c.id)).scalar_one()))
        return numbers


def untaken(records: Records, limit: int = 500) -> list[int]:
    """Numbers of stored bodies that nobody has taken in yet, the oldest first."""
    wanted = sa.select(EVENT.c.id).where(~EVENT.c.is_taken).order_by(EVENT.c.id).limit(limit)
    with records.reading() as connection:
        return [int(number) for number in connection.execute(wanted).scalars()]


def load_body(records: Records, number: int) -> Body:
    """Return a stored body; raises JobError where it is not there."""
    with records.reading() as connection:
        return body_at(connection, number)


def body_at(connection: sa.Connection, number: int) -> Body:
    """Return a stored body within a transaction; raises JobError where it is not there."""
    wanted = sa.select(EVENT.c.body, EVENT.c.app, EVENT.c.source, EVENT.c.received).where(EVENT.c.id == number)
    row = connection.execute(wanted).first()
    if row is None:
        raise JobError(f"the stored event {number} is gone", hint="Hand the result in again with `assembler batch`.")
    return Body(bytes(row.body), row.app, row.source, WallMs(row.received))


def list_events(records: Records, *, limit: int = 50, without_job: bool = False) -> list[BodyRow]:
    """The newest first."""
    names = [EVENT.c[name] for name in BodyRow.model_fields]
    wanted = sa.select(*names).order_by(EVENT.c.id.desc()).limit(limit)
    if without_job:
        wanted = wanted.where(sa.text(IS_OTHER), EVENT.c.gathering.is_(None))
    with records.reading() as connection:
        return [BodyRow.model_validate(dict(row)) for row in connection.execute(wanted).mappings()]


class Turned(NamedTuple):
    """A body that was turned away."""

    raw: bytes
    """The bytes."""
    status: int
    """HTTP status that was answered: 403 or 400."""
    reason: str
    """Reason that was answered."""
    query: Mapping[str, str]
    """Part of its URL that says who sent it."""
    received: WallMs
    """Time of arrival, Unix ms."""


def refuse(records: Records, bodies: Sequence[Turned]) -> None:
    """Keep refused bodies for inspection, and forget the oldest beyond the ring's size."""
    values = [{**body._asdict(), "query": dict(body.query), "body": body.raw, "size": len(body.raw)} for body in bodies]
    for one in values:
        del one["raw"]
    with records.refusals.transaction() as connection:
        connection.execute(sa.insert(REFUSED), values)
        sizes = connection.execute(sa.select(REFUSED.c.id, REFUSED.c.size).order_by(REFUSED.c.id.desc())).all()
        total = 0
        for place, (number, size) in enumerate(sizes):
            total += size
            if place >= MOST_REFUSED or total > MOST_REFUSED_BYTES:
                connection.execute(sa.delete(REFUSED).where(REFUSED.c.id <= number))
                break


class Refused(Value):
    """Refused body as lists show it."""

    id: int
    """Number of the body."""
    received: WallMs
    """Time of arrival, Unix ms."""
    status: int
    """HTTP status that was answered: 403 or 400."""
    reason: str
    """Reason that was answered."""
    size: int
    """Size in bytes."""


def list_refused(records: Records, limit: int = 50) -> list[Refused]:
    """The newest first."""
    names = [REFUSED.c[name] for name in Refused.model_fields]
    with records.refusals.reading() as connection:
        rows = connection.execute(sa.select(*names).order_by(REFUSED.c.id.desc()).limit(limit)).mappings()
        return [Refused.model_validate(dict(row)) for row in rows]


def jobs_of(records: Records, numbers: Sequence[int]) -> dict[int, str]:
    """Return the job that each of these bodies belongs to."""
    with records.reading() as connection:
        rows = connection.execute(sa.select(EVENT.c.id, EVENT.c.job).where(EVENT.c.id.in_(numbers))).all()
    return {int(number): job for number, job in rows if job is not None}


def notes_of(records: Records, numbers: Sequence[int]) -> dict[int, str]:
    """Return the remark about each of these bodies."""
    with records.reading() as connection:
        rows = connection.execute(sa.select(EVENT.c.id, EVENT.c.note).where(EVENT.c.id.in_(numbers))).all()
    return {int(number): note for number, note in rows}


def prune_bodies(records: Records, before: WallMs) -> int:
    """Forget taken bodies that came before this instant and belong to no job any more; how many."""
    has_job = sa.exists().where(JOB.c.id == EVENT.c.job)
    wanted = sa.delete(EVENT).where(EVENT.c.is_taken, EVENT.c.received < before, ~has_job)
    has_part = sa.exists().where(EVENT.c.gathering == GATHERING.c.key)
    with records.transaction() as connection:
        count = connection.execute(wanted).rowcount
        connection.execute(sa.delete(GATHERING).where(~has_part, GATHERING.c.updated < before))
        return count


def recording_of(records: Records, event: int) -> Recording:
    """Parse the stored body of this number."""
    body = load_body(records, event)
    return parse(body.raw, query=body.query)
