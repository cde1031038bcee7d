"""Control of jobs by people: one is tried again, or cancelled."""

from __future__ import annotations

import sqlalchemy as sa

from assembler.errors import JobError
from assembler.jobs.engine import Engine
from assembler.jobs.intake.intake import enqueue
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records, note, now, start_again
from assembler.jobs.store.tables import JOB


def try_again(records: Records, engine: Engine, job: Job) -> Job:
    """Start a job that is over (or waits for its next try) once more, with a clean slate. Raises JobError otherwise."""
    if job.state in (JobState.NEW, JobState.WAITING, JobState.RUNNING):
        raise JobError(
            f"job {job.id} is {job.state.value}: there is nothing to repeat", hint="Wait, or cancel it first."
        )
    engine.cancel(job.workflow)
    with records.transaction() as connection:
        start_again(connection, job, "Started again by hand.", lacking=None)
    enqueue(records, engine, [records.load_job(job.id)])
    return records.load_job(job.id)


def cancel(records: Records, engine: Engine, job: Job) -> bool:
    """End a job; False where it was over already, or its playback is being put in place. A worker at it stops within
    seconds."""
    going = [state.value for state in JobState if not state.is_over]
    is_placed = sa.and_(JOB.c.state == JobState.RUNNING.value, sa.func.coalesce(JOB.c.placing, sa.false()))
    wanted = sa.update(JOB).where(JOB.c.id == job.id, JOB.c.state.in_(going), ~is_placed)
    values = {"state": JobState.CANCELLED.value, "reason": "cancelled by hand", "due": None, "updated": now()}
    with records.transaction() as connection:
        if not connection.execute(wanted.values(values)).rowcount:
            return False
        note(connection, job.id, "Cancelled by hand.")
    engine.cancel(job.workflow)
    return True
