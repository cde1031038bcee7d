"""Intake, from a body to a job: raw bytes are stored first, everything else can be done again.

``receive`` stores (or spools) one body; ``take_in`` turns stored bodies into jobs and knowledge about tasks, any
number of times with the same result, by any process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from assembler.dialects import Event, read_event
from assembler.dialects.vendor_errors import error_text
from assembler.errors import AssemblerError, InputError, JobError
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import GATHERED, Body, body_at, keep, load_body, untaken
from assembler.jobs.intake.gather import Share, begin_due, file_part, read_share, settle_job
from assembler.jobs.intake.tasks import learn, learn_pauses, tell_event
from assembler.jobs.store.model import Claim, Job, JobState, claim_of
from assembler.jobs.store.records import Records, assign, note, now
from assembler.jobs.store.tables import EVENT, JOB
from assembler.options import Options
from assembler.recording import Omission
from assembler.times import WallMs
from assembler.workspace import write_whole

SPOOLED = ".body"
"""Ending of a spooled body."""
AT_ONCE = 50
"""Maximum number of bodies in one transaction: many share the cost of writing to the disk, and nobody waits long."""


def spool_folder(options: Options) -> Path:
    """Return the folder in which bodies wait while the database is away."""
    return options.home.absolute() / "spool"


def spool(options: Options, body: Body) -> None:
    """Keep one body on the disk until the database is back. Raises AssemblerError where that fails, too."""
    head = json.dumps({"app": body.app, "source": body.source, "received": body.received}).encode("ascii")
    name = f"{body.received}-{os.getpid()}-{os.urandom(6).hex()}{SPOOLED}"
    write_whole(_made(options) / name, head + b"\n" + body.raw, mode=0o600)


def check_spool(options: Options) -> None:
    """Check that the spool can be written; raises AssemblerError where ``spool`` would fail."""
    proof = _made(options) / f"{os.getpid()}.proof"
    write_whole(proof, b"proof", mode=0o600)
    proof.unlink(missing_ok=True)


def _made(options: Options) -> Path:
    folder = spool_folder(options)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise JobError(f"{folder} cannot be made: {exc.strerror}", hint="Look at ASSEMBLER_HOME.") from exc
    return folder


def take_in_spooled(records: Records, options: Options) -> int:
    """Move spooled bodies into the database; how many. A crash in between stores one twice, which does no harm."""
    paths = sorted(spool_folder(options).glob(f"*{SPOOLED}"))
    for path in paths:
        try:
            head, _, raw = path.read_bytes().partition(b"\n")
            fields = json.loads(head)
            body = Body(raw, fields["app"], fields["source"], WallMs(fields["received"]))
        except FileNotFoundError:
            continue  # somebody else was faster
        except (OSError, ValueError, KeyError, TypeError):
            path.rename(path.with_suffix(".unreadable"))
            continue
        keep(records, [body])
        path.unlink(missing_ok=True)
    return len(paths)


def take_in(records: Records, engine: Engine, numbers: Sequence[int] | None = None) -> list[Job]:
    """Make of stored bodies what they are (all that nobody has taken in, or these); the jobs now to be done."""
    fresh: list[Job] = []
    wanted = list(numbers or ())
    while wanted or (wanted := (untaken(records) if numbers is None else []) or begin_due(records)):
        some, wanted = wanted[:AT_ONCE], wanted[AT_ONCE:]
        made = _take_some(records, some)
        enqueue(records, engine, made)
        fresh += made
    return fresh


def _take_some(records: Records, numbers: Sequence[int]) -> list[Job]:
    """All in one transaction; where that fails one by one, so that none blocks those behind it."""
    bodies = {number: load_body(records, number) for number in numbers}
    read = {number: _read(body) for number, body in bodies.items()}
    try:
        with records.transaction() as connection:
            taken = [_take(connection, bodies[number], read[number], number, records) for number in numbers]
        return [job for job in taken if job is not None]
    except JobError as exc:
        if len(numbers) == 1:
            _set_aside(records, numbers[0], exc)
            return []
        return [job for number in numbers for job in _take_some(records, [number])]


def _set_aside(records: Records, number: int, error: JobError) -> None:
    """A body that the database cannot digest does not block those behind it. Raises where it digests nothing at all."""
    with records.transaction() as connection:
        wanted = sa.update(EVENT).where(EVENT.c.id == number)
        connection.execute(wanted.values(is_taken=True, note=f"could not be taken in: {error.sentence}"[:500]))


def enqueue(records: Records, engine: Engine, jobs: Sequence[Job]) -> None:
    """Put new jobs into the queue; those that are there already stay as they are."""
    if not jobs:
        return
    for job in jobs:
        engine.submit(job.workflow)
    with records.transaction() as connection:
        for start in range(0, len(jobs), AT_ONCE):
            ids = [job.id for job in jobs[start : start + AT_ONCE]]
            wanted = sa.update(JOB).where(JOB.c.id.in_(ids), JOB.c.state == JobState.NEW.value)
            connection.execute(wanted.values(state=JobState.WAITING.value, updated=now()))


def _take(connection: sa.Connection, body: Body, read: _Read, number: int, records: Records) -> Job | None:
    if connection.execute(sa.select(EVENT.c.is_taken).where(EVENT.c.id == number)).scalar():
        return None
    event, claim, odd, share = read
    job, is_due = assign(connection, claim, number) if claim is not None else (None, False)
    known = file_part(connection, share, number, body, records.settle) if share is not None else None
    if event is not None:
        learn(connection, event, body.received)
        tell_event(connection, event, records.tells)
    if claim is not None and claim.task is not None:
        learn_pauses(connection, claim.task, claim.omissions)
    elif event is not None and event.task_id is not None and event.pause is not None:
        learn_pauses(connection, event.task_id, _known_pauses(connection, event.task_id))
    if job is not None and not is_due and claim is not None and not claim.segments and job.segments:
        note(connection, job.id, "A later event of the task has no usable videos: it changes nothing.")
    values = {
        "is_taken": True,
        "kind": event.kind if event is not None else "",
        "task": event.task_id if event is not None else (claim.task if claim is not None else None),
        "job": job.id if job is not None else known,
        "urls": claim.urls if claim is not None else "" if share is not None else None,
        "note": odd,
    }
    connection.execute(sa.update(EVENT).where(EVENT.c.id == number).values(values))
    if job is not None and body.source == GATHERED:
        settle_job(connection, number, job.id)
    return job if is_due else None


def _known_pauses(connection: sa.Connection, task: str) -> list[Omission]:
    """Return the pauses that the results of a task that are there already name: a warning of a pause may come after
    them."""
    known: list[Omission] = []
    for number in connection.execute(sa.select(JOB.c.event).where(JOB.c.key == task)).scalars():
        with suppress(AssemblerError):  # a body that was pruned, or that another version understood
            body = body_at(connection, number)
            known += claim_of(body.raw, body.app).omissions
    return known


class _Read(NamedTuple):
    event: Event | None
    claim: Claim | None
    odd: str
    share: Share | None = None


def _read(body: Body) -> _Read:
    """Read a body: event, result, what is odd about it, and what it adds to others of its recording."""
    try:
        event: Event | None = read_event(body.raw, query=body.query)
    except InputError:
        event = None
    share = read_share(body)
    if share is not None:
        return _Read(event, None, "", share)
    if event is not None and not event.is_result and body.source != GATHERED and not _carries_videos(body):
        return _Read(event, None, f"{error_text(event.error)}. {event.error.advice}".strip() if event.error else "")
    try:
        return _Read(event, claim_of(body.raw, body.app), "")
    except AssemblerError as exc:
        return _Read(event, None, exc.sentence)


def _carries_videos(body: Body) -> bool:
    """An event of an unknown type with videos in it is a result after all."""
    try:
        return bool(claim_of(body.raw, body.app).segments)
    except AssemblerError:
        return False
