"""Client of generation 3 (TIW, version 2019-09-19), over the vendor's own SDK: the extra ``cloud``."""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import replace
from typing import Any

from assembler.cloud import Kind, Steer
from assembler.cloud.bodies import Generation, Start, check_address, check_task
from assembler.cloud.client import KEYS, Answer, Cloud, Request, granted
from assembler.dialects.body import JsonObject, load_object, shortened
from assembler.errors import CloudError, InputError
from assembler.network.http import discreet
from assembler.options import Options

_VERSION = "2019-09-19"
_TIMEOUT_SECONDS = 30
ATTEMPTS = 6
"""Maximum attempts at a request that comes too soon after others; the vendor grants 20 a second."""
_MOST_KEY = 64
_PAGE = 100
"""Number of running tasks asked for at once."""
_NOUNS = {Kind.ONLINE: "OnlineRecord", Kind.OFFLINE: "VideoGenerationTask"}
_ACTION = "X-TC-Action"
_WHERE = (
    "Ask again later; or look at ASSEMBLER_CLOUD_ENDPOINT, and at HTTPS_PROXY or HTTP_PROXY "
    "(a host of your own has to be in NO_PROXY twice: as host and as host:port)."
)


class _CloudV3:
    def __init__(self, options: Options) -> None:
        self._options = options
        try:
            import stamina
            from tencentcloud.common.credential import Credential
            from tencentcloud.common.exception import TencentCloudSDKException
            from tencentcloud.common.profile.client_profile import ClientProfile
            from tencentcloud.common.profile.http_profile import HttpProfile
            from tencentcloud.tiw.v20190919.tiw_client import TiwClient
        except ImportError as exc:
            raise InputError(
                "generation 3 of the vendor's API is asked through its SDK, which is not installed",
                hint="pip install 'assembler[cloud]'",
            ) from exc
        stamina.instrumentation.set_on_retry_hooks([])  # else it logs, and so prints, each attempt
        self._stamina, self._refusal = stamina, TencentCloudSDKException
        scheme, self._host = _address(options)
        http = HttpProfile(scheme, self._host, reqTimeout=_TIMEOUT_SECONDS)
        try:
            credential = Credential(*(os.environ[name] for name in KEYS), os.environ.get("TENCENTCLOUD_TOKEN"))
            self._client: Any = TiwClient(credential, options.cloud_region, ClientProfile(httpProfile=http))
        except TencentCloudSDKException as exc:  # it names what is wrong with a key, not the key
            raise InputError(f"the credentials cannot be used: {exc.message}", hint=f"Look at {KEYS[0]}.") from None

    def start(self, start: Start) -> Request:
        return self._request("to start a recording", "StartOnlineRecord", start.spelled(as_v1=False))

    def steer(self, how: Steer, task: str) -> Request:
        return self._request(f"to {how} task {task}", f"{how.capitalize()}OnlineRecord", {"TaskId": check_task(task)})

    def query(self, task: str, kind: Kind) -> Request:
        body: JsonObject = {"TaskId": check_task(task)}
        return self._request(f"to tell of task {task}", f"Describe{_NOUNS[kind]}", body, is_query=True)

    def generate(self, generation: Generation) -> Request:
        if generation.online_record_task_id is None or generation.room_id is not None:
            raise InputError(
                "generation 3 makes files of a recording task",
                hint="Give the id of the task; of a room generation 1 does: --api v1.",
            )
        body = generation.spelled(as_v1=False)
        return self._request("to make files after class", "CreateVideoGenerationTask", body)

    def set_callback(self, url: str, kind: Kind) -> Request:
        body: JsonObject = {"Callback": check_address(url)}
        return self._request("to set the callback address", f"Set{_NOUNS[kind]}Callback", body)

    def set_callback_key(self, key: str, kind: Kind) -> Request:
        if len(key) > _MOST_KEY:
            raise InputError(f"a callback key has at most {_MOST_KEY} characters", hint="Take a shorter one.")
        return self._request("to set the callback key", f"Set{_NOUNS[kind]}CallbackKey", {"CallbackKey": key})

    def show_callback(self, kind: Kind) -> Request:
        request = self._request("to tell the callback address", f"Describe{_NOUNS[kind]}Callback", {})
        return replace(request, is_reading=True)

    def running(self, offset: int) -> Request:
        body: JsonObject = {"SdkAppID": self._options.sdk_app_id, "TaskType": "OnlineRecord", "Limit": _PAGE}
        request = self._asked("to list what is running", "DescribeRunningTasks", {**body, "Offset": offset})
        return replace(request, is_reading=True)

    def _request(self, what: str, action: str, body: JsonObject, *, is_query: bool = False) -> Request:
        return self._asked(what, action, {"SdkAppId": self._options.sdk_app_id, **body}, is_query=is_query)

    def _asked(self, what: str, action: str, body: JsonObject, *, is_query: bool = False) -> Request:
        headers = {_ACTION: action, "X-TC-Version": _VERSION, "X-TC-Region": self._options.cloud_region}
        return Request(what, self._options.cloud_endpoint, body, headers=headers, is_query=is_query)

    def send(self, request: Request) -> Answer:
        """Send a request; again only one that came too soon: the vendor did nothing about that one."""
        try:
            with discreet(), warnings.catch_warnings(action="ignore"):
                for attempt in self._stamina.retry_context(on=self._came_too_soon, attempts=ATTEMPTS, timeout=60.0):
                    with attempt:
                        raw = self._client.call(request.headers[_ACTION], request.body)
            values = _unwrapped(raw)
        except self._refusal as exc:
            code, message, request_id = str(exc.code), exc.message, exc.requestId
        except (OSError, ValueError, KeyError, TypeError, InputError) as exc:  # a cut wire, or no answer of the API
            code, message, request_id = "ServerNetworkError", type(exc).__name__, None
        else:
            return granted(request, raw, values, f"RequestId {values.get('RequestId')}")
        if not request_id:
            raise self._unreached(request, code, message)
        # the SDK keeps no bytes of a failure; these say the same
        error: JsonObject = {"Error": {"Code": code, "Message": message}, "RequestId": request_id}
        return granted(request, json.dumps({"Response": error}).encode(), error, f"RequestId {request_id}")

    def _came_too_soon(self, exc: Exception) -> bool:
        return isinstance(exc, self._refusal) and str(exc.code).startswith("RequestLimitExceeded")

    def _unreached(self, request: Request, code: str, message: object) -> CloudError:
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        if cause := re.search(r"\[Errno -?\d+\] ([^'\"()]+)", text):  # all else names classes and addresses
            text = cause[1].strip()
        return CloudError(
            f"{self._host} did not answer as the vendor's API does: {code}: {shortened(text, 200)}",
            hint=f"{request.doubt}{_WHERE}",
        )


def _address(options: Options) -> tuple[str, str]:
    """Scheme and host, with its port, of ASSEMBLER_CLOUD_ENDPOINT."""
    scheme, separator, host = options.cloud_endpoint.rstrip("/").partition("://")
    if scheme not in ("http", "https") or not separator or not re.fullmatch(r"[\w.:\[\]-]+", host, re.ASCII):
        raise InputError("ASSEMBLER_CLOUD_ENDPOINT is not an http or https address", hint="Write https://host.")
    return scheme, host


def open_v3(options: Options) -> Cloud:
    """Open a client. Raises InputError where the extra is not installed or a setting cannot be used."""
    return _CloudV3(options)


def _unwrapped(raw: bytes) -> JsonObject:
    values = load_object(raw).get("Response")
    if not isinstance(values, dict):
        raise InputError("no Response")
    return values
