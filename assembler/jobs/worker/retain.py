"""Retention beside the work: once a day, by one worker; what lies in a home of its own, by one of each home."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from assembler.errors import AssemblerError
from assembler.jobs.engine import Engine
from assembler.jobs.retention import Keep, keep_of, remove_old
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.seen import take_turn
from assembler.jobs.worker.background import beside
from assembler.options import Options
from assembler.times import DAY_MS

LOOK_SECONDS = 600.0
"""Time between two looks whether a day is over, in s."""
END_SECONDS = 1.0
"""Maximum time that the end waits for a removal, in s: the next one goes on."""
TURN = "retention"
"""Name under which the database keeps when it was done (stored)."""


def retaining(
    options: Options, records: Records, engine: Engine, say: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Remove what the settings no longer keep until the ``with`` is left; nothing where they keep everything."""

    def retain(left: threading.Event) -> None:
        while not left.is_set():
            retain_today(options, records, engine, say)
            left.wait(LOOK_SECONDS)

    keep = keep_of(options)
    return nullcontext() if keep.sources is keep.outputs is keep.jobs is None else beside(retain, END_SECONDS)


def retain_today(options: Options, records: Records, engine: Engine, say: Callable[[str], None]) -> None:
    """Do today's removal, unless another worker did."""
    keep = keep_of(options)
    own, shared = Keep(sources=keep.sources), keep.model_copy(update={"sources": None})
    home = f"{TURN}:{platform.node()}:{options.home.absolute()}"
    try:
        for turn, part in ((home, own), (TURN, shared)):
            if take_turn(records, turn, now() - DAY_MS):
                for one in remove_old(records, engine, options, part):
                    if one.count:
                        say(f"retention: {one.sentence(is_dry=False)}")
    except AssemblerError as exc:
        say(f"warning: retention ended early, and goes on tomorrow: {exc.sentence}")
