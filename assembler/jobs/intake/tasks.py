"""Tasks as events tell of them: which run, which pause for long, and whose result never came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from assembler.choices import NoticeEvent
from assembler.dialects import Event, Moment, find_moment, is_about_recording
from assembler.dialects.acknowledged import REFUSED_REQUEST
from assembler.dialects.vendor_errors import error_text
from assembler.jobs.store.model import JobState
from assembler.jobs.store.notices import file_event_notice
from assembler.jobs.store.records import Records, lock_task, now
from assembler.jobs.store.tables import EVENT, JOB, TASK
from assembler.recording import Omission
from assembler.times import WallMs
from assembler.values import Value

EXPECTED = "expected"
"""Kind of a task that a person named and no event did (stored)."""
ASKED = "api"
"""Source of a body that the vendor gave when it was asked, by us or by a program (stored)."""


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
    """Time at which the vendor made that event, Unix ms; None where it does not say."""
    progress: int | None
    """Percent, where an event told."""
    pause: WallMs | None
    """Start of the pause, Unix ms, after a warning about a long pause."""
    stop: WallMs | None
    """Time at which it was, or is going to be, ended for the pause, Unix ms."""
    is_expected: bool
    """True if somebody named it with `assembler jobs expect`."""
    updated: WallMs
    """Time at which we last heard of it, Unix ms."""
    error: str | None = None
    """Reason why its start failed: the vendor's code, words and advice; None if it did not."""
    started: WallMs | None = None
    """Time at which that, or a start that went well, was told, Unix ms; None where none was."""
    resumed: WallMs | None = None
    """Time at which it went on after ``pause``, Unix ms; None where it did not, or nothing tells. Where no pause is
    known, when it was last seen to run: its warning may come late."""
    forced: WallMs | None = None
    """Time at which it was ended for being paused too long, Unix ms; None if it was not."""
    asked: WallMs | None = None
    """Time at which the vendor was last asked for its result, Unix ms; None if it was not."""
    asks: int | None = None
    """Number of questions since the latest event; -1 where the answer was that nothing will come. None: 0."""
    answer: str | None = None
    """The vendor's answer to the last question; None without one."""

    @property
    def is_over(self) -> bool:
        """True where an event told that it runs no longer."""
        return find_moment(self.kind).is_over

    def history(self, clock: Callable[[WallMs | None], str]) -> list[str]:
        """Return the sentences that somebody who waits for the class, or wonders what became of it, ought to know."""
        sentences = []
        if self.error:
            so = "" if self.is_over else ", the class is NOT being recorded"
            sentences.append(f"its start failed at {clock(self.started)}{so}: {self.error}")
        if self.forced is not None:
            since = f" since {clock(self.pause)}" if self.pause is not None else ""
            sentences.append(f"ended at {clock(self.forced)} by force: it was paused{since}")
        elif self.pause is not None and self.resumed is not None:
            sentences.append(f"paused at {clock(self.pause)}, went on at {clock(self.resumed)}")
        elif self.pause is not None:
            until = f", to be ended at {clock(self.stop)}" if self.stop is not None and not self.is_over else ""
            sentences.append(f"{'was paused for long' if self.is_over else 'paused'} since {clock(self.pause)}{until}")
        if self.answer:
            sentences.append(f"asked for at {clock(self.asked)}: {self.answer}")
        return sentences


def learn(connection: sa.Connection, event: Event, received: WallMs) -> None:
    """Add what an event says of its task; an older one than the latest changes only what was unknown."""
    if event.task_id is None or event.kind == REFUSED_REQUEST:
        return
    row = connection.execute(sa.select(TASK).where(TASK.c.task == event.task_id)).mappings().first()
    if row is None and not is_about_recording(event.kind):
        return
    fields: dict[str, Any] = {
        "app": event.app_id, "room": event.room_id, "progress": event.progress,
        "pause": event.pause, "stop": event.stop,
    }  # fmt: skip
    latest = {"kind": event.kind, "sent": event.sent}
    if row is None:
        values = {"task": event.task_id, **fields, **latest, "is_expected": False, "updated": received}
        _insert(connection, {**values, **_moments(event, received, None)})
        return
    is_later = (event.sent or received) >= (row["sent"] or 0)
    if is_later:
        changed = {name: value for name, value in fields.items() if value is not None} | latest
    else:
        changed = {name: value for name, value in fields.items() if value is not None and row[name] is None}
    changed |= _moments(event, received, _task(row))
    wanted = sa.update(TASK).where(TASK.c.task == event.task_id)
    connection.execute(wanted.values(**changed, updated=max(received, row["updated"]), asks=0))


def _insert(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Insert a task, and whether a job of it is known; nobody else adds one meanwhile."""
    lock_task(connection, values["task"])
    known = connection.execute(sa.select(JOB.c.number).where(JOB.c.key == values["task"]).limit(1)).first()
    connection.execute(sa.insert(TASK).values(**values, has_job=True if known is not None else None))


def _moments(event: Event, received: WallMs, known: Task | None) -> dict[str, Any]:
    """Return what stays worth knowing whatever comes later: a start that failed, a pause that ended, an end by
    force."""
    moment, sent = find_moment(event.kind), event.sent or received
    changed: dict[str, Any] = {}
    is_start = moment is Moment.STARTED and (known is None or known.started is None or known.started <= sent)
    if is_start and event.error is not None:
        advice = f" {event.error.advice}" if event.error.advice else ""
        changed = {"error": f"{error_text(event.error)}.{advice}", "started": sent}
    elif is_start:
        changed = {"error": None, "started": sent}
    if moment is Moment.FORCED:
        changed["forced"] = event.stop or sent
    return changed | {"resumed": _resumed(event, sent, known)}


def _resumed(event: Event, sent: WallMs, known: Task | None) -> WallMs | None:
    """The first sign that it went on behind its pause; the last of all while no pause is known."""
    pause, resumed = (known.pause, known.resumed) if known is not None else (None, None)
    if event.pause is not None and (pause is None or event.pause > pause):
        return resumed if resumed is not None and resumed > event.pause else None  # another pause
    goes_on = event.pause is None and find_moment(event.kind).goes_on
    if goes_on and pause is None:
        return max(sent, resumed or sent)
    return sent if goes_on and pause is not None and sent > pause and resumed is None else resumed


def tell_event(connection: sa.Connection, event: Event, tells: frozenset[NoticeEvent]) -> None:
    """File a notice of an event that an operator should act on, where such events are told."""
    told, reason = _find_notice(event)
    if told is None or told not in tells or event.task_id is None:
        return
    values = {
        "app": event.app_id, "room": event.room_id, "reason": reason, "sent": event.sent, "pause": event.pause,
        "stop": event.stop,
    }  # fmt: skip
    file_event_notice(connection, told, event.task_id, values, now())


def _find_notice(event: Event) -> tuple[NoticeEvent | None, str]:
    """Find what an event is told as, and why; None for one that is not told."""
    moment = find_moment(event.kind)
    if moment is Moment.STARTED and event.error is not None:
        return NoticeEvent.RECORDING_FAILED, f"{error_text(event.error)}. {event.error.advice}".strip()
    if moment is Moment.PAUSED and event.pause is not None:
        return NoticeEvent.PAUSED_LONG, "the recording is paused for long: the vendor will end it"
    if moment is Moment.FORCED:
        return NoticeEvent.STOPPED, "the vendor ended the recording by force: it was paused for too long"
    return None, ""


def learn_pauses(connection: sa.Connection, task: str, omissions: Sequence[Omission]) -> None:
    """A result says when a recording went on of whose pause an event tells."""
    pause = connection.execute(sa.select(TASK.c.pause).where(TASK.c.task == task)).scalar()
    ends = [o.resume for o in omissions if o.resume and pause is not None and o.pause - 2000 <= pause < o.resume]
    if ends:
        connection.execute(sa.update(TASK).where(TASK.c.task == task).values(resumed=ends[0]))


def expect(records: Records, tasks: Sequence[str]) -> None:
    """Remember tasks whose results are to come."""
    with records.transaction() as connection:
        for task in tasks:
            row = connection.execute(sa.select(TASK.c.task).where(TASK.c.task == task)).first()
            if row is None:
                values = {"task": task, "kind": EXPECTED, "is_expected": True, "updated": now()}
                _insert(connection, values)
            else:
                connection.execute(sa.update(TASK).where(TASK.c.task == task).values(is_expected=True, asks=0))


def missing(records: Records, limit: int | None = None) -> list[Task]:
    """Tasks seen, or expected, of which no result came: failed starts first, then the longest silent."""
    wanted = sa.select(TASK).where(TASK.c.has_job.is_(None)).order_by(TASK.c.error.is_(None), TASK.c.updated)
    with records.reading() as connection:
        rows = connection.execute(wanted.limit(limit)).mappings()
        return [_task(row) for row in rows]


def count_missing(records: Records) -> int:
    """Count the tasks whose result did not come."""
    wanted = sa.select(sa.func.count()).select_from(TASK).where(TASK.c.has_job.is_(None))
    with records.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def incomplete(records: Records, most: int) -> list[Task]:
    """Tasks whose latest job ended without some of its files, and was brought fewer than so many results by asking."""
    later, brought = JOB.alias(), sa.select(sa.func.count()).select_from(EVENT)
    brought = brought.where(EVENT.c.job == JOB.c.id, EVENT.c.source == ASKED)
    is_latest = ~sa.exists().where(later.c.key == JOB.c.key, later.c.number > JOB.c.number)
    ended = JOB.c.state.in_([JobState.DONE.value, JobState.FAILED.value])
    wanted = sa.select(TASK).join(JOB, JOB.c.key == TASK.c.task).where(ended, JOB.c.lacking > 0, is_latest)
    with records.reading() as connection:
        rows = connection.execute(wanted.where(brought.scalar_subquery() < most).order_by(TASK.c.updated)).mappings()
        return [_task(row) for row in rows]


def find_task(records: Records, task: str | None) -> Task | None:
    """Return a task as events told of it; None where none did."""
    with records.reading() as connection:
        row = connection.execute(sa.select(TASK).where(TASK.c.task == task)).mappings().first()
    return _task(row) if row is not None else None


def _task(row: sa.RowMapping) -> Task:
    return Task.model_validate({name: row[name] for name in Task.model_fields})
