"""Several runs on one cache, and runs that were killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from assembler.network.download.cache import Entry, entry_of

from ..conftest import Answer, Downloads, FileServer, media, segment, stall_after, whole

BODY, OTHER = media(300_000), media(300_000, seed=9)

FETCH_IN_A_PROCESS = """
import sys
from pathlib import Path
from assembler.network.download.download import fetch_all
from assembler.options import Options
from assembler.progress import Silent
from assembler.recording import Segment
segments = [Segment.model_validate_json(line) for line in sys.argv[2:]]
options = Options(home=Path(sys.argv[1]), allow_hosts=("127.0.0.1",))
fetched = fetch_all(segments, cache=Path(sys.argv[1]), options=options, progress=Silent())
print(*(f"{v}: {e}" for v, e in fetched.failures.items()), file=sys.stderr)
sys.exit(len(fetched.failures))
"""


@pytest.fixture
def v1(server: FileServer) -> str:
    server.bodies["/v1.mp4"] = BODY
    return server.url("/v1.mp4")


def the_entry(download: Downloads, url: str) -> Entry:
    entry = entry_of(download.cache, segment(url=url))
    assert entry is not None
    return entry


def test_two_runs_at_once_fetch_each_file_once(server: FileServer, download: Downloads) -> None:
    segments = [segment(f"v{n}", server.url(f"/{n}")) for n in range(6)]

    def slowly(a: Answer) -> None:
        time.sleep(0.05)
        whole()(a)

    for n in range(6):
        server.bodies[f"/{n}"] = media(50_000, seed=n)
        server.always[f"/{n}"] = slowly
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(download(*segments))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == results[2]
    assert [p.read_bytes() for p in results[0].files.values()] == [media(50_000, seed=n) for n in range(6)]
    assert len(server.requests) == 6


def in_a_process(download: Downloads, *urls: str) -> subprocess.Popen[bytes]:
    lines = [segment(f"v{n + 1}", url).model_dump_json() for n, url in enumerate(urls)]
    return subprocess.Popen([sys.executable, "-c", FETCH_IN_A_PROCESS, str(download.cache), *lines])


def test_two_processes_at_once_fetch_each_file_once(server: FileServer, download: Downloads, v1: str) -> None:
    gate = threading.Event()

    def when_both_run(a: Answer) -> None:
        gate.wait(5)
        whole()(a)

    server.always["/v1.mp4"] = when_both_run
    with in_a_process(download, v1) as one, in_a_process(download, v1) as two:
        time.sleep(0.7)
        gate.set()
        assert [one.wait(10), two.wait(10)] == [0, 0]
    assert len(server.requests) == 1
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


def test_a_killed_run_leaves_nothing_under_a_final_name_and_is_resumed(
    server: FileServer, download: Downloads, v1: str
) -> None:
    server.scripts["/v1.mp4"] = [stall_after(150_000, 2)]
    with in_a_process(download, v1) as child:
        part = the_entry(download, v1).part
        limit = time.monotonic() + 10
        while not (part.exists() and part.stat().st_size == 150_000) and time.monotonic() < limit:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not the_entry(download, v1).file.exists()
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.ranges() == [None, "bytes=150000-"]
