"""HTTP, with public addresses and hosts the user named only. Every request and every redirect passes through here.

Exceptions of requests and urllib3 hold whole URLs, signatures included. So they are translated where they arise and
raised OUTSIDE their ``except``: not even the chain of a traceback leads back to them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession  # type: ignore[import-untyped]  # it has no types
from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]
from requests_hardened.ip_filter_adapter import IPFilterAdapter  # type: ignore[import-untyped]
from urllib3.exceptions import HTTPError, ReadTimeoutError

from assembler.errors import DownloadError
from assembler.network.download.limits import split_url
from assembler.processes import Stopped

LOGGERS = ("urllib3.connectionpool", "requests_hardened.ip_filter", "tencentcloud_sdk_common")
"""Loggers that would tell whole requests."""
CONNECT_SECONDS = 10.0
"""Maximum time to connect, in s."""
READ_SECONDS = 20.0
"""Maximum silence of a server, in s."""
ANSWER_SECONDS = 40.0
"""Maximum time from the first look at a server's name to the last line of an answer's head, in s, however it drips."""
POLL_SECONDS = 0.1
"""Time between two looks whether to end, while an answer is waited for, in s."""
MAX_REDIRECTS = 5
"""Maximum number of redirects of one request."""
MAX_ANSWER = 32 * 2**20
"""Maximum answer to a POST, in bytes; what is longer is cut off there."""

T = TypeVar("T")


class TryAgain(DownloadError):
    """Failure that may pass by itself: a cut wire, a silent or overloaded server."""

    def __init__(self, sentence: str, *, after: float | None = None, was_answered: bool = True) -> None:
        super().__init__(sentence, hint="Run the same command again: it continues where it stopped.", retry=True)
        self.after = after
        """Seconds the server asks us to wait; None where it does not say."""
        self.was_answered = was_answered
        """False where the host could not be reached at all."""


class Session(HTTPSession):  # type: ignore[misc]  # its base has no types
    """A hardened session that leaves redirects to ``opened``.

    requests reads the whole body of every redirect into memory, and a hostile one has no end.
    """

    is_halted: Callable[[], bool] = staticmethod(lambda: False)
    """Asked while an answer is waited for."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return None: requests then follows no redirect."""
        return None

    def target_of(self, response: requests.Response) -> str | None:
        """Return the address that a redirect names; None for any other answer."""
        target: str | None = super().get_redirect_target(response)
        return target


class _CheckedAdapter(IPFilterAdapter):  # type: ignore[misc]  # its base has no types
    """Connects to the very address that was checked; hosts the user named are connected to as they are."""

    def __init__(self, *, is_https: bool, allowed: frozenset[str]) -> None:
        super().__init__(is_https_proto=is_https)
        self._allowed = allowed

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        if urlsplit(request.url or "").hostname in self._allowed:
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        address = ipaddress.ip_address(str(host["host"]).strip("[]"))
        # A second opinion: the library asks is_private, which leaves out site-local and IPv4-compatible addresses.
        if not address.is_global or address.is_reserved or getattr(address, "is_site_local", False):
            raise InvalidIPAddress(str(address))
        return host, pool


def open_session(allow_hosts: tuple[str, ...]) -> Session:
    """A session for one thread, to be closed by the caller.

    Proxies of the environment are not used: behind one, not we but the proxy would choose the address. Neither are
    .netrc and cookies.
    """
    session = Session(
        Config(
            ip_filter_enable=True,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
    )
    allowed = frozenset(_plain_name(name) for name in allow_hosts)
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _CheckedAdapter(is_https=scheme == "https", allowed=allowed))
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # What is stored is what is sent: a transfer encoding would make lengths and ranges mean something else.
    session.headers.update({"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "assembler"})
    return session


def _plain_name(name: str) -> str:
    name = name.strip().strip("[]").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def host_of(url: str) -> str:
    """The host of a URL that may be fetched, fit for a message.

    Raises DownloadError for anything but http and https, and where there is no host.
    """
    try:
        parts = split_url(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host = "http", None  # the ValueError quotes the URL's user and password
    if scheme not in ("http", "https"):
        raise DownloadError(
            f"only http and https are fetched, this URL starts with {scheme[:20] + ':'!r}",
            hint="Put the file into a folder and give it with --media-dir.",
        )
    if not host:
        raise DownloadError("the URL names no host", hint="Put the file into a folder and give it with --media-dir.")
    return host if host.isprintable() and len(host) <= 100 else ascii(host)[1:-1][:100]


@contextlib.contextmanager
def opened(
    session: Session, url: str, headers: Mapping[str, str], *, timeout: tuple[float, float] | None = None
) -> Iterator[requests.Response]:
    """The answer to a GET, redirects followed, its body not yet read; closed where the ``with`` is left.

    Raises TryAgain for what may pass, DownloadError for a host or redirect that is refused.
    """
    response = _answer(session, url, headers, timeout or (CONNECT_SECONDS, READ_SECONDS))
    try:
        yield response
    finally:
        response.close()


def _answer(session: Session, url: str, headers: Mapping[str, str], timeout: tuple[float, float]) -> requests.Response:
    first = host_of(url)
    for _ in range(MAX_REDIRECTS + 1):
        # Bound as defaults: the loop moves on, the call does not.
        def call(url: str = url) -> requests.Response:
            response: requests.Response = session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=timeout
            )
            return response

        def patient(call: Callable[[], requests.Response] = call) -> requests.Response:
            return _awaited(call, session.is_halted)

        response = on_the_wire(host_of(url), patient, was_answered=False)
        target = session.target_of(response)
        if target is None:
            return response
        response.close()
        url = _joined(url, target)
    raise DownloadError(f"{first} redirects more than {MAX_REDIRECTS} times", hint="Ask the people who run it.")


def _awaited(call: Callable[[], requests.Response], is_halted: Callable[[], bool]) -> requests.Response:
    """Call in a thread that is left alone where we are told to stop (Stopped) or it takes too long.

    Nothing wakes a look-up of a name, or a connection that is being made.
    """
    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except BaseException as exc:  # noqa: BLE001 it is raised where it is waited for
            answer.set_exception(exc)

    def forget(late: Future[requests.Response]) -> None:
        if late.exception() is None:
            late.result().close()

    threading.Thread(target=ask, name="answer", daemon=True).start()
    end = time.monotonic() + ANSWER_SECONDS
    while not wait([answer], POLL_SECONDS).done:
        is_over = is_halted()
        if is_over or time.monotonic() > end:
            answer.add_done_callback(forget)
            raise Stopped if is_over else TimeoutError
    return answer.result()


def post_json(session: Session, url: str, parameters: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """The status and body that are answered to a POST of JSON; it goes to the host that is named and nowhere else.

    Raises TryAgain for what may pass, DownloadError for a host that is refused.
    """

    host, headers = host_of(url), {"Content-Type": "application/json"}

    def call() -> requests.Response:
        told: requests.Response = session.post(
            url, params=parameters, data=body, headers=headers, allow_redirects=False, stream=True
        )
        return told

    with discreet(), on_the_wire(host, call, was_answered=False) as told:
        return told.status_code, on_the_wire(host, lambda: told.raw.read(MAX_ANSWER, decode_content=True))


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        return "http:"  # refused by host_of


def on_the_wire(host: str, call: Callable[[], T], *, was_answered: bool = True) -> T:
    """Return the result of ``call``; whatever the network raises in it comes out as DownloadError or TryAgain."""
    try:
        return call()
    except (requests.RequestException, HTTPError, OSError, UnicodeError) as exc:
        failure = _translated(exc, host, was_answered)
    raise failure


def _translated(exc: Exception, host: str, was_answered: bool) -> DownloadError:
    match exc:
        case InvalidIPAddress():
            return DownloadError(
                f"{host} is not a public address, so nothing is asked of it",
                hint=f"If you trust it, give --allow-host {host}, or name it in ASSEMBLER_ALLOW_HOSTS.",
            )
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema() | UnicodeError():
            return DownloadError(f"{host} is not a name that can be looked up", hint="Look at the URL in the result.")
        case requests.Timeout() | ReadTimeoutError() | TimeoutError():
            return TryAgain(f"{host} did not answer in time", was_answered=was_answered)
    if "CERTIFICATE_VERIFY_FAILED" in str(exc):
        return DownloadError(
            f"{host} has no certificate that this machine trusts",
            hint="Name its authority's file in REQUESTS_CA_BUNDLE, or fix the machine's clock.",
        )
    how = "cut the connection" if was_answered else "cannot be reached"
    return TryAgain(f"{host} {how}", was_answered=was_answered)


@contextlib.contextmanager
def discreet() -> Iterator[None]:
    """Keeps urllib3 from logging URLs (it does at level DEBUG, signatures included) while we use it."""

    def is_harmless(record: logging.LogRecord) -> bool:
        return record.name.startswith("urllib3") and record.levelno >= logging.ERROR

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(is_harmless)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_harmless)
