"""Costs of jobs: what a try took, its sums by job, day and room, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from assembler.errors import InputError
from assembler.jobs.store.database import insert_into
from assembler.jobs.store.model import Job
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import COST, JOB
from assembler.network.download.limits import size_text
from assembler.times import DAY_MS, Ms, clock_text, whole_seconds
from assembler.values import Value

_SUMMED = ("jobs", "length", "wall", "cpu", "fetched_bytes", "published_bytes")


class TryCost(Value):
    """Cost of one try, or of what was fetched ahead for it."""

    length: Ms | None = None
    """Length of the playback; None where none was published."""
    wall: Ms = Ms(0)
    """Time that it took."""
    cpu: Ms = Ms(0)
    """CPU time of the worker and its children."""
    memory: int = 0
    """Peak memory of both, in bytes."""
    fetched_bytes: int = 0
    """Bytes that were downloaded."""
    published_bytes: int = 0
    """Bytes that were published."""


def add_cost(connection: sa.Connection, name: str, cost: TryCost) -> None:
    """Add the cost of a try to its job and to the sums of today (UTC), within the transaction of its outcome."""
    summed = ("wall", "cpu", "fetched_bytes", "published_bytes")
    plus: dict[str, Any] = {one: sa.func.coalesce(JOB.c[one], 0) + getattr(cost, one) for one in summed}
    plus["memory"] = _larger(sa.func.coalesce(JOB.c.memory, 0), cost.memory)
    if cost.length is not None:
        plus["length"] = cost.length
    room = connection.execute(sa.select(JOB.c.room).where(JOB.c.id == name)).scalar()
    connection.execute(sa.update(JOB).where(JOB.c.id == name).values(plus))
    row = cost.model_dump() | {"length": cost.length or 0, "jobs": int(cost.length is not None)}
    more = {one: COST.c[one] + row[one] for one in _SUMMED} | {"memory": _larger(COST.c.memory, cost.memory)}
    day = now() // DAY_MS
    added = insert_into(connection, COST).values(day=day, room=room or "", **row)
    connection.execute(added.on_conflict_do_update(index_elements=["day", "room"], set_=more))


def _larger(column: Any, value: int) -> Any:
    return sa.case((column > value, column), else_=value)


class CostSum(Value):
    """Costs of a day, of a room, or of all."""

    name: str
    """Day (2026-11-26, UTC) or room; "" for a room that no result names, and for all."""
    jobs: int = 0
    """Playbacks that were published."""
    length: Ms = Ms(0)
    """Length of those playbacks."""
    wall: Ms = Ms(0)
    """Time of all tries, failed ones too."""
    cpu: Ms = Ms(0)
    """CPU time of all tries."""
    memory: int = 0
    """Largest peak memory of a try, in bytes."""
    fetched_bytes: int = 0
    """Bytes that were downloaded."""
    published_bytes: int = 0
    """Bytes that were published."""

    @property
    def speed(self) -> float | None:
        """Class minutes per CPU minute; None where nothing was published."""
        return speed_of(self.length, self.cpu)


def speed_of(length: int | None, cpu: int | None) -> float | None:
    """Class minutes per CPU minute; None where one of them is unknown."""
    return round(length / cpu, 2) if length and cpu else None


def sum_costs(records: Records, *, by: str | None = "day", since: int | None = None) -> list[CostSum]:
    """Sums by "day" (the newest first), by "room" (the dearest first), or of all; of the days from ``since`` on, in
    days since 1970."""
    sums = [sa.func.coalesce(sa.func.sum(COST.c[one]), 0).label(one) for one in _SUMMED]
    wanted = sa.select(*sums, sa.func.coalesce(sa.func.max(COST.c.memory), 0).label("memory"))
    if since is not None:
        wanted = wanted.where(COST.c.day >= since)
    if by is not None:
        wanted = wanted.add_columns(COST.c[by].label("name")).group_by(COST.c[by])
        wanted = wanted.order_by(COST.c.day.desc() if by == "day" else sa.desc("cpu"))
    with records.reading() as connection:
        rows = [dict(row) for row in connection.execute(wanted).mappings()]
    return [
        CostSum(**{one: int(value) for one, value in row.items() if one != "name"}, name=_name(row)) for row in rows
    ]


def first_day(since: str | None) -> int | None:
    """First day (since 1970) of a time such as 7d or 4w, today included; None for none. Raises InputError."""
    match = re.fullmatch(r"(\d{1,5})([dw])", since.strip()) if since is not None else None
    if since is None:
        return None
    if match is None or not int(match[1]):
        raise InputError(f"{since!r} is not a number of days", hint="Write 7d, or 4w.")
    return now() // DAY_MS + 1 - int(match[1]) * (7 if match[2] == "w" else 1)


def cost_facts(job: Job) -> list[tuple[str, str]]:
    """Tell the cost of a job as pairs of a name and a text; none of a job that was not measured."""
    if job.wall is None:
        return []
    speed, memory = speed_of(job.length, job.cpu), size_text(job.memory or 0)
    told = [("length", _clock(job.length))] if job.length is not None else []
    told += [
        (
            "took",
            f"{_clock(job.wall)} in all tries, {_clock(job.cpu or 0)} of CPU time, {memory} of memory",
        ),
        ("bytes", f"{size_text(job.fetched_bytes or 0)} fetched, {size_text(job.published_bytes or 0)} published"),
    ]
    return told + ([("speed", f"{speed:g} class minutes per CPU minute")] if speed is not None else [])


def cost_table(sums: Sequence[CostSum], by: str) -> str:
    """Sums as lines of text, the last one of all of them."""
    total = CostSum(
        name="all", memory=max((one.memory for one in sums), default=0),
        **{name: sum(getattr(one, name) for one in sums) for name in _SUMMED},
    )  # fmt: skip
    head = (by, "classes", "length", "took", "CPU", "memory", "fetched", "published", "per CPU minute")
    rows = [head, *(_row(one) for one in (*sums, total))]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = (
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(line) for line in lines)


def _row(one: CostSum) -> tuple[str, ...]:
    speed = "" if one.speed is None else f"{one.speed:g}"
    sizes = [size_text(size) for size in (one.memory, one.fetched_bytes, one.published_bytes)]
    return one.name or "(none)", str(one.jobs), *map(_clock, (one.length, one.wall, one.cpu)), *sizes, speed


def _clock(ms: int) -> str:
    return clock_text(whole_seconds(Ms(ms)))


def _name(row: dict[str, Any]) -> str:
    name = row.get("name", "")
    return name if isinstance(name, str) else datetime.fromtimestamp(name * DAY_MS / 1000, UTC).date().isoformat()
