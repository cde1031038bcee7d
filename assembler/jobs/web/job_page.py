"""The page of one job: how far it is, what to do, what was noticed, its class drawn to scale, its log."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from assembler.errors import AssemblerError
from assembler.jobs.class_cards import load_card, redaction_of
from assembler.jobs.control import BY_SETTINGS, LAYOUT_NAMES
from assembler.jobs.costs import cost_facts
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.intake.tasks import Task, find_task
from assembler.jobs.listing import queue_places
from assembler.jobs.store.model import GIVEN_UP, Job, JobState
from assembler.jobs.store.records import Records
from assembler.jobs.web.published_files import Published, find_published, is_in_folder
from assembler.jobs.web.session import Session
from assembler.jobs.web.status_page import (
    NOT_HERE,
    clock,
    elapsed,
    form,
    how_far,
    links,
    page,
    reason,
    state,
    told_of,
)
from assembler.options import Options
from assembler.pipeline.timelines import in_order, timeline_of
from assembler.report.markup import facts, findings, table, text
from assembler.report.picture import draw_picture
from assembler.report.recordings import describe_recordings
from assembler.segment_files import SegmentFiles
from assembler.times import WallMs


def write_job(
    records: Records, job: Job, options: Options, at: WallMs, session: Session | None = None, said: str = ""
) -> str:
    """Write the page of a job on record, without whom its class card hides."""
    task = find_task(records, job.task)
    if task is not None:
        hide = redaction_of(records, job, options).text
        task = task.model_copy(update={"error": hide(task.error or ""), "answer": hide(task.answer or "")})
    files, drawn, log = find_published(job, options), draw_job(records, job, options), records.log_of(job.id)
    place = queue_places(records, [job]).get(job.id)
    return job_page(job, task, log, drawn, files, at, session=session, said=said, place=place)


def job_page(
    job: Job, task: Task | None, log: Sequence[tuple[WallMs, str]], drawn: str, published: Published | None,
    at: WallMs, *, session: Session | None = None, said: str = "", place: int | None = None,
) -> str:  # fmt: skip
    """Write the page of one job, and of what events told of its task; ``drawn`` is markup."""
    parts = [f'<p><a href="/">All jobs</a></p><h1>{text(job.title or job.id)}</h1>']
    if said:
        parts.append(f'<p class="box" role="status">{text(said)}</p>')
    queued = f", place {place} in the queue" if place is not None else ""
    parts.append(f"<p>{state(job)}{queued} {elapsed(job, at)}</p><p>{how_far(job)}</p>")
    if why := reason(job, session):
        is_bad = job.state in GIVEN_UP
        parts.append(f'<div class="box{" failed" if is_bad else ""}">{why}</div>')
    parts.append(_links(job, published))
    parts.append(_acts(job, session))
    if history := task.history(clock) if task is not None else []:
        parts.append("<h2>What events told</h2>" + findings([text(sentence) for sentence in history]))
    if noticed := told_of(job):
        parts.append("<h2>Findings</h2>" + findings([text(finding) for finding in noticed]))
    if drawn:
        parts.append(f"<h2>Timeline, as the result declares it</h2>{drawn}")
    parts.append("<h2>Facts</h2>" + facts(_facts(job)))
    parts.append("<h2>Log</h2>")
    rows = [[f'<span class="nowrap">{clock(when)}</span>', _sentence(line)] for when, line in log]
    parts.append(table(["at (UTC)", ""], rows) or "<p>Nothing yet.</p>")
    parts.append(f'<p><a href="/jobs/{quote(job.id)}.json">as JSON</a></p>')
    return page(job.title or job.id, "".join(parts), session)


def _acts(job: Job, session: Session | None) -> str:
    """Draw the forms of what can be done with a job; "" for somebody who is not logged in."""
    if session is None or not session.field:
        return ""
    here = f"/jobs/{quote(job.id)}"
    if not job.state.is_over and job.state is not JobState.DELAYED:
        return f"<p>{form(session, f'{here}/cancel', 'Cancel', {})}</p>"
    chosen = (job.choice or {}).get("layout", "")
    names = {"": f"as before{f' ({chosen})' if chosen else ''}", BY_SETTINGS: "as the settings say"}
    names |= {name: name for name in LAYOUT_NAMES}
    choices = "".join(f'<option value="{name}">{text(word)}</option>' for name, word in names.items())
    stop = form(session, f"{here}/cancel", "Cancel", {}) if job.state is JobState.DELAYED else ""
    return (
        f"<details{'' if job.state is JobState.DONE else ' open'}><summary>Start again, with changes</summary>"
        f'<form method="post" action="{here}/retry" enctype="multipart/form-data" class="changes">'
        f'<input type="hidden" name="form" value="{text(session.field)}">'
        f'<label for="layout">Layout</label> <select id="layout" name="layout">{choices}</select>'
        '<label for="result">Fresh result (JSON)</label> <input id="result" name="result" type="file">'
        '<label for="class">Class card (JSON)</label> <input id="class" name="class" type="file">'
        f"<span></span><button>Start again</button></form></details>{stop}"
    )


def _links(job: Job, published: Published | None) -> str:
    """Link to the files that are there."""
    if published is not None and published.report is not None:
        return links(job)
    if published is not None:
        return f'<p><a href="/jobs/{quote(job.id)}/video">Video</a> (made without a report)</p>'
    if is_in_folder(job):
        return f"<p>{NOT_HERE}</p>"
    return links(job)


def _facts(job: Job) -> list[tuple[str, str]]:
    return [
        ("job", text(job.id) if job.title else ""), ("layout", text((job.choice or {}).get("layout", ""))),
        ("task", text(job.task or "")), ("app", text(job.app or "")), ("room", text(job.room or "")),
        ("revision", str(job.revision)), ("known since", f"{clock(job.created)} UTC"),
        ("tries", str(job.tries)), ("failures", str(job.failures or "")), ("deaths", str(job.deaths or "")),
        ("published to", text(job.output)), *cost_facts(job),
    ]  # fmt: skip


def _sentence(said: str) -> str:
    """Return a line of the log as markup; what our own faults leave there has many lines."""
    return f"<pre>{text(said)}</pre>" if "\n" in said else text(said)


def draw_job(records: Records, job: Job, options: Options) -> str:
    """The class drawn to scale from what its result declares, as markup, without whom its class card hides; "" where
    it, or the card, cannot be read."""
    try:
        recording = recording_of(records, job.event)
        recorded = in_order(recording, options, load_card(records, job.task, recording, options))
        timeline = timeline_of(recorded, SegmentFiles(), options)
    except AssemblerError:
        return ""
    described = describe_recordings(recorded.recordings, timeline, 110)
    return f"{draw_picture(timeline)}<details><summary>As text</summary><pre>{text(described, 100_000)}</pre></details>"
