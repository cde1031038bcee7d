"""The chunks of one long class, rendered by its own worker and by idle ones: each once, whoever dies, and one file."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from classes import wrong_pictures
from terminal import busy_in, three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.assemble import Playback
from assembler.jobs.intake import cancel
from assembler.jobs.model import JobState
from assembler.media.verify import load_manifest, verify

LESSON = three_streams(5)
CHUNKS = 8
PATIENCE = 180
"""Seconds; a worker runs at nice 10, and other tests beside it."""
Process = subprocess.Popen[bytes]
SLOW_AND_COUNTING = """#!/bin/sh
case "$*" in *-filter_complex*)
    for word in "$@"; do case "$word" in chunks/*.graph) echo "$word" "$PWD" >> "{log}";; esac; done
    sleep {seconds};;
esac
exec "{ffmpeg}" "$@"
"""


@pytest.fixture
def shop(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Workshop]:
    """A class of eight pieces that counts as a long one, and an ffmpeg that notes which pieces it renders and where."""
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(SLOW_AND_COUNTING.format(log=tmp_path / "rendered", seconds=0.3, ffmpeg=bundled_ffmpeg))
    ffmpeg.chmod(0o755)
    settings = {**laid(tmp_path, LESSON, bundled_ffmpeg), "ffmpeg": str(ffmpeg), "share_minutes": "0.01"}
    with Workshop.opened(tmp_path, chunk_seconds="0.6", jobs="1", **settings) as opened:
        yield opened


def rendered(shop: Workshop) -> list[tuple[str, bool]]:
    """Every start of an ffmpeg on a piece so far: the piece, and whether it was rendered by somebody who helps."""
    path = shop.folder / "rendered"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split()[0], "/helped/" in line) for line in lines]


def by_helpers(shop: Workshop) -> int:
    return sum(is_helped for _, is_helped in rendered(shop))


def repeated(shop: Workshop) -> int:
    return len(rendered(shop)) - len(Counter(piece for piece, _ in rendered(shop)))


@contextmanager
def owner_and_helper(shop: Workshop) -> Iterator[tuple[Process, Process]]:
    """Two workers, the first of which has the job."""
    with shop.worker() as first:
        until(lambda: shop.job().state is JobState.RUNNING)
        with shop.worker() as second:
            yield first, second


def assert_right(shop: Workshop) -> None:
    path = shop.options.home / "output/unknown/7/t1/playback.mp4"
    manifest = load_manifest(path)
    verify(path, manifest, decode="all")
    assert wrong_pictures(LESSON, Playback(path, manifest, was_there=False)) == []
    assert busy_in(shop.folder) == []
    assert [p.name for p in shop.options.home.glob("shared/*")] == []


def test_an_idle_worker_renders_chunks_of_anothers_job_and_none_is_rendered_twice(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    with owner_and_helper(shop):
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (0, 1)
    assert len(rendered(shop)) == CHUNKS
    assert repeated(shop) == 0
    assert by_helpers(shop) >= 2
    assert_right(shop)


@pytest.mark.leaves_parts
def test_a_helper_that_is_killed_leaves_its_chunk_to_the_owner(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    with owner_and_helper(shop) as (_, helper):
        until(lambda: by_helpers(shop) >= 1)
        kill(helper)
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (0, 1)
    assert repeated(shop) <= 1
    assert_right(shop)


@pytest.mark.leaves_parts
def test_an_owner_that_is_killed_is_followed_by_its_helper(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    with owner_and_helper(shop) as (owner, _):
        until(lambda: by_helpers(shop) >= 1)
        kill(owner)
        until(lambda: shop.job().deaths == 1, PATIENCE)
        job = shop.wait(JobState.DONE, seconds=PATIENCE)
    assert (job.deaths, job.tries) == (1, 1)
    assert repeated(shop) <= 1
    assert_right(shop)


def test_what_is_cancelled_stops_at_its_helpers_too(shop: Workshop) -> None:
    shop.hand_in(body_of(LESSON))
    with owner_and_helper(shop):
        until(lambda: by_helpers(shop) >= 1)
        assert cancel(shop.records, shop.engine, shop.job())
        until(lambda: not [name for name in busy_in(shop.folder) if "ffmpeg" in name], 15)
        assert shop.job().state is JobState.CANCELLED
        assert not list(shop.options.home.glob("shared/*"))
        until(lambda: not list(shop.options.home.glob("work/*/helped/*")), 10)
