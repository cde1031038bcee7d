"""Bytes of files that are still being fetched: which are there, and waiting for those that are not."""

from __future__ import annotations

import threading
from pathlib import Path

from assembler.network.download.partial_file import PartialFile


class Arrivals:
    """Channel through which a download tells that the tables of every file are known, for a renderer ahead."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self.files: dict[str, Path] = {}
        """Whole files, by video id."""
        self.partial: dict[str, PartialFile] = {}
        """Files under way, by video id."""

    def tell(self, files: dict[str, Path], partial: dict[str, PartialFile]) -> None:
        """Pass on that something is known of every file; those in neither of the two cannot be had."""
        self.files, self.partial = files, partial
        self._told.set()

    def close(self) -> None:
        """Pass on that no more will come."""
        self._told.set()

    def wait(self, seconds: float) -> bool:
        """True as soon as all is known."""
        return self._told.wait(seconds)
