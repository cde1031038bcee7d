"""Removal on request: jobs with their tasks, work folders, published playbacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from assembler.dialects import list_result_types
from assembler.errors import AssemblerError
from assembler.jobs.class_cards import load_card
from assembler.jobs.control import with_choice
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import prune_bodies, recording_of
from assembler.jobs.store.model import GIVEN_UP, Job, JobState, digest_segments
from assembler.jobs.store.records import Records, note, now, to_job
from assembler.jobs.store.tables import EVENT, JOB, TASK
from assembler.jobs.web.published_files import find_published
from assembler.media.run import Run
from assembler.network.publish.publish import unpublish
from assembler.options import Options
from assembler.pipeline.decide import work_digest
from assembler.pipeline.timelines import in_order
from assembler.recording import Recording
from assembler.times import DAY_MS, WallMs
from assembler.workspace import Workspace, assets_of

OVER = tuple(state for state in JobState if state.is_over)
"""States of jobs that are forgotten by hand; failed ones never published anything."""
AT_ONCE = 100
"""Maximum number of jobs that one transaction forgets: callbacks wait for it."""


def prune(
    records: Records, engine: Engine, options: Options, days: float, *, states: Sequence[JobState] = OVER,
    is_dry: bool = False,
) -> int:  # fmt: skip
    """Forget jobs that ended so many days ago, their tasks, what they left unpublished, and the bodies of nobody; how
    many jobs (``is_dry``: it would be)."""
    before = WallMs(now() - round(days * DAY_MS))
    old = _ended(records, states, before)
    if is_dry:
        return len(old)
    for start in range(0, max(1, len(old)), AT_ONCE):  # once at least: notices of jobs that went before may go now
        some = old[start : start + AT_ONCE]
        engine.forget([f"{job.id}:{number}" for job in some for number in range(1, job.tries + 1)])
        records.remove(some)
        for job in some:
            shutil.rmtree(_made(options, job), ignore_errors=True)
    prune_bodies(records, before)
    _forget_finished(records, before)
    return len(old)


def _ended(records: Records, states: Sequence[JobState], before: float) -> list[Job]:
    """List the jobs in these states that have not changed since then, Unix ms."""
    wanted = sa.select(JOB).where(JOB.c.state.in_([state.value for state in states]), JOB.c.updated <= before)
    with records.reading() as connection:
        return [to_job(row) for row in connection.execute(wanted.order_by(JOB.c.number)).mappings()]


def _forget_finished(records: Records, before: WallMs) -> None:
    """Tasks whose results came and were forgotten by an older version."""
    is_known = sa.exists().where(JOB.c.key == TASK.c.task) | sa.exists().where(EVENT.c.task == TASK.c.task)
    came = TASK.c.kind.in_(list_result_types())
    with records.transaction() as connection:
        connection.execute(sa.delete(TASK).where(came, ~is_known, TASK.c.updated <= before))


def remove_work(records: Records, options: Options, days: float, *, is_dry: bool = False) -> tuple[int, int]:
    """Remove work folders of jobs that are over; how many folders and bytes.

    One stays that somebody works in, that belongs to no job (a `run` has it), or that was touched in the last ``days``.
    """
    workspace, before = Workspace(options.home), now() - days * DAY_MS
    old = [f for f in (options.home.absolute() / "work").glob("*") if f.is_dir() and _touched_ms(f) <= before]
    if not old:
        return 0, 0
    jobs = records.list_jobs()
    folders = size = 0
    for folder, owners in _owners(records, options, jobs, old):
        if not owners or not all(job.state.is_over for job in owners):
            continue
        with workspace.free(folder.name) as held:
            if held is not None and _touched_ms(held) <= before:
                size += sum(path.stat().st_size for path in held.rglob("*") if path.is_file())
                folders += 1
                if not is_dry:
                    shutil.rmtree(held, ignore_errors=True)
    for job in [] if is_dry else jobs:
        made = _made(options, job)
        if job.state.is_over and job.state not in GIVEN_UP and made.is_dir() and _touched_ms(made) <= before:
            shutil.rmtree(made, ignore_errors=True)
    return folders, size


def _owners(
    records: Records, options: Options, jobs: list[Job], folders: list[Path]
) -> Iterator[tuple[Path, list[Job]]]:
    """Find the owner of each folder, by what lies in it; where nothing does yet, by what a worker would call it."""
    named: dict[str, list[Job]] | None = None
    for folder in folders:
        try:
            recording = Recording.model_validate_json((folder / "recording-1.json").read_bytes())
        except (OSError, ValueError):
            named = _by_name(records, options, jobs) if named is None else named
            yield folder, named.get(folder.name, [])
            continue
        if (folder / "recording-2.json").exists():  # several results together: no job does that
            yield folder, []
            continue
        segments, task = digest_segments(recording), recording.task_id
        yield folder, [job for job in jobs if job.segments == segments and (job.task == task or task is None)]


def _by_name(records: Records, options: Options, jobs: list[Job]) -> dict[str, list[Job]]:
    named: dict[str, list[Job]] = {}
    for job in jobs:
        try:
            recording = recording_of(records, job.event)
            card = load_card(records, job.task, recording, options)
            own = with_choice(options, job)
            name = work_digest(in_order(recording, own, card), Run(own))[:32]
        except AssemblerError:  # what cannot be read has never been worked at
            continue
        named.setdefault(name, []).append(job)
    return named


BY_HAND = "`assembler jobs prune --outputs`"
"""Reason of a removal that somebody asked for."""


def remove_outputs(records: Records, options: Options, days: float, *, why: str = BY_HAND, is_dry: bool = False) -> int:
    """Remove playbacks published so many days ago, as far as they are still in their places; how many (``is_dry``: it
    would be)."""
    before = now() - days * DAY_MS
    removed = 0
    for job in _ended(records, [JobState.DONE], before):
        if not job.output:
            continue
        if "://" not in job.output and find_published(job, options) is None:  # not ours (any more)
            continue
        if is_dry:
            removed += 1
        elif unpublish(job.output, assets_of(Path(job.output)).name, job.id, options):
            removed += 1
            with records.transaction() as connection:  # it did not change, so it is forgotten when it would have been
                values = {"output": "", "reason": f"Its playback was removed by {why}."}
                connection.execute(sa.update(JOB).where(JOB.c.id == job.id).values(values))
                note(connection, job.id, f"Removed by {why}: {job.output}")
    return removed


def _made(options: Options, job: Job) -> Path:
    return options.home.absolute() / "made" / job.id


def _touched_ms(folder: Path) -> float:
    """Return the time at which anything in it last changed, Unix ms."""
    latest = 0.0
    for path in [folder, *folder.rglob("*")]:
        try:
            latest = max(latest, path.stat().st_mtime)
        except OSError:  # gone in this moment
            latest = max(latest, now() / 1000)
    return latest * 1000
