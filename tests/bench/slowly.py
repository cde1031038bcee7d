"""A class whose files come from a slow server: a process of its own that answers requests for ranges, its whole output
limited to so many bytes a second. ``python tests/bench/slowly.py FOLDER RATE`` prints its port and serves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from courses import Course

BLOCK = 64 * 1024
"""The server shares the machine with what it serves: small blocks would measure its own work."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, rate: float) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.rate = folder, rate
        self._free, self._lock = time.monotonic(), threading.Lock()

    def pace(self, size: int) -> None:
        with self._lock:
            self._free = max(self._free, time.monotonic() - 0.05) + size / self.rate
            wait = self._free - time.monotonic()
        time.sleep(max(0.0, wait))


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        path = self.server.folder / self.path.removeprefix("/")
        size = path.stat().st_size
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        end = min(int(match[2]) + 1, size) if match and match[2] else size
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        for name, value in (("ETag", f'"{size}"'), ("Content-Type", "video/mp4"), ("Content-Length", str(end - start))):
            self.send_header(name, value)
        self.end_headers()
        with path.open("rb") as file:
            file.seek(start)
            for at in range(start, end, BLOCK):
                block = file.read(min(BLOCK, end - at))
                self.server.pace(len(block))
                self.wfile.write(block)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(course: Course, rate: float, result: Path) -> Iterator[None]:
    """The class's files by HTTP, and the result that names their URLs as ``result``."""
    argv = [sys.executable, __file__, str(course.folder), str(rate)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            body = json.loads(course.result.read_text("utf-8"))
            for segment in body["segments"]:
                segment["url"] = f"http://127.0.0.1:{port}/{segment['video_id']}.mp4"
            result.write_text(json.dumps(body), "utf-8")
            yield
        finally:
            server.kill()


def main() -> None:
    server = Server(Path(sys.argv[1]), float(sys.argv[2]))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
