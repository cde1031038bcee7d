"""Child processes of this room: a module run with an order as JSON, and its failure as an error."""

from __future__ import annotations

import errno
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from assembler import processes
from assembler.errors import DiskFull, MediaError
from assembler.messages import Message
from assembler.processes import Stop
from assembler.processes.fork_server import Module
from assembler.workspace import LOG, ORDER, write_whole

OUT_OF_SPACE = errno.ENOSPC
"""Exit code of our children for a full disk."""
NO_ROOM = ("No space left on device", "Disk quota exceeded", "File too large")
"""Texts of the system's errors for a full disk."""
FULL_BYTES = 64 * 1024
"""Minimum free space, in bytes; with less a child's failure is taken for a full disk, as its log had no room either."""


def run_module(
    module: str,
    words: Sequence[str],
    order: Message,
    *,
    cwd: Path,
    name: str,
    stop: Stop,
    stall_seconds: float = 3600.0,
    on_seconds: Callable[[float], None] | None = None,
    failure: str = "child failed",
) -> None:
    """Run a module with ``words... order.json`` to its end; raises MediaError with ``failure`` and the end of the
    child's log. ``stall_seconds``, ``on_seconds``: as for ``processes.run``."""
    path = cwd / f"{name}{ORDER}"
    log = cwd / f"{name}{LOG}"
    write_whole(path, order.to_json())
    log.unlink(missing_ok=True)
    command = Module(module, [*words, str(path)])
    code = processes.run(command, cwd=cwd, log=log, stop=stop, stall_seconds=stall_seconds, on_seconds=on_seconds)
    if code != 0:
        raise child_error(failure, log, code)


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < FULL_BYTES


def ran_out_of_space(log: Path, code: int) -> bool:
    """True if a child that failed with ``code`` ran out of disk space."""
    tail = processes.log_tail(log)
    is_full = code in (OUT_OF_SPACE, -signal.SIGXFSZ) or any(words in tail for words in NO_ROOM)
    return is_full or _is_full(log.parent)


def child_error(sentence: str, log: Path, code: int) -> MediaError:
    """Build the error for a child's failure; a full disk is a DiskFull, a signal is named."""
    tail = processes.log_tail(log)
    if ran_out_of_space(log, code):
        return DiskFull(f"{sentence}: the disk is full", hint="Make room and run the same command again.")
    if code < 0:
        sentence = f"{sentence}: killed by signal {-code}"
    return MediaError(f"{sentence}: {tail}" if tail else sentence, hint="Run `assembler doctor`; see the work folder.")
