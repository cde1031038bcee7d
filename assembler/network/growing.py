"""A file under way of which head and end are there first: its tables can be read, and its beginning used, while the
middle is still being fetched piece by piece."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from assembler.network.cache import Entry, Known
from assembler.recording import Segment


@dataclass
class Growing:
    """One such file; its part in the cache has its full length from the beginning, with a hole in it."""

    segment: Segment
    """Whose file it is."""
    url: str
    """Where it comes from."""
    entry: Entry
    """Its place in the cache, locked until ``lock`` is closed."""
    known: Known
    """The version, with ``have`` and ``tail`` as they were at the beginning."""
    lock: ExitStack = field(default_factory=ExitStack)
    """Gives the entry's lock back."""
    listeners: list[Callable[[Growing], None]] = field(default_factory=list)
    """Called, from the thread that fetches, whenever more is there and at the end."""
    _have: int = 0
    _is_over: bool = False
    _is_whole: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._have = self.known.have or 0

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.known.size or 0

    @property
    def tail(self) -> int:
        """Where the end that is there begins."""
        return self.known.tail or 0

    @property
    def have(self) -> int:
        """Bytes from the start that are there; all of them as soon as they meet the end."""
        return self.size if self._is_whole or self._have >= self.tail else self._have

    @property
    def is_whole(self) -> bool:
        """True as soon as it has its final name."""
        return self._is_whole

    @property
    def is_lost(self) -> bool:
        """True if it will not become whole, or not in this version."""
        return self._is_over and not self._is_whole

    @property
    def identity(self) -> tuple[str, int, int]:
        """What ``identity_of`` will say of the whole file."""
        return str(self.entry.file.resolve()), self.size, self.known.stamp

    @property
    def place(self) -> Path:
        """Where its bytes are now."""
        return self.entry.file if self._is_whole else self.entry.part

    @property
    def next_play_time(self) -> float:
        """About when, on the playback, the next byte is needed: the file's bytes are taken as spread evenly."""
        share = self._have / self.size if self.size else 0.0
        return (self.segment.play_time or 0) + share * (self.segment.duration or 0)

    def reach(self, have: int) -> None:
        """So many bytes are there now."""
        with self._changed:
            self._have = max(have, self._have)
            self._changed.notify_all()
        self._tell()

    def end(self, *, is_whole: bool) -> None:
        """It has its final name, or never will."""
        with self._changed:
            self._is_over, self._is_whole = True, is_whole
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener(self)

    def wait(self, wanted: int, seconds: float) -> bool:
        """Wait for ``wanted`` bytes, at most so long; True if they are there."""
        with self._changed:
            self._changed.wait_for(lambda: self.have >= wanted or self._is_over, seconds)
            return self.have >= wanted and not self.is_lost


class Arrivals:
    """Where a download tells that the tables of every file are known by now, for those who work ahead."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self.files: dict[str, Path] = {}
        """Whole files, by video id."""
        self.growing: dict[str, Growing] = {}
        """Files under way, by video id."""

    def tell(self, files: dict[str, Path], growing: dict[str, Growing]) -> None:
        """Something is known of every file; those in neither of the two cannot be had."""
        self.files, self.growing = files, growing
        self._told.set()

    def close(self) -> None:
        """Nothing more will be told."""
        self._told.set()

    def wait(self, seconds: float) -> bool:
        """True as soon as all is known."""
        return self._told.wait(seconds)
