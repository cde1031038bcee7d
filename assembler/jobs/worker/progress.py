"""Progress of the one job that a worker is at, and how it is told to end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records
from assembler.processes import Stop
from assembler.times import Ms

LONGEST_SENTENCE = 2000
"""Maximum length of a step's sentence, in characters."""
LONG_STEP = "render"
"""The step whose end is worth estimating; what runs beside it does not hide it."""
SHORTEST_LOOK_SECONDS = 6.0
"""Minimum time over which a pace is measured, in s."""
LONGEST_LOOK_SECONDS = 90.0
"""Maximum time over which a pace is measured, in s: what a resumed run finds done at once says nothing of it."""


class ProgressWriter:
    """Takes the pipeline's progress from any thread; ``flush`` writes it down from one."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stop = Stop()
        self.known: list[int] = []
        """The task's bodies, once all of them were asked for files."""
        self.lacking: int | None = None
        """Files that none of them gave; None until then."""
        self._lock = threading.Lock()
        self._said: list[str] = []
        self._step = ""
        self._open: dict[str, _Share] = {}
        self._written: tuple[str, float | None, Ms | None] = ("", None, None)

    def say(self, sentence: str) -> None:
        """Remember the step; ``flush`` writes it down."""
        with self._lock:
            self._said.append(sentence[:LONGEST_SENTENCE])
            self._step = sentence[:100]

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[_Share]:
        """Count one task of the pipeline; ``flush`` writes it down."""
        share = _Share(total)
        with self._lock:
            self._step = name
            self._open[name] = share
        try:
            yield share
        finally:
            with self._lock:
                self._open.pop(name, None)

    def flush(self, records: Records) -> None:
        """Write down what is new, and stop the work if the job was cancelled or overtaken. Raises JobError."""
        with self._lock:
            said, self._said = self._said, []
            step = LONG_STEP if LONG_STEP in self._open else self._step
            share = self._open.get(step)
        part = share.part if share is not None else None
        latest = (step, part, share.remaining(time.monotonic()) if share is not None and step == LONG_STEP else None)
        records.note(self.job.id, *said)
        if latest != self._written:
            records.change(
                self.job.id, during=self.job.tries, only=[JobState.RUNNING], step=step, progress=part,
                remaining=latest[2],
            )  # fmt: skip
            self._written = latest
        known = records.find_job(self.job.id)
        if known is None or known.state in (JobState.CANCELLED, JobState.SUPERSEDED) or known.tries != self.job.tries:
            self.stop.set()


class _Share:
    """One task of the progress."""

    def __init__(self, total: float | None) -> None:
        self._total, self._done = total, 0.0
        self._lock = threading.Lock()
        self._seen: deque[tuple[float, float]] = deque()

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount

    @property
    def part(self) -> float | None:
        return round(min(1.0, self._done / self._total), 3) if self._total else None

    def remaining(self, at: float) -> Ms | None:
        """Estimate the rest at the pace of late; None where there was none, or the picture waits for the sound.

        ``at``: monotonic seconds.
        """
        with self._lock:
            done = self._done
        self._seen.append((at, done))
        while at - self._seen[0][0] > LONGEST_LOOK_SECONDS:
            self._seen.popleft()
        begun, before = self._seen[0]
        if self._total is None or at - begun < SHORTEST_LOOK_SECONDS or not before < done < self._total:
            return None
        return Ms(round(1000 * (self._total - done) * (at - begun) / (done - before)))
