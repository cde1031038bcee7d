"""Batch of results: files, folders, globs and JSON lines into the queue, and how they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tqdm import tqdm

from assembler.errors import AssemblerError
from assembler.findings import Verdict
from assembler.jobs.control import try_again
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import Body, jobs_of, keep, notes_of
from assembler.jobs.intake.intake import take_in
from assembler.jobs.publishing import is_gone
from assembler.jobs.store.model import Job, JobState, claim_of_result
from assembler.jobs.store.records import Records, has_urls, known_job, now
from assembler.jobs.worker.send_notices import tell_for
from assembler.jobs.worker.supervisor import supervise
from assembler.options import Options
from assembler.pipeline.read_results import Given, join_parts
from assembler.values import Value

LOOK_SECONDS = 0.5
"""Time between two looks at the jobs, in s."""
TELL_SECONDS = 10.0
"""Maximum time in which the end of a batch still sends notices of its jobs, in s."""
AT_ONCE = 200
"""Maximum number of bodies that one transaction stores."""


class Ended(Value):
    """Result of one body; a line of the summary."""

    source: str
    """Name of its file, and line where it has several."""
    job: str | None
    """Id of its job; None where it is not a usable result."""
    state: str
    """State of the job; ``refused`` where there is none."""
    verdict: str
    """``ok`` or ``degraded`` of a finished one."""
    output: str
    """Address of the playback; "" where there is none."""
    reason: str
    """Reason why there is no playback; "" if there is one."""
    was_done: bool
    """True if an earlier call had done it."""


class Batch:
    """The results of one call."""

    def __init__(self, options: Options, records: Records, engine: Engine) -> None:
        self._options, self._records, self._engine = options, records, engine
        self._rows: list[tuple[str, str | None, str, bool]] = []  # source, job, why there is none, was done before

    def enqueue(self, given: Sequence[Given]) -> None:
        """Every result becomes a job, those that tell of parts of one recording together; what is done already is left
        alone, what failed is started again."""
        fresh: list[tuple[int, Body]] = []
        for one in join_parts(given):
            try:
                claim = claim_of_result(one.body)
            except AssemblerError as exc:
                self._rows.append((one.source, None, exc.sentence, False))
                continue
            with self._records.reading() as connection:
                job = known_job(connection, claim)
                is_new = job is None or (claim.urls != "" and not has_urls(connection, job, claim))
            if is_new:
                fresh.append((len(self._rows), Body(one.body, None, "batch", now())))
            self._rows.append(
                (one.source, None if job is None else job.id, "", job is not None and self._is_there(job))
            )
        for start in range(0, len(fresh), AT_ONCE):
            some = fresh[start : start + AT_ONCE]
            numbers = keep(self._records, [body for _, body in some])
            take_in(self._records, self._engine, numbers)
            jobs, notes = jobs_of(self._records, numbers), notes_of(self._records, numbers)
            for (place, _), number in zip(some, numbers, strict=True):
                source, _, _, was_done = self._rows[place]
                self._rows[place] = (
                    source,
                    jobs.get(number),
                    notes.get(number) or "it could not be taken in",
                    was_done,
                )
        for job in self._records.list_jobs(ids=self.jobs):
            if job.state.is_over and job.state is not JobState.SUPERSEDED and not self._is_there(job):
                try_again(self._records, self._engine, job)

    def _is_there(self, job: Job) -> bool:
        """True where nothing is left to do; a job that failed, or whose file is gone, is started again."""
        return job.state is JobState.DONE and not is_gone(job)

    @property
    def jobs(self) -> list[str]:
        """Ids of all jobs, each once."""
        return list(dict.fromkeys(job for _, job, _, _ in self._rows if job is not None))

    def ended(self) -> list[Ended]:
        """Return the state of each result, in the order given."""
        jobs = {job.id: job for job in self._records.list_jobs(ids=self.jobs)}
        return [_ended(source, jobs.get(name or ""), why, was) for source, name, why, was in self._rows]

    def wait(self, workers: int, say: Callable[[str], None]) -> None:
        """Wait until every job is over, with so many workers of its own; a bar shows how many are."""
        ids = self.jobs
        with ExitStack() as stack:
            bar = stack.enter_context(
                tqdm(total=len(ids), desc="classes", unit="class", dynamic_ncols=True, disable=None)
            )
            is_manned = False
            while True:
                jobs = self._records.list_jobs(ids=ids)
                open_ = [job for job in jobs if not job.state.is_over]
                parts = sum(job.progress or 0.0 for job in open_ if job.state is JobState.RUNNING)
                bar.n = len(ids) - len(open_)
                bar.set_postfix_str(_tally(jobs) + (f", under way {parts:.1f}" if parts else ""))
                if not open_:
                    break
                if not is_manned:
                    stack.enter_context(supervise(workers, self._options, say))
                    is_manned = True
                time.sleep(LOOK_SECONDS)
        tell_for(self._options, self._records, TELL_SECONDS)  # the workers that could do it have ended


def _ended(source: str, job: Job | None, why: str, was_done: bool) -> Ended:
    if job is None:
        return Ended(source=source, job=None, state="refused", verdict="", output="", reason=why, was_done=False)
    return Ended(
        source=source, job=job.id, state=job.state.value, verdict=job.verdict, output=job.output, reason=job.reason,
        was_done=was_done,
    )  # fmt: skip


def _tally(jobs: Sequence[Job]) -> str:
    failed = sum(job.state.is_over and job.state is not JobState.DONE for job in jobs)
    warned = sum(job.verdict == Verdict.DEGRADED.value for job in jobs)
    return f"{warned} with warnings, {failed} failed"


def table(rows: Sequence[Ended]) -> str:
    """The end table: which playback each became, whether with warnings, or why there is none."""
    done = [row for row in rows if row.state == JobState.DONE.value]
    warned = [row for row in done if row.verdict == Verdict.DEGRADED.value]
    open_ = [row for row in rows if row.state in {state.value for state in JobState if not state.is_over}]
    failed = [row for row in rows if row not in done and row not in open_]
    lines = [f"{row.source}{': with warnings' if row in warned else ''} -> {_place(row)}" for row in done]
    lines += [f"{row.source}: {row.state}: {row.reason or 'no reason is known'}" for row in failed]
    before = sum(row.was_done for row in rows)
    counts = [f"{len(done)} done" + (f" ({before} of them before)" if before else ""), f"{len(warned)} with warnings"]
    counts += [f"{len(failed)} failed"] + ([f"{len(open_)} waiting or under way"] if open_ else [])
    return "\n".join([*lines, ", ".join(counts)])


def _place(row: Ended) -> str:
    return row.output or row.reason or "nowhere"


def is_success(rows: Sequence[Ended], *, waited: bool) -> bool:
    """All playbacks are there; of a call that did not wait: all are there or in the queue."""
    fine = {JobState.DONE, *(() if waited else (state for state in JobState if not state.is_over))}
    return all(row.state in {state.value for state in fine} for row in rows)
