"""A file under way of which head and end are there first: its tables can be read, and its beginning used, while the
middle is still being fetched piece by piece."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from assembler.errors import DownloadError
from assembler.network.download.cache import Entry, Known
from assembler.recording import Segment


@dataclass
class ByteRange:
    """A stretch of a file that one request is at."""

    start: int
    """Offset of its first byte."""
    end: int
    """Offset behind its last one."""
    at: int
    """Offset behind the last byte that is there."""


@dataclass
class PartialFile:
    """One such file; its part in the cache has its full length from the beginning, with a hole in it.

    Several pieces may be under way at once: servers share their speed evenly among connections, and the file that has
    the most bytes a second would else come later than all others.
    """

    segment: Segment
    """Segment whose file it is."""
    url: str
    """Address to fetch it from."""
    entry: Entry
    """Place in the cache, locked until ``lock`` is closed."""
    known: Known
    """The version, with ``have`` and ``tail`` as they were at the beginning."""
    lock: ExitStack = field(default_factory=ExitStack)
    """Gives the entry's lock back."""
    failure: DownloadError | None = None
    """Error for which it will not become whole; None as long as it may."""
    _next: int = 0
    """Start of the next piece."""
    _pieces: list[ByteRange] = field(default_factory=list)
    """Pieces under way, and one that failed: what is behind it does not count."""
    _busy: int = 0
    _is_over: bool = False
    _is_whole: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _noting: threading.Lock = field(default_factory=threading.Lock)
    _listeners: list[Callable[[PartialFile], None]] = field(default_factory=list)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._next = self.known.have or 0

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.known.size or 0

    @property
    def tail(self) -> int:
        """Start of the end that is there."""
        return self.known.tail or 0

    @property
    def have(self) -> int:
        """Bytes from the start that are there; all of them as soon as they meet the end."""
        with self._changed:
            have = min((piece.at for piece in self._pieces if piece.at < piece.end), default=self._next)
            return self.size if self._is_whole or have >= self.tail else have

    @property
    def fetched(self) -> int:
        """Bytes that are there, in front and behind whatever is missing."""
        with self._changed:
            missing = sum(piece.end - piece.at for piece in self._pieces)
            return self.size if self._is_whole else self._next - missing

    @property
    def is_whole(self) -> bool:
        """True as soon as it has its final name."""
        return self._is_whole

    @property
    def is_lost(self) -> bool:
        """True if it will not become whole, or not in this version."""
        return (self._is_over or self.failure is not None) and not self._is_whole

    @property
    def is_taken(self) -> bool:
        """True if no piece is left that nobody is at."""
        return self._next >= self.tail

    @property
    def identity(self) -> tuple[str, int, int]:
        """Identity (``identity_of``) that the whole file will have."""
        return str(self.entry.file.resolve()), self.size, self.known.stamp

    @property
    def place(self) -> Path:
        """Path of its bytes now."""
        return self.entry.file if self._is_whole else self.entry.part

    @property
    def next_play_time(self) -> float:
        """Estimate when, on the playback, the next byte is needed: the file's bytes are taken as spread evenly."""
        share = self._next / self.size if self.size else 0.0
        return (self.segment.play_time or 0) + share * (self.segment.duration or 0)

    def claim(self, size: int) -> ByteRange | None:
        """The next piece (an empty one where all is there), to be left in the end; None if the file is lost."""
        with self._changed:
            if self.is_lost:
                return None
            start, self._next = self._next, max(self._next, min(self.tail, self._next + size))
            piece = ByteRange(start, self._next, start)
            self._pieces.append(piece)
            self._busy += 1
            return piece

    def reach(self, piece: ByteRange, at: int) -> None:
        """Note how much of it is there now."""
        with self._changed:
            piece.at = max(at, piece.at)
            self._changed.notify_all()
        self._tell()

    def leave(self, piece: ByteRange, failure: DownloadError | None = None) -> bool:
        """Count a range off that is there, or will not come; True for the last of all: then the file is whole, or lost
        for ``failure``."""
        with self._changed:
            self._busy -= 1
            self.failure = self.failure or failure
            if piece.at >= piece.end:
                self._pieces.remove(piece)
            self._changed.notify_all()
            is_last = self._busy == 0 and (self.is_taken or self.failure is not None)
        self._tell()
        return is_last

    def note(self) -> None:
        """Keep how much is there, for a run after a kill."""
        with self._noting:
            have = min(self.have, self.tail)
            self.entry.note(self.known.model_copy(update={"have": have}))

    def end(self, *, is_whole: bool) -> None:
        """Note that it has its final name, or never will."""
        with self._changed:
            self._is_over, self._is_whole = True, is_whole
            self._changed.notify_all()
        self._tell()

    def listen(self, listener: Callable[[PartialFile], None]) -> None:
        """Call it now, and from the threads that fetch whenever more is there and at the end."""
        with self._telling:
            self._listeners.append(listener)
            listener(self)

    def _tell(self) -> None:
        with self._telling:  # one at a time: what is written down last is then never older than what was before
            for listener in self._listeners:
                listener(self)

    def wait(self, wanted: int, seconds: float) -> bool:
        """Wait for ``wanted`` bytes, ``seconds`` at most; True if they are there."""
        with self._changed:
            self._changed.wait_for(lambda: self.have >= wanted or self._is_over or self.is_lost, seconds)
            return self.have >= wanted and not self.is_lost
