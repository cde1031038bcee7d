"""Fork server: a process that has imported what our child processes need, and forks one for each that is asked for.

Imports were half the CPU of a small class, done anew in each of its children. The server decodes nothing and has one
thread; it imports a child's module when it is first asked for it. It ends when its owner does, however that ends,
and its children with it. Linux only: elsewhere children are started anew.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn

NAME_BYTES = 1000
"""Maximum length of a module's name, in bytes."""
DESCRIPTORS = 5
"""Count of descriptors that go with a name: standard input, output and error, the rest of the order, the channel."""
PR_SET_PDEATHSIG = 1
"""Option of Linux's prctl: the signal that a process gets when its parent dies."""
SERVER_ONLY = {"OPENBLAS_NUM_THREADS": "1"}
"""Environment of the server: a process with threads cannot be forked, and numpy starts some for what nobody uses."""


@dataclass(frozen=True)
class Module:
    """Module to run as a child process, as by ``python -m``; it does nothing but by ``if __name__ == "__main__"``."""

    name: str
    """Name with its packages."""
    words: Sequence[str]
    """Arguments."""

    def argv(self) -> list[str]:
        """Command line that starts it anew; -P: no module is ever imported from the folder it runs in."""
        return [sys.executable, "-P", "-m", self.name, *self.words]


# --- the owner's side -----------------------------------------------------------------------------------------------


class Forked:
    """Child of the fork server, with the face of a Popen."""

    def __init__(self, channel: socket.socket, stdout: IO[bytes] | None) -> None:
        self._channel = channel
        self.stdin: IO[bytes] | None = None
        """Always None: no module of ours reads it."""
        self.stdout = stdout
        """Standard output, where a pipe was asked for."""
        self.returncode: int | None = None
        """Exit code, negative for a signal; None while it runs."""

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raises subprocess.TimeoutExpired after ``timeout``, in s."""
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._channel, select.POLLIN)
            if not waiting.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("child", timeout or 0)
            told = self._channel.recv(16)
            # where the server died, its children died with it
            self.returncode = int(told) if told else -signal.SIGKILL
            self._channel.close()
        return self.returncode

    def kill_group(self) -> None:
        """Kill it and what it started, if it still runs; ``wait`` has its end."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)


class _Server:
    """The server of this process, started when first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_used = False

    def prepare(self, name: str) -> None:
        """Start the server, where none runs, and let it import a module."""
        with self._lock, contextlib.suppress(OSError):  # whoever asks for a child meets it again
            if self._control is None and is_usable():
                self._start().send(name.encode())

    def send(self, name: str, descriptors: Sequence[int]) -> None:
        """Ask for a child; a server that died is followed by another one."""
        with self._lock:
            self._is_used = True
            if self._control is not None:
                with contextlib.suppress(ConnectionError):
                    socket.send_fds(self._control, [name.encode()], descriptors)
                    return
                self._close()
            socket.send_fds(self._start(), [name.encode()], descriptors)

    def _start(self) -> socket.socket:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0,
                env={**os.environ, **SERVER_ONLY}, cwd="/",
            )  # fmt: skip
        return self._control

    def close(self) -> None:
        """End the server and its children; the next child starts another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            if not self._is_used:
                self._process.kill()  # it may be at its imports
            self._process.wait()  # with it the CPU of its children is added to ours
            self._control = self._process = None
            self._is_used = False

    def forget(self) -> None:
        """Leave the server to the process that this one was forked from."""
        if self._control is not None:
            self._control.close()
        self.__init__()  # type: ignore[misc]

    def cpu_seconds(self) -> float:
        """CPU time of the server and of its children that have ended, in s, as long as the server runs."""
        if (server := self.pid()) is None:
            return 0.0
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{server}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def pid(self) -> int | None:
        """Return the server's process id, where one runs."""
        process = self._process
        return process.pid if process is not None else None


_server = _Server()
close = _server.close
prepare = _server.prepare
cpu_seconds = _server.cpu_seconds
pid = _server.pid
atexit.register(close)
os.register_at_fork(after_in_child=_server.forget)


def is_usable() -> bool:
    """Tell whether children can be forked here."""
    return sys.platform == "linux"


def fork(module: Module, *, cwd: str, stdout: int, stderr: int, nice: int) -> Forked:
    """Start a child; ``stdout`` and ``stderr`` as for Popen. Raises OSError."""
    ours, theirs = socket.socketpair()
    order = {"words": list(module.words), "cwd": cwd, "environ": dict(os.environ), "nice": nice}
    with contextlib.ExitStack() as passed:
        passed.enter_context(theirs)
        nowhere = passed.enter_context(open(os.devnull, "r+b", buffering=0)).fileno()
        paper = passed.enter_context(os.fdopen(os.memfd_create("order"), "w+b"))
        paper.write(json.dumps(order).encode("utf-8", "surrogateescape"))
        paper.seek(0)
        output: IO[bytes] | None = None
        if stdout == subprocess.PIPE:
            end, stdout = os.pipe()
            output = os.fdopen(end, "rb")
            passed.callback(os.close, stdout)
        elif stdout == subprocess.DEVNULL:
            stdout = nowhere
        try:
            _server.send(module.name, [nowhere, stdout, stderr, paper.fileno(), theirs.fileno()])
        except OSError:
            ours.close()
            if output is not None:
                output.close()
            raise
    return Forked(ours, output)


# --- the server's side ----------------------------------------------------------------------------------------------


def serve(descriptor: int) -> None:
    """Fork what the owner asks for on this socket, and tell of each end, until it is gone."""
    control = socket.socket(fileno=descriptor)
    children: dict[int, socket.socket] = {}
    unwanted: set[int] = set()
    woken, wake = socket.socketpair()
    for one in (woken, wake):
        one.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        waiting = select.poll()
        for one in (control, woken, *(channel for child, channel in children.items() if child not in unwanted)):
            waiting.register(one, select.POLLIN)
        ready = {descriptor for descriptor, _ in waiting.poll()}
        if woken.fileno() in ready:
            woken.recv(4096)
            _reap(children)
        for child in [child for child, channel in children.items() if channel.fileno() in ready]:
            _kill(child)
            unwanted.add(child)
        unwanted &= children.keys()
        if control.fileno() in ready:
            name, descriptors, _, _ = socket.recv_fds(control, NAME_BYTES, DESCRIPTORS)
            if not name:
                for child in children:
                    _kill(child)
                return
            _import(name.decode())
            if descriptors:  # else that is all that was asked for
                _fork_one(name.decode(), descriptors, children)


def _kill(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _reap(children: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with children.pop(ended[0]) as channel, contextlib.suppress(OSError):
                channel.send(str(os.waitstatus_to_exitcode(ended[1])).encode())


def _import(name: str) -> None:
    with contextlib.suppress(ImportError):  # the child meets it again, and says so in its log
        for more in getattr(importlib.import_module(name), "FORKED_WITH", ()):
            importlib.import_module(more)


def _fork_one(name: str, descriptors: Sequence[int], children: dict[int, socket.socket]) -> None:
    gc.freeze()  # what is imported stays, and is shared for as long as nobody counts its references
    own = os.getpid()
    try:
        child = os.fork()
    except OSError as exc:
        os.write(descriptors[2], f"no process can be started: {exc.strerror}\n".encode())
        for descriptor in descriptors:
            os.close(descriptor)
        return
    if not child:
        with contextlib.ExitStack() as run:
            run.push(_leave)
            _become(descriptors, own)
            sys.modules.pop(name, None)
            runpy.run_module(name, run_name="__main__", alter_sys=True)
    *passed, channel = descriptors
    for descriptor in passed:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)  # as the child does: whoever is first
    children[child] = socket.socket(fileno=channel)


def _become(descriptors: Sequence[int], parent: int) -> None:
    """Turn this process into the child that was asked for, as if it had been started anew."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(os.dup(descriptors[3]), "rb") as paper:
        order = json.load(paper)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = ["child", *order["words"]]
    os.chdir(order["cwd"])
    os.nice(order["nice"])


def _leave(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> NoReturn:
    """End this process as Python does, but for taking apart what is imported."""
    code = 0 if error is None else 1
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        code = error.code or 0
    elif kind is not None and error is not None:
        sys.excepthook(kind, error, trace)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code & 0xFF)
