"""An evening of a school: many small classes with ten kinds of trouble, called back to a server for somebody to run.

    python tests/bench/evening.py [--classes 200] [--workers 2] [--minutes 30]

Starts `assembler serve` in a temporary home with a token for its pages, sends it signed callbacks, and prints each
minute how the jobs stand and what `jobs check` says, until nothing is left to do; then waits for Ctrl-C, so that the
page can be used. The troubles are in ``TROUBLES``; every fifth class is in order but for them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import imageio_ffmpeg
import requests
from synthetic import Recipe, make

from assembler.dialects.signature import sign

VENDOR = Path(__file__).parents[2] / "fixtures" / "vendor"
KEY, TOKEN = "key of an evening", "token of an evening"
LATER = 4_000_000_000
TROUBLES = (
    "links that expired", "a file that is gone", "a file cut off", "a server that is away for a while",
    "a failure of the vendor", "a page in place of a file", "a wrong signature", "a body that is no JSON",
    "a result that never comes", "a second result with other files",
)  # fmt: skip
"""Ten kinds of trouble, two classes in forty each."""
AWAY_SECONDS = 90
"""Time for which the server of some files is away."""


class Media(BaseHTTPRequestHandler):
    """Files of the recorder; the first part of their paths says what is wrong with them."""

    whole = b""
    begun = time.monotonic()

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        body, status = self.whole, 200
        if kind in ("403", "404"):
            body, status = b"", int(kind)
        elif kind == "away" and time.monotonic() - self.begun < AWAY_SECONDS:
            body, status = b"", 503
        elif kind == "cut":
            body = self.whole[: len(self.whole) * 2 // 3]
        elif kind == "page":
            body = b"<!DOCTYPE html><html><body>Log in first</body></html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def event(name: str, task: str, room: str, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((VENDOR / f"{name}.json").read_text("utf-8"))
    body["EventData"] |= {"TaskId": task, "RoomId": room, "GroupId": room, **changes}
    return {**body, "ExpireTime": LATER, "Sign": sign(KEY, LATER)}


def result(task: str, room: str, place: str, files: int = 1) -> dict[str, Any]:
    videos = [
        {"UserId": f"tic_mixstream_{room}_1" if n == 0 else "ann", "VideoDuration": 4000, "VideoFormat": "mp4",
         "VideoId": f"{task}-{n}", "VideoPlayTime": 0, "VideoSize": 0, "VideoType": 3 if n == 0 else 0,
         "VideoUrl": f"{place}/{task}-{n}.mp4?sign=secret"}
        for n in range(files)
    ]  # fmt: skip
    start = int(time.time()) - 3600
    times = {"RecordStartTime": start, "RecordStopTime": start + 4, "TotalTime": 4000}
    return event("online-record-finished", task, room, VideoInfos=videos, **times)


def bodies(number: int, media: str) -> Iterator[bytes]:
    """The callbacks of one class."""
    task, room = f"task{number:03}", f"room-{number % 7}"
    trouble = TROUBLES[number // 4 % len(TROUBLES)] if number % 4 == 0 else ""
    kinds = {"links that expired": "403", "a file that is gone": "404", "a file cut off": "cut",
             "a server that is away for a while": "away", "a page in place of a file": "page"}  # fmt: skip
    body = result(task, room, f"{media}/{kinds.get(trouble, 'good')}")
    match trouble:
        case "a failure of the vendor":
            body = event("online-record-finished-failed", task, room)
        case "a wrong signature":
            body["Sign"] = "0" * 32
        case "a body that is no JSON":
            yield b'{"EventType": '
            return
        case "a result that never comes":
            body = event("online-record-started", task, room)
        case "a second result with other files":
            yield json.dumps(body).encode()
            body = result(task, room, f"{media}/good", files=2)
    yield json.dumps(body).encode()
    if number % 3 == 0:
        yield json.dumps(body).encode()  # the vendor repeats itself


@contextmanager
def serving(home: Path, workers: int) -> Iterator[tuple[str, dict[str, str]]]:
    port = 8765
    settings = {
        "HOME": str(home), "CALLBACK_KEY": KEY, "ALLOW_HOSTS": "127.0.0.1", "LOG": "json", "PAGE_TOKEN": TOKEN,
        "RETRY_SECONDS": "20",
    }  # fmt: skip
    known = {**os.environ, **{f"ASSEMBLER_{name}": value for name, value in settings.items()}}
    words = [sys.executable, "-m", "assembler", "serve", "--port", str(port), "--workers", str(workers)]
    with (home / "serve.log").open("wb") as log, subprocess.Popen(words, env=known, stderr=log) as server:
        try:
            while True:
                try:
                    requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                    break
                except requests.ConnectionError:
                    if server.poll() is not None:
                        raise SystemExit((home / "serve.log").read_text()) from None
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", known
        finally:
            server.terminate()


def listed(known: dict[str, str]) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "assembler", "jobs", "list", "--limit", "1000", "--json"]
    found: list[dict[str, Any]] = json.loads(subprocess.run(words, env=known, capture_output=True, check=True).stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="assembler-evening-"))
    recipe = Recipe(seconds=Fraction(4), width=320, height=240)
    Media.whole = make(recipe, imageio_ffmpeg.get_ffmpeg_exe()).read_bytes()
    files = ThreadingHTTPServer(("127.0.0.1", 0), Media)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    try:
        with serving(home, given.workers) as (url, known):
            answers: Counter[int] = Counter()
            for number in range(given.classes):
                for body in bodies(number, f"http://127.0.0.1:{files.server_port}"):
                    answers[requests.post(f"{url}/callback", data=body, timeout=30).status_code] += 1
            print(f"{url} (token: {TOKEN}), home {home}; callbacks by answer: {dict(answers)}", flush=True)
            end = time.monotonic() + 60 * given.minutes
            while time.monotonic() < end:
                states = Counter(job["state"] for job in listed(known))
                words = [sys.executable, "-m", "assembler", "jobs", "check"]
                said = subprocess.run(words, env=known, capture_output=True, text=True, check=False)
                print(
                    f"{time.strftime('%H:%M:%S')} {dict(states)} | {said.returncode}: {said.stdout.strip()}", flush=True
                )
                if states and not states.keys() & {"new", "waiting", "running", "delayed"}:
                    break
                time.sleep(60)
            print("Ctrl-C ends the server.", flush=True)
            threading.Event().wait(max(0, end - time.monotonic()))
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
