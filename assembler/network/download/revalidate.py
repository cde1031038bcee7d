"""Revalidation of files fetched earlier: are they still the ones on their server?"""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests

from assembler.errors import DownloadError
from assembler.network.download.cache import Known
from assembler.network.download.fetch import length_of, refusal
from assembler.network.download.limits import check_type
from assembler.network.http import Session, TryAgain, host_of, opened

FRESH_SECONDS = 120.0
"""Maximum age of the server's last answer, in s, up to which a whole file is used without asking again."""
TIMEOUT_SECONDS = (5.0, 5.0)
"""Maximum time to connect and to answer, in s: it is only a question."""


@dataclass(frozen=True)
class Revalidation:
    """Answer of a server about a file fetched earlier."""

    is_changed: bool
    """True if the server has another version."""
    doubt: str = ""
    """Reason why the server could not say; "" where it could."""
    was_reached: bool = True
    """False where the host gave no sign of life."""


def is_fresh(known: Known) -> bool:
    """True if the server was asked a moment ago; a stamp in the future (a clock set back) does not count."""
    return 0 <= time.time() - known.checked < FRESH_SECONDS


def revalidate(session: Session, url: str, known: Known, *, is_reachable: bool) -> Revalidation:
    """Ask the server, by a conditional request whose body is never read, whether the file changed.

    Whatever goes wrong keeps the file: servers delete files after three days, and what was fetched is kept.
    ``is_reachable`` is False for a host that was silent a moment ago: then it is not asked.
    """
    host = host_of(url)
    if not is_reachable:
        return Revalidation(False, _doubt(f"{host} cannot be reached"), was_reached=False)
    headers = {}
    if known.etag:
        headers["If-None-Match"] = known.etag
    elif known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    try:
        with opened(session, url, headers, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code == 304:
                return Revalidation(False)
            if response.status_code != 200:
                raise refusal(response.status_code, response.headers, host)
            check_type(response.headers.get("Content-Type", ""), f"what {host} sent")
            return Revalidation(not _is_same(response, known))
    except DownloadError as failure:
        was_reached = not (isinstance(failure, TryAgain) and not failure.was_answered)
        return Revalidation(False, _doubt(failure.sentence), was_reached=was_reached)


def _is_same(response: requests.Response, known: Known) -> bool:
    """Judged by a full answer from a server that knows no conditions: every mark that it gives has to agree."""
    length = length_of(response)
    if length is not None and length != known.size:
        return False
    etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
    if etag is not None or known.etag is not None:
        return etag == known.etag
    return modified == known.last_modified


def _doubt(why: str) -> str:
    return f"the file fetched earlier is used; its server could not confirm it: {why}"
