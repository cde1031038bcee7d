"""The verbs about jobs: flags in, exit code out. Each imports its room when it is called: the engine is heavy."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assembler.cli.flags import with_options
from assembler.cli.verb import verb
from assembler.errors import InputError, JobError
from assembler.options import Options, load_options
from assembler.settings import FormerName

if TYPE_CHECKING:
    from assembler.jobs.engine import Engine
    from assembler.jobs.store.records import Records


Ids = Annotated[list[str], typer.Argument(help="Ids of jobs, as `jobs list` shows them.", metavar="JOB")]
Json = Annotated[bool, typer.Option("--json", help="Machine output on standard output.")]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def open_records() -> Records:
    """Open the records alone: the queue's engine takes seconds to load."""
    from assembler.jobs.store.open_records import load_records

    return load_records(load_options())


def open_jobs() -> tuple[Records, Engine]:
    """Open the records and the queue."""
    from assembler.jobs.engine import Engine

    return open_records(), Engine(load_options())


@verb
@with_options
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen at.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option("--workers", help="Number of workers beside the server.", min=0, max=64)] = 1,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept every callback, signed or not.")] = False,
    *,
    options: Options,
) -> int:
    """Run all that one machine needs: webhook, status page and a worker."""
    from assembler.jobs.event_log import logging_to, say
    from assembler.jobs.publishing import check_ready
    from assembler.jobs.web.app import run_server

    try:
        with logging_to(options):
            check_ready(options, say)
            return run_server(options, host=host, port=port, workers=workers, insecure=insecure, say=say)
    except KeyboardInterrupt:
        return 0  # that is how a server ends


@verb
@with_options
def work(
    workers: Annotated[int, typer.Option("--workers", help="Number of workers, each at one job.", min=1, max=64)] = 1,
    concurrency: Annotated[int | None, typer.Option("--concurrency", hidden=True, min=1, max=64)] = None,
    *,
    options: Options,
) -> int:
    """Run more workers: those that name the same database take from the same queue."""
    from assembler.jobs.event_log import logging_to, say
    from assembler.jobs.publishing import check_ready
    from assembler.jobs.worker.supervisor import supervise_until_stopped
    from assembler.jobs.worker.worker import run_worker

    if concurrency is not None:
        warnings.warn("--concurrency is called --workers now", FormerName, stacklevel=1)
        workers = concurrency
    with logging_to(options):
        check_ready(options, say)
        return run_worker(options, say) if workers == 1 else supervise_until_stopped(workers, options, say)


@verb
@with_options
def batch(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs; - reads standard input.", metavar="PATH")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all are done, working at it.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Number of its own workers (1; 0 only waits).", min=0, max=64)
    ] = None,
    *,
    options: Options,
    as_json: Json = False,
) -> int:
    """Put many results into the queue; with --wait also do them, and print a summary."""
    from assembler.jobs.batch import Batch, is_success, table
    from assembler.jobs.publishing import check_ready
    from assembler.pipeline.read_results import read_bodies

    check_ready(options, _say)
    given = read_bodies(paths, sys.stdin.buffer)
    records, engine = open_jobs()
    made = Batch(options, records, engine)
    made.enqueue(given)
    waits = wait or workers is not None
    if waits:
        made.wait(1 if workers is None else workers, _say)
    rows = made.ended()
    print(table(rows), file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(json.dumps([row.model_dump(mode="json") for row in rows], ensure_ascii=False))
    return 0 if is_success(rows, waited=waits) else JobError.exit_code


@verb
def show(job: Annotated[str, typer.Argument(help="Id of a job.", metavar="JOB")], as_json: Json = False) -> int:
    """Show one job: its fields, findings and steps."""
    from assembler.jobs.class_cards import redaction_of
    from assembler.jobs.costs import cost_facts
    from assembler.jobs.intake.tasks import find_task
    from assembler.jobs.store.model import JobState

    records, engine = open_jobs()
    found = records.load_job(job)
    if as_json:
        print(found.model_dump_json())
        return 0
    hidden = {
        "findings",
        "segments",
        "key",
        "slot",
        "length",
        "wall",
        "cpu",
        "memory",
        "fetched_bytes",
        "published_bytes",
    }
    for name, value in found.model_dump(mode="json", exclude=hidden).items():
        shown = clock(value) if name in ("created", "begun", "updated", "due") and value else value
        if shown not in (None, ""):
            print(f"{name}: {shown}")
    for name, text_of in cost_facts(found):
        print(f"{name}: {text_of}")
    for finding in found.findings:
        print(f"finding: {finding}")
    task = find_task(records, found.task)
    text = redaction_of(records, found, load_options()).text
    for sentence in task.history(clock) if task is not None else ():
        print(f"task: {text(sentence)}")
    steps = [step for step in engine.events(found.workflow) if step.step != "settle"]
    for step in steps:
        is_last = step is steps[-1] and found.state.is_over and found.state is not JobState.DONE
        print(f"step {step.step}: {'ended without success' if is_last else 'done'} at {clock(step.ended)}")
    return 0


@verb
def logs(job: Annotated[str, typer.Argument(help="Id of a job.", metavar="JOB")]) -> int:
    """Print what was said while a job was done."""
    records, _ = open_jobs()
    for at, sentence in records.log_of(records.load_job(job).id):
        print(f"{clock(at)} {sentence}")
    return 0


@verb
def retry(
    jobs: Ids,
    layout: Annotated[
        str | None, typer.Option("--layout", help="Another layout for these jobs; settings: theirs.", metavar="NAME")
    ] = None,
    card: Annotated[Path | None, typer.Option("--class", help="Class card of the job.", metavar="FILE")] = None,
    result: Annotated[Path | None, typer.Option("--result", help="Fresh result of the job.", metavar="FILE")] = None,
) -> int:
    """Start jobs once more, perhaps with another layout, a class card or a fresh result."""
    from assembler.jobs.control import Wish
    from assembler.jobs.control import retry as start

    if len(jobs) > 1 and (card is not None or result is not None):
        raise InputError("a class card and a result are of one job", hint="Name one job.")
    records, engine = open_jobs()
    wish = Wish(layout, _read(card), _read(result))
    is_under_way = False
    for job in [records.load_job(name) for name in jobs]:
        now, is_started = start(records, engine, load_options(), job, wish, by_hand())
        was = f"{now.state.value}: there is nothing to repeat; wait, or cancel it first"
        later = f": {now.id}" if now.id != job.id else ""
        print(f"{job.id}{later}: {'in the queue' if is_started else was}")
        is_under_way = is_under_way or not is_started
    return JobError.exit_code if is_under_way else 0


def _read(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path is not None else None
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}", hint="Name a file you may read.") from exc


def by_hand() -> str:
    """Say who types, for the logs of jobs."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"user {os.getuid()}"
    return f"command line, {name} at {socket.gethostname()}"


@verb
def cancel(jobs: Ids) -> int:
    """End jobs; a worker that is at one stops within seconds."""
    from assembler.jobs.control import cancel as end

    records, engine = open_jobs()
    for job in [records.load_job(name) for name in jobs]:
        is_cancelled = end(records, engine, job, by_hand())
        now = records.load_job(job.id).state
        late = f"was over already ({now.value})" if now.is_over else "too late: its playback is being put in place"
        print(f"{job.id}: {'cancelled' if is_cancelled else late}")
    return 0


@verb
def expect(tasks: Annotated[list[str], typer.Argument(help="Vendor's task ids.", metavar="TASK_ID")]) -> int:
    """Name tasks whose results are to come: `jobs list --missing` shows those that did not."""
    from assembler.jobs.intake.tasks import expect as remember

    records, _ = open_jobs()
    remember(records, tasks)
    return 0


def clock(at: int | None) -> str:
    """An instant in UTC; "" for none."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
