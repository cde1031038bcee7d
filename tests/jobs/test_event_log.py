"""The log of a real server and its worker: every line is an event, and none holds what is secret."""

from __future__ import annotations

import io
import json
import logging
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from terminal import Desk, three_streams, until
from workshop import Workshop

from assembler.choices import LogFormat, LogLevel
from assembler.jobs.control import Wish, cancel, hand_in, retry
from assembler.jobs.event_log import emit, logging_to, say
from assembler.jobs.store.model import JobState
from assembler.jobs.worker import supervisor
from assembler.options import Options
from jobs.intake.test_once import event

LESSON = three_streams(3)
KINDS = {"camera": 0, "whiteboard": 2}


def result_of(lesson_task: str) -> bytes:
    infos = [
        {"VideoId": s.video_id, "VideoType": KINDS[s.kind.value], "UserId": s.user, "VideoPlayTime": s.play_time,
         "VideoDuration": s.duration, "VideoFormat": "mp4", "VideoUrl": f"{s.url}?q-signature=s1gned", "VideoSize": 1}
        for s in LESSON.recording().segments
    ]  # fmt: skip
    data = {"TaskId": lesson_task, "RoomId": 7, "VideoInfos": infos, "TotalTime": 3000}
    return json.dumps({"EventType": "OnlineRecordFinished", "Timestamp": 1, "EventData": data}).encode()


def test_a_server_and_its_worker_log_a_job_as_json_lines_without_secrets(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"people": [{"id": "bob", "name": "Robert Hidden", "show": "no"}]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    token = "a-token-of-sixteen-characters"
    given = {
        "media_dir": str(tmp_path / "media"),
        "layout": str(tmp_path / "small.json"),
        "class": str(card),
        "api_token": token,
    }
    server = desk.start(["serve", "--port", str(port), "--insecure", "--log", "json", "--log-level", "debug"], **given)
    failed = event("t2", VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": "code: 40001, msg: no"})
    with ended(server), Workshop.opened(tmp_path) as shop:
        url = f"http://127.0.0.1:{port}/callback"
        until(lambda: _is_taken(url, result_of("t1")), 30)
        assert requests.post(url, data=failed, timeout=10).status_code == 200
        assert requests.post(url, data=b"no", timeout=10).status_code == 400
        until(lambda: len(shop.records.list_jobs()) == 2)
        shop.wait(JobState.DONE, "t1")
        shop.wait(JobState.FAILED, "t2")
    _, err = server.communicate(timeout=60)
    lines = [json.loads(line) for line in err.splitlines()]
    told = [(one["event"], one.get("job"), one.get("step"), one.get("status"), one["level"]) for one in lines]
    for step in ("download", "render", "publish"):
        assert ("job.step", "t1", step, "done", "info") in told
        assert ("job.step", "t1", step, "begun", "debug") in told
    assert ("job.failed", "t2", None, None, "error") in told
    done = next(one for one in lines if one["event"] == "job.done")
    assert (done["job"], done["room"], done["verdict"]) == ("t1", "7", "ok")
    assert done["seconds"] > 0
    callbacks = [(one["status"], one.get("task"), one["level"]) for one in lines if one["event"] == "callback"]
    assert callbacks == [(200, "t1", "info"), (200, "t2", "info"), (400, None, "warning")]
    starts = [one for one in lines if one["event"] in ("worker.start", "worker.end")]
    assert [one["event"] for one in starts] == ["worker.start", "worker.end"]
    assert {one.get("worker") for one in lines if one["event"].startswith("job.")} == {starts[0]["worker"]}
    log = (desk.home / "worker.log").read_text()
    assert {line for line in log.splitlines() if '"event": "job.' in line} <= set(err.splitlines())
    for secret in ("s1gned", token, token[::-1], "Robert", "bob", "Traceback"):
        assert secret not in err + log, secret


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)


def _is_taken(url: str, body: bytes) -> bool:
    try:
        return requests.post(url, data=body, timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("log", LogFormat)
def test_a_line_is_one_line_and_urls_lose_their_query(log: LogFormat) -> None:
    out = io.StringIO()
    with logging_to(Options(log=log, log_level=LogLevel.INFO), out):
        emit("job.retry", "warning", job="t1", reason="a\nb https://host/x.mp4?sign=1", room=None)
        emit("job.step", "debug", job="t1")
        say("warning: the disk\u202e is full")
        say("all is well")
        logging.getLogger("uvicorn.error").warning("of a %s", "library")
        logging.getLogger("uvicorn.error").info("nothing")
    say("nobody listens any more")
    lines = [line.partition(" ")[2] for line in out.getvalue().splitlines()]
    if log is LogFormat.TEXT:
        assert lines == [
            'warning: job.retry job=t1 reason="a\\nb https://host/x.mp4"',
            "warning: the disk\\u202e is full",
            "all is well",
            "warning: of a library",
        ]
        return
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one.pop("time")[-1] for one in told] == ["Z"] * 4
    assert told == [
        {"level": "warning", "event": "job.retry", "job": "t1", "reason": "a\nb https://host/x.mp4"},
        {"level": "warning", "event": "warning", "sentence": "the disk\u202e is full"},
        {"level": "info", "event": "note", "sentence": "all is well"},
        {"level": "warning", "event": "uvicorn.error", "sentence": "of a library"},
    ]


def test_what_people_do_is_logged_with_who_did_it(tmp_path: Path) -> None:
    out = io.StringIO()
    with Workshop.opened(tmp_path) as shop, logging_to(shop.options, out):
        shop.hand_in(event())
        assert cancel(shop.records, shop.engine, shop.job(), "page, 10.0.0.5")
        assert not cancel(shop.records, shop.engine, shop.job(), "page, 10.0.0.6")
        wish = Wish(layout="grid")
        job, _ = retry(shop.records, shop.engine, shop.options, shop.job(), wish, "command line, root at host")
        assert job.state is JobState.WAITING, "as it is now"
        hand_in(shop.records, shop.engine, event("t2"), "page, 10.0.0.5")
    assert [line.partition(" ")[2] for line in out.getvalue().splitlines()] == [
        'job.act job=t1 task=t1 room=12 act=cancel reason="Cancelled by hand (page, 10.0.0.5)."',
        "job.act job=t1 task=t1 room=12 act=retry "
        'reason="Started again by hand with layout grid (command line, root at host)."',
        'job.act job=t2 task=t2 room=12 act=hand-in reason="A result was handed in (page, 10.0.0.5)."',
    ]


def test_a_full_log_of_workers_is_kept_once_and_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 10)
    log = tmp_path / "worker.log"
    with log.open("ab") as worker:
        for text in (b"x" * 10, b"y", b"z" * 11, b"w"):
            worker.write(text)
            worker.flush()
            supervisor._rotate(log)
    assert (log.read_bytes(), log.with_name("worker.log.1").read_bytes()) == (b"w", b"z" * 11)
