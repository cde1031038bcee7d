"""A stand-in on loopback whose clock the test moves, and a receiver of its callbacks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import receiver
import requests

from assembler.dialects.signature import sign
from assembler.emulator.app import serving
from assembler.emulator.cloud import APP, KEY, Cloud, Setup
from assembler.emulator.lesson import BUILT_IN, Lesson
from assembler.emulator.task import Phase
from assembler.jobs.web.listener import listen_at
from assembler.times import WallMs

SMALL = BUILT_IN.model_copy(update={"scale": 0.2})
ROOM = 880528


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.at = WallMs(time.time_ns() // 1_000_000)

    def __call__(self) -> WallMs:
        return self.at

    def move(self, seconds: float) -> None:
        self.at = WallMs(self.at + round(seconds * 1000))


def received(request: Any) -> None:
    """Answer what both generations want to read."""
    raw = b'{"error_code":0}'
    request.send_response(200)
    request.send_header("Content-Length", str(len(raw)))
    request.end_headers()
    request.wfile.write(raw)


def until(holds: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait for what other threads do."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return value


@dataclass
class Practice:
    """The stand-in, and how tests reach it."""

    cloud: Cloud
    clock: Clock
    base: str
    backend: receiver.Backend
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, path: str, body: Any, *, key: str = KEY, raw: bytes | None = None, **changed: Any) -> dict[str, Any]:
        """One request of generation 1; ``changed`` URL parameters (None: left out)."""
        expiry = changed.pop("expire_time", self.clock() // 1000 + 60)
        query = {"sdkappid": APP, "expire_time": expiry, "sign": sign(key, expiry), "random": 526919, **changed}
        given = {name: value for name, value in query.items() if value is not None}
        data = json.dumps(body).encode() if raw is None else raw
        answer = self.session.post(f"{self.base}/record/v1/{path}", params=given, data=data, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        return dict(answer.json())

    def start(self, number: int = 1, **more: Any) -> str:
        """Start a recording by generation 1; it runs."""
        user = f"tic_record_user_{ROOM}_{number}"
        told = self.post("online/start", {"room_id": ROOM, "user_id": user, "user_sig": "s1g", **more})
        assert told["error_code"] == 0, told
        self.clock.move(2)
        return str(told["task_id"])

    def hook(self) -> None:
        """Have generation 1's callbacks sent to the receiver."""
        assert self.post("online/callback", {"callback": self.backend.url})["error_code"] == 0

    def finish(self, task: str) -> dict[str, Any]:
        """Stop a recording and wait for its result."""
        assert self.post("online/stop", {"task_id": task})["error_code"] == 0
        self.clock.move(2)
        until(lambda: self.cloud.tasks[task].phase is Phase.FINISHED)
        return self.post("online/query", {"task_id": task})


Open = Callable[..., Practice]


@pytest.fixture
def practice(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(
            *, quirks: tuple[str, ...] = (), faults: tuple[str, ...] = (), lesson: Lesson = SMALL, speed: float = 1
        ) -> Practice:
            clock, backend = Clock(), stack.enter_context(receiver.listening())
            backend.answers.extend([received] * 30)
            setup = Setup(
                speed=speed, lesson=lesson, quirks=frozenset(quirks), faults=frozenset(faults),
                folder=tmp_path / "cloud", ffmpeg=bundled_ffmpeg,
            )  # fmt: skip
            cloud = Cloud(setup, clock)
            door = stack.enter_context(listen_at("127.0.0.1", 0))
            made = Practice(cloud, clock, stack.enter_context(serving(cloud, door)), backend)
            stack.callback(made.session.close)
            return made

        yield opened


class Client:
    """The vendor's own SDK, pointed at the stand-in; an answer is its JSON."""

    def __init__(self, practice: Practice, key: str, method: str) -> None:
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile
        from tencentcloud.tiw.v20190919 import models
        from tencentcloud.tiw.v20190919.tiw_client import TiwClient

        host = practice.base.removeprefix("http://")
        http = HttpProfile(protocol="http", endpoint=host, reqMethod=method, reqTimeout=60)
        self._client = TiwClient(Credential("AKIDpractice", key), "ap-guangzhou", ClientProfile(httpProfile=http))
        self._models, self._practice = models, practice

    def __call__(self, action: str, /, **values: Any) -> dict[str, Any]:
        request = getattr(self._models, f"{action}Request")()
        app = "SdkAppID" if action == "DescribeRunningTasks" else "SdkAppId"
        request._deserialize({app: APP, **values})
        return dict(json.loads(getattr(self._client, action)(request).to_json_string()))

    def start(self, number: int = 1, **more: Any) -> str:
        """Start a recording; it runs."""
        user = f"tic_record_user_{ROOM}_{number}"
        told = self("StartOnlineRecord", RoomId=ROOM, RecordUserId=user, RecordUserSig="s1g", **more)
        self._practice.clock.move(2)
        return str(told["TaskId"])


Sdk = Callable[..., Client]


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    pytest.importorskip("tencentcloud.tiw", reason="the extra cloud is not installed")
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return lambda practice, key=KEY, method="POST": Client(practice, key, method)
