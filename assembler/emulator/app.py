"""The stand-in over HTTP: both generations of the API, the files with Range and faults, and a page for people."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from assembler.emulator import v1, v3
from assembler.emulator.cloud import Cloud
from assembler.emulator.page import HEADERS, page
from assembler.jobs.web.listener import LOOPBACK, Gate, Limits, Listener, page_hosts, serve_at

LARGEST = 2**20
"""Maximum size of a body, in bytes."""
DRAINED = 32 * 2**20
"""Number of bytes of a larger one that are read and thrown away, so that the sender reads the answer."""
TICK_SECONDS = 0.02
"""Time between two looks at what is due, in s."""
SLOW_BYTES = 64 * 1024
"""Number of bytes a second of a slow file."""
LIE_BYTES = 1000
"""Number of bytes by which a lying length is too long."""
JSON = "application/json"
"""Content type of an answer; with a charset behind it the vendor's SDK overlooks failures."""
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]
"""Methods that are answered by the API itself, rightly or wrongly used."""


def make_app(cloud: Cloud, host: str) -> Starlette:
    """The application; what happens by itself (states, files, callbacks) does so while it runs."""
    served: set[tuple[str, str]] = set()

    async def generation_1(request: Request) -> Response:
        raw = await _body(request)
        path, query = request.path_params["path"], dict(request.query_params)
        if request.method != "POST":
            cloud.remember("v1", path, "", f"{request.method}, not POST")
            return PlainTextResponse("POST only\n", 405, headers={"Allow": "POST"})
        return Response(v1.answer(cloud, path, query, raw, _base(request)), media_type=JSON)

    async def root(request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.method in ("GET", "HEAD") and not {"authorization", "x-tc-action"} & headers.keys():
            return HTMLResponse(page(cloud), headers=HEADERS)
        raw = await _body(request)
        query = request.scope["query_string"].decode("latin-1")
        asked = v3.Request(request.method, query, headers, raw, _base(request))
        return Response(v3.answer(cloud, asked), media_type=JSON)

    async def file(request: Request) -> Response:
        task, name = request.path_params["task"], request.path_params["name"]
        found = cloud.find_file(task, name, dict(request.query_params))
        if isinstance(found, str):
            cloud.remember("file", name, task, found)
            return PlainTextResponse(f"{found}\n", 404 if "no such" in found else 403)
        return _Faulty(found, frozenset(cloud.setup.faults), served)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with _running(cloud.advance, cloud.make_files, cloud.deliver):
            yield

    routes = [
        Route("/record/v1/{path:path}", generation_1, methods=METHODS),
        Route("/files/{task}/{name}", file, methods=["GET"]),
        Route("/", root, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Gate, hosts=page_hosts(host, ()))])


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too large or was broken off."""
    raw, size = bytearray(), 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size <= LARGEST:
                raw += piece
            elif size > DRAINED:
                return None
    except ClientDisconnect:
        return None
    return bytes(raw) if size <= LARGEST else None


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


class _Faulty(FileResponse):
    """A file that may come slowly, in part, late or with a wrong length."""

    def __init__(self, path: Any, faults: frozenset[str], served: set[tuple[str, str]]) -> None:
        super().__init__(path, headers={"Cache-Control": "no-store"})
        self._faults, self._served = faults, served

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        key = (str(self.path), "GET")
        is_first, cut_at, sent = key not in self._served and scope["method"] == "GET", 0, 0
        if scope["method"] == "GET":
            self._served.add(key)
        if is_first and "5xx" in self._faults:
            await PlainTextResponse("told to fail\n", 503)(scope, receive, send)
            return
        is_cut, is_lying = is_first and "cut" in self._faults, "lying-length" in self._faults

        async def faulty(message: MutableMapping[str, Any]) -> None:
            nonlocal cut_at, sent
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                cut_at = int(headers[b"content-length"]) // 2
                if is_lying:
                    message = {**message, "headers": list(_lying(headers, message["status"]).items())}
                await send(message)
                return
            body = message.get("body", b"")
            if "slow" in self._faults:
                await asyncio.sleep(len(body) / SLOW_BYTES)
            if is_cut:
                body = body[: max(0, cut_at - sent)]
            sent += len(body)
            more = True if is_cut or is_lying else message.get("more_body", False)  # never ended: the wire is cut
            await send({**message, "body": body, "more_body": more})

        await super().__call__(scope, receive, faulty)


def _lying(headers: dict[bytes, bytes], status: int) -> dict[bytes, bytes]:
    if status == 206:
        place, _, size = headers[b"content-range"].partition(b"/")
        return {**headers, b"content-range": b"%s/%d" % (place, int(size) + LIE_BYTES)}
    return {**headers, b"content-length": b"%d" % (int(headers[b"content-length"]) + LIE_BYTES)}


@contextlib.contextmanager
def _running(*actions: Callable[[], None]) -> Iterator[None]:
    """Do each action again and again, in a thread of its own."""
    over = threading.Event()

    def loop(action: Callable[[], None]) -> None:
        while not over.wait(TICK_SECONDS):
            action()

    threads = [threading.Thread(target=loop, args=(action,), name="emulator") for action in actions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _is_news(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()  # that is how a wire is cut


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(_is_news)
    try:
        yield
    finally:
        logger.removeFilter(_is_news)


def run(cloud: Cloud, door: socket.socket, host: str) -> None:
    """Serve until told to stop."""
    with _quietly():
        serve_at(door, make_app(cloud, host))


@contextlib.contextmanager
def serving(cloud: Cloud, door: socket.socket, host: str = LOOPBACK[1]) -> Iterator[str]:
    """The address at which it is served, from a thread, until it is left."""
    with serving_app(make_app(cloud, host), door, host) as url:
        yield url


@contextlib.contextmanager
def serving_app(app: Any, door: socket.socket, host: str) -> Iterator[str]:
    """Serve any application from a thread until the ``with`` is left; its address."""
    server = Listener(Limits(app))
    with _quietly():
        thread = threading.Thread(target=server.run, args=([door],), name="emulator-server")
        thread.start()
        try:
            yield f"http://{host}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
