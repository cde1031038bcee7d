"""How far a job is, and how long it still takes: only what is known is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import Workshop

from assembler.jobs.store.model import Job, JobState
from assembler.jobs.web import status_page
from assembler.jobs.worker.progress import ProgressWriter
from assembler.times import Ms, WallMs
from jobs.intake.test_once import event


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        opened.hand_in(event())
        opened.records.change("t1", state=JobState.RUNNING, begun=0)
        yield opened


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that pass when we say so."""
    at = [1000.0]
    monkeypatch.setattr("assembler.jobs.worker.progress.time.monotonic", lambda: at[0])
    return at


def test_what_remains_comes_from_the_pace_of_rendering(shop: Workshop, clock: list[float]) -> None:
    way = ProgressWriter(shop.job())
    remaining: list[int | None] = []
    with way.task("render", 100.0, "s") as task:
        task.advance(40)  # what an earlier run had done: no pace of this one
        for _ in range(6):
            way.flush(shop.records)
            remaining.append(shop.job().remaining)
            clock[0] += 2
            task.advance(1)
    assert remaining == [None, None, None, 114_000, 112_000, 110_000]
    assert shop.job().progress == 0.45


def test_nothing_is_said_where_nothing_moves_or_of_other_steps(shop: Workshop, clock: list[float]) -> None:
    way = ProgressWriter(shop.job())
    for name, step in (("render", 0), ("download", 5)):
        with way.task(name, 100.0, "s") as task:
            for _ in range(10):
                way.flush(shop.records)
                assert shop.job().remaining is None
                clock[0] += 2
                task.advance(step)


def test_nothing_is_said_once_only_the_sound_is_waited_for(shop: Workshop, clock: list[float]) -> None:
    way = ProgressWriter(shop.job())
    with way.task("render", 10.0, "s") as task:
        for _ in range(5):
            way.flush(shop.records)
            clock[0] += 2
            task.advance(2)
        assert shop.job().remaining is not None
        way.flush(shop.records)
        assert (shop.job().progress, shop.job().remaining) == (1.0, None)


def test_what_is_done_beside_rendering_does_not_hide_it(shop: Workshop) -> None:
    way = ProgressWriter(shop.job())
    with way.task("render", 10.0, "s") as task:
        task.advance(5)
        with way.task("sound", 10.0, "s"):
            way.flush(shop.records)
            assert (shop.job().step, shop.job().progress) == ("render", 0.5)
        way.say("muxing")
        way.flush(shop.records)
        assert (shop.job().step, shop.job().progress) == ("render", 0.5)
    way.say("joining")
    way.flush(shop.records)
    assert (shop.job().step, shop.job().progress) == ("joining", None)


@pytest.mark.parametrize(
    ("changes", "at", "words"),
    [
        ({}, 95_000, "0:01:35"),
        ({"remaining": Ms(130_000)}, 95_000, "0:01:35, about 0:02:05 left"),
        ({"remaining": Ms(2000)}, 95_000, "0:01:35, about 0:00:01 left"),
        ({"remaining": Ms(500_000)}, 300_000, "0:05:00"),
        ({"state": JobState.WAITING, "begun": None}, 61_000, "waits for 0:01:01"),
        ({"state": JobState.DONE, "remaining": None}, 500_000, "took 0:01:30"),
    ],
    ids=["unknown", "known", "nearly done", "nothing was heard of late", "waiting", "over"],
)
def test_the_times_of_a_job(shop: Workshop, changes: dict[str, object], at: int, words: str) -> None:
    running = {"created": WallMs(0), "begun": WallMs(0), "updated": WallMs(90_000)}
    job = Job.model_validate({**shop.job().model_dump(), **running, **changes})
    assert status_page.elapsed(job, WallMs(at)) == words
