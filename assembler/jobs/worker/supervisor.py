"""Supervisor of workers: children of a process that does something else, watched, started again when they die, ended
with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from assembler import processes
from assembler.errors import AssemblerError
from assembler.jobs.event_log import is_open
from assembler.options import Options

LOG = "worker.log"
"""Name of the workers' log in the home."""
END_SECONDS = 12.0
"""Maximum time of a worker's end, in s: one that was told to end gives its job back within ten."""
PAUSE_SECONDS = (1.0, 60.0)
"""Time between a worker's death and its successor, in s: at first, and at most (twice as long after each death)."""
LOG_BYTES = 16 * 2**20
"""Maximum size of the workers' log, in bytes; what it held then is in ``worker.log.1``."""
ROTATE_SECONDS = 30.0
"""Time between two looks at its size, in s."""
SHOWN = "shown"
"""Word by which a worker's standard output, which is then our standard error, takes its log as well."""
STANDARD_ERROR = 2
"""File descriptor of standard error."""
HEALTHY_SECONDS = 120.0
"""Minimum life of a worker, in s, that died of something else than its start."""


@contextlib.contextmanager
def supervise(count: int, options: Options, say: Callable[[str], None]) -> Iterator[None]:
    """``count`` workers for as long as the ``with`` lasts; their log is worker.log in the home, and, where this process
    keeps one, its own as well.

    Each is started by a thread that waits for it, because it dies with that thread (and so with us).
    """
    stop = threading.Event()
    options = options.model_copy(
        update={"processes": max(1, options.processes // max(1, count))}
    )  # the cores are shared out
    threads = [threading.Thread(target=_keep_one, args=(options, stop, say)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _keep_one(options: Options, stop: threading.Event, say: Callable[[str], None]) -> None:
    pause = PAUSE_SECONDS[0]
    while not stop.is_set():
        begun = time.monotonic()
        try:
            code = _run_one(options, stop)
        except AssemblerError as exc:
            code = exc.exit_code
            say(f"warning: {exc.sentence}")
        if stop.is_set():
            return
        if time.monotonic() - begun > HEALTHY_SECONDS:
            pause = PAUSE_SECONDS[0]
        say(f"warning: a worker ended by itself ({code}); another one starts in {pause:g} s")
        stop.wait(pause)
        pause = min(PAUSE_SECONDS[1], pause * 2)


def _run_one(options: Options, stop: threading.Event) -> int | None:
    home = options.home.absolute()
    with contextlib.suppress(OSError):  # opening the database there says whether it can be made
        home.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-P", "-m", "assembler.jobs.worker", str(options.processes), options.log, options.log_level]
    argv, output = ([*argv, SHOWN], STANDARD_ERROR) if is_open() else (argv, processes.NOWHERE)
    _rotate(home / LOG)
    rotated = time.monotonic()
    with processes.started(argv, cwd=home, log=home / LOG, stdout=output) as child:
        while child.poll() is None and not stop.wait(0.2):
            if time.monotonic() - rotated > ROTATE_SECONDS:
                _rotate(home / LOG)
                rotated = time.monotonic()
        if child.poll() is None:
            processes.terminate(child)
            end = time.monotonic() + END_SECONDS
            while child.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
        return child.returncode


def _rotate(log: Path) -> None:
    """Keep a full log as ``.1`` and empty it. Workers append to it, so they go on at its beginning, whoever empties it;
    what they say within the copying may be lost."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)


def supervise_until_stopped(count: int, options: Options, say: Callable[[str], None]) -> int:
    """Several workers until SIGTERM or Ctrl-C."""
    is_over = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: is_over.set())
    with supervise(count, options, say):
        while not is_over.wait(0.5):
            pass
    return 0
