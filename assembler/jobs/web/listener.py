"""Listener below the application: how long strangers may take, how many may be there, and which requests nobody
answers.

uvicorn's own limits end connections that are idle behind an answer; one that never says anything, or half of it, would
stay for ever, and a thousand of them are all that a process may open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assembler.errors import JobError

HEAD_SECONDS = 10.0
"""Maximum time for the head of a request, in s."""
BODY_SECONDS = 20.0
"""Maximum time for its body, in s."""
KEEP_ALIVE_SECONDS = 5
"""Maximum time of an idle connection, in s."""
LARGEST_HEAD = 32 * 1024
"""Maximum size of a head, in bytes."""
MOST_CONNECTIONS = 1000
"""Maximum number of connections, where the limit of open files allows as many."""
OPEN_FILES = 65536
"""Number of open files that the process asks the system for."""
OTHER_FILES = 200
"""Number of open files kept for the database, the spool and the files that are shown."""
ACCEPTED_AT_ONCE = 100
"""Maximum number of connections accepted by one turn of the loop; those over the bound are ended before the next
one."""
BACKLOG = 2048
"""Number of connections that the kernel holds until they are accepted."""
ANY_HOST = ("/callback", "/healthz", "/metrics")
"""Paths that machines ask for, by whatever name they know us."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Host names under which this machine reaches itself."""
_WAITS: dict[object, float] = {h11.IDLE: HEAD_SECONDS, h11.SEND_BODY: BODY_SECONDS}
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Limits(uvicorn.Config):
    """The server's settings, and which of its connections wait for their peers."""

    def __init__(self, app: Any, **given: Any) -> None:
        super().__init__(
            app, http=Connection, loop="asyncio", ws="none", log_config=None, log_level="warning", access_log=False,
            backlog=ACCEPTED_AT_ONCE, timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=LARGEST_HEAD, **given,
        )  # fmt: skip
        self.most = most_connections()
        self.waiting: dict[Connection, None] = {}
        """Those that nothing is done for until their peer goes on, the longest silent first."""


class Connection(H11Protocol):
    """One connection, with a deadline for whatever its peer has to send next."""

    config: Limits
    """The server's settings and its waiting connections."""
    _phase: object = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection in; over the bound the longest silent one has to go, or this one."""
        super().connection_made(transport)
        if len(self.connections) > self.config.most:
            silent = next(iter(self.config.waiting), None)
            if silent is None:
                transport.write(_FULL)
                transport.close()
                return
            silent._end()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on and renew the deadline where a new part begins."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Set the deadline of the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._rest()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Mark a peer that does not read what it asked for: it is the first to go where there is no room; a paused film
        is fine."""
        super().pause_writing()
        self.config.waiting[self] = None

    def resume_writing(self) -> None:
        """Set the deadline anew: the peer reads again."""
        super().resume_writing()
        self._phase = None
        self._watch()

    def _watch(self) -> None:
        """A deadline for each head and each body, however many pieces they come in."""
        phase = (self.conn.their_state, self.cycle)
        if phase == self._phase or self.transport.is_closing():
            return
        self._rest()
        self._phase, seconds = phase, _WAITS.get(self.conn.their_state)
        if seconds is not None:
            self.config.waiting[self] = None
            self._deadline = self.loop.call_later(seconds, self._end, _LATE)

    def _rest(self) -> None:
        self.config.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, answer: bytes = b"") -> None:
        self._rest()
        self.connections.discard(self)  # counts no more, though the loop needs another turn to close it
        began = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if answer and began and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(answer)
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()


class Listener(uvicorn.Server):
    """Serves at a socket that is bound already, and ends in good order however often it is told to."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the first signal; a second Ctrl-C would break off the tidying up, with a traceback."""
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, with a longer backlog than asyncio would set."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(BACKLOG)  # asyncio takes one number for both: how many wait, and how many are let in at once


def listen_at(host: str, port: int) -> socket.socket:
    """Bind a port before anything starts. Raises JobError where it is taken or not allowed."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        raise JobError(
            f"{host}:{port} cannot be listened at: {exc.strerror or exc}",
            hint="Name another one with --port or --host, or end the program that listens there.",
        ) from exc


def serve_at(door: socket.socket, app: Any) -> bool:
    """Serve until told to stop; False where it could not start."""
    server = Listener(Limits(app))
    with _seldom():
        server.run([door])
    return server.started


def most_connections() -> int:
    """The soft limit of open files is raised as far as we may; what it leaves for connections, each with a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    files = OPEN_FILES if soft == resource.RLIM_INFINITY else soft
    return max(16, min(MOST_CONNECTIONS, (files - OTHER_FILES) // 2))


class Seldom(logging.Filter):
    """Lets one record of a kind pass a second: what strangers cause must not fill a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._latest: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop a record that is not due; one of a refused ``accept`` loses its traceback."""
        kind, _, rest = str(record.msg).partition("\n")
        if rest and "socket.accept" in kind:
            record.msg, record.args, record.exc_info = kind, (), None
        return self.is_due(kind)

    def is_due(self, kind: str) -> bool:
        """Tell whether this kind was not let pass within the last second."""
        at = time.monotonic()
        if at - self._latest.get(kind, -1.0) < 1 or (len(self._latest) > 100 and kind not in self._latest):
            return False
        self._latest[kind] = at
        return True


@contextlib.contextmanager
def _seldom() -> Iterator[None]:
    loggers, only = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")], Seldom()
    for logger in loggers:
        logger.addFilter(only)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(only)


def page_hosts(listens_at: str, public: tuple[str, ...]) -> frozenset[str] | None:
    """Names under which pages are given; None: under any.

    A page elsewhere that points a name of its own at this machine is to read nothing from it (DNS rebinding).
    """
    own = (*LOOPBACK, listens_at.strip("[]").lower(), *public)
    return frozenset(map(_plain, own)) if is_loopback(listens_at) or public else None


def is_loopback(listens_at: str) -> bool:
    """Tell whether a server that listens there is reached from this machine alone."""
    own = listens_at.strip("[]").lower()
    return own in LOOPBACK or own.startswith("127.")


def _plain(name: str) -> str:
    return name.strip().lower().rstrip(".").strip("[]")


class Gate:
    """Refuses, before the application sees it, what no honest client sends."""

    def __init__(self, app: App, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
            return
        status, why = refused
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        names = {name for name, _ in headers}
        if {b"content-length", b"transfer-encoding"} <= names:
            return 400, "a request has one length: Content-Length or Transfer-Encoding"
        is_for_machines = scope["path"].rstrip("/") in ANY_HOST or scope["method"] == "PUT"  # a put needs a token
        if self._hosts is None or is_for_machines:
            return None
        given = b"".join(value for name, value in headers if name == b"host").decode("latin-1")
        host = given.rpartition(":")[0] if given.rpartition("]")[2].count(":") else given
        if _plain(host) in self._hosts:
            return None
        return 421, "pages are not given under this name: an operator lists public ones in ASSEMBLER_PUBLIC_HOSTS"
