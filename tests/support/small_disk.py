"""A disk that fills up."""

from __future__ import annotations

import resource
import subprocess
from contextlib import suppress
from pathlib import Path


class SmallDisk:
    """A folder on a disk of 3 MiB; where none can be mounted, a limit on the size of files stands for the full disk."""

    def __init__(self, place: Path) -> None:
        self.place, self._filler = place, place / "filler"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
        self._is_real = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, pid: int = 0) -> None:
        """From now on the process (0: this one, and its children) finds no room."""
        if not self._is_real:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            return
        with suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        if not self._is_real:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        if self._is_real:
            subprocess.run(["umount", "-l", str(self.place)], check=True)
