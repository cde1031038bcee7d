"""How long the page, `jobs list` and /metrics take with 100,000 jobs, in SQLite and in Postgres, and what the server
holds in memory: python tests/bench/many_jobs.py FOLDER [JOBS] [postgresql://...]."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import requests
import sqlalchemy as sa

from assembler.jobs import listing
from assembler.jobs.listing import Filter
from assembler.jobs.store.database import open_database
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import EVENT, JOB, LOG, TASK
from assembler.options import Options

TOKEN = "a token of the benchmark"
STATES = ["done"] * 90 + ["failed"] * 3 + ["poison"] + ["waiting"] * 3 + ["cancelled"] + ["superseded"] + ["delayed"]
AT_ONCE = 2000


def fill(records: Records, count: int) -> None:
    """Write so many jobs of a year into empty tables, each with a task, two bodies and three lines of log."""
    at, year = now(), 365 * 86_400_000
    with records.engine.connect() as connection:
        if connection.execute(sa.select(sa.func.count()).select_from(JOB)).scalar():
            return
    for start in range(0, count, AT_ONCE):
        jobs, tasks, events, logs = [], [], [], []
        for n in range(start, min(count, start + AT_ONCE)):
            state, name = STATES[n * 7 % 100], f"{n * 7919 % count:06}task"
            is_done, created = state == "done", at - year + n * year // count
            room = f"room-{n % 300}"
            jobs.append({
                "number": n + 1, "id": name, "key": name, "slot": "", "revision": 1, "task": name, "app": "1400",
                "room": room, "segments": "s", "event": 2 * n + 2, "state": state,
                "reason": "" if is_done else "v1: the server answered 403: the link is expired",
                "verdict": ("degraded" if n % 20 == 0 else "ok") if is_done else "",
                "output": f"/srv/played/1400/{room}/{name}/playback.mp4" if is_done else "",
                "findings": [f"note: camera {k} of ann froze for 0:0{k}" for k in range(6)], "tries": 1, "failures": 0,
                "deaths": 0, "is_held": False, "step": "", "created": created, "begun": created, "updated": created,
                "title": f"Mathematics {n}",
            })  # fmt: skip
            tasks.append({
                "task": name, "kind": "OnlineRecordFinished", "is_expected": False, "updated": created, "has_job": True,
            })  # fmt: skip
            for k in range(2):
                events.append({
                    "id": 2 * n + k + 1, "received": created, "source": "callback", "body": b"{}" * 500,
                    "is_taken": True, "kind": "OnlineRecordFinished" if k else "OnlineRecordStarted", "task": name,
                    "job": name if k else None, "note": "",
                })  # fmt: skip
            logs += [{"job": name, "at": created, "sentence": f"line {k} of a log"} for k in range(3)]
        lost = {"task": f"lost-{start}", "kind": "OnlineRecordStarted", "is_expected": False, "updated": at}
        with records.transaction() as connection:
            for table, rows in ((JOB, jobs), (TASK, tasks), (EVENT, events), (LOG, logs)):
                connection.execute(sa.insert(table), rows)
            connection.execute(sa.insert(TASK), [lost])


def took(act: Callable[[], object]) -> float:
    """The median of five, in ms; the first one warms up."""
    times = []
    for _ in range(6):
        begun = time.perf_counter()
        act()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times[1:])


def measure_server(options: Options, home: Path) -> None:
    """Ask a server of its own process for pages, and look at its memory before and behind 300 of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = options.database_url.get_secret_value() if options.database_url else ""
    settings = {"ASSEMBLER_HOME": str(home), "ASSEMBLER_PAGE_TOKEN": TOKEN, "ASSEMBLER_DATABASE_URL": database}
    words = [sys.executable, "-m", "assembler", "serve", "--workers", "0", "--insecure", "--port", str(port)]
    with subprocess.Popen(words, env={**os.environ, **settings}) as server:
        session, url = requests.Session(), f"http://127.0.0.1:{port}"
        session.headers["Authorization"] = f"Bearer {TOKEN}"

        def get(path: str) -> requests.Response:
            return session.get(f"{url}{path}", timeout=60)

        while True:
            try:
                get("/healthz")
                break
            except requests.ConnectionError:
                time.sleep(0.2)
        paths = {
            "page": "/", "filtered by state": "/?state=failed", "by room": "/?room=room-7", "last page": "/?before=end",
            "since a day": "/?since=24h", "search, a task": "/?q=000123task", "search, 10,000 begin so": "/?q=0",
            "search, a room": "/?q=room-7", "degraded": "/?state=degraded", "one job": "/jobs/000123task",
            "/metrics": "/metrics", "/healthz": "/healthz",
        }  # fmt: skip
        for name, path in paths.items():
            answer = get(path)
            print(f"{name:28}{took(lambda path=path: get(path)):8.0f} ms  {answer.status_code} {len(answer.content)} B")  # type: ignore[misc]
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        after = ""
        for _ in range(300):
            page = get(f"/?state=done{after}").text
            after = f"&after={page.rpartition('after=')[2].partition(chr(34))[0]}"
        print(f"memory {before / 2**20:.0f} MiB, behind 300 pages {process.memory_info().rss / 2**20:.0f} MiB")
        server.terminate()


def main() -> None:
    home, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    options = Options(home=home, database_url=sys.argv[3] if len(sys.argv) > 3 else None)
    records = Records(open_database(options))
    fill(records, count)
    if records.engine.dialect.name == "postgresql":
        with records.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    acts: dict[str, Callable[[], object]] = {
        "jobs list": lambda: list(listing.walk(records, Filter(), 100)),
        "jobs list --state waiting": lambda: list(listing.walk(records, Filter(states=(JobState.WAITING,)), 100)),
        "count_jobs": lambda: listing.count_jobs(records),
        "queue_places": lambda: listing.queue_places(
            records, listing.list_page(records, Filter(states=(JobState.WAITING,))).jobs
        ),
        "all jobs": lambda: sum(1 for _ in listing.walk(records, Filter())),
    }
    for name, act in acts.items():
        print(f"{name:28}{took(act):8.0f} ms")
    measure_server(options, home)


if __name__ == "__main__":
    main()
