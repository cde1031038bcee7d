"""Costs of jobs, measured by a real worker whose files come from a server, and their sums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from classes import SMALL
from pytest_httpserver import HTTPServer
from terminal import Desk, three_streams
from workshop import Workshop

from assembler.errors import InputError
from assembler.jobs.costs import TryCost, add_cost, cost_facts, first_day, sum_costs
from assembler.jobs.prune import prune
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import now
from jobs.intake.test_once import event

LESSON = three_streams(3)


def test_a_job_and_its_day_tell_what_it_took_and_the_sums_outlive_it(
    tmp_path: Path, httpserver: HTTPServer, bundled_ffmpeg: str
) -> None:
    (tmp_path / "small.json").write_text(SMALL)
    sizes, segments = 0, []
    for segment in LESSON.recording().segments:
        path = next(LESSON.make(tmp_path, bundled_ffmpeg).glob(f"{segment.video_id}.*"))
        httpserver.expect_request(f"/{path.name}").respond_with_data(path.read_bytes())
        segments.append(segment.model_copy(update={"url": httpserver.url_for(f"/{path.name}")}))
        sizes += path.stat().st_size
    recording = LESSON.recording().model_copy(update={"segments": tuple(segments), "task_id": "t1", "room_id": "r7"})
    settings = {"layout": str(tmp_path / "small.json"), "allow_hosts": httpserver.host}
    with Workshop.opened(tmp_path, **settings) as shop:
        shop.hand_in(recording.model_dump_json().encode())
        with shop.worker():
            job = shop.wait(JobState.DONE)
        assert job.length == 3000
        assert (job.wall or 0) > 500
        assert (job.cpu or 0) > 500
        assert (job.memory or 0) > 50 * 2**20
        assert job.fetched_bytes == sizes
        files = [p for p in Path(job.output).parent.rglob("*") if p.is_file() and p.name != "job.json"]
        assert job.published_bytes == sum(p.stat().st_size for p in files)
        desk = Desk(tmp_path, LESSON)
        shown = desk.say("jobs", "show", "t1").out
        assert all(f"{name}: {text}" in shown for name, text in cost_facts(job))
        assert "class minutes per CPU minute" in shown
        prune(shop.records, shop.engine, shop.options, 0)
        (row,) = json.loads(desk.say("jobs", "costs", "--by", "room", "--since", "7d", "--json").out)
        measured = {name: getattr(job, name) for name in ("length", "wall", "cpu", "memory", "published_bytes")}
        assert row == {"name": "r7", "jobs": 1, "fetched_bytes": sizes, "speed": row["speed"], **measured}
        assert desk.say("jobs", "costs").out.splitlines()[-1].split()[:3] == ["all", "1", "0:03"]


def test_tries_are_added_up_failed_ones_too_and_memory_is_the_largest(shop: Workshop) -> None:
    shop.hand_in(event(), event("t2"))
    tries = [
        ("t1", TryCost(wall=100, cpu=200, memory=7, fetched_bytes=5)),
        ("t1", TryCost(length=6000, wall=50, cpu=100, memory=3, published_bytes=9)),
        ("t2", TryCost(length=600, wall=1, cpu=0, memory=1)),
    ]
    for name, cost in tries:
        with shop.records.transaction() as connection:
            add_cost(connection, name, cost)
    job = shop.job()
    assert (job.length, job.wall, job.cpu, job.memory) == (6000, 150, 300, 7)
    assert (job.fetched_bytes, job.published_bytes) == (5, 9)
    (total,) = sum_costs(shop.records, by=None)
    assert (total.jobs, total.length, total.wall, total.memory, total.speed) == (2, 6600, 151, 7, 22.0)
    assert sum_costs(shop.records, by="day", since=now() // 86_400_000 + 1) == []
    assert shop.job("t2").wall == 1


def test_a_number_of_days_counts_today() -> None:
    today = now() // 86_400_000
    assert [first_day(text) for text in ("1d", "7d", "2w", None)] == [today, today - 6, today - 13, None]
    for text in ("0d", "7", "d", "7h", "1234567d"):
        with pytest.raises(InputError):
            first_day(text)
