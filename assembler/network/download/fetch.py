"""One file from the network into the cache: resumed, retried, checked."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import requests

from assembler.errors import DownloadError
from assembler.network.download.cache import Entry, Known, disk_errors
from assembler.network.download.halt import Halt
from assembler.network.download.limits import cap_of, check_content, check_type, size_text
from assembler.network.http import Session, TryAgain, host_of, on_the_wire, opened
from assembler.recording import Segment

ATTEMPTS = 5
"""Maximum number of tries in a row that bring nothing new."""
WAIT_SECONDS = 0.5
"""Time until the second try, in s; doubled for each more."""
WAIT_MAX_SECONDS = 5.0
"""Maximum time between two tries, in s."""
RETRY_AFTER_MAX_SECONDS = 10.0
"""Maximum time that a server's Retry-After is obeyed, in s; one that asks for more is asked before that."""
WORTHWHILE_BYTES = 1024 * 1024
"""Minimum progress, in bytes, of a run of tries that may be followed by another: a bad line is no reason to give up."""
CHUNK_BYTES = 256 * 1024
"""Maximum size of one read of a body, in bytes."""
PACE_SECONDS = 60.0
"""Time over which a server's pace is measured, in s."""
PACE_BYTES = 4 * 1024
"""Minimum number of bytes in PACE_SECONDS; a slower server is stalled, even if it sends a byte now and then."""

T = TypeVar("T")

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_NO_MORE = "If you have the file, put it into a folder and give it with --media-dir; else take a fresh result."
_ENCODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd", "compress")


class ByteMeter:
    """Passes the bytes of one file on to the progress; what is fetched twice counts once."""

    def __init__(self, advance: Callable[[float], None], receive: Callable[[int], object] = int) -> None:
        self._advance, self._receive = advance, receive
        self._lock = threading.Lock()
        self.furthest = 0

    def reach(self, offset: int, *, is_there: bool = False) -> None:
        """Count the bytes up to this offset that were not reached before; as received unless an earlier run did so."""
        with self._lock:
            if offset > self.furthest:
                self._advance(offset - self.furthest)
                if not is_there:
                    self._receive(offset - self.furthest)
                self.furthest = offset


def persistently(call: Callable[[], T], halt: Halt, meter: ByteMeter, attempts: int = ATTEMPTS) -> T:
    """Return the result of ``call``, tried again as long as that may help.

    Raises its DownloadError (TryAgain where another day may help), or Stopped.
    """

    tries, before = 0, meter.furthest
    while True:
        halt.check()
        try:
            return call()
        except TryAgain as exc:
            tries += 1
            if halt.is_set():
                raise
            if tries >= attempts:
                if meter.furthest < before + WORTHWHILE_BYTES:
                    raise
                tries, before = 0, meter.furthest
            if exc.after is None:
                halt.wait(
                    min(WAIT_MAX_SECONDS, WAIT_SECONDS * 2 ** max(0, tries - 1)) + random.uniform(0, WAIT_SECONDS)
                )
            elif exc.after:
                halt.wait(exc.after + random.uniform(0, WAIT_SECONDS))


@dataclass
class Fetch:
    """One file under way; its entry's lock is held throughout."""

    segment: Segment
    """Segment whose file it is."""
    url: str
    """Address to fetch it from; signed, so never printed."""
    entry: Entry
    """Place in the cache, locked."""
    session: Session
    """Session of this thread."""
    halt: Halt
    """End of all downloads."""
    meter: ByteMeter
    """Receiver of the bytes that came."""
    ended_at: int | None = None
    """Offset at which a body of unstated length ended in an earlier try."""
    cut_at: tuple[int, ...] = ()
    """Offsets at which the latest two bodies were cut."""

    def run(self, *, attempts: int | None = None) -> Known:
        """Fetch the file whole and give it its final name.

        Raises DownloadError (TryAgain where another day may help), DiskFull, CacheBroken or Stopped. A part stays
        behind only where it can be resumed.
        """
        point = self.entry.resume_point()
        self.meter.reach(point[0] if point else 0, is_there=True)
        try:
            return persistently(lambda: self.finished(self._received()), self.halt, self.meter, attempts or ATTEMPTS)
        except TryAgain as exc:
            if len(self.cut_at) == 2 and len({*self.cut_at}) == 1:
                exc.hint = f"Every try ends after {size_text(self.cut_at[0])}, so its server has no more. {_NO_MORE}"
            raise
        finally:
            if self.entry.resume_point() is None:
                self.entry.drop_part()

    def _received(self) -> Known:
        """One request; what it brought is in the part, which is then whole."""
        point = self.entry.resume_point()
        offset, known = point or (0, None)
        if known is not None and offset == known.size:
            return known
        headers = {"Range": f"bytes={offset}-", "If-Range": known.etag or ""} if known else {}
        with opened(self.session, self.url, headers) as response, self.halt.watching(response):
            status = response.status_code
            if status == 200:
                return self.stored(response)
            if known is None or status not in (206, 416):
                raise refusal(status, response.headers, host_of(self.url))
            continued = _continued(response, offset, known)
            if continued is None:
                # Not the version of which we hold a part, or not where we stopped (416: behind its end).
                self.entry.drop_part()
                raise TryAgain(f"{host_of(self.url)} cannot continue this download", after=0.0)
            return self._store(response, offset, continued)

    def stored(self, response: requests.Response) -> Known:
        """The whole body of an answer from the beginning, as a part that is whole."""
        known = _known(response, length_of(response))
        self.check(response, known)
        self.entry.begin(known)
        return self._store(response, 0, known)

    def check(self, response: requests.Response, known: Known) -> None:
        """Refuse by its headers what is not a media file of a believable size."""
        host = host_of(self.url)
        check_type(response.headers.get("Content-Type", ""), f"what {host} sent")
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding.split(",")[0].strip() in _ENCODINGS:
            raise DownloadError(f"{host} sent the file packed ({encoding[:20]!r}), which was not asked for")
        self._check_cap(known.size or 0)

    def _check_cap(self, size: int) -> None:
        cap = cap_of(self.segment)
        if size > cap:
            self.entry.drop_part()
            raise DownloadError(
                f"the file is larger than its cap of {size_text(cap)}",
                hint="The cap follows the declared size and duration; give the file with --media-dir if it is right.",
            )

    def _store(self, response: requests.Response, offset: int, known: Known) -> Known:
        host, pace = host_of(self.url), Pace()

        def read() -> bytes:
            try:
                return on_the_wire(host, lambda: response.raw.read1(CHUNK_BYTES, decode_content=False))
            except TryAgain:
                self.cut_at = (*self.cut_at[-1:], offset)
                raise

        with disk_errors(self.entry.file.parent), self.entry.part.open("ab" if offset else "wb") as part:
            while chunk := read():
                self.halt.check()
                self._check_cap(offset + len(chunk))
                part.write(chunk)
                offset += len(chunk)
                self.meter.reach(offset)
                if pace.is_stalled(len(chunk)):
                    raise TryAgain(f"{host} sends almost nothing")
        self.halt.check()
        self._check_end(offset, known, response)
        return known.model_copy(update={"size": offset})

    def _check_end(self, offset: int, known: Known, response: requests.Response) -> None:
        host = host_of(self.url)
        if known.size is not None:
            if offset > known.size:
                self.entry.drop_part()
            if offset != known.size:
                raise TryAgain(f"{host} sent {size_text(offset)} of {size_text(known.size)}")
            return
        has_end_mark = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        if not has_end_mark and offset < (self.segment.size or 0) and self.ended_at != offset:
            # Neither a length nor an end mark: a cut looks like an end. Short of the declared size, ask once more.
            self.ended_at = offset
            self.entry.drop_part()
            raise TryAgain(f"{host} ended early, at {size_text(offset)}")

    def finished(self, known: Known) -> Known:
        """Give the whole part its final name."""
        with disk_errors(self.entry.file.parent):
            try:
                check_content(self.entry.part, f"what {host_of(self.url)} sent")
            except DownloadError:
                self.entry.drop_part()
                raise
        self.entry.finish(known)
        return known


class Pace:
    """Notices a server that sends a byte now and then."""

    def __init__(self) -> None:
        self._since, self._got = time.monotonic(), 0

    def is_stalled(self, size: int) -> bool:
        """Count the bytes that came; tell whether the last PACE_SECONDS brought too few."""
        self._got += size
        now = time.monotonic()
        if now - self._since < PACE_SECONDS:
            return False
        is_stalled = self._got < PACE_BYTES
        self._since, self._got = now, 0
        return is_stalled


def refusal(status: int, headers: Mapping[str, str], host: str) -> DownloadError:
    """Make the error for an answer that brings no file."""
    answered = f"{host} answered {status}"
    if status in (408, 429) or status >= 500:
        return TryAgain(f"{answered}, it is busy or broken", after=_retry_after(headers.get("Retry-After", "")))
    if status in (403, 404, 410):
        return DownloadError(
            f"{answered}: the file is gone or the link has expired (the vendor deletes files after 3 days)",
            hint="If you have the file, put it into a folder and give it with --media-dir; else take a fresh result.",
        )
    if status == 401:
        return DownloadError(f"{answered}: it asks for a login", hint="Give the file with --media-dir.")
    return DownloadError(f"{answered}, which is not a file", hint="Give the file with --media-dir.")


def _retry_after(text: str) -> float | None:
    """Seconds (a date is not worth the trouble: the usual back-off does), never long enough to look hung."""
    text = text.strip()
    return min(float(text), RETRY_AFTER_MAX_SECONDS) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _known(response: requests.Response, size: int | None) -> Known:
    return Known(size=size, etag=response.headers.get("ETag"), last_modified=response.headers.get("Last-Modified"))


def length_of(response: requests.Response) -> int | None:
    """Content-Length, where it says how long the file is."""
    if "chunked" in response.headers.get("Transfer-Encoding", "").lower():
        return None
    text = response.headers.get("Content-Length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _continued(response: requests.Response, offset: int, known: Known) -> Known | None:
    """Return the version that a 206 continues, if it starts where we stopped and is the one whose beginning we hold."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if response.status_code != 206 or match is None or response.headers.get("ETag") != known.etag:
        return None
    if int(match[1]) != offset:
        return None
    size = known.size if match[2] == "*" else int(match[2])
    return known.model_copy(update={"size": size}) if known.size in (None, size) else None
