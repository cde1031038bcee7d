"""Steps of one try of a job: download, render, publish, settle; each is done once and written down."""

from __future__ import annotations

import shlex
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Never

import sqlalchemy as sa

from assembler.class_card import parse_card
from assembler.errors import AssemblerError, CardMissing, DownloadError
from assembler.jobs.class_cards import load_card, withdraw
from assembler.jobs.control import with_choice
from assembler.jobs.engine import Engine, Results, Step
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.intake.intake import enqueue
from assembler.jobs.publishing import FILE, is_gone, output_of
from assembler.jobs.sources import bodies_of, fetch_sources, with_urls
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records, now, start_again
from assembler.jobs.web.advice import in_a_job, retry_of
from assembler.jobs.worker.job_events import JobEvents
from assembler.jobs.worker.meter import Meter, size_of, spending
from assembler.jobs.worker.progress import ProgressWriter
from assembler.jobs.worker.uploads import uploading
from assembler.media.run import Run
from assembler.network.publish.card import Card
from assembler.network.publish.publish import fill_template, place_of, publish
from assembler.options import Options
from assembler.pipeline.assemble import assemble
from assembler.pipeline.gather import gather
from assembler.pipeline.timelines import in_order
from assembler.processes import Stop, Stopped
from assembler.recording import Recording
from assembler.report.recordings import describe_findings
from assembler.times import WallMs
from assembler.workspace import Workspace, assets_of

MOST_DEATHS = 3
"""Number of workers dead at a job, or failed without a known reason, after which it is not tried again by itself."""
MOST_FAILURES = 10
"""Maximum number of tries of a job whose error may pass: about seven hours with the usual waits."""
PATIENT_FAILURES = 5
"""Maximum number of tries that wait for a file that may still come; then the class is made without it."""
LONGEST_WAIT_SECONDS = 3600.0
"""Maximum time between two tries, in s."""


class JobSteps:
    """The steps of a try. ``stop`` ends them: the worker that takes the job next then does them."""

    def __init__(self, options: Options, records: Records, engine: Engine, stop: Stop, *, worker: str = "") -> None:
        self._worker, self._events = worker, JobEvents(worker)
        self._options, self._records, self._engine, self._stop = options, records, engine, stop
        self._workspace = Workspace(options.home)
        self.under_way: ProgressWriter | None = None
        self._meter: Meter | None = None
        self.is_quiet = threading.Event()
        """Set as soon as nothing is done any more after ``stop``."""
        self.steps: Sequence[tuple[str, Step]] = (
            ("download", self._guarded("download", self._download)),
            ("render", self._guarded("render", self._render)),
            ("publish", self._guarded("publish", self._publish)),
            ("settle", self._settle),
        )

    def begin(self, workflow: str) -> bool:
        """Mark the job as held by a worker; False where there is nothing to do for this try any more."""
        if self._stop.is_set():
            self._park()
        name, number = split(workflow)
        job = self._records.find_job(name)
        if job is None or job.state.is_over or job.tries != number:
            if job is not None and job.state is JobState.SUPERSEDED and job.is_held:  # its worker died at it
                self._overtaken(job)
            return False
        deaths = job.deaths + 1 if job.is_held else job.deaths
        if job.is_held:
            self._records.note(job.id, f"The worker died at it ({job.step or 'at the start'}).")
        if deaths >= MOST_DEATHS:
            reason = f"{deaths} workers died at it, the last one at: {job.step or 'the start'}"
            self._records.change(job.id, **_end(job, JobState.POISON, reason), deaths=deaths, is_held=False)
            return False
        if not job.is_held and self._records.latest_revision(job) > job.revision:
            reason = "a later result of the same task came before this one began"
            self._records.change(job.id, state=JobState.SUPERSEDED, reason=reason)
            return False
        self._records.change(
            job.id, during=number, state=JobState.RUNNING, is_held=True, deaths=deaths, begun=now(), due=None, step="",
            progress=None, remaining=None, reason="", placing=False,
        )  # fmt: skip
        self.under_way, self._meter = ProgressWriter(job), Meter()
        return True

    def _guarded(self, name: str, act: Callable[[Job, ProgressWriter, Results], dict[str, Any]]) -> Step:
        """A step whose failure is a result: it is written down like any other."""

        def told(workflow: str, results: Results) -> dict[str, Any]:
            under_way, begun = self.under_way, time.monotonic()
            if self._stop.is_set() or under_way is None:
                self._park()
            self._events.begun(under_way.job, name)
            result = step(under_way, results)
            self._events.step(under_way.job, name, time.monotonic() - begun, result)
            return result

        def step(under_way: ProgressWriter, results: Results) -> dict[str, Any]:
            try:
                return act(under_way.job, under_way, results)
            except Stopped:
                if self._stop.is_set():
                    self._park()
                return {"over": True}  # cancelled: the record says so already
            except AssemblerError as exc:
                failure = {"error": exc.sentence, "hint": exc.hint, "retry": exc.retry}
                failure["waits"] = isinstance(exc, CardMissing)
                return {"over": True, **failure, "known": under_way.known, "lacking": under_way.lacking}
            except Exception as exc:  # noqa: BLE001 a bug must not end the worker; the job's log has all of it
                under_way.say(traceback.format_exc()[-1900:])
                return {"over": True, "error": f"a bug in assembler: {type(exc).__name__}", "bug": True}

        return told

    def _park(self) -> Never:
        """Write nothing of this try down any more: the process ends in a moment."""
        self.is_quiet.set()
        while True:
            threading.Event().wait(60)

    def _download(self, job: Job, under_way: ProgressWriter, results: Results) -> dict[str, Any]:
        found = fetch_sources(self._records, job.id, self._options, under_way, under_way.stop)
        under_way.known = found.known
        if self._meter is not None:
            self._meter.fetched += found.received
        card = load_card(self._records, job.task, found.recording, self._options)
        told = card.model_dump_json() if card is not None else None
        options = with_choice(self._options, job)
        recorded = in_order(found.recording, options, card)
        title = recorded.redaction.text(card.title) if card is not None else ""
        self._records.change(job.id, only=[JobState.RUNNING], during=job.tries, card=told, title=title or None)
        kept = [s for recording in recorded.recordings for s in recording.segments]
        failures = {s.video_id: found.failures[s.source_id] for s in kept if s.source_id in found.failures}
        lacking = under_way.lacking = len(failures)
        has_none = lacking == len(kept)
        for name, error in failures.items():
            if error.retry and (has_none or job.failures < PATIENT_FAILURES):
                raise recorded.redaction.error(DownloadError(f"{name}: {error.sentence}", hint=error.hint, retry=True))
        if job.lacking and lacking >= job.lacking and job.output:
            under_way.say("No more files can be fetched than before: the playback stays as it is.")
            return {"over": True, "kept": True}
        try:
            got = gather(recorded.recordings, Run(options, under_way, under_way.stop))
        except AssemblerError as exc:
            raise recorded.redaction.error(exc) from exc
        return {
            "files": len(got.files), "event": found.event, "chosen": found.chosen, "lacking": lacking, "card": told,
        }  # fmt: skip

    def _recording(self, job: Job, results: Results) -> Recording:
        """Return the recording that the try is made from: the body, and the URLs, that were found to give files."""
        done = results.get("download", {})
        recording = recording_of(self._records, done.get("event", job.event))
        return with_urls(self._records, recording, done.get("chosen", {}), self._options)

    def _render(self, job: Job, under_way: ProgressWriter, results: Results) -> dict[str, Any]:
        made = self._made(job)
        made.parent.mkdir(parents=True, exist_ok=True)
        recording = self._recording(job, results)
        options = with_choice(self._options, job).model_copy(update={"render_ahead": False})  # its files are there
        told = results.get("download", {}).get("card")
        card = parse_card(told.encode()) if told else None
        playback = assemble(recording, made, options, under_way, under_way.stop, card=card)
        return {
            "verdict": playback.manifest.verdict.value,
            "digest": playback.manifest.digest,
            "findings": [in_a_job(said, job.id) for said in describe_findings(playback.manifest.findings)],
            "length": playback.manifest.length,
        }

    def _publish(self, job: Job, under_way: ProgressWriter, results: Results) -> dict[str, Any]:
        made = self._made(job)
        if not made.exists():  # rendered on another machine
            self._render(job, under_way, results)
        below = fill_template(
            self._options.template,
            {"app": job.app, "room": job.room, "task": job.task or job.id, "revision": str(job.revision)},
        )
        under_way.say("publishing")
        key = f"{job.slot}/{job.key}"
        card = Card(job=job.id, key=key, revision=job.revision, digest=str(results["render"]["digest"]))
        place = output_of(self._options)

        def claim() -> None:
            """Claim the place: from here on it is too late to cancel; what was cancelled before is not published."""
            placed = place_of(made, place, below)
            if not self._records.change(job.id, only=[JobState.RUNNING], during=job.tries, placing=True, placed=placed):
                raise Stopped

        with uploading(self._records, self._worker, job, place_of(made, place, below)):
            output = publish(made, assets_of(made), place, below, card, self._options, under_way.stop, claim)
        return {"output": output, "bytes": size_of(made, assets_of(made))}

    def _settle(self, workflow: str, results: Results) -> dict[str, Any]:
        """Write the outcome down; the next try, if there is one, goes into the queue."""
        name, number = split(workflow)
        job = self._records.find_job(name)
        last: dict[str, Any] = next(reversed(results.values())) if results else {}
        if self.under_way is not None and job is not None:
            self.under_way.flush(self._records)
        self.under_way = None
        (spend, cost), self._meter = spending(self._meter, name, results), None
        if job is None or job.state in (JobState.CANCELLED, JobState.SUPERSEDED):
            with self._records.transaction() as connection:
                spend(connection)
            return self._overtaken(job) if job is not None and job.state is JobState.SUPERSEDED else {}
        if "error" in last:
            return self._settle_failure(job, number, last, spend)
        if last.get("kept"):
            self._records.change(
                name, during=number, within=spend, state=JobState.DONE, reason="", is_held=False, step=""
            )
        if last.get("over"):
            return {}
        rendered = results["render"]
        is_done = self._records.change(
            name, during=number, only=[JobState.RUNNING], within=spend, state=JobState.DONE, reason="",
            verdict=rendered["verdict"], is_held=False,
            findings=rendered["findings"], output=results["publish"]["output"], step="", progress=None,
            remaining=None, lacking=results["download"].get("lacking"),
        )  # fmt: skip
        if not is_done:
            return self._overtaken(job)
        self._records.note(name, f"Published: {results['publish']['output']}")
        self._events.done(job, rendered["verdict"], cost)
        shutil.rmtree(self._made(job).parent, ignore_errors=True)
        return {}

    def _settle_failure(
        self, job: Job, number: int, last: dict[str, Any], spend: Callable[[sa.Connection], None]
    ) -> dict[str, Any]:
        is_bug, reason = bool(last.get("bug")), str(last["error"])
        if last.get("hint"):
            reason += f". {last['hint']}"
        reason = in_a_job(reason, job.id)
        if job.choice and not last.get("retry"):
            back = shlex.join([*retry_of(job.id), "--layout", "settings"])
            reason += f" Its layout was chosen for it alone: `{back}` takes that back."
        failures, deaths = job.failures + (not is_bug), job.deaths + is_bug
        if last.get("waits"):  # for its class card, however long
            failures = min(failures, MOST_FAILURES - 1)
        again = deaths < MOST_DEATHS if is_bug else bool(last.get("retry")) and failures < MOST_FAILURES
        values: dict[str, Any] = {
            "reason": reason, "failures": failures, "deaths": deaths, "is_held": False, "step": "", "progress": None,
            "remaining": None,
        }  # fmt: skip
        if not again:
            values |= _end(job, JobState.POISON if is_bug else JobState.FAILED, reason)
            if values["state"] is not JobState.DONE and last.get("lacking"):
                values["lacking"] = last["lacking"]
            running = [JobState.RUNNING]
            if not self._records.change(job.id, only=running, during=number, within=spend, **values):
                return self._overtaken(job)
            self._records.note(job.id, f"Failed: {reason}")
            self._events.failed(job, reason)
            self._begin_anew(job.id, last)
            return {}
        wait = min(LONGEST_WAIT_SECONDS, self._options.retry_seconds * 4 ** (failures + deaths - 1))
        due = WallMs(now() + round(wait * 1000))
        later = number + 1
        running = [JobState.RUNNING]
        if not self._records.change(
            job.id, only=running, during=number, within=spend, state=JobState.DELAYED, tries=later, due=due, **values
        ):
            return self._overtaken(job)
        self._records.note(job.id, f"Failed, tried again in {wait:g} s: {reason}")
        self._events.retry(job, wait, reason)
        self._engine.submit(f"{job.id}:{later}", delay=wait)
        self._begin_anew(job.id, last)
        return {}

    def _overtaken(self, job: Job) -> dict[str, Any]:
        """Give up a job that a class card overtook, and remove what it may just have put in place."""
        self._records.change(job.id, only=[JobState.SUPERSEDED], is_held=False)
        withdraw(self._records, self._options)
        return {}

    def _begin_anew(self, name: str, last: dict[str, Any]) -> None:
        """A result that came while the try went on was seen by nobody: that none was there is then no reason to fail.

        Behind the outcome: a process that takes in a result from now on sees that the job failed."""
        job = self._records.load_job(name)
        if not last.get("known") or not set(bodies_of(self._records, job)) - set(last["known"]):
            return
        with self._records.transaction() as connection:
            is_ours = start_again(connection, job, "A result with other URLs came meanwhile: started again.")
        if is_ours:
            enqueue(self._records, self._engine, [self._records.load_job(name)])

    def release(self) -> None:
        """The job under way is given back by a worker that ends in good order: that counts as no death."""
        if self.under_way is not None:
            job = self.under_way.job
            running = [JobState.RUNNING]
            self._records.change(job.id, during=job.tries, only=running, is_held=False, state=JobState.WAITING)

    def _made(self, job: Job) -> Path:
        return self._options.home.absolute() / "made" / job.id / FILE


def _end(job: Job, state: JobState, reason: str) -> dict[str, Any]:
    """State and reason of a job that has failed for good; one begun anew, for more files or by hand, stays done as long
    as its earlier playback is there, and may be shown."""
    if not job.output or job.withdrawn or is_gone(job):
        return {"state": state, "reason": reason}
    told = reason if job.lacking else f"Its latest try failed, the earlier playback is still there: {reason}"
    return {"state": JobState.DONE, "reason": told}


def split(workflow: str) -> tuple[str, int]:
    """Job id and number of a try."""
    name, _, number = workflow.rpartition(":")
    return name, int(number)
