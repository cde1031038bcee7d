"""Pool of open files: hundreds are read side by side with a few descriptors."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from assembler.media.mixdown.order import BytesAvailable

POLL_SECONDS = 0.05
"""Time between two looks for more bytes, in s."""


class OpenFiles:
    """Files by path, of which only the last few used are really open."""

    MAX_OPEN = 32
    """Maximum count of open files."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, int] = OrderedDict()

    def descriptor(self, path: Path) -> int:
        """Return the descriptor of a file, opening it if needed."""
        if path not in self._open:
            if len(self._open) >= self.MAX_OPEN:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = os.open(path, os.O_RDONLY)
        self._open.move_to_end(path)
        return self._open[path]


class PooledFile:
    """File object that libav reads from; it never gets a path."""

    def __init__(self, path: Path, files: OpenFiles, available: Path | None, on_wait: Callable[[], None]) -> None:
        """``available``: file of its ``BytesAvailable``, None if all is there; ``on_wait`` is called while waiting."""
        self._path, self._files, self._at = path, files, 0
        self._available, self._on_wait = available, on_wait
        self._size = os.fstat(files.descriptor(path)).st_size

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes, waiting for them while they are downloaded."""
        if self._available is not None and 0 <= self._at < self._size:
            size = min(size, self._arrived(self._available) - self._at)
        got = os.pread(self._files.descriptor(self._path), size, self._at)
        self._at += len(got)
        return got

    def _arrived(self, place: Path) -> int:
        """Find the end of the bytes downloaded from here on; waits until there is one."""
        while True:
            available = BytesAvailable.from_bytes(place.read_bytes())
            if self._at >= available.tail or available.have >= available.tail:
                return self._size
            if available.have > self._at:
                return available.have
            self._on_wait()
            time.sleep(POLL_SECONDS)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, as ``io.IOBase.seek``."""
        base = self._at if whence == os.SEEK_CUR else self._size if whence == os.SEEK_END else 0
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at
