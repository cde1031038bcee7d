"""Look at the records for the page of all jobs: what was asked for in its address, as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping

from assembler.errors import InputError
from assembler.jobs.intake.bodies import list_events, list_refused
from assembler.jobs.intake.gather import count_gatherings, list_gatherings
from assembler.jobs.intake.tasks import count_missing, missing
from assembler.jobs.listing import (
    Filter,
    count_jobs,
    is_room,
    list_page,
    parse_age,
    parse_search,
    parse_states,
    queue_places,
)
from assembler.jobs.store.records import Records
from assembler.jobs.web.acts import TOLD
from assembler.jobs.web.gatherings import SHOWN
from assembler.jobs.web.list_page import SHOWN_EVENTS, SHOWN_REFUSED, SHOWN_TASKS, Asked, Seen
from assembler.times import WallMs


def look(records: Records, asked: Asked, query: Mapping[str, str], at: WallMs) -> Seen:
    """Look for the jobs of a page; what cannot be read is left out, with a sentence that says so."""
    said = [TOLD.get(query.get("told", ""), "")]
    try:
        wanted = _filter(records, asked)
    except InputError as exc:
        said.append(f"{exc.sentence}: all jobs are shown. {exc.hint}")
        wanted = Filter()
    try:
        page = list_page(records, wanted, after=query.get("after", ""), before=query.get("before", ""))
    except InputError as exc:
        said.append(f"{exc.sentence}: this is the first one")
        page = list_page(records, wanted)
    seen = Seen(page, queue_places(records, page.jobs), count_jobs(records, wanted.room), said=" ".join(said).strip())
    if not asked.is_all or page.before is not None:
        return seen
    return seen._replace(
        missing=missing(records, SHOWN_TASKS), count_missing=count_missing(records),
        gatherings=list_gatherings(records, SHOWN), count_gatherings=count_gatherings(records),
        events=list_events(records, limit=SHOWN_EVENTS, without_job=True),
        refused=list_refused(records, SHOWN_REFUSED),
    )  # fmt: skip


def _filter(records: Records, asked: Asked) -> Filter:
    search, room = parse_search(asked.q), parse_search(asked.room)
    if search and not room and is_room(records, search):
        search, room = "", search
    since = parse_age(asked.since) if asked.since else None
    states = parse_states([asked.state] if asked.state else [])
    return Filter(**states, room=room or None, beginning=search, since=since)
