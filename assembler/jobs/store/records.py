"""The jobs on record: which there are, how far each is, and which job a result belongs to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from assembler.choices import NoticeEvent
from assembler.errors import JobError
from assembler.jobs.store.database import READS, database_errors, open_refusals
from assembler.jobs.store.model import Claim, Job, JobState, is_older, job_id
from assembler.jobs.store.notices import EVENTS, file_notice, forget_notices
from assembler.jobs.store.tables import CLASS, EVENT, JOB, LOG, TASK
from assembler.times import MINUTE_MS, Ms, WallMs
from assembler.workspace import digest_of

LONGEST_LOG = 1000
"""Maximum number of sentences shown of one job, the newest."""


SETTLE_MS = Ms(10 * MINUTE_MS)
"""Time that is waited for further parts where no setting says so."""


def now() -> WallMs:
    """Unix ms."""
    return WallMs(time.time_ns() // 1_000_000)


class Records:
    """Records of the database; every method is one transaction, and raises JobError where that fails."""

    def __init__(
        self, engine: sa.Engine, *, tells: frozenset[NoticeEvent] = frozenset(), settle: Ms = SETTLE_MS
    ) -> None:
        self.engine = engine
        self.tells = tells
        """Events of which somebody is to be told."""
        self.settle = settle
        """Time without a further part after which a recording that is told of in parts counts as whole."""
        # SQLite lets one write at a time, and a writer that finds it taken sleeps ever longer: our own threads queue up
        self._writing: AbstractContextManager[object] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @cached_property
    def refusals(self) -> Records:
        """Records of what was refused: it waits for nothing that is accepted, and holds up none of it. Raises
        JobError."""
        return Records(open_refusals(self.engine))

    def close(self) -> None:
        """Close the connections."""
        if "refusals" in vars(self):
            self.refusals.close()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write in one transaction, one writer of this process at a time."""
        with database_errors(), self._writing, self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: it waits for no writer, and none for it."""
        with database_errors(), self.engine.connect() as plain:
            connection = plain.execution_options(**{READS: True})
            with connection.begin():
                yield connection

    def find_job(self, job: str) -> Job | None:
        """Return the job with this id; None where there is none."""
        with self.reading() as connection:
            row = connection.execute(sa.select(JOB).where(JOB.c.id == job)).mappings().first()
        return to_job(row) if row is not None else None

    def load_job(self, job: str) -> Job:
        """Return the job with this id; raises JobError where there is none."""
        found = self.find_job(job)
        if found is None:
            raise JobError(f"there is no job {job[:100]!r}", hint="`assembler jobs list` shows all.")
        return found

    def list_jobs(
        self, states: Sequence[JobState] = (), *, ids: Sequence[str] | None = None, limit: int | None = None
    ) -> list[Job]:
        """Jobs, the newest first; of all states and ids unless some are named."""
        wanted = sa.select(JOB).order_by(JOB.c.number.desc())
        if states:
            wanted = wanted.where(JOB.c.state.in_([s.value for s in states]))
        if limit is not None:
            wanted = wanted.limit(limit)
        with self.reading() as connection:
            if ids is None:
                return [to_job(row) for row in connection.execute(wanted).mappings()]
            found: list[Job] = []
            for start in range(0, len(ids), 500):  # SQLite takes only so many values in one statement
                some = wanted.where(JOB.c.id.in_(ids[start : start + 500]))
                found += [to_job(row) for row in connection.execute(some).mappings()]
            return found

    def change(
        self, job: str, *, only: Sequence[JobState] = (), during: int | None = None,
        within: Callable[[sa.Connection], None] | None = None, **values: Any,
    ) -> bool:  # fmt: skip
        """Write values of one job; not where it has left the states ``only`` or the try ``during``.

        An end that somebody waits for is filed to be told in the same transaction, and ``within`` is called in it.
        """
        wanted = sa.update(JOB).where(JOB.c.id == job).values(updated=now(), **values)
        if only:
            wanted = wanted.where(JOB.c.state.in_([s.value for s in only]))
        if during is not None:
            wanted = wanted.where(JOB.c.tries == during)
        with self.transaction() as connection:
            is_changed = connection.execute(wanted).rowcount > 0
            if is_changed and within is not None:
                within(connection)
            if is_changed and EVENTS.get(values.get("state", "")) in self.tells:
                row = connection.execute(sa.select(JOB).where(JOB.c.id == job)).mappings().one()
                file_notice(connection, to_job(row), now())
            return is_changed

    def remove(self, jobs: Sequence[Job]) -> None:
        """Forget jobs, their logs, and their tasks and class cards where no job of those is left; their bodies stay."""
        has_job = sa.exists().where(JOB.c.key == TASK.c.task)
        has_job_of_card = sa.exists().where(JOB.c.key == CLASS.c.task)
        with self.transaction() as connection:
            for job in jobs:
                connection.execute(sa.delete(LOG).where(LOG.c.job == job.id))
                connection.execute(sa.delete(JOB).where(JOB.c.id == job.id))
                connection.execute(sa.delete(TASK).where(TASK.c.task == job.key, ~has_job))
                connection.execute(sa.delete(CLASS).where(CLASS.c.task == job.key, ~has_job_of_card))
            forget_notices(connection)

    def note(self, job: str, *sentences: str) -> None:
        """Add to a job's log."""
        if sentences:
            with self.transaction() as connection:
                note(connection, job, *sentences)

    def log_of(self, job: str) -> list[tuple[WallMs, str]]:
        """Return the latest lines of a job's log, the oldest first."""
        wanted = sa.select(LOG.c.at, LOG.c.sentence).where(LOG.c.job == job).order_by(LOG.c.id.desc())
        with self.reading() as connection:
            rows = connection.execute(wanted.limit(LONGEST_LOG)).all()
        return [(WallMs(at), sentence) for at, sentence in reversed(rows)]

    def latest_revision(self, job: Job) -> int:
        """The highest revision of this job's task and app."""
        wanted = sa.select(sa.func.max(JOB.c.revision)).where(JOB.c.key == job.key, JOB.c.slot == job.slot)
        with self.reading() as connection:
            return int(connection.execute(wanted).scalar() or job.revision)


def note(connection: sa.Connection, job: str, *sentences: str) -> None:
    """Add to a job's log within a transaction."""
    connection.execute(sa.insert(LOG), [{"job": job, "at": now(), "sentence": text} for text in sentences])


def lock_task(connection: sa.Connection, key: str) -> None:
    """Keep others from the jobs of a task until the transaction ends; SQLite lets one write at a time anyway."""
    if connection.dialect.name == "postgresql":
        number = int(digest_of(key)[:15], 16)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def list_task(connection: sa.Connection, key: str) -> list[Job]:
    """List the jobs of a task, the oldest first."""
    rows = connection.execute(sa.select(JOB).where(JOB.c.key == key).order_by(JOB.c.number)).mappings()
    return [to_job(row) for row in rows]


def assign(connection: sa.Connection, claim: Claim, event: int) -> tuple[Job, bool]:
    """The job a result belongs to, and whether it is to go into the queue: it is new, or this result repairs it.

    The app id is compared, never part of the key: an unknown one matches any, two different known ones are two jobs.
    Other segments are a new revision; a result without usable ones never is, if there is any other, and neither is
    one that is older than what is known: that one only says where else files may be.
    """
    lock_task(connection, claim.key)
    known = list_task(connection, claim.key)
    slot = _slot(claim, known)
    same = [job for job in known if job.slot == slot]
    if same:
        _learn(connection, claim, same)
        found = _find(claim, same)
        if found is not None:
            return renew(connection, found, claim, event)
    fresh = _insert(connection, claim, slot, same, event)
    if slot:
        apps = ", ".join(sorted({job.app or "unknown" for job in known if job.slot != slot}))
        other = "system" if any(job.system not in (None, claim.system) for job in known) else f"app ({apps})"
        note(connection, fresh.id, f"The task id is known from another {other}: this is a job of its own.")
    if fresh.revision > 1:
        note(connection, fresh.id, f"Another result of the task, with other segments: revision {fresh.revision}.")
    return fresh, True


def _find(claim: Claim, same: Sequence[Job]) -> Job | None:
    """Find the job of a task that a result concerns; None where it is newer than all, and other."""
    latest = next((job for job in reversed(same) if job.segments), None)
    if latest is None:
        return None if claim.segments else same[-1]
    is_known = any(job.segments == claim.segments for job in same)
    is_newer = not is_older(claim, latest) if not is_known else is_older(latest, claim)
    return None if claim.segments not in ("", latest.segments) and is_newer else latest


def renew(connection: sa.Connection, job: Job, claim: Claim, event: int) -> tuple[Job, bool]:
    """Take a further result of a known job in: its URLs are tried, and what has failed begins anew with them."""
    if not claim.segments:
        return job, False
    is_known, values = has_urls(connection, job, claim), {}
    if claim.segments == job.segments and not is_older(claim, job):
        values = {"event": event, "sent": claim.sent or job.sent, "stop": claim.stop or job.stop, "count": claim.count}
    elif not is_known:
        note(connection, job.id, "An older result of the task came after a newer one: it replaces nothing.")
    if not is_known:
        values["fetched"] = None
    if values:
        connection.execute(sa.update(JOB).where(JOB.c.id == job.id).values(values))
    if is_known:
        return job, False
    fails = job.state in (JobState.FAILED, JobState.DELAYED) or (job.state is JobState.DONE and bool(job.lacking))
    if fails and start_again(connection, job, "A result with other URLs came: started again."):
        row = connection.execute(sa.select(JOB).where(JOB.c.id == job.id)).mappings().one()
        return to_job(row), True
    if not job.state.is_over:
        note(connection, job.id, "A result with other URLs came: they are tried, too.")
    return job, False


def start_again(connection: sa.Connection, job: Job, why: str, **values: Any) -> bool:
    """Make ready for a try with a clean slate; False where somebody else did so already."""
    fresh = {
        "state": JobState.NEW.value, "tries": job.tries + 1, "failures": 0, "deaths": 0, "is_held": False, "reason": "",
        "due": None, "updated": now(), **values,
    }  # fmt: skip
    wanted = sa.update(JOB).where(JOB.c.id == job.id, JOB.c.tries == job.tries).values(fresh)
    is_ours = connection.execute(wanted).rowcount > 0
    if is_ours:
        note(connection, job.id, why)
    return is_ours


def has_urls(connection: sa.Connection, job: Job, claim: Claim) -> bool:
    """Tell whether a stored body of the job says the same of where its files are."""
    known = sa.select(EVENT.c.id).where(EVENT.c.job == job.id, EVENT.c.urls == claim.urls)
    return connection.execute(known.limit(1)).first() is not None


def known_job(connection: sa.Connection, claim: Claim) -> Job | None:
    """The job ``assign`` would find; nothing is changed."""
    known = list_task(connection, claim.key)
    slot = _slot(claim, known)
    return next((job for job in reversed(known) if job.slot == slot and job.segments == claim.segments), None)


def _slot(claim: Claim, known: Sequence[Job]) -> str:
    apps: dict[str, str | None] = {}
    for job in known:
        if job.system not in (None, claim.system):
            continue
        apps[job.slot] = apps.get(job.slot) or job.app
    if not apps and known:
        return "-".join(filter(None, (claim.system or "own", claim.app)))
    if claim.app is None:
        return next(iter(apps), "")
    for slot, app in apps.items():
        if app == claim.app:
            return slot
    for slot, app in apps.items():
        if app is None:
            return slot
    if claim.system and known:
        return f"{claim.system}-{claim.app}"
    return claim.app if known else ""


def _learn(connection: sa.Connection, claim: Claim, same: Sequence[Job]) -> None:
    """Add to a task's jobs what only this result says about the task."""
    for name, told in (("app", claim.app), ("room", claim.room)):
        missing = [job.id for job in same if getattr(job, name) is None]
        if told is not None and missing:
            connection.execute(sa.update(JOB).where(JOB.c.id.in_(missing)).values({name: told}))


def _insert(connection: sa.Connection, claim: Claim, slot: str, same: Sequence[Job], event: int) -> Job:
    """Insert the job of a result, its first revision or the next; what was chosen for the class stays chosen."""
    at, revision = now(), 1 + max((job.revision for job in same), default=0)
    kept = {"title": same[-1].title, "choice": same[-1].choice} if same else {}
    job = Job(
        id=job_id(claim.key, slot, revision), key=claim.key, slot=slot, revision=revision, task=claim.task,
        app=claim.app, room=claim.room, segments=claim.segments, event=event, state=JobState.NEW, tries=1,
        created=at, updated=at, sent=claim.sent, stop=claim.stop, count=claim.count, system=claim.system, **kept,
    )  # fmt: skip
    connection.execute(sa.insert(JOB).values(job.model_dump(mode="json")))
    connection.execute(sa.update(TASK).where(TASK.c.task == job.key).values(has_job=True))
    return job


def insert_after(connection: sa.Connection, job: Job) -> Job:
    """Insert the next revision of a job, made of the same result, which is now of that one."""
    at, revision = now(), job.revision + 1
    made = Job(
        id=job_id(job.key, job.slot, revision), key=job.key, slot=job.slot, revision=revision, task=job.task,
        app=job.app, room=job.room, segments=job.segments, event=job.event, state=JobState.NEW, tries=1, created=at,
        updated=at, sent=job.sent, stop=job.stop, count=job.count, title=job.title, choice=job.choice,
        system=job.system,
    )  # fmt: skip
    connection.execute(sa.insert(JOB).values(made.model_dump(mode="json")))
    connection.execute(sa.update(EVENT).where(EVENT.c.job == job.id).values(job=made.id))
    return made


def to_job(row: sa.RowMapping) -> Job:
    """Return a row of the table as the job it is."""
    return Job.model_validate({name: row[name] for name in Job.model_fields})
