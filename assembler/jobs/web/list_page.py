"""The page of all jobs: what failed first, filters as links, a search; below it what else wants somebody to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote, urlencode

from assembler.jobs.intake.bodies import BodyRow, Refused
from assembler.jobs.intake.gather import Gathering
from assembler.jobs.intake.tasks import Task
from assembler.jobs.listing import END, LONGEST_SEARCH, MOST_FOUND, Page
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.web.advice import advice_on_refused, advice_on_tasks
from assembler.jobs.web.gatherings import draw_gatherings
from assembler.jobs.web.session import Session
from assembler.jobs.web.status_page import (
    clock,
    clock_of,
    elapsed,
    form,
    how_far,
    links,
    page,
    reason,
    shown_findings,
    state,
)
from assembler.report.markup import table, text
from assembler.times import WallMs

SHOWN_TASKS, SHOWN_EVENTS, SHOWN_REFUSED = 100, 50, 20
"""Maximum number of rows in each of the lists below the jobs."""
SINCE = {"": "any time", "1h": "the last hour", "24h": "the last day", "7d": "the last week", "30d": "the last month"}
"""Choices of how new the shown jobs are."""
LONGEST_REASON = 600
"""Maximum number of characters of a reason in the list; the job's own page has all."""


class Asked(NamedTuple):
    """Query of the page, as it came."""

    state: str = ""
    """State that is shown; "" for all."""
    room: str = ""
    """Room that is shown; "" for all."""
    q: str = ""
    """Search for a room or a task."""
    since: str = ""
    """Age of the oldest shown, such as 24h; "" for any."""

    @property
    def is_all(self) -> bool:
        """True if nothing is left out."""
        return not any(self)


class Seen(NamedTuple):
    """Contents of the page."""

    page: Page
    """Jobs that are shown."""
    places: Mapping[str, int]
    """Places in the queue, by job."""
    counts: Mapping[str, int]
    """Number of jobs by state."""
    missing: Sequence[Task] = ()
    """Tasks whose result did not come, the first ones."""
    count_missing: int = 0
    """Number of all of them."""
    gatherings: Sequence[Gathering] = ()
    """Recordings told of in parts, the first ones."""
    count_gatherings: int = 0
    """Number of all of them."""
    events: Sequence[BodyRow] = ()
    """Other events."""
    refused: Sequence[Refused] = ()
    """Refused callbacks."""
    said: str = ""
    """Sentence about what was asked for; "" where all is well."""


def list_page(seen: Seen, asked: Asked, at: WallMs, session: Session | None) -> str:
    """Write the page; buttons are for somebody who is logged in."""
    parts = ["<h1>Jobs</h1>", _others(seen), _chips(seen.counts, asked), _search(asked)]
    if seen.said:
        parts.append(f'<p class="box" role="status">{text(seen.said)}</p>')
    if seen.page.is_cut:
        parts.append(
            f'<p class="box">More than {MOST_FOUND} jobs begin so, no more are looked through: write more.</p>'
        )
    if rows := [_row(job, seen.places.get(job.id), at, session) for job in seen.page.jobs]:
        parts += [table(["class", "state", "age", "outcome"], rows), _pager(seen.page, asked)]
    elif asked.is_all and not sum(seen.counts.values()):
        parts.append(
            "<p>No class has come in yet. Set the recorder's callback address to <code>/callback</code> on this server "
            "(as it is reached from outside), or hand in a result: <code>assembler batch RESULT.json</code></p>"
        )
    else:
        parts.append('<p>There are no such jobs. <a href="/">All jobs</a></p>')
    below = [
        *_missing(seen, session),
        *draw_gatherings(seen.gatherings, seen.count_gatherings),
        *_events(seen.events),
        *_refused(seen.refused, session),
        *_foot(session),
    ]
    return page("Jobs", "".join([*parts, *below]), session)


def _address(asked: Asked, **changed: str) -> str:
    query = {name: value for name, value in {**asked._asdict(), **changed}.items() if value}
    return f"/?{urlencode(query)}" if query else "/"


def _others(seen: Seen) -> str:
    """Link to what stands below the jobs, so that fifty of them do not hide it."""
    told = []
    if seen.count_missing:
        is_one = seen.count_missing == 1
        told.append(f'<a href="#missing">{seen.count_missing} result{" is" if is_one else "s are"} missing</a>')
    if seen.count_gatherings:
        told.append(f'<a href="#gathering">{seen.count_gatherings} told of in parts</a>')
    if seen.refused:
        told.append('<a href="#refused">callbacks were refused</a>')
    return f'<p class="box">{", ".join(told)}</p>' if told else ""


def _foot(session: Session | None) -> list[str]:
    """Link to what old jobs leave; there is nothing to press for somebody who is not logged in."""
    return ['<p><a href="/prune">What is older than it is kept</a></p>'] if session is not None else []


def _chips(counts: Mapping[str, int], asked: Asked) -> str:
    """The counts, each of them the link to those it counts."""
    whole = sum(counts.get(name, 0) for name in JobState)
    items = []
    for name, count in {"": whole, **counts}.items():
        if not count and name != asked.state:
            continue
        here = ' aria-current="true"' if name == asked.state else ""
        word = f'<span class="state {name}">{count}</span> {name or "all"}'
        items.append(f'<li><a href="{escape(_address(asked, state=name, q=""))}"{here}>{word}</a></li>')
    return f'<nav aria-label="States"><ul class="chips">{"".join(items)}</ul></nav>' if whole or asked.state else ""


def _search(asked: Asked) -> str:
    choices = "".join(
        f'<option value="{value}"{" selected" if value == asked.since else ""}>{word}</option>'
        for value, word in SINCE.items()
    )
    kept = f'<input type="hidden" name="state" value="{text(asked.state)}">' if asked.state else ""
    room = (
        f' Room <b>{text(asked.room)}</b>: <a href="{escape(_address(asked, room=""))}">all rooms</a>'
        if asked.room
        else ""
    )
    return (
        f'<form action="/" role="search" class="row">{kept}<label for="q">Room or task</label> '
        f'<input id="q" name="q" type="search" maxlength="{LONGEST_SEARCH}" value="{text(asked.q)}" '
        'placeholder="how it begins"> <label for="since">from</label> '
        f'<select id="since" name="since">{choices}</select> <button>Show</button>{room}</form>'
    )


def _pager(shown: Page, asked: Asked) -> str:
    ways = [
        ("First", {}, shown.before), ("Back", {"before": shown.before or ""}, shown.before),
        ("Next", {"after": shown.after or ""}, shown.after), ("Last", {"before": END}, shown.after),
    ]  # fmt: skip
    items = [
        f'<a href="{escape(_address(asked, **query))}">{word}</a>' if leads else f'<span class="faint">{word}</span>'
        for word, query, leads in ways
    ]
    return f'<nav aria-label="Pages" class="pager">{" ".join(items)}</nav>' if shown.before or shown.after else ""


def _row(job: Job, place: int | None, at: WallMs, session: Session | None) -> list[str]:
    about = [text(job.id)] if job.title else []
    if job.room:
        about.append(f'room <a href="/?{escape(urlencode({"room": job.room}))}">{text(job.room)}</a>')
    told = f'<a href="/jobs/{quote(job.id)}"><b dir="auto">{text(job.title or job.id, 120)}</b></a>'
    told += f'<span class="faint">{" · ".join(about)}</span>' if about else ""
    doing = how_far(job)
    if place is not None:
        doing = "next in the queue" if place == 1 else f"place {place} in the queue"
    lasts = elapsed(job, at) if place is None else ""  # the age says how long a waiting one waits
    times = [f'<span class="faint nowrap">{part}</span>' for part in (doing, lasts) if part]
    outcome = [links(job), reason(job, session, LONGEST_REASON), shown_findings(job)]
    return [told, "".join([state(job), *times]), clock_of(job.created, at), "".join(outcome)]


def _missing(seen: Seen, session: Session | None) -> list[str]:
    if not seen.missing:
        given = _hand_in(session)
        return [f"<details><summary>Hand in a result</summary>{given}</details>"] if given else []
    rows = [
        [f"<b>{text(t.task)}</b>", text(t.room or ""), text(t.kind), clock(t.updated), _pause(t)] for t in seen.missing
    ]
    drawn = table(["task", "room", "latest event", "heard (UTC)", "progress"], rows)
    more = f"The {SHOWN_TASKS} longest silent of {seen.count_missing}"
    rest = (
        f"<p>{more}; <code>assembler jobs list --missing</code> shows all.</p>"
        if seen.count_missing > len(seen.missing)
        else ""
    )
    return ['<h2 id="missing">Results missing</h2>', f"<p>{advice_on_tasks()}</p>", _hand_in(session), drawn, rest]


def _hand_in(session: Session | None) -> str:
    if session is None or not session.field:
        return ""
    return (
        '<form method="post" action="/results" enctype="multipart/form-data" class="row">'
        f'<input type="hidden" name="form" value="{text(session.field)}"><label for="result">Result (JSON)</label> '
        '<input id="result" name="result" type="file" required> <button>Hand in</button></form>'
    )


def _events(events: Sequence[BodyRow]) -> list[str]:
    if not events:
        return []
    rows = [[text(e.kind or "without a type"), text(e.task or ""), clock(e.received), text(e.note)] for e in events]
    drawn = table(["event", "task", "received (UTC)", "note"], rows)
    inside = f"{drawn}{_newest(len(events), SHOWN_EVENTS)}"
    told = "<p>Accepted and kept; of these no job is made, as they tell of no files.</p>"
    return [f"<h2>Other events</h2>{told}<details><summary>{len(events)} of them</summary>{inside}</details>"]


def _refused(refused: Sequence[Refused], session: Session | None) -> list[str]:
    if not refused:
        return []
    rows = [
        [f"{r.status}", clock(r.received), f"{r.size} B", text(r.reason),
         form(session, "/refused/take", "Check again", {"number": f"{r.id}"})]
        for r in refused
    ]  # fmt: skip
    advice = "".join(f"<p>{sentence}</p>" for sentence in advice_on_refused(refused))
    every = form(session, "/refused/take", "Check all again, take those that are right now", {"number": "all"})
    drawn = table(["status", "received (UTC)", "size", "reason", ""], rows)
    return ['<h2 id="refused">Refused callbacks</h2>', advice, every, drawn, _newest(len(refused), SHOWN_REFUSED)]


def _newest(count: int, most: int) -> str:
    return f'<p class="faint">The newest {most}.</p>' if count == most else ""


def _pause(task: Task) -> str:
    told = [] if task.progress is None else [f"{task.progress} %"]
    return "<br>".join(text(sentence) for sentence in [*told, *task.history(clock)])
