"""The owner's backend on loopback: takes notices, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Answer = int | Callable[["_Request"], None]
"""A status, or what is done instead of answering one."""


class Came(NamedTuple):
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def delivery(self) -> str:
        return self.headers["X-Assembler-Delivery"]


class _Request(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append(Came(self.path, dict(self.headers.items()), body))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        if isinstance(answer, int):
            self.send_response(answer)
            self.send_header("Location", f"{self.server.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            answer(self)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


class Backend(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_port}/hook?token=t0ken"
        self.came: list[Came] = []
        self.answers: list[Answer] = []
        """To the next POSTs; those behind them are answered 204."""

    def settings(self) -> dict[str, str]:
        return {"notify_url": self.url, "notify_secret": "5hared", "allow_hosts": "127.0.0.1"}

    def handle_error(self, *_: object) -> None:
        pass


def silence(seconds: float) -> Answer:
    return lambda _: time.sleep(seconds)


def hang_up(request: _Request) -> None:
    request.connection.close()


@contextmanager
def listening() -> Iterator[Backend]:
    with Backend() as backend:
        thread = threading.Thread(target=backend.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield backend
        backend.shutdown()
        thread.join()
