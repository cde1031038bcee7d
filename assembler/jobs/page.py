"""The pages as text: they read without JavaScript, refresh themselves with it, and load nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from assembler.decide import timeline_only
from assembler.dialects import parse
from assembler.errors import AssemblerError
from assembler.jobs.bodies import Event, Refused, load_body
from assembler.jobs.model import Job, JobState
from assembler.jobs.records import Records
from assembler.jobs.tasks import Task
from assembler.options import load_options
from assembler.report.text import describe_recordings
from assembler.times import WallMs

_SCRIPT = """
setInterval(async () => {
  if (document.hidden || String(getSelection())) return;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (fresh) document.querySelector("main").replaceWith(fresh);
  } catch (error) { /* the server is away: the next look may find it */ }
}, 3000);
"""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; vertical-align: top;
border-bottom: 1px solid #ddd; overflow-wrap: anywhere; } th { font-weight: 600; } pre { overflow-x: auto;
background: #f6f6f6; padding: .8rem; font-size: 13px; line-height: 1.25; } .done { color: #1a6b2c; } .failed, .poison {
color: #a11; } .running { color: #0b57a4; } .degraded { color: #8a5a00; } progress { width: 8rem; }
@media (prefers-color-scheme: dark) { body { background: #1b1c1f; color: #ddd; } pre { background: #26272b; }
th, td { border-color: #444; } a { color: #8ab4f8; } .done { color: #7bd88f; } .failed, .poison { color: #ff8080; }
.running { color: #8ab4f8; } .degraded { color: #e3b341; } }
"""


def _source(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def status_page(
    jobs: Sequence[Job],
    counts: Mapping[JobState, int],
    missing: Sequence[Task],
    events: Sequence[Event],
    refused: Sequence[Refused],
    at: WallMs,
) -> str:
    """All there is to see: jobs, missing results, other events, refused callbacks."""
    total = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count) or "none yet"
    rows = [
        [_link(job), _text(job.room), _state(job), _how_far(job), _clock(job.created), _elapsed(job, at), _outcome(job)]
        for job in jobs
    ]
    parts = [
        f"<h1>Jobs</h1><p>{escape(total)}</p>",
        _table(["job", "room", "state", "step", "since (UTC)", "time", "outcome"], rows),
    ]
    if missing:
        known = [
            [_text(t.task), _text(t.room), _text(t.kind), _clock(t.updated), _pause(t), _percent(t)] for t in missing
        ]
        parts.append("<h2>Results missing</h2><p>Seen or expected, but no result came. Once you have it: "
                     "<code>assembler batch RESULT.json</code></p>")  # fmt: skip
        parts.append(_table(["task", "room", "latest event", "heard (UTC)", "pause", "progress"], known))
    if events:
        parts.append("<h2>Other events</h2>")
        told = [[_text(e.kind or "?"), _text(e.task), _clock(e.received), _text(e.note)] for e in events]
        parts.append(_table(["event", "task", "received (UTC)", "note"], told))
    if refused:
        parts.append("<h2>Refused callbacks</h2>")
        told = [[str(r.status), _clock(r.received), f"{r.size} B", _text(r.reason)] for r in refused]
        parts.append(_table(["status", "received (UTC)", "size", "reason"], told))
    return _page("Jobs", "".join(parts))


def job_page(job: Job, log: Sequence[tuple[WallMs, str]], drawn: str, at: WallMs) -> str:
    """Everything about one job."""
    facts = [
        ("state", _state(job)), ("step", _how_far(job)), ("task", _text(job.task)), ("app", _text(job.app)),
        ("room", _text(job.room)), ("revision", str(job.revision)), ("known since (UTC)", _clock(job.created)),
        ("time", _elapsed(job, at)), ("tries", str(job.tries)), ("outcome", _outcome(job)),
    ]  # fmt: skip
    parts = [f'<p><a href="/">All jobs</a></p><h1>{escape(job.id)}</h1>']
    parts.append(_table(["", ""], [[escape(name), value] for name, value in facts]))
    if job.findings:
        parts.append("<h2>Findings</h2><ul>" + "".join(f"<li>{escape(f)}</li>" for f in job.findings) + "</ul>")
    if drawn:
        parts.append(f"<h2>Timeline</h2><pre>{escape(drawn)}</pre>")
    parts.append("<h2>Log</h2>" + _table(["at (UTC)", ""], [[_clock(when), _text(text)] for when, text in log]))
    parts.append(f'<p><a href="/jobs/{escape(job.id)}.json">as JSON</a></p>')
    return _page(job.id, "".join(parts))


def absent_page(name: str) -> str:
    return _page("No such job", f'<h1>No such job</h1><p>{escape(name[:100])}</p><p><a href="/">All jobs</a></p>')


def draw_timeline(records: Records, job: Job) -> str:
    """The class drawn to scale from what its result declares; "" where it cannot be read."""
    try:
        body = load_body(records, job.event)
        recording = parse(body.raw, query={"sdkappid": body.app} if body.app else {})
        return describe_recordings([recording], timeline_only(recording, load_options()), 110)
    except AssemblerError:
        return ""


def plain(job: Job) -> dict[str, Any]:
    """A job as machines read it."""
    return job.model_dump(mode="json", exclude={"event", "is_held", "segments", "key", "slot"})


def _page(title: str, main: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - assembler</title><style>{_STYLE}</style></head>"
        f"<body><main>{main}</main><script>{_SCRIPT}</script></body></html>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str | None) -> str:
    return escape((text or "")[:2000])


def _link(job: Job) -> str:
    return f'<a href="/jobs/{escape(job.id)}">{escape(job.id)}</a>'


def _state(job: Job) -> str:
    name = job.verdict if job.verdict == "degraded" else job.state.value
    words = "done, with warnings" if job.verdict == "degraded" else job.state.value
    return f'<span class="{escape(name)}">{escape(words)}</span>'


def _how_far(job: Job) -> str:
    if job.progress is None:
        return _text(job.step)
    return (
        f'{_text(job.step)} <progress max="1" value="{job.progress}">{job.progress:.0%}</progress> {job.progress:.0%}'
    )


def _outcome(job: Job) -> str:
    if job.output:
        return _text(job.output)
    due = f" (again at {_clock(job.due)})" if job.due is not None and job.state is JobState.DELAYED else ""
    return _text(job.reason) + due


def _elapsed(job: Job, at: WallMs) -> str:
    """How long the latest try takes or took; of one under way also what its step still needs at this pace."""
    if job.begun is None:
        return ""
    seconds = ((job.updated if job.state.is_over else at) - job.begun) / 1000
    return _length(seconds)


def _length(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _clock(at: WallMs | None) -> str:
    if at is None:
        return ""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _pause(task: Task) -> str:
    if task.pause is None and task.stop is None:
        return ""
    return f"paused {_clock(task.pause)}, stops {_clock(task.stop)}"


def _percent(task: Task) -> str:
    return "" if task.progress is None else f"{task.progress} %"
