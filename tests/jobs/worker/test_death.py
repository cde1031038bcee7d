"""A worker dies, or is told to end, at any step: its job runs on, nothing is done twice, nothing is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from classes import Class, wrong_pictures
from terminal import busy_in, three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.errors import JobError
from assembler.jobs.engine import Phase
from assembler.jobs.store.model import JobState
from assembler.media.verify.verify import verify
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest

LESSON = three_streams(5)
SHORT = three_streams(3)


@pytest.fixture
def shop(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Workshop]:
    """A class of nine pieces, so that there is a middle to be killed in."""
    settings = laid(tmp_path, LESSON, bundled_ffmpeg)
    with Workshop.opened(tmp_path, chunk_seconds="0.6", processes="1", **settings) as opened:
        yield opened


@pytest.fixture
def whole(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Workshop]:
    """A class of two pieces, for deaths beside the rendering."""
    settings = laid(tmp_path, SHORT, bundled_ffmpeg)
    with Workshop.opened(tmp_path, chunk_seconds="2", processes="2", **settings) as opened:
        yield opened


def published(shop: Workshop) -> Path:
    return shop.options.home / "output/unknown/7/t1/playback.mp4"


def assert_right(shop: Workshop, lesson: Class = LESSON) -> None:
    manifest = load_manifest(published(shop))
    verify(published(shop), manifest, decode="all")
    assert wrong_pictures(lesson, Playback(published(shop), manifest, was_there=False)) == []
    assert sorted(p.name for p in published(shop).parent.iterdir()) == ["job.json", "playback.assets", "playback.mp4"]
    assert published(shop).with_name("playback.assets").joinpath("report.html").exists()
    assert json.loads((published(shop).parent / "job.json").read_text())["digest"] == manifest.digest


def test_a_job_runs_from_a_body_to_a_published_file(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    with shop.worker():
        job = shop.wait(JobState.DONE)
        until(lambda: shop.engine.status(job.workflow) is Phase.ENDED)
    assert (job.verdict, job.output, job.reason, job.tries) == ("ok", str(published(shop)), "", 1)
    assert [step.step for step in shop.engine.events(job.workflow)] == ["download", "render", "publish", "settle"]
    assert not list(shop.options.home.glob("made/*"))
    assert_right(shop)


@pytest.mark.leaves_parts
def test_killed_in_the_middle_of_rendering(shop: Workshop) -> None:
    """The same worker comes again; that another one takes over is seen in test_sharing and test_postgres."""
    shop.hand_in(body_of(LESSON))
    first = shop.start()
    until(lambda: len(shop.chunks()) >= 2)
    kill(first)
    before, died = shop.chunks(), time.monotonic()
    assert not published(shop).exists()
    assert shop.job().state is JobState.RUNNING
    assert busy_in(shop.folder) == []
    with shop.worker():
        seen = dict(before)
        while shop.job().state is not JobState.DONE:
            is_taken_up = shop.job().deaths == 1
            assert time.monotonic() < died + (90 if is_taken_up else 30), shop.records.log_of("t1")
            for name, identity in shop.chunks().items():
                assert seen.setdefault(name, identity) == identity
            time.sleep(0.05)
    assert len(before) < len(load_manifest(published(shop)).joins)
    assert shop.job().deaths == 1
    assert_right(shop)


STEPS = ["download", "render", "publish", "settle"]


@pytest.mark.leaves_parts
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("before", "assembler.jobs.worker.steps:gather"), ("before", "assembler.network.publish.folder:write_whole")),
        (("before", "assembler.pipeline.assemble:_put_in_place"), ("behind", "assembler.jobs.worker.steps:publish")),
    ],
    ids=["downloading, then publishing", "rendering, then when published"],
)
def test_killed_at_one_step_and_again_at_a_later_one(
    whole: Workshop, first: tuple[str, str], second: tuple[str, str]
) -> None:
    whole.hand_in(body_of(SHORT))
    pieces: dict[str, tuple[int, int]] = {}
    for deaths, (moment, place) in enumerate([first, second]):
        kill(whole.start_halting(place, moment))
        assert busy_in(whole.folder) == []
        assert (whole.job().state, whole.job().is_held, whole.job().deaths) == (JobState.RUNNING, True, deaths)
        assert {name: whole.chunks().get(name, same) for name, same in pieces.items()} == pieces
        pieces = whole.chunks()
    with whole.worker():
        job = whole.wait(JobState.DONE, seconds=180)
        until(lambda: whole.engine.status(job.workflow) is Phase.ENDED)  # the engine notes the last step behind its end
    assert (job.deaths, job.tries, job.reason) == (2, 1, "")
    assert [step.step for step in whole.engine.events(job.workflow)] == STEPS
    assert_right(whole, SHORT)


@pytest.mark.leaves_parts
def test_killed_when_rendered_and_again_when_all_is_done_but_the_engine_does_not_know(whole: Workshop) -> None:
    whole.hand_in(body_of(SHORT))
    kill(whole.start_halting("assembler.jobs.worker.steps:assemble", "behind"))
    kill(whole.start_halting("assembler.jobs.worker.steps:JobSteps._settle", "behind"))
    assert (whole.job().state, whole.job().is_held) == (JobState.DONE, False)
    seen = published(whole).stat()
    with whole.worker():
        until(lambda: whole.engine.status("t1:1") is Phase.ENDED)
    assert whole.job().deaths == 1
    assert published(whole).stat() == seen
    assert_right(whole, SHORT)


def test_told_to_end_it_gives_its_job_back_within_ten_seconds(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    first = shop.start()
    until(lambda: len(shop.chunks()) >= 2)
    told = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    assert time.monotonic() - told < 10
    assert busy_in(shop.folder) == []
    job = shop.job()
    assert (job.state, job.is_held, job.deaths) == (JobState.WAITING, False, 0)
    assert shop.engine.status(job.workflow) is Phase.WAITING
    before = shop.chunks()
    with shop.worker():
        until(lambda: shop.job().state is JobState.RUNNING)
        assert {name: shop.chunks().get(name, same) for name, same in before.items()} == before
        job = shop.wait(JobState.DONE)
    assert (job.deaths, job.tries) == (0, 1)
    assert_right(shop)


@pytest.mark.leaves_parts
def test_a_job_that_kills_its_workers_is_given_up_and_says_so(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    for _ in range(3):
        worker = shop.start()
        until(lambda: shop.job().is_held and shop.job().state is JobState.RUNNING and worker_has_it(shop))
        kill(worker)
    with shop.worker():
        job = shop.wait(JobState.POISON)
    assert "3 workers died" in job.reason
    assert shop.engine.status(job.workflow) is Phase.ENDED
    assert not published(shop).exists()


def worker_has_it(shop: Workshop) -> bool:
    begun = shop.job().begun
    known = getattr(shop, "begun", None)
    if begun is not None and begun != known:
        shop.begun = begun  # type: ignore[attr-defined]  # only this test looks at it
        return True
    return False


def test_cancelled_while_it_renders_it_stops_within_seconds(shop: Workshop) -> None:
    from assembler.jobs.control import cancel, try_again

    shop.hand_in(body_of(LESSON))
    with shop.worker():
        until(lambda: len(shop.chunks()) >= 2)
        assert cancel(shop.records, shop.engine, shop.job())
        until(lambda: not [name for name in busy_in(shop.folder) if "ffmpeg" in name], 8)
        assert shop.job().state is JobState.CANCELLED
        assert not published(shop).exists()
        assert not cancel(shop.records, shop.engine, shop.job())
        try_again(shop.records, shop.engine, shop.job())
        job = shop.wait(JobState.DONE)
    assert (job.tries, job.deaths) == (2, 0)
    assert_right(shop)


def test_told_to_end_while_something_hangs_it_ends_all_the_same() -> None:
    code = (
        "import time; from assembler.jobs.worker import worker; worker.END_SECONDS = 0.5; worker._end_when_told();"
        "print('ready', flush=True)\nwhile True: time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == JobError.exit_code
