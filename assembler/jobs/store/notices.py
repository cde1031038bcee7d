"""Notices to be sent: one row each, written in the transaction in which a job ends, so that neither is without the
other. A row stays until its job is forgotten: ending the job again finds it there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

import sqlalchemy as sa

from assembler.choices import NoticeEvent
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.tables import JOB, NOTICE
from assembler.times import WallMs
from assembler.values import Value

EVENTS = {
    JobState.DONE: NoticeEvent.READY,
    JobState.FAILED: NoticeEvent.FAILED,
    JobState.POISON: NoticeEvent.FAILED,
}
"""Events of the ends that somebody waits for; an end by hand, or one that a later result follows, has none."""
WAITS_SECONDS = (10, 30, 90, 270, 810, 2430, *[3600] * 23)
"""Times between the tries, in s: about a day in all, not counting times at which no worker runs."""
LEASE_SECONDS = 60
"""Maximum time of one delivery attempt, in s; after it the sender is presumed dead."""


class JobNotice(Value):
    """Body of a notice that a job ended."""

    id: str
    """Identity of the notice, the same in every repetition."""
    event: Literal[NoticeEvent.READY, NoticeEvent.FAILED]
    """Event that is told."""
    job: str
    """Id of the job."""
    task: str | None
    """Recording task; None where the result names none."""
    app: str | None
    """SdkAppId as text; None where unknown."""
    room: str | None
    """Room as text; None where unknown."""
    revision: int
    """Number of the task's result, from 1: a later one replaces the playback."""
    state: JobState
    """State in which the job ended."""
    verdict: str
    """Verdict on the playback: ok or degraded; "" where there is none."""
    output: str
    """Address of the published playback; "" where there is none."""
    reason: str
    """Reason of a failure; "" where there was none."""
    findings: int
    """Number of findings."""
    time: WallMs
    """End of the job, Unix ms."""


class EventNotice(Value):
    """Body of a notice that something happened to a recording while its class went on."""

    id: str
    """Identity of the notice, the same in every repetition."""
    event: Literal[NoticeEvent.RECORDING_FAILED, NoticeEvent.PAUSED_LONG, NoticeEvent.STOPPED]
    """Event that is told."""
    job: None
    """Null: there is no job yet."""
    task: str
    """Recording task."""
    app: str | None
    """SdkAppId as text; None where unknown."""
    room: str | None
    """Room as text; None where unknown."""
    reason: str
    """Event in words."""
    sent: WallMs | None
    """Time at which the vendor sent the event, Unix ms; None where it says none."""
    pause: WallMs | None
    """Start of the pause, Unix ms; None where the event names none."""
    stop: WallMs | None
    """End of the recording, Unix ms; None where the event names none."""
    time: WallMs
    """Time at which the event was taken in, Unix ms."""


class Notice(NamedTuple):
    """One that is to be sent now, by us."""

    id: str
    """The same over all repetitions."""
    job: str
    """The job it tells of; "" for a recording that has none yet."""
    body: bytes
    """Body that is sent."""
    tries: int
    """Number of attempts, this one included."""


def file_notice(connection: sa.Connection, job: Job, at: WallMs) -> None:
    """Write down that this end of a job is to be told; again for the same end, nothing changes."""
    fields = {
        "event": EVENTS[job.state].value, "job": job.id, "task": job.task, "app": job.app, "room": job.room,
        "revision": job.revision, "state": job.state.value, "verdict": job.verdict, "output": job.output,
        "reason": job.reason, "findings": len(job.findings), "time": at,
    }  # fmt: skip
    _file(connection, JobNotice, f"{job.id} {job.created} {job.tries} {job.state.value}", fields, at)


def file_event_notice(
    connection: sa.Connection, event: NoticeEvent, task: str, values: Mapping[str, object], at: WallMs
) -> None:
    """Write down that a recording, which has no job yet, is to be told of; a repeated event changes nothing.

    ``values``: what the notice says besides, equal in every repetition of the vendor's event.
    """
    fields = {"event": event.value, "job": None, "task": task, **values}
    _file(connection, EventNotice, json.dumps(fields, sort_keys=True), {**fields, "time": at}, at)


def _file(
    connection: sa.Connection,
    kind: type[JobNotice | EventNotice],
    what: str,
    fields: Mapping[str, object],
    at: WallMs,
) -> None:
    name = hashlib.sha256(what.encode()).hexdigest()[:32]
    if connection.execute(sa.select(NOTICE.c.id).where(NOTICE.c.id == name)).first() is not None:
        return
    values = {
        "id": name,
        "job": fields["job"] or "",
        "body": json.dumps(kind.model_validate({"id": name, **fields}).model_dump(mode="json")),
        "created": at,
        "due": at,
    }
    connection.execute(sa.insert(NOTICE).values(**values, tries=0, is_over=False))


def take_notice(connection: sa.Connection, at: WallMs) -> Notice | None:
    """The one that is due for the longest, ours for a while; None where none is."""
    wanted = sa.select(NOTICE).where(~NOTICE.c.is_over, NOTICE.c.due <= at).order_by(NOTICE.c.due)
    row = connection.execute(wanted.limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    values = {"tries": row.tries + 1, "due": at + LEASE_SECONDS * 1000}
    connection.execute(sa.update(NOTICE).where(NOTICE.c.id == row.id).values(values))
    return Notice(row.id, row.job, row.body.encode(), row.tries + 1)


def settle_notice(connection: sa.Connection, notice: Notice, at: WallMs, why_not: str) -> str:
    """Write down how a try went: "" for taken; what the job's log should say, "" for nothing."""
    mine = sa.update(NOTICE).where(NOTICE.c.id == notice.id, ~NOTICE.c.is_over)
    is_last = notice.tries > len(WAITS_SECONDS)
    if why_not and not is_last:
        connection.execute(mine.values(due=at + WAITS_SECONDS[notice.tries - 1] * 1000))
        return f"Notice not delivered, repeated for about a day: {why_not}" if notice.tries == 1 else ""
    connection.execute(mine.values(is_over=True))
    return f"Notice given up after {notice.tries} tries: {why_not}" if why_not else "Notice delivered."


def forget_notices(connection: sa.Connection) -> None:
    """Remove those that are over and whose jobs are forgotten."""
    connection.execute(sa.delete(NOTICE).where(NOTICE.c.is_over, NOTICE.c.job.not_in(sa.select(JOB.c.id))))
