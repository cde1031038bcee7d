"""Reconciliation after a death between two steps: bodies not taken in, jobs not in the queue, tries the engine lost."""

from __future__ import annotations

from typing import Any

from assembler.jobs.engine import Engine, Phase
from assembler.jobs.intake.intake import take_in, take_in_spooled
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records, now
from assembler.options import Options

MOMENT_MS = 20_000
"""Minimum age of a change before a job counts as lost, in ms: until then somebody may be at it."""
NEW_MOMENT_MS = 2_000
"""Minimum age of a job that is to go into the queue, in ms; done twice it does no harm."""
ACTIVE = [JobState.NEW, JobState.WAITING, JobState.RUNNING, JobState.DELAYED]
"""States of jobs that are not over."""
MOST_DEATHS = 3
"""Number of lost tries at which a job becomes poison."""


def catch_up(records: Records, engine: Engine, options: Options) -> None:
    """Take in what was stored and not taken, and requeue lost jobs; raises JobError where the database does not
    answer."""
    take_in_spooled(records, options)
    take_in(records, engine)
    requeue_lost(records, engine)


def requeue_lost(records: Records, engine: Engine) -> None:
    """Give every job that is not over a try that is not over."""
    before, new_before = now() - MOMENT_MS, now() - NEW_MOMENT_MS
    active = records.list_jobs(ACTIVE)
    jobs = [job for job in active if job.updated < (new_before if job.state is JobState.NEW else before)]
    if not jobs:
        return
    live = engine.list()
    lost = [job for job in jobs if job.workflow not in live]
    if not lost:
        return
    phases = engine.list([job.workflow for job in lost])
    for job in lost:
        _requeue(records, engine, job, phases.get(job.workflow))


def _requeue(records: Records, engine: Engine, job: Job, phase: Phase | None) -> None:
    latest = records.find_job(job.id)
    if latest is None or latest.state.is_over or latest.tries != job.tries:
        return  # it went on while we looked
    if phase is None:
        engine.submit(job.workflow)
        records.change(job.id, only=[JobState.NEW], state=JobState.WAITING)
        return
    if phase in (Phase.WAITING, Phase.RUNNING):
        return
    deaths = job.deaths + 1
    values: dict[str, Any] = {"deaths": deaths, "is_held": False}
    if deaths >= MOST_DEATHS:
        records.change(
            job.id, during=job.tries, state=JobState.POISON, reason="the engine lost it repeatedly", **values
        )
    elif records.change(job.id, during=job.tries, state=JobState.WAITING, tries=job.tries + 1, **values):
        records.note(job.id, "The engine ended the try without an outcome: it is tried again.")
        engine.submit(f"{job.id}:{job.tries + 1}")
