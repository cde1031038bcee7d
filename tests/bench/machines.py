"""One worker on one core against two on a core each, as two machines would be: one Postgres, one shared home.

    python tests/bench/machines.py [--jobs 12] [--minutes 3] [--only small,long]

Once on many small jobs, once on the chunks of one long class; and both again with two workers, one of which is killed
in the middle. Prints wall seconds from the first job's entry to the last one's end, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import imageio_ffmpeg
from classes import Class
from jobs.conftest import Postgres
from terminal import three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.jobs.listing import count_jobs
from assembler.jobs.store.model import JobState
from assembler.media.verify.verify import verify
from assembler.plan.manifest import load_manifest

CORES = sorted(os.sched_getaffinity(0))[:2]
SECONDS = 12
"""Length of a small class."""
PATIENCE = 1800.0


def small(folder: Path, count: int) -> tuple[list[bytes], dict[str, str]]:
    """Classes of their own files each: nothing that one of them learned is of use to another."""
    bodies, settings = [], {}
    for number in range(count):
        plain = three_streams(SECONDS)
        streams = [replace(s, video_id=f"{s.video_id}-{number}") for s in plain.streams]
        lesson = Class(streams, total=plain.total)
        settings = laid(folder, lesson, imageio_ffmpeg.get_ffmpeg_exe())
        bodies.append(body_of(lesson, f"t{number}", room_id=str(number)))
    return bodies, settings


def long(folder: Path, minutes: float) -> tuple[list[bytes], dict[str, str]]:
    lesson = three_streams(round(minutes * 60))
    settings = laid(folder, lesson, imageio_ffmpeg.get_ffmpeg_exe())
    return [body_of(lesson, "t0")], {**settings, "layout": "tiw-2", "chunk_seconds": "10", "share_minutes": "1"}


@contextmanager
def workers(shop: Workshop, cores: Sequence[int]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A worker pinned to each core, ready; the first one is called 1, and so on."""
    processes = []
    log = shop.folder / "worker.log"
    try:
        for core in cores:
            before = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {core})
            try:
                processes.append(shop.start(processes="1"))
            finally:
                os.sched_setaffinity(0, before)
            until(lambda: log.read_text().count("publishing to") == len(processes), 120)
        time.sleep(3)  # their first looks at the queue are over
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)


def measured(kind: str, given: argparse.Namespace, server: Postgres, cores: Sequence[int], *, is_killed: bool) -> float:
    """Wall seconds until every job is done and what was published is verified."""
    with tempfile.TemporaryDirectory(prefix="machines-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        bodies, settings = small(folder, given.jobs) if kind == "small" else long(folder, given.minutes)
        url = server.database(uuid4().hex)
        with Workshop.opened(folder, database_url=url, **settings) as shop, workers(shop, cores) as processes:
            begun = time.monotonic()
            shop.hand_in(*bodies)
            if is_killed:
                until(lambda: middle(shop, len(bodies)) and at_work(shop) is not None, PATIENCE)
                kill(processes[at_work(shop) or 0])
            until(lambda: not shop.records.list_jobs(unfinished()), PATIENCE)
            wall = time.monotonic() - begun
            jobs = shop.records.list_jobs()
            assert [job.state for job in jobs] == [JobState.DONE] * len(bodies), jobs
            for job in jobs:
                verify(Path(job.output), load_manifest(Path(job.output)))
            told(shop, kind, cores, wall, is_killed=is_killed)
            return wall


def unfinished() -> list[JobState]:
    return [state for state in JobState if not state.is_over]


def middle(shop: Workshop, count: int) -> bool:
    if count > 1:
        return count_jobs(shop.records)[JobState.DONE] * 2 >= count
    return len(shop.chunks()) >= 5 or shop.job("t0").state.is_over


def at_work(shop: Workshop) -> int | None:
    """Index of a worker that has a job; between two jobs nobody may have one."""
    owners = shop.engine.owners()
    return int(min(owners).rpartition("-")[2]) - 1 if owners else None


def told(shop: Workshop, kind: str, cores: Sequence[int], wall: float, *, is_killed: bool) -> None:
    log = (shop.folder / "worker.log").read_text(errors="replace")
    helped = ", ".join(re.findall(r"rendered (\d+) pieces", log)) or "none"
    deaths = sum(job.deaths for job in shop.records.list_jobs())
    who = f"{len(cores)} worker{'s' * (len(cores) > 1)}{', one killed' * is_killed}"
    load = os.getloadavg()[0]
    more = f"deaths {deaths}, pieces by the idle: {helped}, load {load:.1f}"
    print(f"{kind:6} {who:22} {wall:8.1f} s   {more}", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--jobs", type=int, default=12)
    asked.add_argument("--minutes", type=float, default=3)
    asked.add_argument("--only", default="small,long")
    given = asked.parse_args()
    if len(CORES) < 2:
        raise SystemExit("this needs two cores")
    with tempfile.TemporaryDirectory(prefix="assembler-postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            for kind in given.only.split(","):
                one = measured(kind, given, server, CORES[:1], is_killed=False)
                two = measured(kind, given, server, CORES, is_killed=False)
                print(f"{kind:6} one / two: {one / two:.2f} (wanted: 1.6)", flush=True)
                measured(kind, given, server, CORES, is_killed=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
