"""A home with jobs in it: classes handed in, workers of their own process, and what the database says of them."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classes import SMALL, Class
from forked import Forked
from terminal import until

from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import Body, keep
from assembler.jobs.intake.intake import take_in
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.open_records import load_records
from assembler.jobs.store.records import Records, now
from assembler.options import Options, load_options

HALTING = """
import functools, importlib, pathlib, sys, threading
module, name, moment, halted = sys.argv[1:]
*path, last = name.split(".")
owner = functools.reduce(getattr, path, importlib.import_module(module))
real = getattr(owner, last)
def halting(*words, **named):
    if moment == "behind":
        real(*words, **named)
    pathlib.Path(halted).touch()
    threading.Event().wait()
setattr(owner, last, halting)
sys.argv[1:] = []
"""
WORKER = """
import sys
from assembler.jobs.worker.__main__ import main
sys.exit(main())
"""


def body_of(lesson: Class, task: str = "t1", **changes: Any) -> bytes:
    """A result of the class as a body; other values by their names."""
    return json.dumps({**lesson.recording().model_dump(mode="json"), "task_id": task, **changes}).encode()


@functools.cache
def _empty_home() -> tempfile.TemporaryDirectory[str]:
    """The databases of a home in which nothing happened yet: to make their tables takes longer than most tests do."""
    folder = tempfile.TemporaryDirectory(prefix="assembler-home-")
    options = Options(home=Path(folder.name))
    load_records(options).close()
    Engine(options).close()
    return folder


@dataclass
class Workshop:
    """Everything below one folder; what is not told by ``settings`` is told by the tests' own environment."""

    folder: Path
    settings: dict[str, str]
    options: Options
    records: Records
    engine: Engine

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, **settings: str) -> Iterator[Workshop]:
        given = {f"ASSEMBLER_{name.upper()}": value for name, value in settings.items()}
        before = os.environ.copy()
        os.environ.update({"ASSEMBLER_HOME": str(folder / "home"), **given})
        try:
            options = load_options()
            if options.database_url is None and not options.home.exists():
                options.home.mkdir(parents=True)
                for database in Path(_empty_home().name).iterdir():
                    shutil.copy(database, options.home)
            records = load_records(options)
            engine = Engine(options)
            try:
                yield cls(folder, settings, options, records, engine)
            finally:
                engine.close()
                records.close()
        finally:
            os.environ.clear()
            os.environ.update(before)

    def hand_in(self, *bodies: bytes, app: str | None = None) -> list[Job]:
        """Store and take in bodies; the jobs they belong to, in order."""
        numbers = keep(self.records, [Body(body, app, "batch", now()) for body in bodies])
        take_in(self.records, self.engine, numbers)
        jobs = {event: job for job in self.records.list_jobs() for event in [job.event]}
        return [jobs[number] for number in numbers if number in jobs]

    def job(self, name: str = "t1") -> Job:
        return self.records.load_job(name)

    def start(self, **settings: str) -> Forked:
        """A worker; what it says goes to worker.log."""
        given = {f"ASSEMBLER_{name.upper()}": value for name, value in settings.items()}
        return Forked(WORKER, cwd=self.folder, env={**os.environ, **given}, log=self.folder / "worker.log")

    def start_halting(self, place: str, moment: str) -> Forked:
        """A worker that comes to a halt "before" or "behind" the function at ``place`` (module:name); it is there."""
        halted = self.folder / "halted"
        halted.unlink(missing_ok=True)
        words = [*place.split(":"), moment, str(halted)]
        process = Forked(HALTING + WORKER, *words, cwd=self.folder, env={**os.environ}, log=self.folder / "worker.log")
        try:
            until(lambda: halted.exists() or process.poll() is not None)
            assert process.poll() is None, (self.folder / "worker.log").read_text(errors="replace")[-3000:]
        except BaseException:
            process.kill()
            raise
        return process

    @contextmanager
    def worker(self, **settings: str) -> Iterator[Forked]:
        """A worker that is told to end where the ``with`` is left."""
        process = self.start(**settings)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait(20)

    def wait(self, state: JobState, name: str = "t1", seconds: float = 60) -> Job:
        """Until the job is in this state; says what it is instead."""
        try:
            until(lambda: self.job(name).state is state, seconds)
        except AssertionError:
            log = (self.folder / "worker.log").read_text(errors="replace")[-3000:]
            raise AssertionError(f"{self.job(name)}\n{self.records.log_of(name)}\n{log}") from None
        return self.job(name)

    def chunks(self) -> dict[str, tuple[int, int]]:
        """Which file every finished piece is."""
        pieces = self.options.home.glob("work/*/chunks/*.mp4")
        return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in pieces}


def laid(folder: Path, lesson: Class, ffmpeg: str) -> dict[str, str]:
    """The class's files on disk, and the settings with which a worker finds them."""
    (folder / "small.json").write_text(SMALL)
    return {"media_dir": str(lesson.make(folder, ffmpeg)), "layout": str(folder / "small.json"), "retry_seconds": "1"}


def kill(process: Forked) -> None:
    """SIGKILL, and wait for it."""
    process.kill()
    process.wait(10)
