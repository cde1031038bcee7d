"""The verb that lists jobs: flags in, exit code out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from assembler.cli.jobs import Json, clock, open_records
from assembler.cli.verb import verb

if TYPE_CHECKING:
    from assembler.jobs.store.model import Job
    from assembler.jobs.store.records import Records

SHOWN = 100
"""Number of jobs in the table where no limit is given."""
HEADS = ("job", "state", "room", "title", "known since", "outcome")
"""Columns of the table."""
FIELDS = {
    "id", "task", "room", "title", "revision", "state", "verdict", "output", "reason", "step", "progress", "created",
    "begun", "updated", "due",
}  # fmt: skip
"""Fields of a job for machines; times are Unix ms."""
LONGEST_TITLE = 40
"""Maximum length of a title in the table, in characters."""


@verb
def list_jobs(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only jobs in this state; degraded: done, with warnings.")
    ] = None,
    room: Annotated[str | None, typer.Option("--room", help="Only jobs of this room.", metavar="ROOM")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only jobs known since so long: 30m, 24h, 7d.", metavar="TIME")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help=f"At most so many; {SHOWN} if not given, with --json all.", min=1)
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Show tasks whose result never came instead.")] = False,
    gathering: Annotated[
        bool, typer.Option("--gathering", help="Show recordings told of in parts instead, and when they begin.")
    ] = False,
    as_json: Json = False,
) -> int:
    """List jobs, those that failed first, then the newest first."""
    from assembler.jobs.listing import Filter, parse_age, parse_states, walk

    records = open_records()
    if missing:
        return _list_missing(records, as_json)
    if gathering:
        return _list_gatherings(records, as_json)
    wanted = Filter(**parse_states(state or ()), room=room, since=parse_age(since) if since is not None else None)
    if as_json:
        _print_json(walk(records, wanted, limit))
        return 0
    most = limit or SHOWN
    found = list(walk(records, wanted, most + 1))
    _print_table(records, found[:most])
    if not found:
        print("There are no such jobs.", file=sys.stderr)
    if len(found) > most and limit is None:
        print(f"The first {most}: --limit shows more, --state, --room and --since less.", file=sys.stderr)
    return 0


def _print_json(jobs: Iterator[Job]) -> None:
    """Print one array, a job at a time: however many there are, few are in memory."""
    print("[", end="")
    for number, job in enumerate(jobs):
        told = json.dumps(job.model_dump(mode="json", include=FIELDS), ensure_ascii=False)
        print(f", {told}" if number else told, end="")
    print("]")


def _print_table(records: Records, jobs: list[Job]) -> None:
    from assembler.jobs.listing import queue_places

    places = queue_places(records, jobs)
    rows = [list(HEADS)] if jobs else []
    for job in jobs:
        title = job.title or ""
        shown = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
        rows.append([job.id, _state(job), job.room or "", shown, clock(job.created), _outcome(job, places.get(job.id))])
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS) - 1)] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())


def _state(job: Job) -> str:
    from assembler.jobs.store.model import JobState

    return "done, degraded" if job.state is JobState.DONE and job.verdict == "degraded" else job.state.value


def _outcome(job: Job, place: int | None) -> str:
    """Say what matters of it now: how far it is, where its playback is, or why there is none."""
    from assembler.jobs.store.model import JobState

    if job.state is JobState.RUNNING:
        return job.step + (f" {job.progress:.0%}" if job.progress is not None else "")
    if place is not None:
        return "next in the queue" if place == 1 else f"place {place} in the queue"
    return job.output if job.state is JobState.DONE and job.output else job.reason


def _list_missing(records: Records, as_json: bool) -> int:
    from assembler.jobs.intake.tasks import missing as find_missing

    tasks = find_missing(records)
    if as_json:
        print(json.dumps([task.model_dump(mode="json") for task in tasks], ensure_ascii=False))
    for task in [] if as_json else tasks:
        print(f"{task.task}  {task.kind} at {clock(task.sent or task.updated)}")
        for sentence in task.history(clock):
            print(f"  {sentence}")
    if tasks:
        print("Their results never came. Once you have one: assembler batch RESULT.json", file=sys.stderr)
    return 0


def _list_gatherings(records: Records, as_json: bool) -> int:
    from assembler.jobs.intake.gather import list_gatherings
    from assembler.jobs.web.gatherings import outlook

    found = list_gatherings(records)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
    for one in [] if as_json else found:
        room = f"room {one.room}, " if one.room else ""
        parts = "1 part" if one.parts == 1 else f"{one.parts} parts"
        print(f"{one.system} {one.task}: {room}{parts} since {clock(one.since)}. {outlook(one)}")
    return 0
