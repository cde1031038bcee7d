"""Fetched files on disk, so that nothing is fetched twice.

Per file, all beside each other and named by a digest::

    <digest>             the whole file; never anything else under this name
    <digest>.json        its ``Known``
    <digest>.part        a file under way, kept only where it can be resumed (one that was peeked at: with a hole)
    <digest>.part.json   the ``Known`` of the version it is a part of
    <digest>.lock        held by the process that works on this file
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from filelock import FileLock, Timeout

from assembler.errors import DiskFull, DownloadError
from assembler.network.download.limits import split_url
from assembler.recording import Segment
from assembler.values import Value
from assembler.workspace import LOCK, PART

LOCK_POLL_SECONDS = 0.1
"""Time between two tries for a file that another run fetches, in s."""


class CacheBroken(DownloadError):
    """The cache folder cannot be used: it concerns every file, not one."""


class Known(Value):
    """Version of a file as the server described it."""

    size: int | None
    """Bytes of the whole file; None for one under way whose length the server did not state."""
    etag: str | None
    """The server's name of this version."""
    last_modified: str | None
    """The server's Last-Modified, verbatim."""
    checked: float = 0.0
    """Time at which the server was last asked about it, Unix seconds."""
    have: int | None = None
    """Bytes at the start of a part that are there, where it also has its end; None: all bytes of the part are."""
    tail: int | None = None
    """Start of the end that is there; None as ``have``."""

    @property
    def can_resume(self) -> bool:
        """True with a strong ETag: only that promises the same bytes."""
        return self.etag is not None and not self.etag.startswith("W/")

    @property
    def stamp(self) -> int:
        """Time of change that a fetched file gets (ns): the version's, so that the same version fetched again, or still
        under way, has the same identity. The server's time, and a fraction made of all that it said."""
        digest = hashlib.sha256(json.dumps([self.size, self.etag, self.last_modified]).encode("utf-8")).digest()
        return _seconds(self.last_modified) * 10**9 + int.from_bytes(digest[:8], "big") % 10**9


@dataclass(frozen=True)
class Entry:
    """One file's place in the cache. Everything but ``whole`` is called with its lock held."""

    file: Path
    """Final name."""

    @property
    def part(self) -> Path:
        """Path of the file while it is not whole."""
        return self.file.with_name(self.file.name + PART)

    @property
    def lock(self) -> Path:
        """Path of its lock."""
        return self.file.with_name(self.file.name + LOCK)

    @contextlib.contextmanager
    def locked(self, check: Callable[[], None]) -> Iterator[None]:
        """Held by one process and thread at a time; ``check`` is called while waiting and may raise."""
        lock = FileLock(self.lock, thread_local=False)
        while not lock.is_locked:
            check()
            # A Timeout is an OSError too, but one that says nothing about the disk.
            with disk_errors(self.file.parent), contextlib.suppress(Timeout):
                lock.acquire(timeout=LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def whole(self) -> Known | None:
        """Version of the whole file; None where there is none."""
        try:
            size = self.file.stat().st_size
        except OSError:
            return None
        known = _read(_sidecar(self.file))
        if known is None and size > 0:
            # Killed between the two: under its final name it is whole, only nothing is known of it.
            return Known(size=size, etag=None, last_modified=None)
        return known if known is not None and known.size == size else None

    def resume_point(self) -> tuple[int, Known] | None:
        """(bytes that are there, what they are a part of), or None where nothing can be resumed."""
        known, size = self._under_way()
        if known is None or known.have is not None or size == 0 or (known.size is not None and size > known.size):
            return None
        return size, known

    def peeked(self) -> Known | None:
        """Version of a part that has its head and its end; None where there is no such part."""
        known, size = self._under_way()
        if known is None or known.have is None or known.tail is None or known.size != size:
            return None
        return known if 0 < known.have <= known.tail <= size else None

    def _under_way(self) -> tuple[Known | None, int]:
        known = _read(_sidecar(self.part))
        try:
            size = self.part.stat().st_size
        except OSError:
            return None, 0
        return (known if known is not None and known.can_resume else None), size

    def begin(self, known: Known) -> None:
        """Forget the part under way and make ready for one of this version."""
        self.drop_part()
        if known.can_resume:
            _write(_sidecar(self.part), known)

    def note(self, known: Known) -> None:
        """Keep what is known of the part."""
        _write(_sidecar(self.part), known)

    def drop_part(self) -> None:
        """Remove a part and what is known of it."""
        with disk_errors(self.file.parent):
            self.part.unlink(missing_ok=True)
            _sidecar(self.part).unlink(missing_ok=True)

    def drop(self) -> int:
        """Forget the whole file; how many bytes it had."""
        with disk_errors(self.file.parent):
            try:
                size = self.file.stat().st_size
            except FileNotFoundError:
                return 0
            self.file.unlink()
            _sidecar(self.file).unlink(missing_ok=True)
            return size

    def finish(self, known: Known) -> None:
        """The part, which is whole, becomes the file."""
        with disk_errors(self.file.parent):
            with self.part.open("rb+") as part:
                os.fsync(part.fileno())
            if known.can_resume:
                os.utime(self.part, ns=(known.stamp, known.stamp))
            # The sidecar last: a kill in between leaves a sidecar that does not fit, never one that lies.
            _sidecar(self.file).unlink(missing_ok=True)
            os.replace(self.part, self.file)
        self.confirm(known)
        self.drop_part()

    def confirm(self, known: Known) -> None:
        """Note that the server was asked just now."""
        fresh = {"checked": time.time(), "have": None, "tail": None}
        _write(_sidecar(self.file), known.model_copy(update=fresh))


def entry_of(cache: Path, segment: Segment, app: str | None = "") -> Entry | None:
    """Find the place of a segment's file: by scheme, host, URL path, video id and app ("" for a result that names
    none); None without a URL.

    The query is left out, because signatures change while the file does not. With None for the app: where it lay
    before files were kept by app.
    """
    try:
        parts = split_url(segment.url or "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    key = json.dumps([parts.scheme, host, port, parts.path, segment.source_id, *([] if app is None else [app])])
    return Entry(cache / hashlib.sha256(key.encode("ascii")).hexdigest()[:40])


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise DiskFull or CacheBroken for whatever the disk refuses inside of the ``with``."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no room left in {folder}",
                hint="Free some space and run the same command again: it continues where it stopped.",
            ) from exc
        raise CacheBroken(
            f"the download folder {folder} cannot be used: {exc.strerror or exc}",
            hint="Look at its permissions, or name another folder in ASSEMBLER_HOME.",
        ) from exc


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _seconds(last_modified: str | None) -> int:
    """Unix seconds of a Last-Modified; 2000-01-01 where there is none that can be read."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0, min(int(parsedate_to_datetime(last_modified or "").timestamp()), 2**33))
    return 946_684_800


def _read(path: Path) -> Known | None:
    try:
        return Known.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _write(path: Path, known: Known) -> None:
    with disk_errors(path.parent):
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(known.model_dump_json(), encoding="utf-8")
        os.replace(fresh, path)
