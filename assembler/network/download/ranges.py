"""Peeking at the head and the end of an mp4, and fetching what lies between in pieces, by requests for ranges.

Only where the server names versions (a strong ETag) and answers requests for ranges exactly; every other file is
fetched from its beginning to its end (``fetch``), as before.
"""

from __future__ import annotations

import io
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import requests

from assembler.errors import DownloadError
from assembler.mp4.boxes import walk_boxes
from assembler.mp4.first_samples import first_samples
from assembler.network.download.cache import Known, disk_errors
from assembler.network.download.fetch import CHUNK_BYTES, Fetch, Pace, persistently, refusal
from assembler.network.download.partial_file import ByteRange, PartialFile
from assembler.network.http import TryAgain, host_of, on_the_wire, opened

HEAD_BYTES = 128 * 1024
"""Size of the head that says what the file is and where its tables are, in bytes; asked for of every file before more
is fetched of any."""
END_BYTES = 64 * 1024
"""Number of bytes fetched before the tables at the end of a file: the last packets, which say where its sound ends."""
LARGEST_TABLES = 32 << 20
"""Maximum size of a file's tables that are peeked at, in bytes."""
LARGEST_FIRST = 2 << 20
"""Maximum distance of a first key frame behind the tables, in bytes: without it nothing is known of a picture."""
SOUND_BYTES = 32 * 1024
"""Number of bytes that hold the first packets of a sound, which say where it really begins."""
WORTH_BYTES = 1 << 18
"""Minimum size of a file that is fetched in pieces, in bytes."""
PIECE_SECONDS = 10.0
"""Maximum media time of a piece, in s: so much may one file be ahead of the others."""
PIECE_BYTES = range(256 * 1024, 8 << 20)
"""Bounds of a piece, in bytes."""
REPORT_SECONDS = 0.1
"""Minimum time between two reports of how far a file has come, in s: not one for every packet of the wire."""
NOTE_SECONDS = 1.0
"""Minimum time between two notes on disk of how far a part has come, in s; this much is fetched again behind a kill."""

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class _NoPeek(Exception):
    """Raised for a file that cannot be looked into before it is whole."""


@dataclass(frozen=True)
class _Answer:
    """Exactly the bytes that were asked for."""

    data: bytes
    known: Known


def peek(fetch: Fetch) -> PartialFile | Known | None:
    """Head and end of the file, in its part.

    Known where the file came whole at once (its server answers no requests for ranges, or it is small), and None
    where it has to be fetched whole first; what came of it until then is kept. Raises DownloadError only for what a
    whole download would meet as well, or Stopped.
    """
    before = fetch.entry.peeked()
    if before is not None:
        return PartialFile(fetch.segment, fetch.url, fetch.entry, before)
    if fetch.entry.resume_point() is not None:
        return None
    with suppress(_NoPeek, TryAgain):
        with opened(fetch.session, fetch.url, _asking(0, HEAD_BYTES)) as response, fetch.halt.watching(response):
            if response.status_code == 200:
                return fetch.finished(fetch.stored(response))
            head = _taken(fetch, response, 0, HEAD_BYTES)
        return _peeked(fetch, head)
    return None


def _peeked(fetch: Fetch, head: _Answer) -> PartialFile | Known:
    size = head.known.size or 0
    fetch.entry.begin(head.known)
    with disk_errors(fetch.entry.file.parent):
        fetch.entry.part.write_bytes(head.data)  # can be resumed from here, whatever comes
    fetch.meter.reach(len(head.data))
    if len(head.data) == size:
        return fetch.finished(head.known)
    if size < WORTH_BYTES:
        raise _NoPeek
    beginning, start, end = head.data, *_tables(head.data, size)
    tail = size - END_BYTES
    if start < len(beginning):
        beginning += _missing(fetch, len(beginning), end, head.known)
        tables, ending = beginning[start:end], b""
    else:
        tail = max(len(beginning), start - END_BYTES)
        ending = _range(fetch, tail, size, head.known).data
        tables = ending[start - tail : end - tail]
    is_whole = len(tables) == end - start and 8 < int.from_bytes(tables[:4], "big") <= len(tables)
    if not is_whole or tables[4:8] != b"moov" or b"mvex" in tables:
        raise _NoPeek
    wanted = min(first_samples(tables) + SOUND_BYTES, len(beginning) + LARGEST_FIRST, tail)
    beginning += _missing(fetch, len(beginning), wanted, head.known)
    if not ending:
        tail = max(len(beginning), tail)
        ending = _missing(fetch, tail, size, head.known)
    known = head.known.model_copy(update={"have": len(beginning), "tail": tail})
    # Noted first: the part has its full length, and so counts, only when its last byte is there.
    fetch.entry.note(known)
    with disk_errors(fetch.entry.file.parent), fetch.entry.part.open("r+b") as part:
        part.write(beginning)
        part.seek(tail)
        part.write(ending)
    fetch.meter.reach(len(beginning))
    return PartialFile(fetch.segment, fetch.url, fetch.entry, known)


def _missing(fetch: Fetch, start: int, end: int, known: Known) -> bytes:
    return _range(fetch, start, end, known).data if start < end else b""


def _tables(head: bytes, size: int) -> tuple[int, int]:
    """Find the place of an mp4's moov box; raises _NoPeek where the head does not lead to it."""
    at = 0
    for box in walk_boxes(io.BytesIO(head), len(head)):
        if box.start == 0 and box.name not in (b"ftyp", b"moov", b"free", b"skip", b"wide", b"mdat"):
            raise _NoPeek
        if box.name == b"moov":
            if not box.body < box.end <= min(size, box.start + LARGEST_TABLES):
                raise _NoPeek
            return box.start, box.end
        at = box.end
    if not len(head) <= at < size or size - at > LARGEST_TABLES:
        raise _NoPeek
    return at, size  # behind the media: what is there has to prove to be the moov


def _range(fetch: Fetch, start: int, end: int, known: Known) -> _Answer:
    """The bytes of ``[start, end)`` of the known version, or _NoPeek."""
    headers = _asking(start, end) | {"If-Range": known.etag or ""}
    with opened(fetch.session, fetch.url, headers) as response, fetch.halt.watching(response):
        answer = _taken(fetch, response, start, end)
    if (known.etag, known.size) != (answer.known.etag, answer.known.size):
        raise _NoPeek
    return answer


def _asking(start: int, end: int) -> dict[str, str]:
    return {"Range": f"bytes={start}-{end - 1}"}


def _taken(fetch: Fetch, response: requests.Response, start: int, end: int) -> _Answer:
    """Exactly the bytes asked for, or fewer where the file ends."""
    found = _ranged(response)
    if found is None or found[0] != start:
        raise _NoPeek
    _, last, total = found
    known = Known(size=total, etag=response.headers.get("ETag"), last_modified=response.headers.get("Last-Modified"))
    if not known.can_resume or last != min(end, total):
        raise _NoPeek
    fetch.check(response, known)
    data = on_the_wire(host_of(fetch.url), lambda: response.raw.read(last - start, decode_content=False))
    fetch.halt.check()
    if len(data) != last - start:
        raise _NoPeek
    return _Answer(data, known)


def _ranged(response: requests.Response) -> tuple[int, int, int] | None:
    """(first byte, behind the last one, bytes of the whole) of an answer to a request for a range."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if response.status_code != 206 or match is None:
        return None
    return int(match[1]), int(match[2]) + 1, int(match[3])


class Changed(DownloadError):
    """Raised where the server has another version: what was peeked at is worthless."""


def fetch_piece(piece: ByteRange, partial: PartialFile, fetch: Fetch) -> None:
    """One piece.

    Raises DownloadError (Changed where the file has to be fetched anew), DiskFull or Stopped.
    """
    fetch.meter.reach(partial.fetched, is_there=True)
    persistently(lambda: _receive(piece, partial, fetch), fetch.halt, fetch.meter)


def piece_bytes(partial: PartialFile) -> int:
    """Choose the length of this file's next piece, in bytes."""
    seconds = (partial.segment.duration or 0) / 1000
    bytes_per_second = partial.size / seconds if seconds else partial.size
    return min(max(int(bytes_per_second * PIECE_SECONDS), PIECE_BYTES.start), PIECE_BYTES.stop)


def _receive(piece: ByteRange, partial: PartialFile, fetch: Fetch) -> None:
    """One request; what it brought is in the part and noted."""
    start, known = piece.at, partial.known
    if start >= piece.end or partial.is_lost:
        return
    headers = _asking(start, piece.end) | {"If-Range": known.etag or ""}
    with opened(fetch.session, fetch.url, headers) as response, fetch.halt.watching(response):
        found, status = _ranged(response), response.status_code
        if status not in (200, 206, 416):
            raise refusal(status, response.headers, host_of(fetch.url))
        if found is None or found[0] != start or found[2] != known.size or response.headers.get("ETag") != known.etag:
            raise Changed(f"{host_of(fetch.url)} has another version of the file now", retry=True)
        with disk_errors(fetch.entry.file.parent), fetch.entry.part.open("r+b") as part:
            part.seek(start)
            try:
                _store(response, piece, partial, fetch, part)
            finally:
                partial.note()


def _store(response: requests.Response, piece: ByteRange, partial: PartialFile, fetch: Fetch, part: IO[bytes]) -> None:
    host, pace, noted = host_of(fetch.url), Pace(), time.monotonic()
    at, reported = piece.at, noted

    def read() -> bytes:
        return response.raw.read1(min(CHUNK_BYTES, piece.end - at), decode_content=False)

    def tell() -> None:
        part.flush()
        partial.reach(piece, at)
        fetch.meter.reach(partial.fetched)

    try:
        while at < piece.end and not partial.is_lost and (chunk := on_the_wire(host, read)):
            fetch.halt.check()
            part.write(chunk)
            at += len(chunk)
            if (now := time.monotonic()) - reported > REPORT_SECONDS:
                tell()
                reported = now
                if now - noted > NOTE_SECONDS:
                    partial.note()
                    noted = now
            if pace.is_stalled(len(chunk)):
                raise TryAgain(f"{host} sends almost nothing")
    finally:
        tell()
    if at < piece.end and not partial.is_lost:
        raise TryAgain(f"{host} ended early, at {at:,} of {piece.end:,} bytes")


__all__ = ["Changed", "PartialFile", "fetch_piece", "peek", "piece_bytes"]
