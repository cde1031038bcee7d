"""A real HTTP server in the vendor's place, for both generations."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from terminal import Desk
from werkzeug import Request, Response

from assembler.cloud import Api
from assembler.cloud.choose import open_cloud
from assembler.cloud.client import Cloud
from assembler.options import load_options

TICKEY = "9016607A382749C69D4F4B00C61DD083"
SECRET_ID, SECRET_KEY = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
V1 = {"ASSEMBLER_TICKEY": TICKEY}
V3 = {"TENCENTCLOUD_SECRET_ID": SECRET_ID, "TENCENTCLOUD_SECRET_KEY": SECRET_KEY}
OK = {"error_code": 0, "error_msg": "ok"}

Answer = dict[str, Any] | Response


def _key(secret: str, date: str) -> bytes:
    key = f"TC3{secret}".encode()
    for part in (date, "tiw", "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def tc3_signature(request: Request, secret: str) -> str:
    """What generation 3 has to be signed with, by the vendor's page on TC3-HMAC-SHA256."""
    headers, date = request.headers, time.strftime("%Y-%m-%d", time.gmtime(int(request.headers["X-TC-Timestamp"])))
    signed = f"content-type:{headers['Content-Type']}\nhost:{headers['Host']}\n"
    body = hashlib.sha256(request.get_data()).hexdigest()
    canonical = f"{request.method}\n/\n\n{signed}\ncontent-type;host\n{body}"
    scope, made = f"{date}/tiw/tc3_request", hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{headers['X-TC-Timestamp']}\n{scope}\n{made}"
    signature = hmac.new(_key(secret, date), text.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{scope}, SignedHeaders=content-type;host, Signature={signature}"


@dataclass
class Vendor:
    """Answers what it is told to, in that order, the last one for ever; what came stays to be looked at."""

    server: HTTPServer
    answers: list[Answer] = field(default_factory=list)
    came: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request("/").respond_with_handler(self._generation_3)
        self.server.expect_request("/base/record/v1/online/start").respond_with_handler(self._next)
        for path in ("online/stop", "online/pause", "online/resume", "online/query", "online/callback"):
            self.server.expect_request(f"/base/record/v1/{path}").respond_with_handler(self._next)
        for path in ("offline/create", "offline/query", "offline/callback"):
            self.server.expect_request(f"/base/record/v1/{path}").respond_with_handler(self._next)

    def _next(self, request: Request) -> Response:
        self.came.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Response):
            return answer
        return Response(json.dumps(answer, ensure_ascii=False), content_type="application/json")

    def _generation_3(self, request: Request) -> Response:
        if request.headers["Authorization"] == tc3_signature(request, SECRET_KEY):
            return self._next(request)
        self.came.append(request)
        return Response(json.dumps(refusal("AuthFailure.SignatureFailure", "odd")), content_type="application/json")

    @property
    def body(self) -> dict[str, Any]:
        """The last request's."""
        return dict(json.loads(self.came[-1].get_data()))


def refusal(code: str, message: str) -> dict[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "req-1"}}


def granted(**values: Any) -> dict[str, Any]:
    return {"Response": {**values, "RequestId": "req-1"}}


@pytest.fixture
def vendor(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("TENCENTCLOUD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASSEMBLER_SDK_APP_ID", "1400127115")
    monkeypatch.setenv("ASSEMBLER_CLOUD_BASE", httpserver.url_for("/base"))
    monkeypatch.setenv("ASSEMBLER_CLOUD_ENDPOINT", httpserver.url_for("/"))
    return Vendor(httpserver)


@pytest.fixture
def v1(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("ASSEMBLER_TICKEY", TICKEY)
    with open_cloud(load_options(), Api.V1) as cloud:
        yield cloud


@pytest.fixture
def v3(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    pytest.importorskip("tencentcloud.tiw", reason="the extra cloud is not installed")
    for name, value in V3.items():
        monkeypatch.setenv(name, value)
    with open_cloud(load_options(), Api.V3) as cloud:
        yield cloud


@pytest.fixture
def say(vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A command, with the credentials of one generation (or of both, or none)."""
    desk = Desk(tmp_path, None)  # type: ignore[arg-type]  # no class lies in this folder

    def said(*words: str, stdin: str = "", credentials: dict[str, str] = V1, **settings: str) -> Any:
        if credentials.keys() & V3.keys():
            pytest.importorskip("tencentcloud.tiw", reason="the extra cloud is not installed")
        for name, value in credentials.items():
            monkeypatch.setenv(name, value)
        return desk.say(*words, stdin=stdin, **settings)

    return said
