"""The class on a loopback web server, so that the demo downloads like everybody else."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

BLOCK = 1 << 16
"""Size of one write to the socket, in bytes."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The base URL below which the files directly in ``folder`` can be fetched, whole or by Range, until it is left."""
    handler = type("Handler", (_Files,), {"folder": folder.resolve()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Files(BaseHTTPRequestHandler):
    folder: Path
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.folder / unquote(urlsplit(self.path).path.lstrip("/"))
        if path.parent != self.folder or not path.is_file():
            self.send_response(HTTPStatus.NOT_FOUND)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        about = path.stat()
        etag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        wanted = self._range(about.st_size, etag)
        if wanted is not None and not 0 <= wanted[0] < wanted[1]:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{about.st_size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, end = wanted or (0, about.st_size)
        self.send_response(HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT)
        if wanted is not None:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{about.st_size}")
        self.send_header("Content-Type", "video/mp4" if path.suffix == ".mp4" else "application/octet-stream")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        self.end_headers()
        if with_body:
            self._send(path, start, end)

    def _range(self, size: int, etag: str) -> tuple[int, int] | None:
        """First byte wanted and the one behind the last; None for the whole file."""
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match is None or match.group(0) == "bytes=-" or self.headers.get("If-Range", etag) != etag:
            return None
        first, last = match.groups()
        if not first:
            return max(0, size - int(last)), size
        return int(first), min(size, int(last) + 1) if last else size

    def _send(self, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file, contextlib.suppress(ConnectionError):
            file.seek(start)
            while start < end and (block := file.read(min(BLOCK, end - start))):
                self.wfile.write(block)
                start += len(block)
