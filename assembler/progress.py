"""Progress of the work: shown as bars, as JSON lines, or not at all."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Never, Protocol, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm


class ProgressTask(Protocol):
    """One piece of work under way."""

    def advance(self, amount: float) -> None:
        """``amount`` more of the task's unit is done; may be called from any thread."""


class Progress(Protocol):
    """Receiver of progress. Opening a task shows it, leaving the ``with`` ends it."""

    def say(self, sentence: str) -> None:
        """Announce a step in one short line."""

    def task(self, name: str, total: float | None, unit: str) -> AbstractContextManager[ProgressTask]:
        """``name`` is shown to people ("download", "render"); ``unit`` is "B" (bytes) or "s" (media seconds)."""


class Silent:
    """Shows nothing: the default of the library functions."""

    def say(self, sentence: str) -> None:
        """Drop the line."""

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[ProgressTask]:
        """Open a task that shows nothing."""
        yield _SilentTask()


class _SilentTask:
    def advance(self, amount: float) -> None:
        pass


class Bars:
    """tqdm bars on standard error; plain lines where that is not a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from tqdm import tqdm  # most verbs show no bar

        self._stream = stream or sys.stderr
        self._tqdm = tqdm

    def say(self, sentence: str) -> None:
        """Write the line above the bars."""
        self._tqdm.write(sentence, file=self._stream)

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[ProgressTask]:
        """Show a bar until the ``with`` is left; a count without an end where ``total`` is None."""
        is_bytes = unit == "B"
        done = "{n_fmt}/{total_fmt}" if is_bytes else "{n:.1f}/{total:.1f}s"
        shape = "{l_bar}{bar}| " + done + " [{elapsed}<{remaining}, {rate_noinv_fmt}]"
        with self._tqdm(
            desc=name,
            total=total,
            unit=unit,
            unit_scale=is_bytes,
            unit_divisor=1024,
            file=self._stream,
            disable=None,
            dynamic_ncols=True,
            bar_format=shape if total is not None else None,
        ) as bar:
            yield _BarTask(bar)


class _BarTask:
    def __init__(self, bar: tqdm[Never]) -> None:
        self._bar = bar
        self._done = 0.0
        self._lock = threading.Lock()

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount
            most = self._done if self._bar.total is None else min(self._done, self._bar.total)
            self._bar.update(most - self._bar.n)


class JsonLines:
    """One JSON object per line on standard error, at most twice a second and task, for machines."""

    EVERY_SECONDS = 0.5
    """Minimum time between two lines of one task, in s."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()

    def say(self, sentence: str) -> None:
        """Write ``{"event": "step", "text": ...}``."""
        self._put({"event": "step", "text": sentence})

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[ProgressTask]:
        """Write a "start" line, "progress" lines and an "end" line, each with task, done, total and unit."""
        task = _JsonTask(self, name, total, unit)
        task.put("start")
        try:
            yield task
        finally:
            task.put("end")

    def _put(self, line: dict[str, object]) -> None:
        with self._lock:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


class _JsonTask:
    def __init__(self, lines: JsonLines, name: str, total: float | None, unit: str) -> None:
        self._lines, self._name, self._total, self._unit = lines, name, total, unit
        self._done = 0.0
        self._shown = 0.0
        self._lock = threading.Lock()

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount
            now = time.monotonic()
            if now - self._shown < JsonLines.EVERY_SECONDS:
                return
            self._shown = now
        self.put("progress")

    def put(self, event: str) -> None:
        self._lines._put(
            {
                "event": event,
                "task": self._name,
                "done": round(self._done, 3),
                "total": self._total,
                "unit": self._unit,
            }
        )
