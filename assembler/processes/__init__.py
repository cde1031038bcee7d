"""Child processes: started, watched, and killed with us. The only ``subprocess`` of the house.

A child gets its own process group (so that one Ctrl-C is ours to pass on). On Linux a program dies with the thread that
started it: a launcher asks the kernel for that and then looks whether the parent is already gone. So start one in the
thread that waits for it. A module of ours is forked (``fork_server``), and dies with this process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

from assembler.errors import MediaError
from assembler.processes import fork_server
from assembler.processes.fork_server import Forked, Module

_LAUNCHER = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(sys.argv[1]):
        os._exit(137)
os.nice(int(sys.argv[2]))
try:
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as exc:
    sys.stderr.write(f"{sys.argv[3]} cannot be executed: {exc.strerror}\\n")
    os._exit(127)
"""
_WITH_PARENT = ("--pdeathsig", "KILL", "--", "/bin/sh", "-c")
_SHELL_LAUNCHER = """[ "$PPID" = "$0" ] || exit 137; exec "$@\""""

TAIL_BYTES = 2000
"""Maximum end of a log that is searched for a message's words, in bytes."""
LOG_BYTES = 16 * 2**20
"""Maximum size of a child's log, in bytes; beyond it the log is begun anew."""
GRACE_SECONDS = 2.0
"""Maximum time until a killed child is reaped and its output read, in s; longer only if the kernel holds it."""


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux; elsewhere a process may use them all
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Stop:
    """Set when the work is to end: every watched child is then killed and its waiter raises ``Stopped``.

    One ``within`` another is set with it, but not the other way round: a part can be stopped alone.
    """

    def __init__(self, within: Stop | None = None) -> None:
        self._event = threading.Event()
        self._within = within

    def set(self) -> None:
        """End the work, and all that is ``within``."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait ``seconds`` at most for its own ``set``; True if that happened."""
        return self._event.wait(seconds)

    def is_set(self) -> bool:
        """Tell whether this or the one around it was set."""
        return self._event.is_set() or (self._within is not None and self._within.is_set())


class Stopped(Exception):
    """The work was told to end; no fault of the child."""


class Stalled(MediaError):
    """A child made no progress for too long and was killed."""

    retry = True


NOWHERE = subprocess.DEVNULL
"""Value for ``started``: drop what is written to the stream."""
PIPE = subprocess.PIPE
"""Value for ``started``: connect the stream with a pipe."""
Child = subprocess.Popen[bytes] | Forked
Command = Sequence[str] | Module
"""Program with its arguments, or a module of ours, to be run as a child process."""


@contextlib.contextmanager
def started(
    command: Command,
    *,
    cwd: Path,
    log: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    nice: int = 0,
) -> Iterator[Child]:
    """A running child; killed with its whole group where the ``with`` is left before it ended.

    ``log`` takes its standard error (a pipe would fill up and block it); a module has no standard input. Raises
    MediaError where it cannot be started.
    """
    try:
        with log.open("ab") as errors:
            child = _start(command, cwd, stdin, stdout, errors.fileno(), nice)
    except OSError as exc:
        raise MediaError(f"{_name(command)} cannot be started: {exc.strerror}", hint="Run `assembler doctor`.") from exc
    try:
        yield child
    finally:
        end(child)


def _start(command: Command, cwd: Path, stdin: int | IO[bytes], stdout: int, stderr: int, nice: int) -> Child:
    if isinstance(command, Module):
        if fork_server.is_usable():
            return fork_server.fork(command, cwd=str(cwd), stdout=stdout, stderr=stderr, nice=nice)
        command = command.argv()
    if (setpriv := _setpriv()) and nice == 0 and _is_program(command[0], cwd):
        launcher = [setpriv, *_WITH_PARENT, _SHELL_LAUNCHER, str(os.getpid())]
    else:
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(nice)]
    return subprocess.Popen([*launcher, *command], cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, process_group=0)


@lru_cache(maxsize=1)
def _setpriv() -> str | None:
    """Find util-linux's setpriv: with a shell it takes 4 ms of CPU, Python 25. busybox's lacks the option."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return found if found and subprocess.call([found, *_WITH_PARENT, ":"], stderr=NOWHERE) == 0 else None


def _is_program(name: str, cwd: Path) -> bool:
    return shutil.which(cwd / name if os.sep in name else name) is not None


def _name(command: Command) -> str:
    return command.name if isinstance(command, Module) else Path(command[0]).name


def terminate(child: Child) -> None:
    """Ask a program to end; it may take its time."""
    if isinstance(child, subprocess.Popen):
        child.terminate()
    else:
        child.kill_group()


def end(child: Child) -> None:
    """Kill the child's whole group, if it still runs, and reap it."""
    if child.poll() is None:
        if isinstance(child, Forked):
            child.kill_group()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def run(
    command: Command,
    *,
    cwd: Path,
    log: Path,
    stop: Stop | None = None,
    stall_seconds: float = 300.0,
    on_seconds: Callable[[float], None] | None = None,
    nice: int = 0,
) -> int:
    """Run to the end and return the exit code.

    With ``on_seconds`` the child's standard output is read as ffmpeg's ``-progress pipe:1`` and every new
    ``out_time_us`` is passed on in seconds; without progress for ``stall_seconds`` the child is killed and
    ``Stalled`` raised. Raises ``Stopped`` as soon as ``stop`` is set.
    """
    progress = _LastProgress(on_seconds)
    with started(command, cwd=cwd, log=log, stdout=subprocess.PIPE, nice=nice) as child:
        reader = threading.Thread(target=progress.read, args=(child.stdout,), daemon=True)
        reader.start()
        try:
            while child.poll() is None:
                if stop is not None and stop.is_set():
                    raise Stopped
                _shorten(log)
                if time.monotonic() - progress.seen > stall_seconds:
                    raise Stalled(
                        f"{_name(command)} made no progress for {stall_seconds:g} s and was killed",
                        hint="Run the same command again: it continues where it stopped.",
                    )
                reader.join(0.25)  # its end is the child's, nearly always
                if not reader.is_alive():
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        child.wait(0.25)
        finally:
            end(child)
            reader.join(GRACE_SECONDS)
        return -signal.SIGKILL if child.returncode is None else child.returncode


def _shorten(log: Path) -> None:
    """A child that floods its log does not fill the disk: what it said before is forgotten (it appends)."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            os.truncate(log, 0)


class _LastProgress:
    """Time of a child's last progress, by its own account."""

    def __init__(self, on_seconds: Callable[[float], None] | None) -> None:
        self.seen = time.monotonic()
        self._furthest = -1.0
        self._on_seconds = on_seconds

    def read(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):  # the pipe is closed under us when the child is killed
            for line in pipe:
                self._take(line.decode("ascii", "replace").strip())

    def _take(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name != "out_time_us" or not value.lstrip("-").isdigit():
            return
        seconds = int(value) / 1_000_000
        if seconds > self._furthest:
            self._furthest = seconds
            self.seen = time.monotonic()
            if self._on_seconds is not None:
                self._on_seconds(seconds)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write to a pipe or file, whatever interrupts it.

    A buffered writer of Python loses bytes where a process that waits for room in a pipe is stopped and goes on, as
    when a laptop sleeps: measured, 2.4 MB of 537.
    """
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def log_tail(log: Path) -> str:
    """The last lines of a child's standard error, for a message; "" where there are none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return " / ".join(line.strip() for line in lines[-4:] if line.strip())


def capture(argv: Sequence[str], *, seconds: float) -> str:
    """Return what a short-lived program prints on its standard output (errors are dropped).

    Raises OSError where it cannot be run or takes longer than ``seconds``.
    """
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as exc:
        raise TimeoutError(f"no answer within {seconds:g} s") from exc
    return done.stdout.decode("utf-8", "replace")
