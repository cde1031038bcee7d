"""Generation 3: the vendor's own SDK, by POST and by GET, every action and the refusals of each."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from tencentcloud.common.exception import TencentCloudSDKException

from assembler.emulator import v3
from assembler.emulator.v3 import ACTIONS, unflattened
from emulator.conftest import ROOM, Open, Sdk

USER = f"tic_record_user_{ROOM}_9"
START = {"RoomId": ROOM, "RecordUserId": USER, "RecordUserSig": "s1g"}
MIX = {"Enabled": True, "ModelId": 1}


def refusal(client: Any, action: str, **values: Any) -> str:
    with pytest.raises(TencentCloudSDKException) as caught:
        client(action, **values)
    assert caught.value.requestId
    return str(caught.value.code)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_every_action_is_granted(practice: Open, sdk: Sdk, method: str) -> None:
    stand_in = practice()
    client = sdk(stand_in, method=method)
    asked = {"Concat": {"Enabled": True}, "Extras": ["MIX_STREAM"], "MixStream": MIX, "AutoStopTimeout": 300}
    controls = {"Enabled": True, "StreamControls": [{"StreamId": "student", "DisableRecord": True}]}
    task = client.start(**asked, RecordControl=controls, Whiteboard={"Width": 640, "Height": 480})
    held = stand_in.cloud.tasks[task]
    assert (held.wishes.concat, held.wishes.mix, held.wishes.board) == (True, "101", (640, 480))
    assert held.wishes.control("student", "DisableRecord")
    assert not held.wishes.control("teacher", "DisableRecord")
    assert client("DescribeOnlineRecord", TaskId=task)["Status"] == "RECORDING"
    assert client("DescribeRunningTasks", TaskType="OnlineRecord", Offset=0, Limit=10)["Tasks"][0]["TaskID"] == task
    assert client("DescribeRunningTasks", TaskType="TranscodeH5", Offset=0, Limit=10)["Total"] == 0
    for action in ("Pause", "Resume", "Stop"):
        assert client(f"{action}OnlineRecord", TaskId=task).keys() == {"RequestId"}
        stand_in.clock.move(2)
    for noun in ("OnlineRecord", "VideoGenerationTask"):
        client(f"Set{noun}Callback", Callback=stand_in.backend.url)
        client(f"Set{noun}CallbackKey", CallbackKey="k" * 64)
        told = client(f"Describe{noun}Callback")
        assert (told["Callback"], told["CallbackKey"]) == (stand_in.backend.url, "k" * 64)
        client(f"Set{noun}Callback", Callback="")
        assert client(f"Describe{noun}Callback")["Callback"] == ""
    assert refusal(client, "DescribeVideoGenerationTask", TaskId=task) == "InvalidParameter.TaskNotFound"
    assert len(ACTIONS) == 14


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"RoomId": 0}, "InvalidParameter.RecordParameter"),
        ({"RoomId": 4294967296}, "InvalidParameter.RecordParameter"),
        ({"RoomId": "north"}, "InvalidParameter.BodyParameterTypeUnmatched"),
        ({"RecordUserId": "ann"}, "InvalidParameter.RecordParameter"),
        ({"RecordUserId": USER + "课" * 14}, "InvalidParameter.RecordParameter"),
        ({"RecordUserSig": None}, "InvalidParameter.RecordParameter"),
        ({"MixStream": MIX}, "InvalidParameter.RecordParameter"),
        ({"MixStream": {"Enabled": True, "ModelId": 3}, "Extras": ["MIX_STREAM"]}, "InvalidParameter.RecordParameter"),
        ({"Extras": ["MAGIC"]}, "InvalidParameter.InvalidExtra"),
        ({"AutoStopTimeout": 299}, "InvalidParameter.RecordParameter"),
        ({"AutoStopTimeout": 86401}, "InvalidParameter.RecordParameter"),
        ({"RecordMode": "FAST"}, "InvalidParameter.RecordParameter"),
        ({"SdkAppId": 0}, "InvalidParameter.SdkAppIdNotFound"),
        ({"SdkAppId": 1400127115}, "UnauthorizedOperation.SdkAppId"),
    ],
)
def test_a_start_that_breaks_a_rule_is_refused(practice: Open, sdk: Sdk, changed: dict[str, Any], code: str) -> None:
    assert refusal(sdk(practice()), "StartOnlineRecord", **{**START, **changed}) == code


def test_calls_that_the_state_does_not_allow_are_refused(practice: Open, sdk: Sdk) -> None:
    stand_in = practice()
    client = sdk(stand_in)
    task = client.start(9)
    assert refusal(client, "StartOnlineRecord", **START) == "ResourceInUse.RecordUserId"
    assert refusal(client, "ResumeOnlineRecord", TaskId=task) == "UnsupportedOperation.InvalidTaskStatus"
    assert (
        refusal(client, "CreateVideoGenerationTask", OnlineRecordTaskId=task)
        == "UnsupportedOperation.InvalidTaskStatus"
    )
    client("StopOnlineRecord", TaskId=task)
    assert refusal(client, "StopOnlineRecord", TaskId=task) == "UnsupportedOperation.TaskHasAlreadyStopped"
    assert refusal(client, "PauseOnlineRecord", TaskId="nobody") == "InvalidParameter.TaskNotFound"
    assert (
        refusal(client, "SetOnlineRecordCallback", Callback="ftp://a") == "InvalidParameter.CallbackAddressFormatError"
    )
    assert refusal(client, "SetOnlineRecordCallbackKey", CallbackKey="k" * 65) == "InvalidParameter.RecordParameter"
    codes = [refusal(client, "PauseOnlineRecord", TaskId="nobody") for _ in range(20)]
    assert (codes[0], codes[-1]) == ("InvalidParameter.TaskNotFound", "RequestLimitExceeded")
    assert stand_in.post("online/query", {"task_id": task})["error_code"] == 20005, "generation 1 knows nothing of it"


def test_a_task_whose_start_failed_answers_only_an_error(practice: Open, sdk: Sdk) -> None:
    stand_in = practice(quirks=("start-fails",))
    client = sdk(stand_in)
    task = client.start()
    with pytest.raises(TencentCloudSDKException, match="code: 40004, msg: ") as caught:
        client("DescribeOnlineRecord", TaskId=task)
    assert caught.value.code == "FailedOperation.Record"


def test_a_signature_of_another_key_or_time_is_refused(practice: Open, sdk: Sdk) -> None:
    stand_in = practice()
    assert refusal(sdk(stand_in, key="other"), "StartOnlineRecord", **START) == "AuthFailure.SignatureFailure"
    stand_in.clock.move(301)
    assert refusal(sdk(stand_in), "StartOnlineRecord", **START) == "AuthFailure.SignatureExpire"


def signed(stand_in: Any, raw: bytes, **changed: str) -> dict[str, Any]:
    headers = {
        "content-type": "application/json", "host": stand_in.base[7:], "x-tc-action": "StartOnlineRecord",
        "x-tc-version": "2019-09-19", "x-tc-timestamp": str(int(time.time())), **changed,
    }  # fmt: skip
    date = time.strftime("%Y-%m-%d", time.gmtime(int(headers["x-tc-timestamp"])))
    request = v3.Request("POST", "", headers, raw, "")
    made = v3.signature_of(
        request, "practice", timestamp=headers["x-tc-timestamp"], date=date, service="tiw", signed="content-type;host"
    )
    headers["authorization"] = changed.get("authorization") or (
        f"TC3-HMAC-SHA256 Credential=AKID/{date}/tiw/tc3_request, SignedHeaders=content-type;host, Signature={made}"
    )
    answer = requests.post(stand_in.base + "/", data=raw, headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return dict(answer.json()["Response"])


@pytest.mark.parametrize(
    ("raw", "changed", "code"),
    [
        (b"{", {}, "InvalidParameter"),
        (b"[]", {}, "InvalidParameter"),
        (b"{}", {}, "InvalidParameter.SdkAppIdNotFound"),
        (b"x" * 10_000_000, {}, "RequestSizeLimitExceeded"),
        (b"{}", {"x-tc-action": "MakeCoffee"}, "InvalidAction"),
        (b"{}", {"x-tc-version": "2018-01-01"}, "NoSuchVersion"),
        (b"{}", {"x-tc-timestamp": "99999999999"}, "AuthFailure.SignatureExpire"),
        (b'{"SdkAppId": 1400000001, "\\ud800": 5}', {}, "InvalidParameter.RecordParameter"),
        (b"{}", {"authorization": "TC3-HMAC-SHA256 nonsense"}, "AuthFailure.SignatureFailure"),
    ],
)
def test_what_no_sdk_sends_is_refused(practice: Open, raw: bytes, changed: dict[str, str], code: str) -> None:
    told = signed(practice(), raw, **changed)
    assert told["Error"]["Code"] == code
    assert told["RequestId"]


def test_an_unknown_parameter_is_named(practice: Open) -> None:
    told = signed(practice(), json.dumps({"SdkAppId": 1400000001, **START, "Colour": "red"}).encode())
    assert told["Error"]["Code"] == "UnknownParameter"
    assert "Colour" in told["Error"]["Message"]


def test_parameters_of_a_get_become_objects_and_lists() -> None:
    pairs = [("A.B", "1"), ("A.C.0", "x"), ("A.C.1", "y"), ("L.0.Id", "a"), ("L.1.Id", "b"), ("E", "")]
    assert unflattened(pairs) == {"A": {"B": "1", "C": ["x", "y"]}, "L": [{"Id": "a"}, {"Id": "b"}], "E": ""}
