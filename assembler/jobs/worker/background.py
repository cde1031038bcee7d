"""Work of its own beside a worker's jobs, in a thread that ends with the ``with`` it belongs to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[threading.Event], None], end_seconds: float) -> Iterator[None]:
    """Run ``work`` until the ``with`` is left, which sets the event it is given and waits ``end_seconds`` at most."""
    left = threading.Event()
    thread = threading.Thread(target=work, args=(left,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join(end_seconds)
