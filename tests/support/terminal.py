"""The command line as a user has it: a process of its own, its two outputs apart."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from classes import BOARD, SMALL, USER_1, USER_2, Class, Stream
from synthetic import Recipe

from assembler.cli.main import main
from assembler.recording import StreamKind

CAMERA, WHITEBOARD = StreamKind.CAMERA, StreamKind.WHITEBOARD
SERVING = {"serve", "work", "emulate"}
"""Verbs that go on until they are told to end."""
LIMIT_SECONDS = 60.0
"""Maximum time of such a verb within this process, in s."""
MAIN = "from assembler.cli.main import main; main()"
START = (sys.executable, "-c", MAIN)


def three_streams(seconds: int = 6) -> Class:
    """A board, and two cameras that come late; one leaves early."""
    return Class(
        [
            Stream("w1", WHITEBOARD, "", 0, Recipe(identity="blue", seconds=seconds, fps=5), BOARD),
            Stream("a1", CAMERA, "ann", 500, Recipe(identity="red", seconds=seconds - 1, fps=15), USER_1),
            Stream("b1", CAMERA, "bob", 2000, Recipe(identity="green", seconds=seconds - 2, fps=15), USER_2),
        ],
        total=seconds * 1000,
    )


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def failure(self) -> dict[str, Any]:
        """The error of a ``--json`` command."""
        told = json.loads(self.out)
        assert told["verdict"] == "failed"
        assert told["error"]["exit"] == self.code
        return dict(told["error"])


@dataclass(frozen=True)
class Desk:
    """A folder with a class in it: result.json, media/ and small.json, in which commands are given."""

    folder: Path
    lesson: Class

    @classmethod
    def laid(cls, folder: Path, lesson: Class, ffmpeg: str) -> Desk:
        lesson.make(folder, ffmpeg)
        (folder / "result.json").write_text(lesson.recording().model_dump_json())
        (folder / "small.json").write_text(SMALL)
        return cls(folder, lesson)

    @property
    def run(self) -> list[str]:
        """The words of a run that works."""
        return ["run", "result.json", "--media-dir", "media", "--layout", "small.json", "-o", "class.mp4"]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def out(self) -> Path:
        return self.folder / "class.mp4"

    def start(self, words: Sequence[str], *, start: Sequence[str] = START, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*start, *words],
            cwd=self.folder,
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def say(self, *words: str, stdin: str = "", **settings: str) -> Said:
        """A command to its end, without the cost of a process of its own."""
        out, err = io.StringIO(), io.StringIO()
        before = os.environ.copy(), sys.argv, sys.stdin
        os.environ.update(self.environment(settings))
        sys.argv, sys.stdin = ["assembler", *words], io.TextIOWrapper(io.BytesIO(stdin.encode()))
        code: Any = 0
        limit = limited() if SERVING.intersection(words[:1]) else nullcontext()
        try:
            with chdir(self.folder), redirect_stdout(out), redirect_stderr(err), limit:
                main()
        except SystemExit as exc:
            code = exc.code
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            sys.argv, sys.stdin = before[1:]
        return Said(int(code or 0), out.getvalue(), err.getvalue())

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """``settings``: ``ASSEMBLER_*`` by their names in small letters."""
        given = {f"ASSEMBLER_{name.upper()}": value for name, value in settings.items()}
        return {**os.environ, "ASSEMBLER_HOME": str(self.home), "COLUMNS": "200", **given}


@contextmanager
def limited() -> Iterator[None]:
    """Tell a verb to end after a while: a test of what it ought to refuse then fails, where it would hang for ever."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(LIMIT_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        for name, handler in before.items():  # a verb that was told to end leaves them ignored
            signal.signal(name, handler)


def busy_in(folder: Path) -> list[str]:
    """Every process of the machine that works in this folder or names it, after a moment of grace."""
    end = time.monotonic() + 2
    while True:
        busy = [p.info["name"] for p in psutil.process_iter(["name", "cwd", "cmdline"]) if _is_in(p.info, str(folder))]
        if not busy or time.monotonic() > end:
            return busy
        time.sleep(0.05)


def _is_in(process: dict[str, Any], folder: str) -> bool:
    if (process["cwd"] or "").startswith(folder):
        return True
    return any(folder in word for word in process["cmdline"] or ())


def peak_of(importing: str, words: Sequence[str], folder: Path) -> int:
    """The most bytes of memory a Python process of its own holds while ``main()`` runs, by the kernel's account.

    Asked from inside: what a parent is told of a child counts the parent's own memory before the exec.
    """
    code = (
        f"import atexit, sys\n{importing}\n"
        "atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read()))\n"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"VmHWM:\s+(\d+) kB", done.stderr)[1]) * 1024  # type: ignore[index]  # Linux always says it


def until(is_so: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for it: looked for often at first, then less, for looking takes time from what is waited for: a fifth of a
    core at most."""
    begun = time.monotonic()
    while True:
        looked = time.monotonic()
        if is_so():
            return
        now = time.monotonic()
        assert now - begun < seconds, "it did not happen"
        time.sleep(min(0.5, max(min(0.05, 0.01 + (now - begun) / 50), 4 * (now - looked))))
