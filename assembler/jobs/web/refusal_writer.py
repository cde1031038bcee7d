"""Keeps refused callbacks aside: many at once, never waited for, and only some of them where too many come."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from assembler.errors import AssemblerError
from assembler.jobs.intake.bodies import Turned, refuse
from assembler.jobs.store.records import Records

PAUSE_SECONDS = 0.5
"""Time between two batches, in s."""
AT_ONCE = 500
"""Maximum number of bodies in one batch; more are only counted."""
BYTES_AT_ONCE = 8 * 2**20
"""Maximum size of one batch, in bytes; more are only counted: the ring would forget them soon anyway."""
SAID_SECONDS = 60.0
"""Minimum time between two warnings of bodies that were not kept, in s."""


class Refusals:
    """Use it inside of its ``open``; ``put`` may be called from any thread and waits for nothing."""

    def __init__(self, records: Callable[[], Records], say: Callable[[str], None]) -> None:
        self._records, self._say = records, say
        self._waiting: list[Turned] = []
        self._bytes, self._left_out, self._said = 0, 0, -SAID_SECONDS
        self._lock, self._arrived, self._is_over = threading.Lock(), threading.Event(), threading.Event()

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Run the thread until the ``with`` is left; what waits is kept before."""
        thread = threading.Thread(target=self._keep_all)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._arrived.set()
            thread.join()

    def put(self, body: Turned) -> None:
        """Hand a refused body in; one over the bounds is counted instead."""
        with self._lock:
            if len(self._waiting) >= AT_ONCE or self._bytes + len(body.raw) > BYTES_AT_ONCE:
                self._left_out += 1
            else:
                self._waiting.append(body)
                self._bytes += len(body.raw)
        self._arrived.set()

    def _keep_all(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            is_last = self._is_over.is_set()
            with self._lock:
                bodies, self._waiting, self._bytes = self._waiting, [], 0
            if bodies:
                with contextlib.suppress(AssemblerError):  # for inspection only
                    refuse(self._records(), bodies)
            if self._left_out and time.monotonic() - self._said >= SAID_SECONDS:
                self._say(f"warning: so many callbacks are refused that {self._left_out} of them were not kept")
                self._left_out, self._said = 0, time.monotonic()
            if is_last:
                return
            self._is_over.wait(PAUSE_SECONDS)
