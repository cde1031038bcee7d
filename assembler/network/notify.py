"""Telling the owner's backend, by a signed POST, how a job ended. Which notices there are is the jobs' affair.

X-Assembler-Delivery    the same for every repetition of a notice: take it once
X-Assembler-Timestamp   Unix seconds at which this repetition was signed
X-Assembler-Signature   "sha256=" and the hex HMAC-SHA256 of: timestamp, ".", body
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

from assembler.errors import DownloadError, InputError
from assembler.network.http import Session, TryAgain, discreet, host_of, on_the_wire, open_session
from assembler.options import Options

TIMEOUT = (10.0, 10.0)
"""Maximum time until connected, and until the answer begins, in s."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Compute X-Assembler-Signature."""
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def check_notify(options: Options) -> None:
    """Check the settings; raises InputError where ASSEMBLER_NOTIFY_URL is not an address or its secret is missing."""
    if options.notify_url is None:
        return
    try:
        host_of(options.notify_url.get_secret_value())
    except DownloadError:
        is_address = False
    else:
        is_address = True
    if not is_address:
        raise InputError("ASSEMBLER_NOTIFY_URL is not an http or https address", hint="Write https://host/path.")
    if options.notify_secret is None or not options.notify_secret.get_secret_value():
        raise InputError(
            "ASSEMBLER_NOTIFY_URL is set without ASSEMBLER_NOTIFY_SECRET: nobody could tell whose notices they are",
            hint="Set it to a long random text that the receiver knows as well.",
        )


class Receiver:
    """Receiver of notices. Made by ``receiving``; of one thread."""

    def __init__(self, session: Session, options: Options) -> None:
        assert options.notify_url is not None
        assert options.notify_secret is not None
        self._session = session
        self._url = options.notify_url.get_secret_value()
        self._secret = options.notify_secret.get_secret_value()
        self.host = host_of(self._url)
        """Fit for a message; the rest of the address may be a secret."""

    def tell(self, delivery: str, body: bytes) -> str:
        """Send one notice once; "" where it was taken (2xx), else why not."""
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Assembler-Delivery": delivery,
            "X-Assembler-Timestamp": timestamp,
            "X-Assembler-Signature": sign(self._secret, timestamp, body),
        }

        def call() -> int:
            # the body goes to the host that was named and nowhere else, and what it answers is not read
            response = self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False, timeout=TIMEOUT, stream=True
            )
            response.close()
            return int(response.status_code)

        try:
            with discreet():
                status = on_the_wire(self.host, call)
        except TryAgain as exc:
            return exc.sentence
        except DownloadError as exc:
            return f"{exc.sentence}. {exc.hint}"
        if 300 <= status < 400:
            return f"{self.host} answers {status}, a redirect, which is not followed"
        return "" if 200 <= status < 300 else f"{self.host} answers {status}"


@contextmanager
def receiving(options: Options) -> Iterator[Receiver]:
    """The receiver named by ASSEMBLER_NOTIFY_URL, which ``check_notify`` found to be one."""
    with open_session(options.allow_hosts) as session:
        yield Receiver(session, options)
