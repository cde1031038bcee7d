"""Pages of jobs: every job is on one of them, in order, and none of them is looked for by going through all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from assembler.errors import InputError
from assembler.jobs.intake.bodies import list_events
from assembler.jobs.intake.tasks import count_missing, missing
from assembler.jobs.listing import (
    END,
    MOST_FOUND,
    Filter,
    Page,
    count_jobs,
    list_page,
    parse_age,
    parse_search,
    parse_states,
    queue_places,
    walk,
)
from assembler.jobs.store.database import open_database
from assembler.jobs.store.model import GIVEN_UP, Job, JobState
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import JOB
from assembler.options import Options
from assembler.times import WallMs

COUNT = 90
FILTERS = [
    Filter(),
    Filter(room="room-1"),
    Filter(states=(JobState.DONE, JobState.FAILED)),
    Filter(states=(JobState.DONE,), is_degraded=True),
    Filter(since=WallMs(4_000_000 + 3_600_000)),
    Filter(room="room-2", since=WallMs(5_000_000), states=(JobState.FAILED, JobState.NEW)),
    Filter(beginning="room"),
    Filter(beginning="t1"),
    Filter(beginning="room-1", states=(JobState.POISON, JobState.WAITING)),
]  # fmt: skip


def made(records: Records, count: int = COUNT) -> list[Job]:
    """So many jobs in all states, the newest first."""
    states = list(JobState)
    jobs = [
        Job(
            id=f"t{n}", key=f"t{n}", slot="", revision=1, task=f"t{n}", app=None, room=f"room-{n % 3}", segments="",
            event=n, state=states[n % len(states)], verdict="degraded" if n % 2 else "ok", tries=1,
            created=WallMs(100_000 * n), updated=WallMs(0),
        )
        for n in range(count)
    ]  # fmt: skip
    with records.transaction() as connection:
        connection.execute(sa.insert(JOB), [job.model_dump(mode="json") for job in jobs])
    return jobs[::-1]


def passes(job: Job, wanted: Filter) -> bool:
    return (
        (not wanted.states or job.state in wanted.states)
        and (not wanted.is_degraded or job.verdict == "degraded")
        and (wanted.room is None or job.room == wanted.room)
        and (wanted.since is None or job.created >= wanted.since)
        and (job.id.startswith(wanted.beginning) or (job.room or "").startswith(wanted.beginning))
    )


@pytest.fixture
def records(database: dict[str, str], tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_database(Options(home=tmp_path, **database)))
    yield opened
    opened.close()


def test_every_job_is_on_one_page_forwards_and_backwards_failed_ones_first(records: Records) -> None:
    jobs = made(records)
    for wanted in FILTERS:
        expected = [job.id for job in jobs if passes(job, wanted) and job.state in GIVEN_UP]
        expected += [job.id for job in jobs if passes(job, wanted) and job.state not in GIVEN_UP]
        pages = [list_page(records, wanted, size=7)]
        while (after := pages[-1].after) is not None:
            pages.append(list_page(records, wanted, after=after, size=7))
        assert [job.id for page in pages for job in page.jobs] == expected, wanted
        assert pages[0].before is None
        back = [list_page(records, wanted, before=END, size=7)]
        while (before := back[-1].before) is not None:
            back.append(list_page(records, wanted, before=before, size=7))
        assert [job.id for page in reversed(back) for job in page.jobs] == expected, wanted
        assert back[0].after is None
        assert [job.id for job in walk(records, wanted, 20)] == expected[:20]


def test_pages_that_are_not_there_are_refused_and_those_behind_the_last_are_empty(records: Records) -> None:
    made(records)
    for wrong in ("x", "-1", "1e9", "9" * 40, "1; DROP"):
        with pytest.raises(InputError, match="no such page"):
            list_page(records, Filter(), after=wrong)
    assert list_page(records, Filter(), after="0") == Page([], END, None)
    assert list_page(records, Filter(), before="f9999999999999999999").jobs == list_page(records, Filter()).jobs
    assert len(list_page(records, Filter(), after=str(10**9)).jobs) == 50, "behind those that failed"


def test_filters_are_read_from_words_and_wrong_words_are_told(records: Records) -> None:
    assert parse_states(["degraded"]) == {"is_degraded": True, "states": (JobState.DONE,)}
    assert parse_states(["done", "new"]) == {"states": (JobState.DONE, JobState.NEW)}
    assert abs(now() - 86_400_000 - parse_age("24h")) < 10_000
    assert parse_search(" a\0b ") == "ab"
    for read, wrong in ((parse_age, "a day"), (parse_search, "x" * 10_000), (parse_age, "9" * 10_000)):
        with pytest.raises(InputError) as caught:
            read(wrong)
        assert len(caught.value.sentence) < 200
    for words in (["odd"], ["degraded", "failed"]):
        with pytest.raises(InputError, match=r"state|degraded"):
            parse_states(words)


def test_jobs_are_counted_by_state_and_those_that_wait_have_a_place(records: Records) -> None:
    jobs = made(records)
    counts = count_jobs(records)
    assert sum(counts[state] for state in JobState) == COUNT
    assert counts["degraded"] == sum(job.state is JobState.DONE and job.verdict == "degraded" for job in jobs)
    assert sum(count_jobs(records, "room-1")[state] for state in JobState) == COUNT // 3
    waiting = [job.id for job in jobs[::-1] if job.state in (JobState.NEW, JobState.WAITING)]
    assert queue_places(records, jobs) == {name: place for place, name in enumerate(waiting, 1)}
    with records.transaction() as connection:
        connection.execute(sa.update(JOB).where(JOB.c.id == waiting[0]).values(tries=2))
    assert waiting[0] not in queue_places(records, [records.load_job(name) for name in waiting])


def test_a_search_that_finds_too_many_says_so(records: Records) -> None:
    made(records, MOST_FOUND + 5)
    assert list_page(records, Filter(beginning="t")).is_cut
    assert not list_page(records, Filter(beginning="t99")).is_cut


def test_no_page_is_found_by_going_through_all_jobs_or_sorting_them(tmp_path: Path) -> None:
    records = Records(open_database(Options(home=tmp_path)))
    jobs = made(records)
    seen: list[tuple[str, Any]] = []
    sa.event.listen(
        records.engine, "before_cursor_execute", lambda _c, _k, said, values, *_: seen.append((said, values))
    )
    for wanted in FILTERS:
        list_page(records, wanted, after="f50", size=7)
        list_page(records, wanted, before=END, size=7)
    queue_places(records, jobs)
    count_jobs(records), count_jobs(records, "room-1"), count_missing(records)
    list_events(records, without_job=True), missing(records, 100)
    plans = []
    with records.reading() as connection:
        for said, values in [one for one in seen if one[0].startswith("SELECT")]:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all()
            plans += [(str(row[3]), said) for row in rows]
    assert len(plans) > 100
    for plan, said in plans:
        assert not re.search(r"SCAN assembler_(?!job USING COVERING INDEX|task USING \w* ?INDEX)", plan), (plan, said)
        assert "assembler_task" in said or "TEMP B-TREE" not in plan, (plan, said)
    records.close()
