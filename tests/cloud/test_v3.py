"""Generation 3: the vendor's real SDK against a server that verifies its signatures."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from werkzeug import Response

from assembler.cloud import Api, Kind, Steer, bodies
from assembler.cloud.bodies import Generation, Start, checked, mix_by
from assembler.cloud.choose import open_cloud
from assembler.cloud.client import Cloud, Request
from assembler.cloud.fetch import ask
from assembler.dialects.vendor_errors import ADVICE
from assembler.errors import CloudError, InputError, RecordingFailed
from assembler.options import load_options
from cloud.conftest import Vendor, granted, refusal

stamina = pytest.importorskip("stamina", reason="the extra cloud is not installed")
codes = pytest.importorskip("tencentcloud.tiw.v20190919.errorcodes", reason="the extra cloud is not installed")
CODES = sorted(value for name, value in vars(codes).items() if name.isupper())
TASK = "cd8gunhqvqstepdt2og0"
ONLINE, OFFLINE = Kind.ONLINE, Kind.OFFLINE
EVERYTHING: dict[str, Any] = {
    "RoomId": 1234,
    "RecordUserId": "tic_record_user_1234_1",
    "RecordUserSig": "sig",
    "GroupId": "g",
    "Concat": {"Enabled": True, "Image": "https://a.example/black.png"},
    "Whiteboard": {"Width": 1280, "Height": 720, "InitParam": {"ratio": "16:9"}},
    "MixStream": mix_by("presenter", None) | {"DisableAudio": False},
    "RecordControl": {"DisableAudio": True, "StreamControls": [{"StreamId": "tic_record_user", "DisableRecord": True}]},
    "AudioFileNeeded": True,
    "RecordMode": "REALTIME_MODE",
    "ChatGroupId": "c",
    "AutoStopTimeout": 600,
    "ExtraData": "as support said",
    "TRTCRoomId": 5,
    "TRTCRoomIdStr": "five",
}
ACTIONS: dict[str, Callable[[Cloud], Request]] = {
    "StartOnlineRecord": lambda cloud: cloud.start(checked(Start, EVERYTHING)),
    "StopOnlineRecord": lambda cloud: cloud.steer(Steer.STOP, TASK),
    "PauseOnlineRecord": lambda cloud: cloud.steer(Steer.PAUSE, TASK),
    "ResumeOnlineRecord": lambda cloud: cloud.steer(Steer.RESUME, TASK),
    "DescribeOnlineRecord": lambda cloud: cloud.query(TASK, ONLINE),
    "SetOnlineRecordCallback": lambda cloud: cloud.set_callback("https://a.example/callback", ONLINE),
    "SetOnlineRecordCallbackKey": lambda cloud: cloud.set_callback_key("k" * 64, ONLINE),
    "DescribeOnlineRecordCallback": lambda cloud: cloud.show_callback(ONLINE),
    "CreateVideoGenerationTask": lambda cloud: cloud.generate(checked(Generation, {"OnlineRecordTaskId": TASK})),
    "DescribeVideoGenerationTask": lambda cloud: cloud.query(TASK, OFFLINE),
    "SetVideoGenerationTaskCallback": lambda cloud: cloud.set_callback("", OFFLINE),
    "SetVideoGenerationTaskCallbackKey": lambda cloud: cloud.set_callback_key("", OFFLINE),
    "DescribeVideoGenerationTaskCallback": lambda cloud: cloud.show_callback(OFFLINE),
    "DescribeRunningTasks": lambda cloud: cloud.running(0),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_arrives_signed_and_with_fields_that_the_sdk_knows(v3: Cloud, vendor: Vendor, action: str) -> None:
    vendor.answers = [granted(TaskId=TASK)]
    answer = v3.send(ACTIONS[action](v3))
    (came,) = vendor.came
    assert (answer.task, answer.mark) == (TASK, "RequestId req-1")
    assert (came.headers["X-TC-Action"], came.headers["X-TC-Version"]) == (action, "2019-09-19")
    assert came.headers["X-TC-Region"] == "ap-guangzhou"
    assert {name.lower(): value for name, value in vendor.body.items()}["sdkappid"] == 1400127115
    model: Any = getattr(importlib.import_module("tencentcloud.tiw.v20190919.models"), f"{action}Request")()
    with warnings.catch_warnings(action="error"):  # it warns of fields that it does not know
        model._deserialize(vendor.body)
    assert hasattr(importlib.import_module("tencentcloud.tiw.v20190919.tiw_client").TiwClient, action)


def test_a_start_says_all_that_was_given(v3: Cloud, vendor: Vendor) -> None:
    vendor.answers = [granted(TaskId=TASK)]
    v3.send(ACTIONS["StartOnlineRecord"](v3))
    board = {"Width": 1280, "Height": 720, "InitParam": '{"ratio": "16:9"}'}
    mix = {"Enabled": True, "DisableAudio": False, "Custom": mix_by("presenter", None)["custom"]}
    control = {"Enabled": True, **EVERYTHING["RecordControl"]}
    given = {**EVERYTHING, "Whiteboard": board, "MixStream": mix, "RecordControl": control}
    assert vendor.body == {**given, "Extras": ["MIX_STREAM"], "SdkAppId": 1400127115}


def fields_of(sdk: str) -> set[str]:
    """Fields of a class of the SDK."""
    model = getattr(importlib.import_module("tencentcloud.tiw.v20190919.models"), sdk)
    return {name for name, value in vars(model).items() if isinstance(value, property)}


@pytest.mark.parametrize(
    ("sdk", "ours", "added"),
    [
        ("StartOnlineRecordRequest", bodies.Start, {"SdkAppId"}),
        ("CreateVideoGenerationTaskRequest", bodies.Generation, {"SdkAppId"}),
        ("Concat", bodies._Concat, set()),
        ("Whiteboard", bodies._Whiteboard, set()),
        ("MixStream", bodies._MixStream, set()),
        ("RecordControl", bodies._RecordControl, set()),
        ("StreamControl", bodies._StreamControl, set()),
    ],
)
def test_every_field_of_the_sdk_can_be_given(sdk: str, ours: type[BaseModel], added: set[str]) -> None:
    known = {field.alias for field in ours.model_fields.values()}
    assert fields_of(sdk) - added == known - ({"RoomId", "GroupId"} if ours is bodies.Generation else set())


def test_the_table_is_the_sdks() -> None:
    assert len(CODES) == 38, "look at what is new in the vendor's SDK"


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_sdk_says_what_to_do(
    v3: Cloud, vendor: Vendor, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assembler.cloud.v3.ATTEMPTS", 1)
    vendor.answers = [refusal(code, "went wrong")]
    with pytest.raises(CloudError) as caught:
        v3.send(v3.steer(Steer.PAUSE, TASK))
    assert f"refused to pause task {TASK}: {code}: went wrong (RequestId req-1)" in caught.value.sentence
    assert caught.value.hint
    assert "Look the code up" not in caught.value.hint


def test_a_failed_task_is_a_failed_recording_with_the_request_in_its_text(v3: Cloud, vendor: Vendor) -> None:
    vendor.answers = [refusal("FailedOperation.Record", "code: 40004, msg: imsdk login")]
    result = ask(v3, TASK)
    assert isinstance(result.problem, RecordingFailed)
    assert (result.problem.hint, result.state) == (ADVICE[40004], "FAILED")
    assert result.problem.sentence.startswith(f"task {TASK}: ")
    assert "RequestId req-1" in result.problem.sentence
    assert json.loads(result.answer.raw) == vendor.answers[0]


def test_a_wrong_key_is_refused_by_the_signature(v3: Cloud, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "another")
    with open_cloud(load_options(), Api.V3) as cloud, pytest.raises(CloudError) as caught:
        cloud.send(cloud.query(TASK, ONLINE))
    assert "AuthFailure.SignatureFailure" in caught.value.sentence
    assert "TENCENTCLOUD_SECRET_KEY" in caught.value.hint
    assert "another" not in str(caught.value)


def test_a_request_that_came_too_soon_is_sent_again(v3: Cloud, vendor: Vendor) -> None:
    vendor.answers = [refusal("RequestLimitExceeded", "21 a second"), granted(TaskId=TASK)]
    with stamina.set_testing(True, attempts=3):
        assert v3.send(v3.query(TASK, ONLINE)).task == TASK
    assert len(vendor.came) == 2
    vendor.answers = [refusal("RequestLimitExceeded.UinLimitExceeded", "21 a second")]
    with stamina.set_testing(True, attempts=3), pytest.raises(CloudError, match="RequestLimitExceeded") as caught:
        v3.send(v3.query(TASK, ONLINE))
    assert (len(vendor.came), caught.value.retry) == (5, True)


def test_any_other_request_is_sent_once(v3: Cloud, vendor: Vendor) -> None:
    vendor.answers = [refusal("InternalError", "RequestLimitExceeded"), Response("", 500)]
    for _ in range(2):
        with pytest.raises(CloudError) as caught:
            v3.send(ACTIONS["StartOnlineRecord"](v3))
    assert len(vendor.came) == 2
    assert caught.value.hint.startswith("It may have been done all the same")


def test_a_refusal_is_seen_whatever_the_content_type(v3: Cloud, vendor: Vendor) -> None:
    body = json.dumps(refusal("InvalidParameter.TaskNotFound", "no"))
    vendor.answers = [Response(body, content_type="application/json; charset=utf-8")]
    with pytest.raises(CloudError, match=r"TaskNotFound: no \(RequestId req-1\)"):
        v3.send(v3.query(TASK, ONLINE))


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 502),
        Response("<html>", 200, content_type="application/json"),
        Response("{}", 200, content_type="application/json"),
        Response("[]", 200, content_type="application/json"),
        Response('{"Response": {"Error": {}}}', 200, content_type="application/json"),
        Response("x", 200, {"Content-Length": "9"}, content_type="text/html"),
    ],
)
def test_an_answer_that_is_not_the_vendors_says_so(v3: Cloud, vendor: Vendor, answer: Response) -> None:
    vendor.answers = [answer]
    with pytest.raises(CloudError, match="not answer as the vendor's API does") as caught:
        v3.send(v3.query(TASK, ONLINE))
    assert caught.value.retry


def test_a_host_that_is_not_there_names_the_settings_to_look_at(v3: Cloud) -> None:
    options = load_options(cloud_endpoint="http://127.0.0.1:1")
    with open_cloud(options, Api.V3) as cloud, pytest.raises(CloudError) as caught:
        cloud.send(cloud.query(TASK, ONLINE))
    assert "ASSEMBLER_CLOUD_ENDPOINT" in caught.value.hint
    assert caught.value.sentence.endswith("Connection refused")


def test_only_a_request_that_changes_something_may_have_been_done_all_the_same(v3: Cloud) -> None:
    reading = [v3.query(TASK, ONLINE), v3.show_callback(ONLINE), v3.running(0)]
    assert {request.doubt for request in reading} == {""}
    assert all(v3.steer(how, TASK).doubt for how in Steer)


@pytest.mark.parametrize(
    "endpoint", ["tiw.tencentcloudapi.com", "ftp://a.example", "https://", "http://a.example/x?y=1"]
)
def test_an_endpoint_that_is_no_address_is_refused(v3: Cloud, endpoint: str) -> None:
    options = load_options(cloud_endpoint=endpoint)
    with pytest.raises(InputError, match="ASSEMBLER_CLOUD_ENDPOINT"), open_cloud(options, Api.V3):
        pass


def test_a_proxy_is_passed_by_for_a_host_that_is_named_as_the_hint_says(
    v3: Cloud, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.answers = [granted(Status="PAUSED")]
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with open_cloud(load_options(), Api.V3) as cloud, pytest.raises(CloudError, match="ClientNetworkError"):
        cloud.send(cloud.query(TASK, ONLINE))
    host = vendor.server.host
    monkeypatch.setenv("NO_PROXY", f"{host},{host}:{vendor.server.port}")
    with open_cloud(load_options(), Api.V3) as cloud:
        assert ask(cloud, TASK).state == "PAUSED"


def test_without_the_extra_it_is_named(v3: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tencentcloud.tiw.v20190919.tiw_client", None)
    with pytest.raises(InputError) as caught, open_cloud(load_options(), Api.V3):
        pass
    assert "assembler[cloud]" in caught.value.hint


def test_a_key_that_is_too_long_and_a_room_instead_of_a_task_are_refused(v3: Cloud) -> None:
    with pytest.raises(InputError, match="at most 64"):
        v3.set_callback_key("k" * 65, ONLINE)
    with pytest.raises(InputError, match="of a recording task"):
        v3.generate(checked(Generation, {"room_id": 5}))
