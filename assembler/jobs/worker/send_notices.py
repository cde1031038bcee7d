"""Sender of notices beside the work: a silent receiver delays no job, a dead sender loses none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from assembler.errors import AssemblerError
from assembler.jobs.store.notices import Notice, settle_notice, take_notice
from assembler.jobs.store.records import Records, note, now
from assembler.jobs.worker.background import beside
from assembler.network.notify import receiving
from assembler.options import Options

LOOK_SECONDS = 2.0
"""Time between two looks for notices that are due, in s."""
END_SECONDS = 1.0
"""Maximum time that the end waits for a silent receiver, in s: another sender repeats the notice."""


def telling(options: Options, records: Callable[[], Records]) -> AbstractContextManager[None]:
    """Send notices as they fall due, until the ``with`` is left; nothing where no receiver is named."""

    def tell_on(left: threading.Event) -> None:
        while not left.is_set():
            with suppress(AssemblerError):  # the database is away: the worker says so
                tell_due(options, records(), left.is_set)
            left.wait(LOOK_SECONDS)

    return beside(tell_on, END_SECONDS) if options.notify_url is not None else nullcontext()


def tell_due(options: Options, records: Records, is_over: Callable[[], bool]) -> int:
    """Send what is due, one after the other; how many were taken. Raises JobError where the database is away."""
    notice = _take(records)
    if notice is None:
        return 0
    taken = 0
    with receiving(options) as receiver:
        while notice is not None:
            why_not = receiver.tell(notice.id, notice.body)
            with records.transaction() as connection:
                said = settle_notice(connection, notice, now(), why_not)
                if said and notice.job:
                    note(connection, notice.job, said)
            taken += not why_not
            notice = None if is_over() else _take(records)
    return taken


def _take(records: Records) -> Notice | None:
    with records.transaction() as connection:
        return take_notice(connection, now())


def tell_for(options: Options, records: Records, seconds: float) -> int:
    """Send what is due now, for about ``seconds`` at most; return how many were taken. What is left is the next
    sender's."""
    end = time.monotonic() + seconds
    return tell_due(options, records, lambda: time.monotonic() > end) if options.notify_url is not None else 0
