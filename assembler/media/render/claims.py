"""Locks and queue by which several processes, on one machine or on several, render the chunks of one playback.

    home/shared/<work>.json           the offer: all that is needed to render the chunks; locked while its owner lives
    home/work/<work>/claims/<chunk>   locked by whoever renders that chunk
    home/work/<work>/helped/<name>/   where others than the owner render; what is finished is moved to chunks/

A lock ends with its process, or with its machine. Locks only keep a chunk from being rendered twice: no file's content
depends on them, because each process writes in a folder of its own, and what is whole is moved to its place.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from assembler.processes import Stop, Stopped
from assembler.workspace import CHUNK, CHUNKS, FETCHED, LOG, MADE, PART

POLL_SECONDS = 0.1
"""Time between two looks for a free chunk, in s."""


@contextmanager
def claim_chunk(work: Path, name: str) -> Iterator[bool]:
    """Claim a chunk for the length of the ``with``: True if it is ours; False too where the work folder is gone."""
    try:
        file = os.open(work / "claims" / name, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        yield False
        return
    try:
        yield try_lock(file)
    finally:
        os.close(file)


def try_lock(file: int) -> bool:
    """Lock an open file for this descriptor, also against threads of this process; False if it is locked already."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(file: int) -> bool:
    """True while another descriptor holds the lock of this file."""
    if try_lock(file):
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
    return True


def fetch_beginning(work: Path, name: str, chunks: Path) -> None:
    """Copy a helper's unfinished file of a chunk to ``chunks``, to be salvaged there.

    A copy, as the helper may be a machine that was only cut off, and still writes.
    """
    half, log = f"{name}{MADE}{PART}", f"{name}{LOG}"
    if any((chunks / known).exists() for known in (half, f"{name}{CHUNK}")):
        return
    with suppress(FileNotFoundError):  # its helper came back, and continues it
        sizes = {begun: begun.stat().st_size for begun in work.glob(f"helped/*/{CHUNKS}/{half}")}
        if sizes:
            begun = max(sizes, key=lambda path: sizes[path])
            shutil.copyfile(begun, chunks / f"{name}{FETCHED}")
            shutil.copyfile(begun.with_name(log), chunks / log)
            os.replace(chunks / f"{name}{FETCHED}", chunks / half)


class ChunkQueue:
    """Queue of chunks for the owner's threads, each claimed once.

    A chunk that another process renders is skipped, and waited for at the end. Behind ``patience`` seconds it is
    claimed all the same: its claim may be held by a process that hangs.
    """

    def __init__(
        self, order: Iterable[int], stop: Stop, work: Path | None = None, names: Mapping[int, str] | None = None,
        patience: float = 0,
    ) -> None:  # fmt: skip
        """``work``: the shared work folder, None where no other process renders; ``names``: the chunks' digests."""
        self._left, self._stop, self._work, self._names, self._patience = list(order), stop, work, names or {}, patience
        self._lock = threading.Lock()

    @contextmanager
    def claim(self) -> Iterator[int]:
        """Claim the next chunk, by its index, for the length of the ``with``; called once for each. Raises Stopped."""
        begun = time.monotonic()
        while not self._stop.is_set():
            is_patient = time.monotonic() - begun <= self._patience
            for index in list(self._left):
                with self._claimed(index, is_patient=is_patient) as is_ours:
                    if is_ours and self._take(index):
                        if self._work is not None:
                            fetch_beginning(self._work, self._names[index], self._work / CHUNKS)
                        yield index
                        return
            time.sleep(POLL_SECONDS)
        raise Stopped

    def _claimed(self, index: int, *, is_patient: bool) -> AbstractContextManager[bool]:
        if self._work is None or not is_patient:
            return nullcontext(True)
        return claim_chunk(self._work, self._names[index])

    def _take(self, index: int) -> bool:
        with self._lock:
            if index not in self._left:
                return False
            self._left.remove(index)
            return True
