"""What the database files a body under: its keys and digests are stored, so those of a body never change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assembler.dialects import read_event
from assembler.errors import AssemblerError, InputError
from assembler.jobs.intake.bodies import Body
from assembler.jobs.intake.check_callback import judge
from assembler.jobs.store.model import claim_of
from assembler.jobs.web.keys import Keys
from assembler.options import Options
from assembler.times import WallMs

FIXTURES = Path(__file__).parents[3] / "fixtures"
VENDOR, KEPT = FIXTURES / "vendor", FIXTURES / "golden" / "keys.json"

REFUSED: dict[str, Any] = {"Code": "FailedOperation.Record", "Message": "code: 40002, msg: nothing recorded"}
MADE: dict[str, dict[str, Any]] = {
    "a failure in an event without a type": {"EventData": {"TaskId": "t1", "Error": REFUSED}, "Timestamp": 7},
    "the same, its type empty": {"EventType": "", "EventData": {"TaskId": "t1", "Error": REFUSED}, "Timestamp": 7},
    "a failed event, signed": {
        "EventType": "OnlineRecordFinished", "Timestamp": 7, "SdkAppId": 1400, "Sign": "a" * 32, "ExpireTime": 9,
        "EventData": {"RoomId": 12, "Error": REFUSED, "VideoInfos": []},
    },
    "a failed event of no data": {"EventType": "OnlineRecordFinished", "Timestamp": 7, "Sign": "a" * 32, "Data": 1},
    "a failed callback, signed in its body": {
        "callback_type": "record_finished", "task_type": "record_online", "error_code": 40002, "room_id": 12,
        "sign": "a" * 32, "expire_time": 9, "random": 5, "timestamp": 7, "sdkappid": 1500,
    },
    "a failed event of the SaaS": {
        "event": "online_record_stop", "timestamp": 7, "sign": "a" * 32, "expire_time": 9,
        "data": {"error_code": 40002, "class_id": 12, "video_info": [], "task_id": "t1"},
    },
    "a failed answer": {"Response": {"TaskId": "t1", "RoomId": 12, "Status": "FINISHED", "Error": REFUSED}},
    "a failed answer without a task": {"Response": {"RoomId": 12, "FinishReason": "EXCEPTION", "RequestId": "r"}},
    "a failed answer as in v1": {"Response": {"task_id": "t1", "room_id": 12, "error_code": 40002}},
    "a failed answer without its wrapper": {"TaskId": "t1", "Status": "FINISHED", "RoomId": "r", "Error": REFUSED},
    "a failed query": {"task_id": 12, "room_id": "r", "status": "finished", "error_code": 40002},
    "a failed query of both spellings": {"TaskId": 0, "task_id": 0, "RoomId": 12.5, "error_code": 40002},
    "a failed result": {"start_time": 7, "total_time": 9, "sign": "a", "random": 1},
    "a failed search": {"Response": {"RecordTaskSet": [], "TaskId": "t1"}, "random": 1},
    "a failed neutral one": {"dialect": "neutral", "segments": [], "task_id": "t1", "room_id": "r"},
    "a neutral one": {
        "task_id": "t1", "room_id": "r", "app_id": "1400", "segments": [{"kind": "camera", "play_time": 0}],
    },
    "a neutral one without a task": {"segments": [{"kind": "mix", "play_time": 5, "url": "https://e.example.com/a"}]},
    "no result at all": {"TaskId": "t1", "RoomId": True, "sign": "a"},
    "an unknown event": {
        "EventType": "OnlineRecordResumed", "EventData": {"TaskId": "t1", "PauseTime": 7, "StopTime": 8},
    },
}  # fmt: skip
"""Beside the vendor's own examples: what fails, is signed, is only a part, or names no task."""


def body_of(name: str) -> bytes:
    return json.dumps(MADE[name]).encode() if name in MADE else (VENDOR / name).read_bytes()


def told(raw: bytes) -> dict[str, Any]:
    """Everything of a body that goes into the database or decides what does."""
    body = Body(raw, "1499", "callback", WallMs(0))
    judged = judge(raw, {"sdkappid": "1499"}, Keys(Options()), WallMs(0))
    values: dict[str, Any] = {"status": judged.status, "app": judged.app}
    try:
        event = read_event(raw, query=body.query)
        values["event"] = event.model_dump(mode="json", exclude={"facts", "error"}, exclude_defaults=True)
    except InputError:
        values["event"] = None
    try:
        claim = claim_of(raw, body.app)
        values["claim"] = claim.model_dump(mode="json", exclude={"omissions"}, exclude_defaults=True)
    except AssemblerError as exc:
        values["claim"] = type(exc).__name__
    return values


@pytest.mark.parametrize("name", [*MADE, *sorted(path.name for path in VENDOR.glob("*.json"))])
def test_a_body_has_the_keys_it_always_had(name: str) -> None:
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    assert told(body_of(name)) == kept.get(name), "a new body gets a line of its own; the others stay as they are"


@pytest.mark.parametrize("changed", ["Sign", "ExpireTime", "sign", "expire_time", "random"])
def test_a_repeat_that_is_signed_anew_has_the_same_key(changed: str) -> None:
    for name, body in MADE.items():
        claims = []
        for value in ("one", "other"):
            try:
                claims.append(claim_of(json.dumps({**body, changed: value}).encode()))
            except AssemblerError:
                claims.append(None)
        assert claims[0] == claims[1], name
