"""serve, work, batch and jobs as a user types them."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from forked import Forked
from terminal import MAIN, START, Desk, busy_in, three_streams, until
from workshop import Workshop, body_of, kill, laid

from assembler.cli.main import app
from assembler.jobs.intake.bodies import list_events
from assembler.jobs.worker import supervisor
from jobs.intake.test_once import event

LESSON = three_streams(3)


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
    for name, value in laid(tmp_path, LESSON, bundled_ffmpeg).items():
        monkeypatch.setenv(f"ASSEMBLER_{name.upper()}", value)
    return desk


@pytest.fixture
def results(desk: Desk) -> Path:
    """A folder with three results, one of them of a failed recording."""
    folder = desk.folder / "results"
    (folder / "more").mkdir(parents=True)
    (folder / "a.json").write_bytes(body_of(LESSON, "a"))
    failed = event("b", VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": "code: 40001, msg: no"})
    (folder / "more/lines.jsonl").write_bytes(body_of(LESSON, "c") + b"\n\n" + failed + b"\n")
    return folder


def listed(desk: Desk, *words: str) -> list[dict[str, Any]]:
    said = desk.say("jobs", "list", "--json", *words)
    assert said.code == 0, said.err
    return list(json.loads(said.out))


class TestBatch:
    def test_it_does_all_and_says_what_failed_and_why(self, desk: Desk, results: Path) -> None:
        said = desk.say("batch", "results", "--wait", "--json")
        assert said.code == 8, said.err
        rows = {row["job"]: row for row in json.loads(said.out)}
        assert {name: row["state"] for name, row in rows.items()} == {"a": "done", "b": "failed", "c": "done"}
        assert "40001" in rows["b"]["reason"]
        assert "2 done, 0 with warnings, 1 failed" in said.err
        assert Path(rows["a"]["output"]).read_bytes() == Path(rows["c"]["output"]).read_bytes()
        assert busy_in(desk.folder) == []
        (results / "more/lines.jsonl").unlink()
        again = desk.say("batch", "results/*.json", "--wait")
        told = [f"results/a.json -> {rows['a']['output']}", "1 done (1 of them before), 0 with warnings, 0 failed"]
        assert (again.code, again.out.splitlines()) == (0, told)

    def test_what_is_no_result_is_refused_by_its_name(self, desk: Desk) -> None:
        (desk.folder / "odd.json").write_text('{"a": 1}')
        said = desk.say("batch", "odd.json", "result.json")
        assert said.code == 8
        assert "odd.json: refused: the JSON is not a recording result" in said.out
        assert "1 waiting" in said.out
        assert desk.say("batch", "nowhere/*.json").code == 2

    def test_it_reads_standard_input(self, desk: Desk) -> None:
        assert desk.say("batch", "-", stdin=(event("x") + b"\n" + event("y")).decode()).code == 0
        assert [job["id"] for job in listed(desk)] == ["y", "x"]


class TestJobs:
    def test_the_list_for_machines(self, desk: Desk) -> None:
        assert listed(desk) == []
        desk.say("batch", "-", stdin=event("x").decode())
        (told,) = listed(desk)
        assert told.items() >= {"id": "x", "task": "x", "state": "waiting", "output": "", "reason": ""}.items()
        assert (told["verdict"], told["room"], told["begun"]) == ("", "12", None)
        assert told["created"] <= told["updated"]
        for words in (["--state", "done"], ["--state", "degraded"], ["--room", "3"], ["--since", "0m"]):
            assert listed(desk, *words) == [], words
        for words in (["--state", "waiting"], ["--room", "12"], ["--since", "24h"], ["--limit", "1"]):
            assert listed(desk, *words) == [told], words
        for words in (["--state", "odd"], ["--since", "yesterday"], ["--limit", "0"]):
            assert desk.say("jobs", "list", *words).code == 2, words

    def test_the_list_for_people_has_a_header_and_says_what_it_leaves_out(self, desk: Desk) -> None:
        desk.say("batch", "-", stdin=b"\n".join(map(event, "xyz")).decode())
        desk.say("jobs", "cancel", "y")
        said = desk.say("jobs", "list", "--limit", "2")
        head, first, second = said.out.splitlines()
        assert [part.strip() for part in head.split("  ") if part] == [
            "job", "state", "room", "title", "known since", "outcome",
        ]  # fmt: skip
        assert head.index("room") == first.index(" 12 ") + 1
        assert (first[:1], second[:1], second.endswith("cancelled by hand")) == ("z", "y", True)
        assert first.endswith("place 2 in the queue")

    def test_cancel_retry_show_logs_and_prune(self, desk: Desk) -> None:
        desk.say("batch", "-", stdin=event("x").decode())
        assert desk.say("jobs", "retry", "x").code == 8
        assert desk.say("jobs", "cancel", "x").out == "x: cancelled\n"
        assert desk.say("jobs", "cancel", "x").out == "x: was over already (cancelled)\n"
        assert desk.say("jobs", "retry", "x").code == 0
        assert listed(desk)[0]["state"] == "waiting"
        desk.say("jobs", "cancel", "x")
        assert "state: cancelled" in desk.say("jobs", "show", "x").out
        assert "Started again by hand (command line, " in desk.say("jobs", "logs", "x").out
        assert desk.say("jobs", "prune").out == "0 jobs forgotten\n"
        assert desk.say("jobs", "prune", "--sources", "0").out == "0 downloads removed, 0.0 MiB\n0 jobs forgotten\n"
        assert desk.say("jobs", "prune", "--older", "0").out == "1 jobs forgotten\n"
        assert listed(desk) == []
        desk.say("batch", "-", stdin=event("x").decode())
        assert listed(desk)[0]["state"] == "waiting"

    def test_one_that_is_not_there_is_named(self, desk: Desk) -> None:
        for word in ("show", "logs", "retry", "cancel"):
            said = desk.say("jobs", word, "nobody")
            assert (said.code, "'nobody'" in said.err) == (8, True)

    def test_expected_results_are_missing_until_they_come(self, desk: Desk) -> None:
        desk.say("jobs", "expect", "x", "y")
        desk.say("batch", "-", stdin=event("x").decode())
        said = desk.say("jobs", "list", "--missing")
        assert said.out.startswith("y  expected")
        assert "assembler batch" in said.err
        assert [task["task"] for task in listed(desk, "--missing")] == ["y"]


class TestServe:
    @pytest.fixture
    def port(self) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    @pytest.fixture
    def serving(self, desk: Desk, port: int) -> Iterator[subprocess.Popen[str]]:
        process = self.start(desk, port)
        yield process
        process.terminate()
        process.communicate(timeout=60)

    def start(self, desk: Desk, port: int, *words: str) -> subprocess.Popen[str]:
        process = desk.start(["serve", "--port", str(port), "--insecure", *words])
        until(lambda: self.answers(port), 30)
        return process

    def fork(self, desk: Desk, port: int) -> Forked:
        """One without workers."""
        words = ("serve", "--port", str(port), "--insecure", "--workers", "0")
        process = Forked(MAIN, *words, cwd=desk.folder, env=desk.environment({}), log=desk.folder / "serve.log")
        until(lambda: self.answers(port), 30)
        return process

    def answers(self, port: int) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def test_a_callback_becomes_a_playback_and_sigterm_ends_it_all(
        self, desk: Desk, port: int, serving: subprocess.Popen[str]
    ) -> None:
        body = json.dumps({"EventType": "OnlineRecordFinished", "Timestamp": 1, "EventData": self.data(desk)})
        assert requests.post(f"http://127.0.0.1:{port}/callback", data=body, timeout=10).status_code == 200
        until(lambda: [job["state"] for job in listed(desk)] == ["done"], 60)
        assert Path(listed(desk)[0]["output"]).exists()
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=60)
        assert serving.returncode == 0
        assert busy_in(desk.folder) == []

    def data(self, desk: Desk) -> dict[str, Any]:
        kinds = {"camera": 0, "whiteboard": 2}
        infos = [
            {"VideoId": s.video_id, "VideoType": kinds[s.kind.value], "UserId": s.user, "VideoPlayTime": s.play_time,
             "VideoDuration": s.duration, "VideoFormat": "mp4", "VideoUrl": s.url, "VideoSize": 1}
            for s in LESSON.recording().segments
        ]  # fmt: skip
        return {"TaskId": "t1", "RoomId": 7, "VideoInfos": infos, "TotalTime": 3000}

    @pytest.mark.parametrize("seed", [1, 2])
    def test_killed_at_a_random_moment_nothing_that_was_answered_is_lost(
        self, desk: Desk, port: int, seed: int
    ) -> None:
        process = self.fork(desk, port)
        accepted = random.Random(seed).randint(5, 60)
        with requests.Session() as session:
            for number in range(accepted):
                answer = session.post(f"http://127.0.0.1:{port}/callback", data=event(f"t{number}"), timeout=10)
                assert answer.status_code == 200
        kill(process)
        again = self.fork(desk, port)
        with Workshop.opened(desk.folder) as shop:
            until(lambda: {job.id for job in shop.records.list_jobs()} >= {f"t{n}" for n in range(accepted)}, 20)
            until(lambda: len(shop.engine.list()) == accepted, 40)
            assert len(list_events(shop.records, limit=10_000)) == accepted
        again.terminate()
        again.wait(60)

    def test_killed_its_worker_dies_with_it(self, desk: Desk, port: int) -> None:
        process = self.start(desk, port)
        until(lambda: "publishing to" in self.worker_log(desk), 30)
        process.kill()
        process.communicate()
        assert busy_in(desk.folder) == []

    def worker_log(self, desk: Desk) -> str:
        path = desk.home / "worker.log"
        return path.read_text() if path.exists() else ""

    def test_without_a_key_it_says_what_to_do(self, desk: Desk) -> None:
        said = desk.say("serve")
        assert said.code == 8
        assert "ASSEMBLER_CALLBACK_KEY" in said.err


def test_a_worker_started_by_hand_ends_when_told(desk: Desk) -> None:
    desk.say("batch", "result.json")
    process = desk.start(["work"])
    until(lambda: [job["state"] for job in listed(desk)] == ["done"], 60)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("ended")) == (0, 1)


def test_the_engine_is_loaded_by_its_own_verbs_only() -> None:
    code = START[2].replace("main()", "import sys; print([m for m in ('dbos', 'fastapi') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("flag", ["--workers", "--concurrency"])
def test_work_starts_as_many_workers_as_it_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    started: list[int] = []
    monkeypatch.setattr(supervisor, "supervise_until_stopped", lambda count, *_: started.append(count) or 0)
    with pytest.raises(SystemExit) as ended:
        app(["work", flag, "3"])
    assert (ended.value.code, started) == (0, [3])
    former = "warning: --concurrency is called --workers now\n" if flag == "--concurrency" else ""
    assert capsys.readouterr().err == former
