"""Reading hundreds of files side by side with a few descriptors."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path


class OpenFiles:
    """Files by path, of which only the last few used are really open: hundreds can be read side by side."""

    MOST = 32

    def __init__(self) -> None:
        self._open: OrderedDict[Path, int] = OrderedDict()

    def descriptor(self, path: Path) -> int:
        if path not in self._open:
            if len(self._open) >= self.MOST:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = os.open(path, os.O_RDONLY)
        self._open.move_to_end(path)
        return self._open[path]


class PooledFile:
    """What libav reads from: it is never told a path."""

    def __init__(self, path: Path, files: OpenFiles) -> None:
        self._path, self._files, self._at = path, files, 0
        self._size = os.fstat(files.descriptor(path)).st_size

    def read(self, size: int) -> bytes:
        got = os.pread(self._files.descriptor(self._path), size, self._at)
        self._at += len(got)
        return got

    def seek(self, offset: int, whence: int = 0) -> int:
        base = self._at if whence == os.SEEK_CUR else self._size if whence == os.SEEK_END else 0
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at
