"""What `jobs check` and /metrics find in a database in which something of each kind is the matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from terminal import Desk, three_streams
from workshop import Workshop

from assembler.jobs.check import Level, Limits, check, measure
from assembler.jobs.intake.tasks import expect
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import now
from assembler.jobs.store.seen import WORKER, forget_seen, mark_seen, take_turn
from assembler.jobs.store.tables import JOB
from jobs.intake.test_once import event

HOUR_MS = 3_600_000


def put(shop: Workshop, name: str, **values: Any) -> None:
    with shop.records.transaction() as connection:
        connection.execute(sa.update(JOB).where(JOB.c.id == name).values(**values))


def test_what_is_the_matter_is_counted_and_the_worst_of_it_is_told(shop: Workshop) -> None:
    shop.hand_in(*(event(f"t{number}") for number in range(6)))
    at = now()
    recent = {"updated": at - HOUR_MS // 2, "stop": at, "sent": at, "created": at}
    put(shop, "t0", **recent | {"state": "waiting", "updated": at - 2 * HOUR_MS, "stop": at - 50 * HOUR_MS})
    put(shop, "t1", **recent | {"state": "failed"})
    put(shop, "t2", **recent | {"state": "failed", "updated": at - 2 * HOUR_MS})
    put(shop, "t3", **recent | {"state": "done", "verdict": "degraded", "length": 60_000, "wall": 10_000})
    put(shop, "t4", **recent | {"state": "done", "verdict": "ok", "length": 20_000, "wall": 10_000})
    put(shop, "t5", **recent | {"state": "delayed", "stop": at - 50 * HOUR_MS, "fetched": "w"})
    expect(shop.records, ["never"])
    found = measure(shop.records)
    assert (found.waiting, found.states[JobState.FAILED], found.degraded, found.failures) == (1, 2, 1, 1)
    assert (found.missing, found.expiring, found.workers, found.speed) == (1, 1, 0, 4.0)
    assert found.queue_seconds == pytest.approx(7200, abs=5)
    limits = Limits(free_gib=(0.001, 0.001))
    levels = {row.name: row.level.name for row in check(shop.records, shop.options, limits)}
    assert levels == {
        "database": "OK", "workers": "CRITICAL", "queue": "WARNING", "failures": "WARNING", "missing": "WARNING",
        "links": "WARNING", "disk_home": "OK", "disk_output": "OK",
    }  # fmt: skip
    mark_seen(shop.records, WORKER + "w")
    mark_seen(shop.records, WORKER + "w")
    assert all(row.level < Level.CRITICAL for row in check(shop.records, shop.options, limits))
    forget_seen(shop.records, WORKER + "w")
    assert measure(shop.records).workers == 0
    assert [take_turn(shop.records, "x", before) for before in (0, 0, now() + HOUR_MS)] == [True, False, True]


def test_the_exit_code_is_the_worst_level_and_the_line_names_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, three_streams())
    new = desk.say("jobs", "check")
    assert new.code == 2
    assert "there is no database of jobs in" in new.out
    assert not desk.home.exists(), "who only looks makes no database"
    assert desk.say("jobs", "list").code == 0
    well = desk.say("jobs", "check", "--free-gib", "0.001", "0.001")
    assert (well.code, well.out.startswith("OK - ")) == (0, True)
    assert " failures=0;1;10 " in well.out
    full = desk.say("jobs", "check", "--free-gib", "1000000", "0")
    assert full.code == 1
    assert full.out.startswith("WARNING - ")
    assert "jobs prune" in full.out
    desk.say("jobs", "expect", "never")
    told = desk.say("jobs", "check", "--free-gib", "0.001", "0.001", "--missing", "1", "1", "--json")
    rows = {row["name"]: row for row in json.loads(told.out)}
    assert (told.code, rows["missing"]["level"], rows["missing"]["value"]) == (2, "critical", 1)
    away = desk.say("jobs", "check", database_url="postgresql://x@127.0.0.1:1/x")
    assert (away.code, away.out.startswith("CRITICAL - the database")) == (2, True)
