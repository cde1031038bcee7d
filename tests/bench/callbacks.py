"""Callbacks beside a rendering worker, and beside an empty endpoint of the same framework in the same run.

    python tests/bench/callbacks.py [--seconds 60] [--rate 50] [--burst 500] [--burst-seconds 10]

Prints one row for each: how many were answered, how many not, p50, p99 and the slowest, in ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import imageio_ffmpeg
from terminal import three_streams
from workshop import Workshop, body_of, laid

EMPTY = """
import sys, uvicorn
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/callback")
async def callback(request: Request):
    await request.body()
    return {"error_code": 0}
@app.get("/healthz")
def healthz():
    return {}
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
SERVE = "from assembler.cli.main import main; main()"
CLIENTS = 32


def event(task: str) -> bytes:
    entry = {"VideoId": "v", "VideoType": 0, "UserId": "ann", "VideoPlayTime": 0, "VideoDuration": 1000}
    data = {"TaskId": task, "RoomId": 1, "VideoInfos": [{**entry, "VideoUrl": "http://127.0.0.1:9/v.mp4"}]}
    return json.dumps({"EventType": "OnlineRecordFinished", "Timestamp": 1, "EventData": data}).encode()


def fire(
    port: int, rate: int, seconds: float, name: str, body: Callable[[str], bytes] = event
) -> tuple[list[float], int]:
    """So many callbacks a second, each at its planned instant however slow the others are; ms of each, and failures."""
    total, start = int(rate * seconds), time.monotonic() + 0.5
    taken: list[float] = []
    failed = [0]
    lock, numbers = threading.Lock(), iter(range(total))

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            planned = start + number / rate
            time.sleep(max(0.0, planned - time.monotonic()))
            try:
                connection.request("POST", "/callback", body(f"{name}{number}"))
                answer = connection.getresponse()
                is_fine = answer.status == 200 and json.loads(answer.read()) == {"error_code": 0}
            except (OSError, http.client.HTTPException):
                connection.close()
                is_fine = False
            with lock:
                taken.append((time.monotonic() - planned) * 1000)
                failed[0] += not is_fine

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, failed[0]


def row(name: str, taken: Sequence[float], failed: int) -> str:
    cuts = statistics.quantiles(taken, n=100)
    return f"{name:32} {len(taken) - failed:6} {failed:6} {cuts[49]:9.1f} {cuts[98]:9.1f} {max(taken):9.1f}"


def started(code: str, words: Sequence[str], port: int, folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=folder)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main() -> None:
    told = "ours, rendering, "
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("seconds", 60), ("rate", 50), ("burst", 500), ("burst-seconds", 10)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    given = asked.parse_args()
    print(f"{'':32} {'fine':>6} {'failed':>6} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        empty = started(EMPTY, [str(port)], port, folder)
        print(row(f"empty endpoint, {given.rate}/s", *fire(port, given.rate, given.seconds, "e")), flush=True)
        print(row(f"empty endpoint, {given.burst}/s", *fire(port, given.burst, given.burst_seconds, "e")), flush=True)
        empty.terminate()
        empty.wait()
        lesson = three_streams(60)
        settings = laid(folder, lesson, imageio_ffmpeg.get_ffmpeg_exe())
        with Workshop.opened(folder, **settings) as shop:
            shop.hand_in(*(body_of(lesson, f"work{n}", room_id=str(n)) for n in range(200)))
            ours = started(SERVE, ["serve", "--port", str(port), "--insecure"], port, folder)
            time.sleep(4)
            print(row(f"{told}{given.rate}/s", *fire(port, given.rate, given.seconds, "a")), flush=True)
            print(row(f"{told}{given.burst}/s", *fire(port, given.burst, given.burst_seconds, "b")), flush=True)
            sent = given.rate * given.seconds + given.burst * given.burst_seconds
            end = time.monotonic() + 120
            while len(shop.records.list_jobs()) < sent + 200 and time.monotonic() < end:
                time.sleep(1)
            print(f"{len(shop.records.list_jobs()) - 200} jobs of {sent} callbacks; load {os.getloadavg()[0]:.1f}")
            ours.terminate()
            ours.wait()


if __name__ == "__main__":
    main()
