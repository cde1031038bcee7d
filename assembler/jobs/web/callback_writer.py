"""Writer of callbacks, which wait until they are on disk: one thread stores many at once, another one makes jobs of
them.

A callback is answered as soon as its raw bytes are in the database, or in the spool folder if the database is away.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, TimeoutError

from assembler.errors import AssemblerError
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import Body, keep
from assembler.jobs.intake.intake import check_spool, spool, take_in, take_in_spooled
from assembler.jobs.reconcile import requeue_lost
from assembler.jobs.store.open_records import load_records
from assembler.jobs.store.records import Records
from assembler.options import Options

AT_ONCE = 200
"""Maximum number of bodies that one transaction stores."""
STORE_SECONDS = 1.0
"""Maximum time for the database to take a body, in s; then it goes into the spool folder (the sender waits for ten)."""
AWAY_SECONDS = 5.0
"""Time for which a database that failed is left alone, in s."""
RECONCILE_SECONDS = 5.0
"""Time between two reconciliations of jobs with the queue, in s."""


class CallbackWriter:
    """Use it inside of its ``open``; ``store`` may be called from any thread."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self.options, self._say = options, say
        self._waiting: queue.SimpleQueue[tuple[Body, Future[None]] | None] = queue.SimpleQueue()
        self._arrived = threading.Event()
        self._is_over = threading.Event()
        self._away_until = 0.0
        self._is_refusing = False
        self._records: Records | None = None
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Run both threads until the ``with`` is left; what waits is stored before."""
        threads = [threading.Thread(target=self._store_all), threading.Thread(target=self._take_in_all)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._arrived.set()
            self._waiting.put(None)
            for thread in threads:
                thread.join()
            if self._engine is not None:
                self._engine.close()
            if self._records is not None:
                self._records.close()

    def records(self) -> Records:
        """The database, opened when it is first there. Raises JobError while it is not."""
        with self._lock:
            if self._records is None:
                self._records = load_records(self.options)
            return self._records

    def engine(self) -> Engine:
        """Return the queue, opened when the database is first there."""
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self.options)
            return self._engine

    def store(self, body: Body) -> None:
        """Returns when the body is on disk. Raises AssemblerError where it is neither in the database nor spooled."""
        if time.monotonic() >= self._away_until:
            done: Future[None] = Future()
            self._waiting.put((body, done))
            try:
                done.result(STORE_SECONDS)
                self._is_refusing = False
                return
            except (AssemblerError, TimeoutError):
                self._away_until = time.monotonic() + AWAY_SECONDS
        self._is_refusing = True
        spool(self.options, body)  # stored twice where the database only was slow: both are the same job
        self._is_refusing = False
        self._arrived.set()

    def is_storing(self) -> bool:
        """False as long as a callback was stored nowhere and the next one would not be either."""
        if self._is_refusing:
            with contextlib.suppress(AssemblerError):
                check_spool(self.options)
                self._is_refusing = False
        return not self._is_refusing

    def _store_all(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            together = [first]
            with contextlib.suppress(queue.Empty):
                while len(together) < AT_ONCE:
                    following = self._waiting.get_nowait()
                    if following is None:
                        self._waiting.put(None)
                        break
                    together.append(following)
            try:
                keep(self.records(), [body for body, _ in together])
            except AssemblerError as exc:
                for _, done in together:
                    done.set_exception(exc)
                continue
            for _, done in together:
                done.set_result(None)
            self._arrived.set()

    def _take_in_all(self) -> None:
        reconciled = 0.0
        failed = False
        while True:
            self._arrived.wait(RECONCILE_SECONDS if not failed else 2.0)
            self._arrived.clear()
            if self._is_over.is_set():
                return
            try:
                records, engine = self.records(), self.engine()
                take_in_spooled(records, self.options)
                take_in(records, engine)
                if time.monotonic() - reconciled > RECONCILE_SECONDS:
                    reconciled = time.monotonic()
                    requeue_lost(records, engine)
                failed = False
            except AssemblerError as exc:
                if not failed:
                    self._say(f"warning: {exc.sentence}")
                failed = True
