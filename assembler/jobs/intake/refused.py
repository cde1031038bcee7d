"""Callbacks that were refused: shown, and taken after all once the keys are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from assembler.errors import JobError
from assembler.jobs.intake.bodies import Body, keep
from assembler.jobs.intake.check_callback import Judged, judge
from assembler.jobs.store.records import Records
from assembler.jobs.store.tables import REFUSED
from assembler.jobs.web.keys import Keys
from assembler.times import WallMs


class RefusedBody(NamedTuple):
    """One in full."""

    id: int
    """Number of the body."""
    raw: bytes
    """The bytes as they came."""
    query: dict[str, str]
    """Part of its URL that says who sent it; empty of those that an older version kept."""
    received: WallMs
    """Time of arrival, Unix ms."""


def load_refused(records: Records, number: int) -> RefusedBody:
    """Return a refused body; raises JobError where there is none (any more)."""
    names = [REFUSED.c[name] for name in ("id", "body", "query", "received")]
    with records.refusals.reading() as connection:
        row = connection.execute(sa.select(*names).where(REFUSED.c.id == number)).first()
    if row is None:
        raise JobError(
            f"there is no refused callback {number}", hint="`assembler jobs refused list` shows those that are kept."
        )
    return RefusedBody(int(row.id), bytes(row.body), dict(row.query or {}), WallMs(row.received))


def take_refused(records: Records, keys: Keys, numbers: Sequence[int]) -> tuple[dict[int, Judged], list[int]]:
    """Judge them once more, by the keys of today and as of the moment they came; what is right now is stored like any
    other callback and is refused no longer. How each was judged, and the numbers of the bodies that were stored.

    Raises JobError where one is not there.
    """
    judged, stored = dict[int, Judged](), list[int]()
    for one in [load_refused(records, number) for number in dict.fromkeys(numbers)]:
        verdict = judged[one.id] = judge(one.raw, one.query, keys, one.received)
        if verdict.status == 200:
            # first: twice there is the same job
            stored += keep(records, [Body(one.raw, verdict.app, "callback", one.received)])
            with records.refusals.transaction() as connection:
                connection.execute(sa.delete(REFUSED).where(REFUSED.c.id == one.id))
    return judged, stored
