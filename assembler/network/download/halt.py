"""End of downloads, even while they wait for a silent server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import requests

from assembler.processes import Stop, Stopped


class Halt:
    """Set by the caller's ``Stop``, or by ourselves when one failure concerns all."""

    def __init__(self, stop: Stop | None) -> None:
        self._stop = stop
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._open: set[requests.Response] = set()

    def is_set(self) -> bool:
        """Tell whether downloads have to end."""
        return self._event.is_set() or (self._stop is not None and self._stop.is_set())

    def check(self) -> None:
        """Check whether it is set; raises Stopped then."""
        if self.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait this long; less where it is set."""
        end = time.monotonic() + seconds
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            self._event.wait(min(left, 0.1))

    def set(self) -> None:
        """End everything: threads that wait for a body are woken up."""
        self._event.set()
        with self._lock:
            for response in self._open:
                _wake(response)

    @contextlib.contextmanager
    def watching(self, response: requests.Response) -> Iterator[None]:
        """Let ``set`` interrupt the reading of this response inside of the ``with``."""
        with self._lock:
            self._open.add(response)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._open.discard(response)


def _wake(response: requests.Response) -> None:
    shutdown = getattr(response.raw, "shutdown", None)  # urllib3 before 2.3 has none: the read timeout has to do
    if shutdown is not None:
        with contextlib.suppress(ValueError, RuntimeError, OSError, AttributeError):
            shutdown()
