"""Queue of downloads: first something of every file, then what is needed first on the playback."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assembler.errors import DownloadError
from assembler.findings import note, warning
from assembler.network.download import fetch
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.cache import CacheBroken, Entry, Known, entry_of
from assembler.network.download.halt import Halt
from assembler.network.download.limits import SumLimit, check_declared
from assembler.network.download.partial_file import PartialFile
from assembler.network.download.ranges import Changed, fetch_piece, peek, piece_bytes
from assembler.network.download.revalidate import is_fresh, revalidate
from assembler.network.http import Session, TryAgain, host_of
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles

NO_PLACE = (
    "Name the place of the playlists and their parts with --media-base, such as s3://bucket/folder, or copy both into a"
    " folder and give it with --media-dir."
)
"""Hint where it is not known where a playlist lies."""
FIRST, WHOLE, PIECE = range(3)
"""Kinds of turns; lower ones come first."""


Turn = tuple[int, float, int, Callable[[], None]]
"""Entry of the queue: kind, time on the playback at which it is needed, number, function."""


@dataclass
class DownloadQueue:
    """Queue of all files to be fetched, served by several threads."""

    cache: Path
    """Folder of the cache."""
    halt: Halt
    """End of all downloads."""
    sessions: queue.SimpleQueue[Session]
    """Sessions that no thread uses at the moment."""
    advance: Callable[[float], None]
    """Function that takes the number of further bytes that came, for the progress."""
    locks: ExitStack
    """Gives all locks back, whatever happens."""
    arrivals: Arrivals | None
    """Channel to a renderer ahead; None where there is none: then no file is peeked at."""
    local: dict[str, Path]
    """Files that need not be fetched."""
    app: str = ""
    """App whose files these are."""
    limit: SumLimit = field(default_factory=lambda: SumLimit({}))
    """Limit of those that are parts of one file."""
    results: SegmentFiles = field(default_factory=SegmentFiles)
    """Files and failures so far."""
    silent: set[str] = field(default_factory=set)
    """Hosts that could not be reached at all: asked once per file from then on, not with all retries."""
    _turns: list[Turn] = field(default_factory=list)
    _unfinished: int = 0
    _unknown: set[str] = field(default_factory=set)
    _partial: dict[str, PartialFile] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _count: int = 0

    def admit(self, segments: Sequence[Segment]) -> None:
        """Put the first turn of each of these files, whose tables are not known yet."""
        self._unknown = {s.video_id for s in segments}
        for segment in segments:
            self.put(FIRST, segment.play_time or 0, _File(self, segment).begin)

    def put(self, kind: int, play_time: float, turn: Callable[[], None]) -> None:
        """Add a turn."""
        with self._changed:
            self._count += 1
            self._unfinished += 1
            heapq.heappush(self._turns, (kind, play_time, self._count, turn))
            self._changed.notify()

    def serve(self) -> None:
        """Take turns until none is left and none can come; raises what concerns all files."""
        while (turn := self._next()) is not None:
            try:
                turn()
            except BaseException:
                self.close()
                raise
            with self._changed:
                self._unfinished -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Drop all turns that wait."""
        with self._changed:
            self._turns.clear()
            self._unfinished = 0
            self._changed.notify_all()
        for partial in list(self._partial.values()):
            if not partial.is_whole:
                partial.end(is_whole=False)

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._turns or self._unfinished <= 0)
            return heapq.heappop(self._turns)[3] if self._turns else None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend a session; waits for a free one."""
        session = self.sessions.get()
        try:
            yield session
        finally:
            self.sessions.put(session)

    def check_sum(self, video_id: str) -> None:
        """Check the sum of those that are parts of one file; raises DownloadError."""
        with self._changed:
            self.limit.check(video_id)

    def count(self, video_id: str, size: int) -> None:
        """Count a file that is there."""
        with self._changed:
            self.limit.add(video_id, size)

    def receive(self, amount: int) -> None:
        """Count bytes that came from a server."""
        with self._changed:
            self.results.received += amount

    def learned(self, video_id: str, partial: PartialFile | None = None) -> None:
        """The file is there, given up, or at least its tables are known."""
        with self._changed:
            if partial is not None:
                self._partial[video_id] = partial
            was_unknown = video_id in self._unknown
            self._unknown.discard(video_id)
            is_last = was_unknown and not self._unknown
        if is_last and self.arrivals is not None:
            self.arrivals.tell({**self.local, **self.results.files}, dict(self._partial))


@dataclass
class _File:
    """One file on its way."""

    line: DownloadQueue
    segment: Segment
    lock: ExitStack = field(default_factory=ExitStack)
    older: Known | None = None
    """Return an earlier version that is there whole, where the server has another one now."""
    partial: PartialFile | None = None

    def begin(self) -> None:
        """Find out whether it is there, is to be fetched whole, or can be peeked at."""
        line, segment = self.line, self.segment
        line.halt.check()
        with self._failing():
            if segment.url is None:
                raise DownloadError("it has no URL", hint=NO_PLACE)
            check_declared(segment)
            line.check_sum(segment.video_id)
            host_of(segment.url)  # refuses what entry_of cannot read
            self.lock.enter_context(self.entry.locked(line.halt.check))
            line.locks.callback(self.lock.close)
            self.meter = fetch.ByteMeter(line.advance, line.receive)
            if self._is_current():
                return
            peeked: PartialFile | Known | None = None
            if line.arrivals is not None or self.entry.peeked() is not None:
                with line.session() as session:
                    peeked = peek(self._fetch(session))
            match peeked:
                case PartialFile():
                    self.partial = peeked
                    line.put(PIECE, peeked.next_play_time, self.fetch_on)
                    line.learned(segment.video_id, peeked)
                case Known():
                    self._finish()
                case None if line.arrivals is None:
                    self.fetch_whole()  # at once: a lock, which is an open file, is not held for each file that waits
                case None:
                    line.put(WHOLE, segment.play_time or 0, self.fetch_whole)

    def fetch_whole(self) -> None:
        """Fetch from the beginning, or from where an earlier run stopped, to the end."""
        host = host_of(self.segment.url or "")
        with self._failing(), self.line.session() as session:
            try:
                self._fetch(session).run(attempts=1 if host in self.line.silent else None)
            except TryAgain as failure:
                if not failure.was_answered:
                    self.line.silent.add(host)
                raise
            self._finish()

    def fetch_on(self) -> None:
        """The next piece of what was peeked at; the one behind it may be fetched at the same time."""
        line, partial = self.line, self.partial
        assert partial is not None
        piece, failure = partial.claim(piece_bytes(partial)), None
        if piece is None:
            return
        if not partial.is_taken:
            line.put(PIECE, partial.next_play_time, self.fetch_on)
        try:
            with line.session() as session:
                fetch_piece(piece, partial, self._fetch(session))
        except CacheBroken:
            raise
        except DownloadError as exc:
            failure = exc
        if partial.leave(piece, failure):
            self._end_partial(partial)

    def _end_partial(self, partial: PartialFile) -> None:
        """Give it its final name, or give it up: nobody is at it any more."""
        with self._failing():
            match partial.failure:
                case None:
                    with self.line.session() as session:
                        self._fetch(session).finished(partial.known)
                    partial.end(is_whole=True)
                    self._finish()
                case Changed():
                    partial.end(is_whole=False)
                    self.entry.drop_part()
                    self.line.put(WHOLE, self.segment.play_time or 0, self.fetch_whole)
                case failure:
                    raise failure

    @property
    def entry(self) -> Entry:
        entry = entry_of(self.line.cache, self.segment, self.line.app)
        assert entry is not None
        return entry

    def _fetch(self, session: Session) -> fetch.Fetch:
        line = self.line
        return fetch.Fetch(self.segment, self.segment.url or "", self.entry, session, line.halt, self.meter)

    def _is_current(self) -> bool:
        """True if what is there is the server's current version, or all that can be had."""
        line, known, url = self.line, self.entry.whole(), self.segment.url or ""
        if known is None:
            return False
        if is_fresh(known):
            self._finish()
            return True
        host = host_of(url)
        with line.session() as session:
            answer = revalidate(session, url, known, is_reachable=host not in line.silent)
        if not answer.was_reached:
            line.silent.add(host)
        if answer.is_changed:
            self.older = known
            return False
        self.entry.confirm(known)
        if answer.doubt:
            line.results.findings.append(note(self.segment.video_id, answer.doubt))
        self._finish()
        return True

    def _finish(self) -> None:
        name, size = self.segment.video_id, self.entry.file.stat().st_size
        self.meter.reach(size, is_there=True)
        if self.segment.size and size != self.segment.size:
            sentence = f"the file has {size:,} bytes, declared were {self.segment.size:,}"
            self.line.results.findings.append(note(name, sentence))
        self.line.results.files[name] = self.entry.file
        self.line.count(name, size)
        self.lock.close()
        self.line.learned(name)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A failure in here is this file's alone; where there is an older version, that one is used."""
        name, results = self.segment.video_id, self.line.results
        try:
            yield
        except CacheBroken:
            raise
        except DownloadError as failure:
            if self.partial is not None and not self.partial.is_whole:
                self.partial.end(is_whole=False)
            if self.older is None:
                results.failures[name] = failure
                self.lock.close()
                self.line.learned(name)
                return
            sentence = f"changed on its server, but {failure.sentence}: the older file fetched before is used"
            results.findings.append(warning(name, sentence))
            self._finish()
