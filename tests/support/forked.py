"""Python programs of ours, forked from a process that has imported what they need: a worker's imports take more than
most jobs, and a server's take as long. That they can be started anew is seen where users do it: workers by ``serve``,
``work`` and ``jobs batch``, servers in test_verbs and test_event_log."""

from __future__ import annotations

import atexit
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import NoReturn

forkserver.set_forkserver_preload(
    [f"assembler.{name}" for name in ("jobs.worker.__main__", "jobs.worker.requeue", "cli.main", "jobs.web.app")]
)


def server_pid() -> int | None:
    """The process id of the server, which lives as long as we do."""
    return forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # nothing else tells it


class Forked:
    """Process of its own, with the face of a Popen; what it says goes to the end of a log."""

    def __init__(self, code: str, *words: str, cwd: Path, env: dict[str, str], log: Path) -> None:
        """Run the code as by ``python -c``."""
        log.touch()
        self.returncode: int | None = None
        self._told, order = forkserver.connect_to_new_process([])
        with os.fdopen(order, "wb") as paper:
            pickle.dump({"sys_path": sys.path}, paper)
            pickle.dump(_Order(code, words, str(cwd), env, str(log)), paper)
        self.pid = int(forkserver.read_signed(self._told))

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("python", timeout or 0)
            self.returncode = int(forkserver.read_signed(self._told))
            os.close(self._told)
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class _Order:
    code: str
    words: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    log: str

    def _bootstrap(self, _: int) -> NoReturn:
        """What the fork server calls in the new process."""
        os.environ.clear()
        os.environ.update(self.env)
        time.tzset()
        os.chdir(self.cwd)
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number in (1, 2):
            os.dup2(log, number)
        sys.argv = ["-c", *self.words]
        end: str | int | None = 1
        try:
            exec(compile(self.code, "<string>", "exec"), {"__name__": "__main__"})
        except SystemExit as exc:
            end = exc.code
        except BaseException:  # noqa: BLE001  # as Python itself does
            traceback.print_exc()
        threading._shutdown()  # type: ignore[attr-defined]  # as Python ends: threads, then what was registered
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end or 0 if not isinstance(end, str) else 1)
