"""A real HTTP server on loopback that can be told to misbehave, request by request."""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from assembler.errors import DownloadError
from assembler.network.download import fetch
from assembler.network.download.download import fetch_all
from assembler.network.publish.card import Card
from assembler.options import Options
from assembler.processes import fork_server
from assembler.progress import Silent
from assembler.recording import Segment, StreamKind
from assembler.segment_files import SegmentFiles
from assembler.times import Ms, PlayMs

SIGNATURE = "sign=5ecret-0f-a-signed-url"
Behaviour = Callable[["Answer"], None]


class Answer(BaseHTTPRequestHandler):
    """One request under way, with what behaviours need."""

    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((path, {name.lower(): value for name, value in self.headers.items()}))
        script = self.server.scripts.get(path, [])
        behave = script.pop(0) if script else self.server.always.get(path, as_it_should)
        self.body = self.server.bodies.get(path, b"")
        try:
            behave(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body).hexdigest()}"'

    def head(self, status: int, **headers: Any) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def put(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.server.sent += len(data)

    def reset(self) -> None:
        """Cut the wire, as a dying router does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.bodies: dict[str, bytes] = {}
        self.scripts: dict[str, list[Behaviour]] = {}
        self.always: dict[str, Behaviour] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.sent = 0

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}?{SIGNATURE}"

    def ranges(self) -> list[str | None]:
        """The Range of every request so far."""
        return [headers.get("range") for _, headers in self.requests]


def as_it_should(a: Answer) -> None:
    if a.body == b"":
        return a.head(404, Content_Length=0)
    if a.headers.get("If-None-Match") == a.etag:
        return a.head(304, ETag=a.etag)
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", a.headers.get("Range", ""))
    if match and a.headers.get("If-Range", a.etag) == a.etag:
        start = int(match[1])
        if start >= len(a.body):
            return a.head(416, Content_Range=f"bytes */{len(a.body)}", Content_Length=0)
        end = min(int(match[2]) + 1, len(a.body)) if match[2] else len(a.body)
        rest = a.body[start:end]
        a.head(206, Content_Length=len(rest), ETag=a.etag, Content_Range=f"bytes {start}-{end - 1}/{len(a.body)}")
        return a.put(rest)
    a.head(200, Content_Length=len(a.body), ETag=a.etag)
    return a.put(a.body)


def status(code: int, **headers: Any) -> Behaviour:
    return lambda a: a.head(code, Content_Length=0, **headers)


def redirect(to: str, code: int = 302) -> Behaviour:
    return status(code, Location=to)


def cut_after(count: int, etag: str | None = "") -> Behaviour:
    """Promises the whole body (from the start, whatever was asked) and cuts the wire."""

    def behave(a: Answer) -> None:
        marks = {} if etag is None else {"ETag": etag or a.etag}
        a.head(200, Content_Length=len(a.body), **marks)
        a.put(a.body[:count])
        time.sleep(0.02)  # a reset overtakes bytes that were not read yet
        a.reset()

    return behave


def stall_after(count: int, seconds: float) -> Behaviour:
    def behave(a: Answer) -> None:
        a.head(200, Content_Length=len(a.body), ETag=a.etag)
        a.put(a.body[:count])
        time.sleep(seconds)
        a.close_connection = True

    return behave


def whole(**headers: Any) -> Behaviour:
    """Ignores every condition and range, and sends no mark but what is given."""

    def behave(a: Answer) -> None:
        a.head(200, **{"Content_Length": len(a.body), **headers})
        a.put(a.body)

    return behave


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WAIT_SECONDS", 0.005)
    monkeypatch.setattr(fetch, "WAIT_MAX_SECONDS", 0.02)


@pytest.fixture(autouse=True)
def _nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    before = _children()  # other tests of this process may have started servers that live as long as it does
    yield
    assert _children() - before <= {fork_server.pid()}, "a child was left behind"
    for part in (tmp_path / "cache").glob("*.part"):
        assert part.with_name(part.name + ".json").exists(), f"{part.name} can never be resumed"
    assert not list((tmp_path / "cache").glob("*.new"))


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def segment(video_id: str = "v1", url: str | None = None, **given: Any) -> Segment:
    values: dict[str, Any] = {"duration": Ms(60_000), "size": None, "format": "mp4", "play_time": PlayMs(0)} | given
    return Segment(video_id=video_id, kind=StreamKind.CAMERA, user="u", stream_id="u", url=url, **values)


def media(size: int, seed: int = 0) -> bytes:
    """Bytes that begin like an mp4."""
    start = b"\0\0\0\x18ftypisom" + bytes([seed])
    return (start + bytes((i * 7 + i // 251 + seed) % 251 for i in range(4099)) * (size // 4099 + 1))[:size]


class Downloads:
    """fetch_all with what all tests share."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def __call__(
        self, *segments: Segment, stop: Any = None, progress: Any = None, arrivals: Any = None, **options: Any
    ) -> SegmentFiles:
        options.setdefault("allow_hosts", ("127.0.0.1",))
        return fetch_all(
            segments,
            cache=self.cache,
            options=Options(home=self.cache, **options),
            progress=progress or Silent(),
            stop=stop,
            arrivals=arrivals,
        )

    def parts(self) -> list[Path]:
        return sorted(self.cache.glob("*.part"))


@pytest.fixture
def download(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "cache")


def only_failure(fetched: SegmentFiles) -> DownloadError:
    assert not fetched.files
    (failure,) = fetched.failures.values()
    assert SIGNATURE not in f"{failure} {failure.hint}"
    assert not failure.sentence.endswith(".")
    return failure


def card(**changes: object) -> Card:
    return Card.model_validate({"job": "t1", "key": "/t1", "revision": 1, "digest": "d", **changes})


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "made/playback.mp4"
    (path.parent / "playback.assets").mkdir(parents=True)
    path.write_bytes(b"film")
    (path.parent / "playback.assets/playback.json").write_text("{}")
    return path
