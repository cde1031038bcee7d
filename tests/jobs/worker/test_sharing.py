"""The chunks of one long class, rendered by its own worker and by idle ones: each once, whoever dies, and one file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from classes import wrong_pictures
from terminal import busy_in, three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.jobs.control import cancel
from assembler.jobs.store.model import JobState
from assembler.media.verify.verify import verify
from assembler.pipeline.assemble import Playback, assemble
from assembler.plan.manifest import load_manifest

LESSON = three_streams(5)
PATIENCE = 180
"""Seconds; a worker runs at nice 10, and other tests beside it."""
COUNTING = """#!/bin/sh
case "$*" in *-filter_complex*)
    for word in "$@"; do case "$word" in chunks/*.graph) echo "$word" "$PWD" >> "{folder}/rendered";; esac; done
    case "$PWD" in */helped/*) {helper};; *) while [ ! -e "{folder}/go" ]; do sleep 0.05; done;; esac;;
esac
exec "{ffmpeg}" "$@"
"""
"""An ffmpeg that notes which pieces it renders and where; in the hands of the job's own worker it waits for a file."""
HANGS = "exec sleep 1000"


@pytest.fixture
def shop(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Workshop]:
    """A class of a few pieces that counts as a long one."""
    settings = {**laid(tmp_path, LESSON, bundled_ffmpeg), "share_minutes": "0.01"}
    settings["ffmpeg"] = str(tmp_path / "ffmpeg")
    with Workshop.opened(tmp_path, chunk_seconds="1", processes="1", **settings) as opened:
        lay_ffmpeg(opened, bundled_ffmpeg, helper=":")
        yield opened


def lay_ffmpeg(shop: Workshop, ffmpeg: str, *, helper: str) -> None:
    path = shop.folder / "ffmpeg"
    path.write_text(COUNTING.format(folder=shop.folder, helper=helper, ffmpeg=ffmpeg))
    path.chmod(0o755)


def go(shop: Workshop) -> None:
    """The job's own worker renders from here on."""
    (shop.folder / "go").touch()


def rendered(shop: Workshop) -> list[tuple[str, str]]:
    """Every start of an ffmpeg on a piece so far: the piece, and the folder in which it is rendered."""
    path = shop.folder / "rendered"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]


def helped(shop: Workshop) -> list[str]:
    """The folder of whoever helped, for each piece that was begun there."""
    return [folder for _, folder in rendered(shop) if "/helped/" in folder]


def repeated(shop: Workshop) -> int:
    return len(rendered(shop)) - len({piece for piece, _ in rendered(shop)})


def published(shop: Workshop) -> Path:
    return shop.options.home / "output/unknown/7/t1/playback.mp4"


def assert_right(shop: Workshop) -> None:
    path = published(shop)
    manifest = load_manifest(path)
    verify(path, manifest, decode="all")
    assert wrong_pictures(LESSON, Playback(path, manifest, was_there=False)) == []
    assert busy_in(shop.folder) == []
    assert [p.name for p in shop.options.home.glob("shared/*")] == []
    assert [p.name for p in shop.options.home.glob("work/*/*")] == []


def test_idle_workers_render_chunks_of_anothers_job_and_none_is_rendered_twice(
    shop: Workshop, bundled_ffmpeg: str
) -> None:
    shop.hand_in(body_of(LESSON))
    with shop.worker(), shop.worker():
        until(lambda: len(helped(shop)) >= 2, PATIENCE)
        go(shop)
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (0, 1)
    assert len(rendered(shop)) == len(load_manifest(published(shop)).joins) + 1
    assert repeated(shop) == 0
    assert_right(shop)
    changes = {"home": shop.folder / "alone", "ffmpeg": bundled_ffmpeg, "share_minutes": 0}
    alone = assemble(LESSON.recording(), shop.folder / "alone.mp4", shop.options.model_copy(update=changes))
    assert alone.path.read_bytes() == published(shop).read_bytes()


def test_the_chunk_of_a_helper_that_is_killed_or_told_to_end_is_rendered_by_its_owner(
    shop: Workshop, bundled_ffmpeg: str
) -> None:
    lay_ffmpeg(shop, bundled_ffmpeg, helper=HANGS)
    shop.hand_in(body_of(LESSON))
    with shop.worker():
        until(lambda: shop.job().state is JobState.RUNNING)
        told, killed = shop.start(), shop.start()
        try:
            until(lambda: len(helped(shop)) == 2, PATIENCE)
            told.terminate()
            assert told.wait(10) == 0
        finally:
            kill(told)
            kill(killed)
        go(shop)
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (0, 1)
    assert repeated(shop) == 2
    assert_right(shop)


@pytest.mark.leaves_parts
def test_an_owner_that_is_killed_is_followed_by_its_helper(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    owner = shop.start()
    until(lambda: shop.job().state is JobState.RUNNING)
    with shop.worker():
        until(lambda: len(helped(shop)) >= 2, PATIENCE)
        kill(owner)
        died, before = time.monotonic(), shop.chunks()
        assert before
        go(shop)
        until(lambda: shop.job().deaths == 1, 30)
        assert time.monotonic() - died < 30
        assert {name: shop.chunks().get(name, same) for name, same in before.items()} == before
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (1, 1)
    assert repeated(shop) <= 1
    assert_right(shop)


def test_what_is_cancelled_stops_at_its_helpers_too(shop: Workshop, bundled_ffmpeg: str) -> None:
    lay_ffmpeg(shop, bundled_ffmpeg, helper=HANGS)
    shop.hand_in(body_of(LESSON))
    with shop.worker(), shop.worker():
        until(lambda: len(rendered(shop)) == 2, PATIENCE)
        assert cancel(shop.records, shop.engine, shop.job())
        until(lambda: not set(busy_in(shop.folder)) & {"ffmpeg", "sh", "sleep"}, 15)
        assert shop.job().state is JobState.CANCELLED
        assert not list(shop.options.home.glob("shared/*"))
