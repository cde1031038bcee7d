"""Meter of one try: the time, CPU and memory that this process and its children take."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import sqlalchemy as sa

from assembler.jobs.costs import TryCost, add_cost
from assembler.jobs.engine import Results
from assembler.processes import fork_server
from assembler.times import Ms

LOOK_SECONDS = 1.0
"""Time between two looks at the memory, in s: a look takes about 2 ms, and children live longer than that."""


class Meter:
    """Measures from its making to ``read``; a worker is at one try at a time, so all that it does counts."""

    def __init__(self) -> None:
        self.fetched = 0
        """Bytes that came from servers."""
        self._begun, self._cpu, self._memory = time.monotonic(), _cpu_seconds(), 0
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._memory = max(self._memory, _memory())
            if self._is_over.wait(LOOK_SECONDS):
                return

    def read(self, length: Ms | None, published: int) -> TryCost:
        """End the measurement; ``length`` and ``published`` are the playback's and its bytes."""
        self._is_over.set()
        return TryCost(
            length=length, wall=_ms(time.monotonic() - self._begun), cpu=_ms(_cpu_seconds() - self._cpu),
            memory=max(self._memory, _memory()), fetched_bytes=self.fetched, published_bytes=published,
        )  # fmt: skip


def spending(
    meter: Meter | None, name: str, results: Results
) -> tuple[Callable[[sa.Connection], None], TryCost | None]:
    """Return what adds the cost of a try to its job, and that; of a try whose worker died, what came after."""
    published = results.get("publish", {})
    length = results.get("render", {}).get("length") if "output" in published else None
    cost = meter.read(length, published.get("bytes", 0)) if meter is not None else None
    return lambda connection: add_cost(connection, name, cost) if cost is not None else None, cost


def size_of(made: Path, assets: Path) -> int:
    """Count the bytes of a playback and of what lies beside it."""
    return sum(path.stat().st_size for path in (made, *assets.rglob("*")) if path.is_file())


def _ms(seconds: float) -> Ms:
    return Ms(round(max(0.0, seconds) * 1000))


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended, in s."""
    return sum(os.times()[:4]) + fork_server.cpu_seconds()


def _memory() -> int:
    """Memory of this process and its children, in bytes; what they share counts once, where the kernel tells."""
    found = 0
    with suppress(psutil.Error):
        own = psutil.Process()
        for process in (own, *own.children(recursive=True)):
            with suppress(psutil.Error):
                told = process.memory_full_info()
                found += getattr(told, "pss", told.rss)
    return found
