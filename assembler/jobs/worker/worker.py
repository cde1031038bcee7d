"""A worker: takes tries from the queue one at a time, and looks after those of workers that died.

It ends in one of two ways: told to (SIGTERM), within ten seconds, giving back what it had in hand; or killed, and then
another worker, or the next one of this name, goes on where it was.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from assembler import processes
from assembler.errors import AssemblerError, JobError
from assembler.jobs.class_cards import look_for_cards, withdraw
from assembler.jobs.engine import Engine, give_back, working
from assembler.jobs.event_log import emit
from assembler.jobs.publishing import check_ready, output_of
from assembler.jobs.reconcile import catch_up
from assembler.jobs.store.open_records import load_records
from assembler.jobs.store.records import Records
from assembler.jobs.store.seen import WORKER, forget_seen, mark_seen
from assembler.jobs.worker.ask_vendor import asking
from assembler.jobs.worker.help_render import helping
from assembler.jobs.worker.lease import WorkerLease, take_seat, try_seat
from assembler.jobs.worker.prefetch import fetching_ahead
from assembler.jobs.worker.retain import retaining
from assembler.jobs.worker.send_notices import telling
from assembler.jobs.worker.steps import JobSteps
from assembler.jobs.worker.uploads import give_up_uploads
from assembler.options import Options
from assembler.processes import Stop, Stopped

NICE = 10
"""Niceness of workers and their ffmpegs: they leave the machine to whatever else runs there, above all to the
webhook."""
LOOK_SECONDS = 2.0
"""Time between two looks: progress is written down and cancellation noticed, in s."""
ADOPT_SECONDS = 8.0
"""Time between two looks for dead workers, in s."""
CATCH_UP_SECONDS = 15.0
"""Time between two reconciliations of jobs with the queue, in s."""
CARDS_SECONDS = 60.0
"""Time between two looks for class cards that came or changed at their places, in s."""
SEEN_SECONDS = 20.0
"""Time between two signs of life in the database, in s."""
QUIET_SECONDS = 4.0
"""Maximum time the end waits for the work to fall silent, in s; what is not silent by then ends with the process."""
GIVE_BACK_SECONDS = 12.0
"""Maximum time in which the work of a dead worker is given back, in s; it is tried again later."""
OWN_SECONDS = 2.0
"""Maximum time in which a worker's own work is given back, in s: what is left is found by another worker."""
END_SECONDS = 9.0
"""Maximum time from the signal to the end, in s; a database that hangs must not hold the process up."""
AWAY_SECONDS = 2.0
"""Time between two looks for a server that is away, in s."""


class _Clock:
    """Says when it is time again."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, 0.0

    def is_due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True


def run_worker(options: Options, say: Callable[[str], None]) -> int:
    """Work until told to stop; the process ends here (threads of the job under way never return)."""
    check_ready(options)
    signalled = _end_when_told()
    with contextlib.suppress(OSError):
        os.nice(NICE)
    there = _once_there(options, signalled, say)
    if there is None:
        return 0
    records, engine, seat = there
    stop = Stop()
    work = JobSteps(options, records, engine, stop, worker=seat.name)
    ahead, told_of = fetching_ahead(options, records, seat.name, stop), telling(options, lambda: records)
    asked = asking(options, lambda: records, lambda: engine, say)
    helped = helping(options, seat.name, lambda: work.under_way is None, stop, say)
    with _reported(say):
        give_up_uploads(records, seat.name, say)
    retained = retaining(options, records, engine, say)
    with working(options, seat.name, work), ahead, told_of, asked, helped, retained:
        place = output_of(options)
        emit("worker.start", sentence=f"worker {seat.name}: publishing to {place}", worker=seat.name, output=place)
        _watch(options, records, engine, seat, work, signalled, say)
        _fall_silent(work, stop)
    with _reported(say):
        work.release()
        forget_seen(records, WORKER + seat.name)
        if seat.name in engine.owners():
            give_back(options, seat.name, OWN_SECONDS)
    seat.leave()
    emit("worker.end", sentence=f"worker {seat.name}: ended", worker=seat.name)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of the job that was given back still wait: nothing is to join them


def _end_when_told() -> Stop:
    """Set by the signal; from then on the process has ``END_SECONDS``, wherever it is."""
    signalled = Stop()

    def end(*_: object) -> None:
        if not signalled.is_set():
            last = threading.Timer(END_SECONDS, os._exit, [JobError.exit_code])
            last.daemon = True
            last.start()
        signalled.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    return signalled


def _once_there(
    options: Options, signalled: Stop, say: Callable[[str], None]
) -> tuple[Records, Engine, WorkerLease] | None:
    """The database, the queue and a name of our own, as soon as the server is there; None where we are told to stop
    before. A file of our own is not waited for: what is wrong with it stays wrong."""
    said = ""
    while not signalled.is_set():
        try:
            records = load_records(options)
            return records, Engine(options), take_seat(options)
        except JobError as exc:
            if options.database_url is None or not exc.retry:
                raise
            if exc.sentence != said:
                said = exc.sentence
                say(f"warning: {said}; waiting for it")
        signalled.wait(AWAY_SECONDS)
    return None


def _watch(
    options: Options, records: Records, engine: Engine, seat: WorkerLease, work: JobSteps, signalled: Stop,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    look, adopt, catch = _Clock(LOOK_SECONDS), _Clock(ADOPT_SECONDS), _Clock(CATCH_UP_SECONDS)
    cards, seen = _Clock(CARDS_SECONDS), _Clock(SEEN_SECONDS)
    adoption = _Adoption(options, records, engine, seat.name, signalled, say)
    while not signalled.wait(0.5):
        with _reported(say):
            if look.is_due():
                if not seat.is_held():
                    say(f"worker {seat.name}: another one took this name while the database was away; ending at once")
                    os._exit(JobError.exit_code)
                if work.under_way is not None:
                    work.under_way.flush(records)
            if seen.is_due():
                mark_seen(records, WORKER + seat.name)
            if adopt.is_due():
                adoption.adopt()
            if catch.is_due():
                catch_up(records, engine, options)
                withdraw(records, options)
            if cards.is_due():
                look_for_cards(records, engine, options)


@contextlib.contextmanager
def _reported(say: Callable[[str], None]) -> Iterator[None]:
    """The database may be away for a while: that is said, and no reason to end."""
    try:
        with contextlib.suppress(Stopped):
            yield
    except AssemblerError as exc:
        say(f"warning: {exc.sentence}")


def _fall_silent(work: JobSteps, stop: Stop) -> None:
    """Stop the job under way: its children are killed, its threads wait for the end of the process."""
    under_way = work.under_way
    stop.set()
    if under_way is None:
        return
    under_way.stop.set()
    end = time.monotonic() + QUIET_SECONDS
    while work.under_way is not None and time.monotonic() < end and not work.is_quiet.wait(0.05):
        pass


def requeue_jobs_of(seat: WorkerLease, stop: Stop) -> None:
    """Requeue what a dead worker had in hand; its name is held by us. Raises ``Stopped`` where we are told to end.

    In a process of its own: a process is one worker to the engine at a time, and here that is ourselves.
    """
    argv = [sys.executable, "-P", "-m", "assembler.jobs.worker.requeue", seat.name]
    processes.run(argv, cwd=Path.cwd(), log=Path(os.devnull), stop=stop, stall_seconds=GIVE_BACK_SECONDS)


class _Adoption:
    """Finds workers that died with work in hand, and gives that back.

    One look is not enough with Postgres: after a restart of the server the living need a moment to lock their names
    anew.
    """

    def __init__(
        self, options: Options, records: Records, engine: Engine, own: str, signalled: Stop, say: Callable[[str], None]
    ) -> None:
        self._records = records
        self._options, self._engine, self._own, self._signalled, self._say = options, engine, own, signalled, say
        self._suspects: set[str] = set()

    def adopt(self) -> None:
        is_certain = self._options.database_url is None
        suspects = set()
        for name in self._engine.owners() - {self._own}:
            seat = try_seat(self._options, name)
            if seat is None:
                continue
            try:
                if is_certain or name in self._suspects:
                    self._say(f"worker {name} is dead: its work goes back into the queue")
                    requeue_jobs_of(seat, self._signalled)
                    give_up_uploads(self._records, name, self._say)
                else:
                    suspects.add(name)
            finally:
                seat.leave()
        self._suspects = suspects
