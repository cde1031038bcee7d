"""The pages as text: they read without JavaScript, refresh themselves with it, and load nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from assembler.findings import fold, note
from assembler.jobs.intake.bodies import BodyRow, Refused
from assembler.jobs.intake.tasks import Task
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.web.advice import advice_on_refused, advice_on_tasks, command, next_of
from assembler.jobs.web.published_files import is_in_folder
from assembler.report import markup, picture
from assembler.report.markup import document, source_of, table, text
from assembler.times import WallMs

SCRIPT = """
const stale = document.createElement("p");
stale.className = "box";
let seen = Date.now();
setInterval(async () => {
  if (document.hidden || String(getSelection())) return;
  const main = document.querySelector("main");
  try {
    const answer = await fetch(location.href, {signal: AbortSignal.timeout(10000)});
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!fresh) throw new Error("not a page");
    seen = Date.now();
    stale.remove();
    fresh.querySelectorAll("details").forEach((box, number) => {
      box.open = main.querySelectorAll("details")[number]?.open ?? box.open;
    });
    if (fresh.innerHTML !== main.innerHTML) main.replaceWith(fresh);
  } catch (error) {
    stale.textContent = "The server does not answer: this page is as of " + new Date(seen).toLocaleTimeString() + ".";
    document.body.prepend(stale);
  }
}, 3000);
"""
"""Script of the pages: fetches the page anew every 3 s, and says when the server does not answer."""
STYLE = markup.STYLE + picture.STYLE
"""Style sheet of the pages."""
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_of(STYLE)}; script-src {source_of(SCRIPT)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of every page: nothing from elsewhere, no frame, no referrer, no copy kept."""
STALE_SECONDS = 60
"""Maximum age of the last news of a running job, in s; what remained then says nothing now."""
SHOWN_FINDINGS = 2
"""Maximum number of findings in the list; the job's own page has all."""
SHOWN_TASKS, SHOWN_EVENTS, SHOWN_REFUSED = 100, 50, 20
"""Maximum number of rows in each of the lists below the jobs."""
NOT_HERE = "Its files are not, or no longer, in this server's output folder: a later result may have taken their place."
"""Sentence of a job whose files are gone."""


def status_page(
    jobs: Sequence[Job],
    counts: Mapping[JobState, int],
    missing: Sequence[Task],
    events: Sequence[BodyRow],
    refused: Sequence[Refused],
    at: WallMs,
) -> str:
    """All there is to see: jobs, missing results, other events, refused callbacks."""
    parts = ["<h1>Jobs</h1>", _counts(counts)]
    if jobs:
        rows = [
            [f"{_link(job)}{_room(job)}", state(job), how_far(job), elapsed(job, at), _since(job), _outcome(job)]
            for job in jobs
        ]
        parts.append(table(["job", "state", "progress", "time", "since (UTC)", "outcome"], rows))
        if (known := sum(counts.values())) > len(jobs):
            parts.append(
                f"<p>The newest {len(jobs)} of {known}; <code>assembler jobs list</code> in a terminal shows all.</p>"
            )
    else:
        parts.append(
            "<p>No class has come in yet. Set the recorder's callback address to <code>/callback</code> on this server "
            "(as it is reached from outside), or hand in a result: <code>assembler batch RESULT.json</code></p>"
        )
    return page("Jobs", "".join([*parts, *_missing(missing), *_events(events), *_refused(refused)]))


def absent_page(name: str) -> str:
    """Write the page of an id that is not on record."""
    return _still("No such job", f'<p><a href="/">All jobs</a></p><h1>No such job</h1><p>{text(name, 100)}</p>'
                  "<p><code>assembler jobs list</code> shows all; pruned ones are forgotten.</p>")  # fmt: skip


def no_file_page(job: Job) -> str:
    """Write the page of a job without a file to show: the reason, and where to look."""
    if not job.state.is_over:
        why = "The job is not done yet."
    elif is_in_folder(job):
        why = f"{NOT_HERE} It was published to {text(job.output)}"
    else:
        why = in_bucket(job) or "The job has published nothing."
    return _still(job.id, f'<p><a href="/jobs/{quote(job.id)}">{text(job.id)}</a></p><h1>No file</h1><p>{why}</p>')


def plain(job: Job) -> dict[str, Any]:
    """A job as machines read it."""
    return job.model_dump(mode="json", exclude={"event", "is_held", "segments", "key", "slot"})


def page(title: str, main: str) -> str:
    """A page of the server around its main part."""
    return document(f"{title} - assembler", main, STYLE, SCRIPT)


def _still(title: str, main: str) -> str:
    """A page that stays as it is: what comes to its address later may be a file."""
    return document(f"{title} - assembler", main, STYLE, "")


def _counts(counts: Mapping[JobState, int]) -> str:
    told = [(s, count) for s, count in counts.items() if count]
    items = [f'<li><span class="state {s.value}">{count}</span> {s.value}</li>' for s, count in told]
    return f'<ul class="chips">{"".join(items)}</ul>' if items else ""


def _missing(tasks: Sequence[Task]) -> list[str]:
    if not tasks:
        return []
    rows = [
        [f"<b>{text(t.task)}</b>", text(t.room or ""), text(t.kind), clock(t.updated), _pause(t)]
        for t in tasks[:SHOWN_TASKS]
    ]
    drawn = table(["task", "room", "latest event", "heard (UTC)", "progress"], rows)
    more = f"The {SHOWN_TASKS} longest silent of {len(tasks)}; <code>assembler jobs list --missing</code> shows all."
    rest = f"<p>{more}</p>" if len(tasks) > SHOWN_TASKS else ""
    return ["<h2>Results missing</h2>", f"<p>{advice_on_tasks()}</p>", drawn, rest]


def _events(events: Sequence[BodyRow]) -> list[str]:
    if not events:
        return []
    rows = [[text(e.kind or "without a type"), text(e.task or ""), clock(e.received), text(e.note)] for e in events]
    drawn = table(["event", "task", "received (UTC)", "note"], rows)
    return ["<h2>Other events</h2>", drawn, _newest(len(events), SHOWN_EVENTS)]


def _refused(refused: Sequence[Refused]) -> list[str]:
    if not refused:
        return []
    rows = [[f"{r.status}", clock(r.received), f"{r.size} B", text(r.reason)] for r in refused]
    advice = "".join(f"<p>{sentence}</p>" for sentence in advice_on_refused(refused))
    drawn = table(["status", "received (UTC)", "size", "reason"], rows)
    return ["<h2>Refused callbacks</h2>", advice, drawn, _newest(len(refused), SHOWN_REFUSED)]


def _newest(count: int, most: int) -> str:
    return f'<p class="faint">The newest {most}.</p>' if count == most else ""


def _link(job: Job) -> str:
    return f'<a href="/jobs/{quote(job.id)}">{text(job.id)}</a>'


def _room(job: Job) -> str:
    return f' <span class="faint">room {text(job.room)}</span>' if job.room else ""


def state(job: Job) -> str:
    """Return the job's state as markup."""
    if job.state is JobState.DONE and job.verdict == "degraded":
        return '<span class="state degraded">done, degraded</span>'
    return f'<span class="state {job.state.value}">{job.state.value}</span>'


def how_far(job: Job) -> str:
    """Return the step and percentage of a running job as markup; "" of any other."""
    if job.state is not JobState.RUNNING:
        return ""
    if job.progress is None:
        return text(job.step or "beginning")
    part = f"{job.progress:.0%}"
    return f'{text(job.step)} {part}<br><progress max="1" value="{job.progress}">{part}</progress>'


def elapsed(job: Job, at: WallMs) -> str:
    """Say how long the latest try takes or took, or how long the job waits; while it renders also what remains."""
    if job.state in (JobState.NEW, JobState.WAITING):
        return f"waits for {_length(at - job.created)}" if job.begun is None else "waits for a worker"
    if job.begun is None:
        return ""
    spent = _length((job.updated if job.state is not JobState.RUNNING else at) - job.begun)
    if job.state is not JobState.RUNNING:
        return spent
    silent = at - job.updated
    if job.remaining is None or silent > STALE_SECONDS * 1000:
        return spent
    return f"{spent}, about {_length(max(1000, job.remaining - max(0, silent)))} left"


def _since(job: Job) -> str:
    return f'<span class="nowrap">{clock(job.created)}</span>'


def _outcome(job: Job) -> str:
    parts = [links(job), reason(job)]
    told = told_of(job)
    shown = [text(finding, 200) for finding in told[:SHOWN_FINDINGS]]
    if shown:
        parts.append(markup.findings(shown))
    if (more := len(told) - SHOWN_FINDINGS) > 0:
        parts.append(f'<a href="/jobs/{quote(job.id)}">{more} more finding{"s" if more > 1 else ""}</a>')
    return "".join(part for part in parts if part)


def told_of(job: Job) -> list[str]:
    """Return its findings, those of one kind by the dozen folded."""
    return [finding.sentence for finding in fold(note("", told) for told in job.findings)]


def links(job: Job) -> str:
    """Link to what can be watched; of what is in a bucket the address."""
    if not is_in_folder(job):
        return f"<p>{in_bucket(job)}</p>" if job.state is JobState.DONE and job.output else ""
    here = f"/jobs/{quote(job.id)}"
    places = [f'<a href="{here}/{name.lower()}">{name}</a>' for name in ("Watch", "Video", "Report")]
    return f"<p>{' · '.join(places)}</p>"


def in_bucket(job: Job) -> str:
    """Say in place of links that this server reads no buckets."""
    return f"In object storage, not shown here: <code>{text(job.output)}</code>" if "://" in job.output else ""


def reason(job: Job) -> str:
    """Say why it is not done, and what to type."""
    told = f"<p>{text(job.reason)}</p>" if job.reason else ""
    if job.due is not None and job.state is JobState.DELAYED:
        told += f"<p>Tried again at {clock(job.due)} (UTC).</p>"
    step = next_of(job)
    return told + (f"<p>{step[0]}: {command(step[1])}</p>" if step else "")


def _length(ms: float) -> str:
    whole = max(0, round(ms / 1000))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def clock(at: WallMs | None) -> str:
    """Return an instant in UTC as text; "" for none, the number itself for one that is beyond the calendar."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a sender may write any number
        return str(at)


def _pause(task: Task) -> str:
    told = [] if task.progress is None else [f"{task.progress} %"]
    return "<br>".join(text(sentence) for sentence in [*told, *task.history(clock)])
