"""Control of jobs by people, on the page and on the command line: each act is in its job's log, with who did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from assembler.class_card import parse_card
from assembler.errors import InputError, JobError
from assembler.jobs.class_cards import put_card
from assembler.jobs.engine import Engine
from assembler.jobs.event_log import emit
from assembler.jobs.intake.bodies import Body, jobs_of, keep, notes_of
from assembler.jobs.intake.check_callback import Judged
from assembler.jobs.intake.intake import enqueue, take_in
from assembler.jobs.intake.refused import take_refused
from assembler.jobs.store.model import Job, JobState, claim_of_result
from assembler.jobs.store.records import Records, note, now, start_again
from assembler.jobs.store.tables import JOB
from assembler.jobs.web.keys import Keys
from assembler.layout import LAYOUTS
from assembler.options import Options

BY_SETTINGS = "settings"
"""Word for a layout as the settings, or the class card, say: a choice made before is forgotten."""
LAYOUT_NAMES = ("auto", "auto-classroom", *LAYOUTS)
"""Names of layouts that may be chosen for one job."""
_UNDER_WAY = (JobState.NEW, JobState.WAITING, JobState.RUNNING)


class Wish(NamedTuple):
    """Change with which a job is started again."""

    layout: str | None = None
    """Name of a built-in layout, or "settings"; None leaves it as it is."""
    card: bytes | None = None
    """Class card; None leaves it as it is."""
    result: bytes | None = None
    """Fresh result of the same class, whose links are tried first; None where there is none."""


def try_again(records: Records, engine: Engine, job: Job) -> Job:
    """Start a job that is over (or waits for its next try) once more, with a clean slate. Raises JobError otherwise."""
    if job.state in _UNDER_WAY:
        raise JobError(
            f"job {job.id} is {job.state.value}: there is nothing to repeat", hint="Wait, or cancel it first."
        )
    _start(records, engine, job, "Started again by hand.")
    return records.load_job(job.id)


def retry(records: Records, engine: Engine, options: Options, job: Job, wish: Wish, by: str) -> tuple[Job, bool]:
    """Start a job again as somebody wishes; return the job that is under way now, a later revision where a card or a
    result made one, and False where it was under way already.

    Raises InputError for a layout that is not there, a card or a result that is wrong, or of another class; nothing is
    changed then.
    """
    if wish.layout is not None and wish.layout not in (*LAYOUT_NAMES, BY_SETTINGS):
        raise InputError(f"unknown layout {wish.layout[:40]!r}", hint=f"There are: {', '.join(LAYOUT_NAMES)}.")
    card = parse_card(wish.card) if wish.card is not None else None
    if wish.result is not None and claim_of_result(wish.result).key != job.key:
        raise InputError("the result is of another class", hint="Hand it in by itself: `assembler batch RESULT.json`.")
    if card is not None and job.task is None:
        raise InputError("the job's result names no task, so it has no class card", hint="ASSEMBLER_CLASS names one.")
    if job.state in _UNDER_WAY and card is None and wish.result is None:
        return job, False
    if wish.layout is not None:
        _choose(records, job, wish.layout)
    told = [f"with layout {wish.layout}" if wish.layout not in (None, BY_SETTINGS) else ""]
    told += ["with the layout of the settings"] if wish.layout == BY_SETTINGS else []
    if card is not None:
        assert job.task is not None
        put_card(records, engine, options, job.task, card)
        told.append("with a class card")
    if wish.result is not None:
        (number,) = keep(records, [Body(wish.result, job.app, "hand", now())])
        take_in(records, engine, [number])
        told.append("with a fresh result")
    latest = _latest(records, job) if card is not None or wish.result is not None else job
    sentence = " ".join(["Started again by hand", ", ".join(filter(None, told))]).rstrip() + f"{_by(by)}."
    if latest.state in _UNDER_WAY:  # the card or the result started it
        records.note(latest.id, sentence)
        _tell(latest, "retry", sentence)
        return latest, True
    is_ours = _start(records, engine, latest, sentence)
    return records.load_job(latest.id), is_ours


def _choose(records: Records, job: Job, layout: str) -> None:
    choice = None if layout == BY_SETTINGS else {"layout": layout}
    mine = sa.update(JOB).where(JOB.c.key == job.key, JOB.c.slot == job.slot)
    with records.transaction() as connection:
        connection.execute(mine.values(choice=choice))


def _latest(records: Records, job: Job) -> Job:
    """Find the job's latest revision, if a later one was made; the job itself where it is not replaced."""
    wanted = sa.select(JOB.c.id).where(JOB.c.key == job.key, JOB.c.slot == job.slot).order_by(JOB.c.revision.desc())
    with records.reading() as connection:
        name = connection.execute(wanted.limit(1)).scalar_one()
    latest = records.load_job(name)
    return latest if latest.state in _UNDER_WAY else records.load_job(job.id)


def _start(records: Records, engine: Engine, job: Job, sentence: str) -> bool:
    """Start a job again; False where somebody else did so in this moment."""
    engine.cancel(job.workflow)
    with records.transaction() as connection:
        is_ours = start_again(connection, job, sentence, lacking=None)
    enqueue(records, engine, [records.load_job(job.id)])
    if is_ours:
        _tell(job, "retry", sentence)
    return is_ours


def _tell(job: Job, act: str, sentence: str) -> None:
    emit("job.act", job=job.id, task=job.task, room=job.room, act=act, reason=sentence)


def _by(by: str) -> str:
    return f" ({by})" if by else ""


def cancel(records: Records, engine: Engine, job: Job, by: str = "") -> bool:
    """End a job; False where it was over already, or its playback is being put in place. A worker at it stops within
    seconds."""
    going = [state.value for state in JobState if not state.is_over]
    is_placed = sa.and_(JOB.c.state == JobState.RUNNING.value, sa.func.coalesce(JOB.c.placing, sa.false()))
    wanted = sa.update(JOB).where(JOB.c.id == job.id, JOB.c.state.in_(going), ~is_placed)
    values = {"state": JobState.CANCELLED.value, "reason": "cancelled by hand", "due": None, "updated": now()}
    with records.transaction() as connection:
        if not connection.execute(wanted.values(values)).rowcount:
            return False
        note(connection, job.id, f"Cancelled by hand{_by(by)}.")
    _tell(job, "cancel", f"Cancelled by hand{_by(by)}.")
    engine.cancel(job.workflow)
    return True


def hand_in(records: Records, engine: Engine, result: bytes, by: str) -> Job:
    """Take in a result, as a callback would; the job it belongs to. Raises AssemblerError for what is none."""
    claim_of_result(result)
    (number,) = keep(records, [Body(result, None, "hand", now())])
    take_in(records, engine, [number])
    found = jobs_of(records, [number]).get(number)
    if found is None:
        why = notes_of(records, [number])[number] or "it tells of an event, not of what was recorded"
        raise InputError(why, hint="Hand in the result of the recording, as the API gave it.")
    records.note(found, sentence := f"A result was handed in{_by(by)}.")
    _tell(job := records.load_job(found), "hand-in", sentence)
    return job


def take(records: Records, engine: Engine, keys: Keys, numbers: Sequence[int], by: str) -> dict[int, Judged]:
    """Check refused callbacks again and take those that are right now, as jobs and events; how each was judged."""
    judged, stored = take_refused(records, keys, numbers)
    take_in(records, engine)
    for job in set(jobs_of(records, stored).values()):
        records.note(job, sentence := f"A refused callback was taken by hand{_by(by)}.")
        _tell(records.load_job(job), "take", sentence)
    return judged


def with_choice(options: Options, job: Job) -> Options:
    """Return the options of one job: what somebody chose for it wins over the settings, and over its class card."""
    layout = (job.choice or {}).get("layout")
    return options.model_copy(update={"layout": layout}) if layout in LAYOUT_NAMES else options
