"""Generation 3: TC3-HMAC-SHA256, actions by POST and GET, answers as the vendor's SDK wants them.

An answer has status 200 and exactly ``application/json``, a failure as well; else the SDK does not look for Error.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from pydantic import Field

from assembler.cloud import Steer
from assembler.dialects.body import load_object
from assembler.emulator.checks import Generate, Part, Start, check_address, check_made, check_start, read
from assembler.emulator.cloud import APP, Cloud
from assembler.emulator.errors import Reason, Refused
from assembler.emulator.results import v3_result
from assembler.emulator.task import Phase, Task
from assembler.errors import InputError
from assembler.times import WallMs

VERSION = "2019-09-19"
"""Version of the API."""
SKEW_SECONDS = 300
"""Maximum difference of the clocks, in s."""
MOST_KEY = 64
"""Maximum length of a callback key."""
Values = dict[str, Any]
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/, ]+)/(?P<date>[0-9-]{10})/(?P<service>\w+)/tc3_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    """POST or GET."""
    query: str
    """Query of the URL, as it was sent."""
    headers: Mapping[str, str]
    """Headers, by lower-case names."""
    raw: bytes | None
    """Body; None where it was too large."""
    base: str
    """Address under which the client reached us."""


class _OfApp(Part):
    sdk_app_id: int


class _OfTask(_OfApp):
    task_id: str


class _Callback(_OfApp):
    callback: str = ""


class _CallbackKey(_OfApp):
    callback_key: str = ""


class _Running(Part):
    sdk_app_id: int = Field(alias="SdkAppID")
    task_type: str
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=500)


def signature_of(request: Request, secret: str, *, timestamp: str, date: str, service: str, signed: str) -> str:
    """Compute the signature of a request."""
    lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed.split(";"))
    body = hashlib.sha256(request.raw or b"").hexdigest()
    canonical = f"{request.method}\n/\n{request.query}\n{lines}\n{signed}\n{body}"
    scope = f"{date}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode('latin-1')).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def check_signed(request: Request, secret: str, now: WallMs) -> None:
    """Check the signature of a request. Raises Refused."""
    given = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if given is None:
        raise Refused(Reason.SIGNATURE, "the Authorization header is not one of TC3-HMAC-SHA256")
    timestamp = request.headers.get("x-tc-timestamp", "")
    if not re.fullmatch("[0-9]{1,11}", timestamp):
        raise Refused(Reason.SIGNATURE, "X-TC-Timestamp is missing or malformed")
    if not {"content-type", "host"} <= set(given["headers"].split(";")):
        raise Refused(Reason.SIGNATURE, "content-type and host have to be signed")
    date = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    made = signature_of(
        request, secret, timestamp=timestamp, date=given["date"], service=given["service"], signed=given["headers"]
    )
    if given["date"] != date or given["service"] != "tiw" or not hmac.compare_digest(made, given["signature"]):
        raise Refused(Reason.SIGNATURE, "the signature is not that of this stand-in's key, the day and tiw")
    if abs(int(timestamp) - now / 1000) > SKEW_SECONDS:
        raise Refused(Reason.EXPIRED, "X-TC-Timestamp is over 5 minutes from the stand-in's clock")


def answer(cloud: Cloud, request: Request) -> bytes:
    """Answer one request."""
    action = request.headers.get("x-tc-action", "")
    told: dict[str, Any] = {}
    values: dict[str, Any] = {}
    problem, request_id = "", str(uuid.uuid4())
    try:
        if request.raw is None:
            raise Refused(Reason.TOO_LARGE)
        check_signed(request, cloud.setup.key, cloud.now())
        if request.headers.get("x-tc-version") != VERSION:
            raise Refused(Reason.NO_VERSION)
        if action not in ACTIONS:
            raise Refused(Reason.NO_ACTION, f"there is no action {action[:60]}")
        cloud.count(action)
        values = _values(request)
        is_text = request.method == "GET"
        check_app(values, is_text=is_text)
        model, grant = ACTIONS[action]
        told = cloud.refusal_v3() or grant(cloud, read(model, values, is_text=is_text), request.base)
    except Refused as exc:
        problem = f"{exc.reason.code} {exc.sentence}"
        told = {"Error": {"Code": exc.reason.code, "Message": exc.sentence}}
    task = told.get("TaskId") or values.get("TaskId") or values.get("OnlineRecordTaskId") or ""
    cloud.remember("v3", action or "no action", str(task), problem)
    return json.dumps({"Response": {**told, "RequestId": request_id}}).encode()


def check_app(values: dict[str, Any], *, is_text: bool) -> None:
    """Check the app of a request. Raises Refused."""
    app = values.get("SdkAppId", values.get("SdkAppID"))
    if is_text and isinstance(app, str) and app.isdecimal():
        app = int(app)
    if not isinstance(app, int) or isinstance(app, bool) or app <= 0:
        raise Refused(Reason.NO_APP)
    if app != APP:
        raise Refused(Reason.NOT_ACTIVATED, f"the app is not of this account: here it is {APP}")


def _values(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return unflattened(parse_qsl(request.query, keep_blank_values=True))
    try:
        return dict(load_object(request.raw or b"{}"))
    except InputError as exc:
        raise Refused(Reason.MALFORMED, exc.sentence) from exc


def unflattened(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Parameters of a GET as objects and lists: ``Concat.Enabled=True``, ``Extras.0=MIX_STREAM``."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        *parents, last = name.split(".")
        place = root
        for parent in parents[:20]:
            inner = place.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise Refused(Reason.MALFORMED, f"{name[:60]} is a value and an object")
            place = inner
        place[last] = value
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(part) for name, part in value.items()}
    is_list = inner and all(name.isdecimal() for name in inner)
    return [inner[name] for name in sorted(inner, key=int)] if is_list else inner


def _start(cloud: Cloud, given: Start, base: str) -> Values:
    wishes, group = check_start(given), given.group_id or str(given.room_id)
    return {"TaskId": cloud.start("v3", base, given.room_id, group, given.record_user_id, wishes).id}


def _steer(call: Steer) -> tuple[type[_OfTask], Callable[[Cloud, _OfTask, str], Values]]:
    def granted(cloud: Cloud, given: _OfTask, _: str) -> Values:
        cloud.steer("v3", given.task_id, call)
        return {}

    return _OfTask, granted


def _describe(cloud: Cloud, given: _OfTask, *, is_offline: bool) -> Values:
    task = cloud.find("v3", given.task_id)
    if task.is_offline is not is_offline:
        raise Refused(Reason.NO_TASK)
    told = v3_result(task, cloud.address, cloud.setup.quirks)
    videos = told.get("VideoInfoList", told["VideoInfos"]) or []
    if "Error" in told and task.phase is Phase.FINISHED and not any(video["VideoUrl"] for video in videos):
        return {"Error": told["Error"]}  # nothing else is said of a failed one
    told.pop("Error", None)
    return told


def _generate(cloud: Cloud, given: Generate, base: str) -> Values:
    return {"TaskId": cloud.generate("v3", base, check_made(given), task=given.online_record_task_id).id}


def _running(cloud: Cloud, given: _Running, _: str) -> Values:
    with cloud.lock:
        cloud.advance()
        tasks = [t for t in cloud.tasks.values() if t.phase is not Phase.FINISHED and not t.is_offline]
    if given.task_type != "OnlineRecord":
        tasks = []
    return {"Total": len(tasks), "Tasks": [_item(t) for t in tasks[given.offset : given.offset + given.limit]]}


def _item(task: Task) -> Values:
    made = datetime.fromtimestamp(task.due / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    status = "QUEUED" if task.phase is Phase.PREPARED else "PROCESSING"
    return {
        "SdkAppID": APP, "TaskID": task.id, "TaskType": "OnlineRecord", "CreateTime": made, "CancelTime": None,
        "Status": status, "Progress": 0, "FileURL": "", "RoomID": task.room,
    }  # fmt: skip


def _set_address(cloud: Cloud, given: _Callback, *, is_offline: bool) -> Values:
    cloud.addresses["v3", is_offline] = check_address(given.callback)
    return {}


def _set_key(cloud: Cloud, given: _CallbackKey, *, is_offline: bool) -> Values:
    if len(given.callback_key) > MOST_KEY:
        raise Refused(Reason.PARAMETER, f"CallbackKey has at most {MOST_KEY} characters")
    cloud.keys[is_offline] = given.callback_key
    return {}


def _describe_address(cloud: Cloud, *, is_offline: bool) -> Values:
    return {"Callback": cloud.addresses.get(("v3", is_offline), ""), "CallbackKey": cloud.keys.get(is_offline, "")}


ACTIONS: dict[str, tuple[type[Part], Callable[[Cloud, Any, str], Values]]] = {
    "StartOnlineRecord": (Start, _start),
    "StopOnlineRecord": _steer(Steer.STOP),
    "PauseOnlineRecord": _steer(Steer.PAUSE),
    "ResumeOnlineRecord": _steer(Steer.RESUME),
    "DescribeOnlineRecord": (_OfTask, lambda cloud, given, _: _describe(cloud, given, is_offline=False)),
    "SetOnlineRecordCallback": (_Callback, lambda cloud, given, _: _set_address(cloud, given, is_offline=False)),
    "SetOnlineRecordCallbackKey": (_CallbackKey, lambda cloud, given, _: _set_key(cloud, given, is_offline=False)),
    "DescribeOnlineRecordCallback": (_OfApp, lambda cloud, *_: _describe_address(cloud, is_offline=False)),
    "CreateVideoGenerationTask": (Generate, _generate),
    "DescribeVideoGenerationTask": (_OfTask, lambda cloud, given, _: _describe(cloud, given, is_offline=True)),
    "SetVideoGenerationTaskCallback": (_Callback, lambda cloud, given, _: _set_address(cloud, given, is_offline=True)),
    "SetVideoGenerationTaskCallbackKey": (
        _CallbackKey,
        lambda cloud, given, _: _set_key(cloud, given, is_offline=True),
    ),
    "DescribeVideoGenerationTaskCallback": (_OfApp, lambda cloud, *_: _describe_address(cloud, is_offline=True)),
    "DescribeRunningTasks": (_Running, _running),
}
"""Actions by name: the model of their parameters, and a function of the cloud, these and our address that grants."""
