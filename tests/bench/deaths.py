"""The server is killed (SIGKILL) at a random moment while callbacks come in, again and again: none may be lost.

    python tests/bench/deaths.py [--rounds 10] [--rate 100] [--seed 1]

Senders do what the vendor's do: what is not answered is sent again, here once the server is back. Afterwards the jobs
are counted: each task one, whether it was answered in the first place or only after a repeat.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from callbacks import SERVE, event, free_port, started
from terminal import until
from workshop import Workshop

from assembler.jobs.intake.bodies import list_events
from assembler.jobs.store.model import JobState

CLIENTS = 8
LONGEST_SECONDS = 3.0


class Senders:
    """Threads that send one task after the other until the server dies; what was answered and what was not."""

    def __init__(self, port: int, rate: int, first: int) -> None:
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self._port, self._rate, self._next = port, rate, first
        self._lock, self._end = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> int:
        """The number of the first task not sent."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        return self._next

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._end.wait(CLIENTS / self._rate):
            with self._lock:
                task, self._next = f"t{self._next}", self._next + 1
            is_answered = is_taken(connection, task)
            with self._lock:
                (self.answered if is_answered else self.unanswered).add(task)
            if not is_answered:
                return


def is_taken(connection: http.client.HTTPConnection, task: str) -> bool:
    try:
        connection.request("POST", "/callback", event(task))
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read()) == {"error_code": 0}
    except (OSError, http.client.HTTPException, ValueError):
        return False


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("rounds", 10), ("rate", 100), ("seed", 1)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    given = asked.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="deaths-") as name, Workshop.opened(Path(name)) as shop:
        sent, lost, unanswered = 0, set[str](), 0
        for number in range(1, given.rounds + 1):
            port = free_port()
            words = ["serve", "--port", str(port), "--insecure", "--workers", "0"]
            server = started(SERVE, words, port, shop.folder)
            senders = Senders(port, given.rate, sent)
            time.sleep(chance.uniform(0.05, LONGEST_SECONDS))
            server.kill()
            server.wait()
            sent = senders.end()
            again = started(SERVE, words, port, shop.folder)
            known = {job.id for job in shop.records.list_jobs()}
            end = time.monotonic() + 30
            while senders.answered - known and time.monotonic() < end:
                time.sleep(0.2)
                known = {job.id for job in shop.records.list_jobs()}
            lost |= senders.answered - known
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            repeated = [is_taken(connection, task) for task in senders.unanswered]
            assert all(repeated), "the server that came back does not answer"
            unanswered += len(senders.unanswered)
            again.terminate()
            again.wait(30)
            print(f"round {number:2}: {len(senders.answered)} answered, {len(senders.unanswered)} not", flush=True)
        finish(shop, sent, lost, unanswered, given.rounds)


def finish(shop: Workshop, sent: int, lost: set[str], unanswered: int, rounds: int) -> None:
    """Everything is a job in the queue, once."""
    port = free_port()
    server = started(SERVE, ["serve", "--port", str(port), "--insecure", "--workers", "0"], port, shop.folder)
    try:
        until(lambda: not shop.records.list_jobs([JobState.NEW]), 120)
    finally:
        server.terminate()
        server.wait(30)
    jobs = shop.records.list_jobs()
    queue = shop.engine.list()
    events = len(list_events(shop.records, limit=1_000_000))
    print(
        f"{rounds} kills, {sent} tasks sent ({unanswered} of them unanswered at first), {events} bodies kept, "
        f"{len(jobs)} jobs, {len(queue)} in the queue, {len(lost)} lost; load {os.getloadavg()[0]:.1f}"
    )
    right = {f"t{n}" for n in range(sent)}
    if lost or {job.id for job in jobs} != right or len(jobs) != sent or set(queue) != {f"{t}:1" for t in right}:
        raise SystemExit("NOT RIGHT")


if __name__ == "__main__":
    main()
