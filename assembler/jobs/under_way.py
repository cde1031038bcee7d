"""The one job that a worker is at: how far it is, and how it is told to end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from assembler.jobs.model import Job, JobState
from assembler.jobs.records import Records
from assembler.processes import Stop

LONGEST_SENTENCE = 2000


class UnderWay:
    """Takes the pipeline's progress from any thread; ``flush`` writes it down from one."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stop = Stop()
        self._lock = threading.Lock()
        self._said: list[str] = []
        self._step = ""
        self._open: dict[str, _Share] = {}
        self._written: tuple[str, float | None] = ("", None)

    def say(self, sentence: str) -> None:
        with self._lock:
            self._said.append(sentence[:LONGEST_SENTENCE])
            self._step = sentence[:100]

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[_Share]:
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
        """Write down what is new, and stop the work if the job was cancelled. Raises JobError."""
        with self._lock:
            said, self._said = self._said, []
            share = self._open.get(self._step)
            told = (self._step, share.part if share is not None else None)
        records.note(self.job.id, *said)
        if told != self._written:
            records.change(self.job.id, during=self.job.tries, only=[JobState.RUNNING], step=told[0], progress=told[1])
            self._written = told
        known = records.find_job(self.job.id)
        if known is None or known.state is JobState.CANCELLED or known.tries != self.job.tries:
            self.stop.set()


class _Share:
    """One task of the progress."""

    def __init__(self, total: float | None) -> None:
        self._total, self._done = total, 0.0
        self._lock = threading.Lock()

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount

    @property
    def part(self) -> float | None:
        return round(min(1.0, self._done / self._total), 3) if self._total else None
