"""What a command costs: wall time, CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil

EVERY_SECONDS = 0.2
"""How often memory is looked at: often enough for processes that live for seconds, cheap enough not to be measured."""


@dataclass(frozen=True)
class Cost:
    """One run, or the medians of several."""

    wall: float
    """Seconds from start to end."""
    cpu: float
    """User and system seconds of the process and of every descendant that was waited for."""
    peak: int
    """Largest sum of resident bytes in the tree (shared pages are counted for each process: an upper bound)."""
    size: int = 0
    """Bytes of what was made; 0 where nothing was."""
    vmaf: float | None = None
    """Mean VMAF against the lossless composite; None where it was not looked at."""


class Failed(Exception):
    """A measured command did not end with 0; the text holds the end of its log."""


def measured(
    argv: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str] | None = None, makes: Path | None = None
) -> Cost:
    """Run to the end and say what it cost; raises Failed."""
    with log.open("wb") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, process_group=0
        )
        memory = _Memory(child.pid)
        try:
            with memory:
                _, status, used = os.wait4(child.pid, 0)
                wall = time.perf_counter() - started
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{Path(argv[0]).name} ended with {child.returncode}: {tail(log)}")
    size = makes.stat().st_size if makes is not None else 0
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=memory.peak, size=size)


def tail(log: Path) -> str:
    """The last lines of a log."""
    return " / ".join(log.read_text("utf-8", "replace").splitlines()[-6:])


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each number by itself; the peak is the largest seen."""
    return replace(
        costs[-1],
        wall=median(c.wall for c in costs),
        cpu=median(c.cpu for c in costs),
        peak=max(c.peak for c in costs),
    )


class _Memory:
    """Looks at a tree of processes while it runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(EVERY_SECONDS):
            with suppress(psutil.Error):
                root = psutil.Process(self._pid)
                self.peak = max(self.peak, sum(_resident(p) for p in [root, *root.children(recursive=True)]))


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
