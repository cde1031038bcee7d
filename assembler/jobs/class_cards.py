"""Class cards of jobs: put by programs or found by the template; one that comes late makes a new revision, and what it
hides is withdrawn at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from assembler.card_file import find_card, is_newer
from assembler.class_card import ClassCard, parse_card
from assembler.dialects import parse
from assembler.errors import AssemblerError
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import body_at, recording_of
from assembler.jobs.intake.intake import enqueue
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records, insert_after, list_task, lock_task, note, now, start_again
from assembler.jobs.store.tables import CLASS, JOB, LOG
from assembler.network.publish.publish import unpublish
from assembler.options import Options
from assembler.privacy import find_redaction, hides_more
from assembler.recording import Recording
from assembler.redaction import Redaction
from assembler.workspace import assets_of

MOST_LOOKED_AT = 500
"""Maximum number of finished jobs whose class card is looked at for a change, the newest."""
TOO_LATE = "a class card came while it was made: a later revision takes its place"
"""Reason of a job that a class card overtook."""
WITHDRAWN = "a class card that hides somebody more came: its playback was withdrawn, another one is made"
"""Reason of a job whose playback was withdrawn."""


def load_card(records: Records, task: str | None, recording: Recording, options: Options) -> ClassCard | None:
    """Load the class card of a task: as it was put, else as the options name it. Raises like ``find_card``."""
    with records.reading() as connection:
        body = connection.execute(sa.select(CLASS.c.body).where(CLASS.c.task == (task or ""))).scalar()
    if body is not None:
        return parse_card(body.encode(), f"class card of task {task}")
    return find_card([recording], options)


class _Kept(NamedTuple):
    """A job with the class card that its latest try was made with."""

    job: Job
    card: ClassCard | None


def put_card(records: Records, engine: Engine, options: Options, task: str, card: ClassCard) -> list[str]:
    """Store the class card of a task, which may have no result yet; return the jobs that it starts.

    Raises JobError; what a withdrawal leaves for later is done by a worker.
    """
    with records.transaction() as connection:
        lock_task(connection, task)
        connection.execute(sa.delete(CLASS).where(CLASS.c.task == task))
        values = {"task": task, "body": card.model_dump_json(), "received": now()}
        connection.execute(sa.insert(CLASS).values(values))
        started = [job.id for slot in _slots(connection, task) for job in _take(connection, slot, card)]
    _go_on(records, engine, options, started)
    return started


def look_for_cards(records: Records, engine: Engine, options: Options) -> None:
    """Find class cards that came, or changed, at their place after a playback was made."""
    if options.class_file is None:
        return
    for job in records.list_jobs([JobState.DONE], limit=MOST_LOOKED_AT):
        if not is_newer({"app": job.app, "room": job.room, "task": job.task}, options, job.begun or job.created):
            continue
        try:
            recording = recording_of(records, job.event)
            card = load_card(records, job.task, recording, options)
        except AssemblerError as exc:
            _say_once(records, job.id, f"The class card was not taken: {exc.sentence}")
            continue
        if card is None:
            continue
        with records.transaction() as connection:
            lock_task(connection, job.key)
            slots = [slot for slot in _slots(connection, job.key) if slot[-1].job.id == job.id]
            started = [made.id for slot in slots for made in _take(connection, slot, card)]
        _go_on(records, engine, options, started)


def _go_on(records: Records, engine: Engine, options: Options, started: Sequence[str]) -> None:
    withdraw(records, options)
    enqueue(records, engine, records.list_jobs(ids=started))


def _say_once(records: Records, job: str, sentence: str) -> None:
    log = records.log_of(job)
    if not log or log[-1][1] != sentence:
        records.note(job, sentence)


def _slots(connection: sa.Connection, key: str) -> list[list[_Kept]]:
    """The jobs of a task in order of their revisions, by app."""
    found: dict[str, list[_Kept]] = {}
    cards = {row.id: row.card for row in connection.execute(sa.select(JOB.c.id, JOB.c.card).where(JOB.c.key == key))}
    for job in list_task(connection, key):
        card = cards[job.id]
        found.setdefault(job.slot, []).append(_Kept(job, parse_card(card.encode()) if card else None))
    return list(found.values())


def _take(connection: sa.Connection, slot: Sequence[_Kept], card: ClassCard) -> list[Job]:
    """Give the latest job of a task its card; return the job that is to go into the queue."""
    for kept in slot:
        _withdraw_hidden(connection, kept, card)
        _name(connection, kept.job, card)
    latest, made_with = slot[-1]
    if latest.state in (JobState.DELAYED, JobState.FAILED):
        return [latest] if start_again(connection, latest, "A class card came: started again.") else []
    is_made = latest.state is JobState.RUNNING or (latest.state.is_over and bool(latest.output))
    if not is_made or (made_with or ClassCard()) == card:
        return []
    fresh = insert_after(connection, latest)
    _name(connection, fresh, card)
    note(connection, fresh.id, f"Another class card of the task: revision {fresh.revision}.")
    if latest.state is JobState.RUNNING:
        _change(connection, latest, state=JobState.SUPERSEDED.value, reason=TOO_LATE)
    return [fresh]


def _change(connection: sa.Connection, job: Job, **values: object) -> None:
    connection.execute(sa.update(JOB).where(JOB.c.id == job.id).values(updated=now(), **values))


def _name(connection: sa.Connection, job: Job, card: ClassCard) -> None:
    """Write the title of the class down, without whom the card hides."""
    title = card.title
    if card.hides:
        title = ""
        with suppress(AssemblerError):  # without its body nobody knows who is in it
            body = body_at(connection, job.event)
            title = find_redaction([parse(body.raw, query=body.query)], card).text(card.title)
    connection.execute(sa.update(JOB).where(JOB.c.id == job.id).values(title=title or None))


def _withdraw_hidden(connection: sa.Connection, kept: _Kept, card: ClassCard) -> None:
    """Mark a playback that shows somebody whom the card hides: from here on nobody is shown it, and soon it is gone.

    What is kept of its job in words is rewritten as well, also where nothing was published.
    """
    job, made_with = kept
    if not card.hides:
        return
    redaction = Redaction()
    with suppress(AssemblerError):  # without its body nobody knows who is in it
        body = body_at(connection, job.event)
        recording = parse(body.raw, query=body.query)
        if not hides_more([recording], made_with, card):
            return
        redaction = find_redaction([recording], card)
    text = redaction.text
    changes: dict[str, object] = {"findings": [text(said) for said in job.findings], "reason": text(job.reason)}
    for row in connection.execute(sa.select(LOG.c.id, LOG.c.sentence).where(LOG.c.job == job.id)).all():
        if (said := text(row.sentence)) != row.sentence:
            connection.execute(sa.update(LOG).where(LOG.c.id == row.id).values(sentence=said))
    if job.output or job.state is JobState.RUNNING:
        changes["withdrawn"] = True
        if job.state in (JobState.DONE, JobState.RUNNING):
            changes |= {"state": JobState.SUPERSEDED.value, "reason": WITHDRAWN}
        note(connection, job.id, "The class card hides somebody more: the playback is withdrawn.")
    _change(connection, job, **changes)


def redaction_of(records: Records, job: Job, options: Options) -> Redaction:
    """Find the words that may not be said of a job's class."""
    with suppress(AssemblerError):
        recording = recording_of(records, job.event)
        return find_redaction([recording], load_card(records, job.task, recording, options))
    return Redaction()


def withdraw(records: Records, options: Options) -> None:
    """Remove every playback that is to be withdrawn; what cannot be removed now is tried again later."""
    wanted = sa.select(JOB.c.id, JOB.c.output, JOB.c.placed, JOB.c.key).where(JOB.c.withdrawn, ~JOB.c.is_held)
    with records.reading() as connection:
        rows = connection.execute(wanted).all()
        placing = {row.key for row in connection.execute(sa.select(JOB.c.key).where(JOB.c.placing, JOB.c.is_held))}
    for row in rows:
        try:
            for place in dict.fromkeys(filter(None, (row.output, row.placed))):
                is_half = place == row.placed and row.key not in placing
                unpublish(place, assets_of(Path(place)).name, row.id, options, is_half=is_half)
        except AssemblerError as exc:
            _say_once(records, row.id, f"Not withdrawn yet: {exc.sentence}")
            continue
        with records.transaction() as connection:
            done = {"withdrawn": None, "placed": None, "output": "", "updated": now()}
            connection.execute(sa.update(JOB).where(JOB.c.id == row.id).values(done))
            note(connection, row.id, "Withdrawn: nothing of it is published any more.")
