"""Good callbacks beside a hundred connections of unsigned ones, and beside a locked database.

    python tests/bench/refusals.py [--seconds 15] [--rate 50] [--connections 100]

Prints one row for each: good ones answered and not, p50, p99 (wanted under 2,000) and the slowest, in ms; and how many
unsigned ones were refused meanwhile.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from callbacks import SERVE, event, fire, free_port, row, started
from terminal import until
from workshop import Workshop

from assembler.dialects.signature import sign

KEY, EXPIRES = "Xz4ZgayTr7rMgWQrH", 4_000_000_000
MOST_EACH = 20_000
"""No connection sends more, however fast it is answered."""


def signed(task: str) -> bytes:
    return json.dumps({**json.loads(event(task)), "ExpireTime": EXPIRES, "Sign": sign(KEY, EXPIRES)}).encode()


@contextmanager
def pestered(port: int, connections: int, counts: dict[int, int]) -> Iterator[None]:
    """So many connections send unsigned callbacks as fast as they are answered; how many had which status."""
    over, lock = threading.Event(), threading.Lock()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for n in range(MOST_EACH):
            if over.is_set():
                break
            status = 0
            try:
                connection.request("POST", "/callback", event(f"bad{number}-{n}"))
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
            with lock:
                counts[status] = counts.get(status, 0) + 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("seconds", 15), ("rate", 50), ("connections", 100)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    given = asked.parse_args()
    counts: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as name, Workshop.opened(Path(name), callback_key=KEY) as shop:
        port, database = free_port(), shop.options.home / "jobs.sqlite"
        ours = started(SERVE, ["serve", "--port", str(port), "--workers", "0"], port, Path(name))
        try:
            print(f"{'':32} {'fine':>6} {'failed':>6} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")

            def measure(what: str) -> None:
                print(row(what, *fire(port, given.rate, given.seconds, what[:4], signed)), flush=True)

            measure("alone")
            with pestered(port, given.connections, counts):
                measure("beside unsigned ones")
            with locked(database):
                measure("locked database")
            with locked(database), pestered(port, given.connections, counts):
                measure("both")
            print("unsigned: " + ", ".join(f"{n} answered {status or 'not at all'}" for status, n in counts.items()))
            sent, begun = 4 * given.rate * given.seconds, time.monotonic()
            until(lambda: len(shop.records.list_jobs()) >= sent, 120)
            print(f"{len(shop.records.list_jobs())} jobs of {sent} callbacks, {time.monotonic() - begun:.0f} s later")
        finally:
            ours.terminate()
            ours.wait()


if __name__ == "__main__":
    main()
