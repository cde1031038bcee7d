"""The pages as text: they read without JavaScript, refresh themselves with it, and load nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from assembler.findings import fold, note
from assembler.jobs.store.model import QUEUED, Job, JobState
from assembler.jobs.web.advice import command, next_of
from assembler.jobs.web.published_files import is_in_folder
from assembler.jobs.web.session import Session
from assembler.report import markup, picture
from assembler.report.markup import LONGEST_TEXT, document, source_of, text
from assembler.times import WallMs

SCRIPT = """
const stale = document.createElement("p");
stale.className = "box";
let seen = Date.now();
let touched = false;
document.addEventListener("input", () => { touched = true; });
setInterval(async () => {
  if (document.hidden || touched || String(getSelection())) return;
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
"""Script of the pages: fetches the page anew every 3 s as long as no form is being filled in, and says when the server
does not answer."""
_FORMS = """
form.act { display: inline; } form.row, form.login { display: flex; flex-wrap: wrap; gap: .4rem .6rem;
align-items: center; margin: .6rem 0; } input, select, button { font: inherit; color: inherit; max-width: 100%;
background: var(--paper); border: 1px solid var(--faint); border-radius: 4px; padding: .15rem .5rem; }
button { cursor: pointer; background: var(--soft); } button:hover { border-color: var(--link); color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.chips a { text-decoration: none; color: inherit; display: inline-block; padding: .15rem 0;
border-bottom: 2px solid transparent; } .chips a:hover { border-color: var(--line); }
.chips a[aria-current] { border-color: var(--link); } .pager { display: flex; gap: 1.2rem; margin: .8rem 0; }
.changes { display: grid; grid-template-columns: max-content minmax(0, 22rem); gap: .4rem .8rem; margin: .6rem 0;
align-items: center; } @media (max-width: 30rem) { .changes { grid-template-columns: minmax(0, 1fr); } }
.next { margin: .3rem 0; } .cards th:first-child { width: 28%; }
.logout { margin-top: 2rem; } .cards td > .faint { line-height: 1.35; margin-top: .15rem; }
"""
STYLE = markup.STYLE + picture.STYLE + _FORMS
"""Style sheet of the pages."""
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_of(STYLE)}; script-src {source_of(SCRIPT)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Headers of every page: nothing from elsewhere, no frame, no referrer to others, no copy kept."""
STALE_SECONDS = 60
"""Maximum age of the last news of a running job, in s; what remained then says nothing now."""
SHOWN_FINDINGS = 2
"""Maximum number of findings in the list; the job's own page has all."""
NOT_HERE = "Its files are not, or no longer, in this server's output folder: a later result may have taken their place."
"""Sentence of a job whose files are gone."""


def absent_page(name: str) -> str:
    """Write the page of an id that is not on record."""
    return still_page("No such job", f'<p><a href="/">All jobs</a></p><h1>No such job</h1><p>{text(name, 100)}</p>'
                  "<p><code>assembler jobs list</code> shows all; pruned ones are forgotten.</p>")  # fmt: skip


def no_file_page(job: Job) -> str:
    """Write the page of a job without a file to show: the reason, and where to look."""
    if not job.state.is_over:
        why = "The job is not done yet."
    elif is_in_folder(job):
        why = f"{NOT_HERE} It was published to {text(job.output)}"
    else:
        why = in_bucket(job) or "The job has published nothing."
    return still_page(job.id, f'<p><a href="/jobs/{quote(job.id)}">{text(job.id)}</a></p><h1>No file</h1><p>{why}</p>')


def plain(job: Job) -> dict[str, Any]:
    """A job as machines read it."""
    return job.model_dump(mode="json", exclude={"event", "is_held", "segments", "key", "slot"})


def page(title: str, main: str, session: Session | None = None) -> str:
    """A page of the server around its main part."""
    out = form(session, "/logout", "Log out", {})
    foot = f'<footer class="logout">{out}</footer>' if out else ""
    return document(f"{title} - assembler", main + foot, STYLE, SCRIPT)


def still_page(title: str, main: str) -> str:
    """Write a page that stays as it is: what comes to its address later may be a file."""
    return document(f"{title} - assembler", main, STYLE, "")


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
    if job.state in QUEUED:
        return f"waits for {_length(at - job.created)}" if job.begun is None else "waits for a worker"
    if job.begun is None:
        return ""
    spent = _length((job.updated if job.state is not JobState.RUNNING else at) - job.begun)
    if job.state is not JobState.RUNNING:
        return f"took {spent}"
    silent = at - job.updated
    if job.remaining is None or silent > STALE_SECONDS * 1000:
        return spent
    return f"{spent}, about {_length(max(1000, job.remaining - max(0, silent)))} left"


def shown_findings(job: Job) -> str:
    """Return its first findings as markup, and a link to the others."""
    told = told_of(job)
    shown = markup.findings([text(finding, 200) for finding in told[:SHOWN_FINDINGS]]) if told else ""
    if (more := len(told) - SHOWN_FINDINGS) > 0:
        shown += f'<a href="/jobs/{quote(job.id)}">{more} more finding{"s" if more > 1 else ""}</a>'
    return shown


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


def reason(job: Job, session: Session | None = None, longest: int = LONGEST_TEXT) -> str:
    """Say why it is not done, and what to do: by a button where somebody is logged in, else by what to type."""
    told = f"<p>{text(job.reason, longest)}</p>" if job.reason else ""
    if job.due is not None and job.state is JobState.DELAYED:
        told += f"<p>Tried again at {clock(job.due)} (UTC).</p>"
    if (step := next_of(job)) is None:
        return told
    button = form(session, f"/jobs/{quote(job.id)}/retry", "Start again", {})
    is_short = button and longest < LONGEST_TEXT
    ways = [way for way in (button, "" if is_short else command(step[1])) if way]
    return told + f'<div class="next">{step[0]}: {" or ".join(ways)}</div>'


def form(session: Session | None, address: str, word: str, fields: Mapping[str, str]) -> str:
    """Return a button that sends a request as markup; "" for somebody who is not logged in."""
    if session is None or not session.field:
        return ""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{text(value)}">'
        for name, value in {"form": session.field, **fields}.items()
    )
    return f'<form method="post" action="{address}" class="act">{hidden}<button>{text(word)}</button></form>'


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


def clock_of(then: WallMs, at: WallMs) -> str:
    """Return how long ago an instant is as markup; pointed at, it tells the instant."""
    minutes = max(0, at - then) // 60_000
    ago = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    told = clock(then)
    if then > at + 60_000 or minutes >= 60 * 24 * 60:
        ago = told[:10]
    return f'<time class="nowrap" title="{told} UTC">{ago}</time>'
