"""Filters and pages of jobs, for the page and for `jobs list`, each found by indexes, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from assembler.errors import InputError
from assembler.findings import Verdict
from assembler.jobs.store.model import GIVEN_UP, QUEUED, Job, JobState
from assembler.jobs.store.records import Records, now, to_job
from assembler.jobs.store.tables import JOB
from assembler.times import DAY_MS, HOUR_MS, WallMs
from assembler.values import Value

PAGE = 50
"""Number of jobs of a page."""
LONGEST_SEARCH = 200
"""Maximum length of a search, in characters; task ids and rooms are shorter."""
MOST_FOUND = 1000
"""Maximum number of jobs that a search for a beginning looks through; a room written out is shown whole."""
MOST_PLACES = 10_000
"""Maximum place in the queue that is told."""
DEGRADED = Verdict.DEGRADED.value
"""Word for the state of a job whose playback lacks something."""
END = "end"
"""Place behind the last job."""
_LARGEST = 2**63 - 1
_PLACE = re.compile(r"(f?)([0-9]{1,19})")
_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([mhdw])")
_UNITS = {"m": 60_000, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


class Filter(Value):
    """Filter of jobs; what is not given lets all pass."""

    states: tuple[JobState, ...] = ()
    """States that pass; all where none is named."""
    is_degraded: bool = False
    """True where only finished jobs pass whose playback lacks something."""
    room: str | None = None
    """Room whose jobs pass."""
    beginning: str = ""
    """Beginning of the id or the room of jobs that pass, or their whole task id."""
    since: WallMs | None = None
    """Time since which jobs that pass are known, Unix ms."""


class Page(NamedTuple):
    """One page of jobs."""

    jobs: list[Job]
    """Jobs, those that failed first, then the newest first."""
    before: str | None
    """Place before which the page before this one ends; None where this is the first."""
    after: str | None
    """Place behind which the page behind this one begins; None where this is the last."""
    is_cut: bool = False
    """True where more jobs begin so than are looked through."""


class _Place(NamedTuple):
    group: int
    number: int


def parse_states(names: Iterable[str]) -> dict[str, Any]:
    """Read names of states, one of them perhaps ``degraded``, as fields of a filter. Raises InputError."""
    states: list[JobState] = []
    given = list(names)
    for name in given:
        if name == DEGRADED:
            continue
        try:
            states.append(JobState(name))
        except ValueError as exc:
            raise InputError(
                f"{name[:40]!r} is no state of a job", hint=f"There are: {', '.join([*JobState, DEGRADED])}."
            ) from exc
    if DEGRADED in given and states:
        raise InputError("degraded jobs are done: they cannot be listed with others", hint="Name one of both.")
    return {"is_degraded": True, "states": (JobState.DONE,)} if DEGRADED in given else {"states": tuple(states)}


def parse_age(text: str) -> WallMs:
    """Read ``30m``, ``24h``, ``7d`` or ``2w`` as the instant so long ago, Unix ms. Raises InputError."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text[:40]!r} is no length of time", hint="Write 30m, 24h, 7d or 2w.")
    return WallMs(max(0, now() - round(float(match[1]) * _UNITS[match[2]])))


def parse_search(text: str) -> str:
    """Read what somebody looks for. Raises InputError for what is longer than any name."""
    found = "".join(letter for letter in text.strip() if letter.isprintable())
    if len(found) > LONGEST_SEARCH:
        raise InputError(
            f"a search has at most {LONGEST_SEARCH} characters", hint="Write how a room or a task id begins."
        )
    return found


def list_page(records: Records, wanted: Filter, *, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """List the jobs behind the place ``after``, or before the place ``before``; the first ones without both.

    Raises InputError for what is no place.
    """
    groups = _groups(wanted)
    is_back = bool(before)
    place = _parse_place(before or after) if before or after else _Place(0, _LARGEST)
    with records.reading() as connection:
        found: list[_Place] = []
        is_cut = False
        if wanted.beginning:
            everything, is_cut = _search(connection, wanted, groups)
            found = [one for one in everything if (_key(one) < _key(place)) == is_back and one != place]
            found = found[-size - 1 :] if is_back else found[: size + 1]
        else:
            since = _first_since(connection, wanted)
            for group in range(place.group, -1, -1) if is_back else range(place.group, len(groups)):
                bound = place.number if group == place.group else (0 if is_back else _LARGEST)
                some = _numbers(connection, wanted, groups[group], since, bound, is_back, size + 1 - len(found))
                found += [_Place(group, number) for number in some]
            found = found[::-1] if is_back else found
        has_more = len(found) > size
        shown = found[-size:] if is_back else found[:size]
        jobs = _load(connection, [one.number for one in shown])
    if is_back and not shown:
        return list_page(records, wanted, size=size)
    earlier, later = (has_more, True) if is_back else (bool(after), has_more)
    if before == END:
        later = False
    ends = (_text(shown[0]), _text(shown[-1])) if shown else (END, "")
    return Page(jobs, ends[0] if earlier else None, ends[1] if later else None, is_cut)


def walk(records: Records, wanted: Filter, limit: int | None = None) -> Iterator[Job]:
    """Go through jobs page by page, at most so many."""
    left, after = _LARGEST if limit is None else limit, ""
    while left > 0:
        page = list_page(records, wanted, after=after, size=min(left, 10 * PAGE))
        yield from page.jobs
        left -= len(page.jobs)
        if page.after is None:
            return
        after = page.after


def is_room(records: Records, name: str) -> bool:
    """Tell whether any job is of this room."""
    with records.reading() as connection:
        return connection.execute(sa.select(JOB.c.number).where(JOB.c.room == name).limit(1)).first() is not None


def count_jobs(records: Records, room: str | None = None) -> dict[str, int]:
    """Count the jobs, perhaps those of a room, by state; ``degraded`` ones are counted in ``done`` as well."""
    counted = sa.select(JOB.c.state, sa.func.count()).group_by(JOB.c.state)
    if room is not None:
        counted = counted.where(JOB.c.room == room)
    with records.reading() as connection:
        every = {row[0]: int(row[1]) for row in connection.execute(counted)}
        degraded = {row[0]: int(row[1]) for row in connection.execute(counted.where(JOB.c.verdict == DEGRADED))}
    counts = {state.value: every.get(state.value, 0) for state in JobState}
    return {**counts, DEGRADED: degraded.get(JobState.DONE.value, 0)}


def queue_places(records: Records, jobs: Sequence[Job]) -> dict[str, int]:
    """Return the place in the queue of those that wait, by id: 1 is next. One that was started again is behind others
    of which its number does not tell: it has none."""
    ids = {job.id for job in jobs if job.state in QUEUED and job.tries <= 1}
    if not ids:
        return {}
    with records.reading() as connection:
        ahead = _numbers(connection, Filter(), QUEUED, 0, 0, True, MOST_PLACES)
        own = connection.execute(sa.select(JOB.c.id, JOB.c.number).where(JOB.c.id.in_(ids))).all()
    places = {number: place for place, number in enumerate(ahead, 1)}
    return {row.id: places[row.number] for row in own if row.number in places}


def _groups(wanted: Filter) -> list[list[JobState]]:
    passing = [state for state in JobState if not wanted.states or state in wanted.states]
    return [[s for s in passing if s in GIVEN_UP], [s for s in passing if s not in GIVEN_UP]]


def _key(place: _Place) -> tuple[int, int]:
    return place.group, -place.number


def _text(place: _Place) -> str:
    return f"{'f' if place.group == 0 else ''}{place.number}"


def _parse_place(text: str) -> _Place:
    if text == END:
        return _Place(1, 0)
    match = _PLACE.fullmatch(text)
    if match is None:
        raise InputError("there is no such page", hint="Begin at the first one.")
    return _Place(0 if match[1] else 1, min(int(match[2]), _LARGEST))


def _first_since(connection: sa.Connection, wanted: Filter) -> int:
    """Find a number below which all are too old; numbers grow with time, as far as the machines' clocks agree to an
    hour."""
    if wanted.since is None:
        return 0
    first = sa.select(JOB.c.number).where(JOB.c.created >= wanted.since - HOUR_MS)
    found = connection.execute(first.order_by(JOB.c.created, JOB.c.number).limit(1)).scalar()
    return _LARGEST if found is None else int(found)


def _numbers(
    connection: sa.Connection, wanted: Filter, states: Sequence[JobState], since: int, bound: int, is_back: bool,
    most: int,
) -> list[int]:  # fmt: skip
    """Find numbers on one side of a bound: of each state the nearest by its index, of those the nearest."""
    if most <= 0 or not states:
        return []
    order = JOB.c.number.asc() if is_back else JOB.c.number.desc()
    side = JOB.c.number > bound if is_back else JOB.c.number < bound
    conditions = [side]
    if wanted.since is not None:
        conditions += [JOB.c.number >= since, JOB.c.created >= wanted.since]
    if wanted.room is not None:
        conditions.append(JOB.c.room == wanted.room)
    if wanted.is_degraded:
        conditions.append(JOB.c.verdict == DEGRADED)
    parts = [
        sa.select(JOB.c.number).where(JOB.c.state == state.value, *conditions).order_by(order).limit(most).subquery()
        for state in states
    ]
    every = sa.union_all(*(sa.select(part) for part in parts))
    found = (int(number) for number in connection.execute(every).scalars())
    return sorted(found, reverse=not is_back)[:most]


def _search(
    connection: sa.Connection, wanted: Filter, groups: Sequence[Sequence[JobState]]
) -> tuple[list[_Place], bool]:
    """Find the places of jobs that begin so, in order, and whether there are more than were looked through."""
    at_least, below = (">=", "<") if connection.dialect.name == "sqlite" else ("~>=~", "~<~")
    first, end = wanted.beginning, f"{wanted.beginning}\U0010ffff"
    named = sa.select(JOB.c.number, JOB.c.state, JOB.c.verdict, JOB.c.room, JOB.c.created)
    rows = list(connection.execute(named.where(JOB.c.key == first).limit(MOST_FOUND)))
    is_cut = False
    for column in (JOB.c.id, JOB.c.room):
        begins = sa.and_(column.op(at_least)(first), column.op(below)(end))
        some = connection.execute(named.where(begins).limit(MOST_FOUND + 1)).all()
        is_cut = is_cut or len(some) > MOST_FOUND
        rows += some[:MOST_FOUND]
    places = {
        _Place(group, int(row.number))
        for row in rows
        for group, states in enumerate(groups)
        if row.state in states
        and (wanted.room is None or row.room == wanted.room)
        and (wanted.since is None or row.created >= wanted.since)
        and (not wanted.is_degraded or row.verdict == DEGRADED)
    }
    return sorted(places, key=_key), is_cut


def _load(connection: sa.Connection, numbers: Sequence[int]) -> list[Job]:
    rows = connection.execute(sa.select(JOB).where(JOB.c.number.in_(numbers))).mappings()
    found = {int(row["number"]): to_job(row) for row in rows}
    return [found[number] for number in numbers if number in found]
