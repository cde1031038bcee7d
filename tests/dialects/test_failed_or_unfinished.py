from __future__ import annotations

import json
from typing import Any

import pytest

from assembler.dialects import parse, read_event
from assembler.dialects.vendor_errors import ADVICE, OF_A_TASK, REQUEST_ADVICE
from assembler.errors import CloudError, InputError, NotFinished, RecordingFailed
from assembler.findings import Severity, Verdict, judge
from dialects.bodies import api, online, video


def v1(**fields: Any) -> bytes:
    return json.dumps({"error_code": 0, "error_msg": "", "task_id": "t1", **fields}).encode()


V1_VIDEO = {"video_type": 2, "video_play_time": 0, "video_id": "b"}


@pytest.mark.parametrize("status", ["PREPARED", "RECORDING", "PAUSED", "STOPPED", "QUEUED", "PROCESSING"])
@pytest.mark.parametrize("videos", [None, [], [video()]])
def test_a_status_before_finished_means_come_back_later(status: str, videos: object) -> None:
    with pytest.raises(NotFinished, match=rf"task t1 is not finished: .*\(Response\.Status {status}\)"):
        parse(api(Status=status, VideoInfos=videos))


@pytest.mark.parametrize("status", ["prepared", "recording", "paused"])
def test_the_same_in_v1(status: str) -> None:
    with pytest.raises(NotFinished) as caught:
        parse(v1(status=status, video_info=[]))
    assert caught.value.retry


def test_an_event_that_says_finished_overrules_the_status_in_it() -> None:
    assert len(parse(online(Status="STOPPED")).segments) == 1
    assert len(parse(v1(callback_type="record_finished", status="recording", video_info=[V1_VIDEO])).segments) == 1


def test_an_unknown_status_with_videos_is_read_with_a_note() -> None:
    recording = parse(api(Status="ARCHIVED", VideoInfos=[video()]))
    assert [(f.severity, f.where) for f in recording.findings] == [(Severity.NOTE, "Response.Status")]


def test_a_task_stopped_by_force_is_not_failed_while_its_files_are_prepared() -> None:
    with pytest.raises(NotFinished):
        parse(api(Status="STOPPED", FinishReason="FORCE_STOP", VideoInfos=[]))


def test_an_error_without_videos_is_final_whatever_the_status() -> None:
    with pytest.raises(RecordingFailed, match="40004: usersig"):
        parse(v1(status="prepared", error_code=40004, error_msg="usersig"))


@pytest.mark.parametrize("number", sorted(ADVICE))
def test_every_number_of_the_vendors_table_brings_its_advice(number: int) -> None:
    kind = CloudError if number >= 20000 and number < 30000 else RecordingFailed
    with pytest.raises(kind, match=f"{number}: went wrong") as told:
        parse(v1(error_code=number, error_msg="went wrong"))
    assert told.value.hint == ADVICE[number]
    with pytest.raises(RecordingFailed) as caught:
        parse(online(VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": f"code: {number}, msg: x\n"}))
    assert caught.value.hint == ADVICE[number]


def test_the_table_is_whole() -> None:
    recording = {40000, 40001, 40002, 40004, 40005, 49999}
    offline = {-1, 2003, 2004, 2005, 2007, 20010}
    requests = {20000, 20001, 20002, 20003, 20004, 20005, 20011, 20013, *range(20090, 20100)}
    assert set(ADVICE) == recording | offline | requests


def test_an_unknown_code_is_shown_as_it_is() -> None:
    with pytest.raises(RecordingFailed, match=r"FailedOperation\.Odd: 怪"):
        parse(online(VideoInfos=[], Error={"Code": "FailedOperation.Odd", "Message": "怪"}))
    with pytest.raises(RecordingFailed, match="31337: odd"):
        parse(v1(error_code="31337", error_msg="odd"))
    with pytest.raises(RecordingFailed, match="E_ODD: odd"):
        parse(v1(error_code="E_ODD", error_msg="odd"))


@pytest.mark.parametrize("code", sorted(REQUEST_ADVICE))
def test_an_answer_of_the_api_that_refuses_a_request_says_nothing_of_a_class(code: str) -> None:
    error = {"Code": f"{code}.Detail", "Message": "code: 40004 is what it says, see https://a.example/x?sign=secret"}
    for body in ({"Response": {"Error": error, "RequestId": "r"}}, {"Error": error}):
        with pytest.raises(CloudError, match=rf"refused a request.*: {code}\.Detail.*: code: 40004") as caught:
            parse(json.dumps(body))
        assert (caught.value.exit_code, caught.value.hint) == (3, REQUEST_ADVICE[code])
        assert "secret" not in caught.value.sentence


@pytest.mark.parametrize(
    ("body", "helps"),
    [
        ({"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "21 a second"}}}, True),
        ({"Response": {"Error": {"Code": "InternalError", "Message": ""}}}, True),
        ({"Response": {"Error": {"Code": "LimitExceeded.TaskConcurrency", "Message": "x"}}}, True),
        ({"Response": {"Error": {"Code": "LimitExceeded.TranscodePagesLimitation", "Message": "x"}}}, False),
        ({"Response": {"Error": {"Code": "ResourceUnavailable.ServiceExpired", "Message": "x"}}}, False),
        ({"Response": {"Error": {"Code": "AuthFailure.SignatureExpire", "Message": "x"}}}, False),
        ({"Response": {"Error": {"Code": "InvalidParameter.TaskNotFound", "Message": "x"}}}, False),
        ({"error_code": 20095, "error_msg": "x"}, True),
        ({"error_code": "20010", "error_msg": "x", "task_id": "t"}, True),
        ({"error_code": 20001, "error_msg": "x"}, False),
        ({"error_code": 20011, "error_msg": "x", "task_id": "t"}, False),
    ],
)
def test_a_refused_request_is_made_again_later_only_where_that_helps(body: dict[str, Any], helps: bool) -> None:
    with pytest.raises(CloudError) as caught:
        parse(json.dumps(body))
    assert caught.value.retry is helps


@pytest.mark.parametrize("number", OF_A_TASK)
def test_what_a_request_says_of_a_task_it_names_with_its_status_is_of_the_class(number: int) -> None:
    with pytest.raises(RecordingFailed, match=str(number)):
        parse(v1(status="finished", error_code=number, error_msg="x", video_info=[]))


@pytest.mark.parametrize(
    "body",
    [
        online(VideoInfos=[], Error={"Code": "InternalError", "Message": "x"}),
        v1(callback_type="record_finished", error_code=20099, error_msg="x", video_info=[]),
        api(Status="FINISHED", Error={"Code": "InternalError", "Message": "x"}, VideoInfos=[]),
    ],
)
def test_what_an_event_or_a_task_with_its_status_says_is_of_the_class(body: bytes) -> None:
    with pytest.raises(RecordingFailed):
        parse(body)


def test_videos_beside_the_error_of_a_request_are_worth_having() -> None:
    recording = parse(v1(error_code=20099, error_msg="x", video_info=[V1_VIDEO]))
    assert judge(recording.findings) is Verdict.DEGRADED


def test_a_refused_request_sent_to_a_callback_address_is_acknowledged_as_one() -> None:
    event = read_event(b'{"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}, "RequestId": "r"}}')
    assert (event.kind, event.is_result, event.task_id) == ("refused request", False, None)
    event = read_event(v1(error_code=20099, error_msg="x"))
    assert (event.kind, event.is_result, event.task_id) == ("refused request", False, "t1")
    with pytest.raises(InputError):
        read_event(v1(error_code=40005, error_msg="x"))


def test_a_signed_url_in_the_vendors_words_loses_its_query() -> None:
    error = {"Code": "X", "Message": "upload to https://me:pw@cos.example.com/a.mp4?sign=secret#x failed"}
    with pytest.raises(RecordingFailed, match=r"https://cos\.example\.com/a\.mp4 failed"):
        parse(online(VideoInfos=[], Error=error))
    finding = parse(online(Error=error)).findings[0]
    assert "secret" not in finding.sentence
    assert "pw" not in finding.sentence


@pytest.mark.parametrize("reason", ["EXCEPTION", "FORCE_STOP"])
def test_a_broken_recording_with_videos_is_worth_having(reason: str) -> None:
    recording = parse(online(FinishReason=reason))
    assert len(recording.segments) == 1
    assert recording.error is not None
    assert recording.error.code == reason
    assert judge(recording.findings) is Verdict.DEGRADED
    assert reason in recording.findings[0].sentence


@pytest.mark.parametrize("reason", ["EXCEPTION", "FORCE_STOP"])
def test_a_broken_recording_without_videos_failed(reason: str) -> None:
    with pytest.raises(RecordingFailed, match=reason):
        parse(online(FinishReason=reason, VideoInfos=[]))


def test_an_error_beside_videos_is_kept_as_the_vendor_wrote_it() -> None:
    error = {"Code": "FailedOperation.Record", "Message": "code: 49999, msg: inner \n"}
    recording = parse(online(Error=error, FinishReason="EXCEPTION"))
    assert recording.error is not None
    assert (recording.error.code, recording.error.number) == ("FailedOperation.Record", 49999)
    assert recording.error.message == "code: 49999, msg: inner"
    assert recording.error.advice == ADVICE[49999]
    [finding] = recording.findings
    assert finding.severity is Severity.WARNING
    assert "49999" in finding.sentence
    assert parse(recording.model_dump_json()) == recording


def test_the_same_in_v1_with_its_number() -> None:
    recording = parse(v1(status="finished", error_code=40005, error_msg="group", video_info=[V1_VIDEO]))
    assert recording.error is not None
    assert (recording.error.code, recording.error.number, recording.error.message) == ("", 40005, "group")


@pytest.mark.parametrize("error", [None, {}, "", {"Code": "", "Message": ""}])
def test_an_empty_error_is_none(error: object) -> None:
    assert parse(online(Error=error)).error is None


def test_error_code_zero_is_no_error_whatever_its_text() -> None:
    assert parse(v1(error_code="0", error_msg="ok", video_info=[V1_VIDEO])).error is None


def test_unusable_videos_beside_an_error_are_a_failure() -> None:
    with pytest.raises(RecordingFailed):
        parse(online(video(VideoType=9), Error={"Code": "FailedOperation.Record", "Message": "x"}))


@pytest.mark.parametrize("videos", [[], None, ...])
def test_a_finished_result_without_videos_says_so(videos: object) -> None:
    data = {} if videos is ... else {"VideoInfos": videos}
    with pytest.raises(
        InputError, match=r"task t1 holds no videos: Response\.VideoInfos is empty or missing"
    ) as caught:
        parse(api(Status="FINISHED", **data))
    assert type(caught.value) is InputError


START_ERROR = {"Code": "FailedOperation.Record", "Message": "code: 40005, msg: group"}
FAILED_STARTS = [
    v1(callback_type="record_started", error_code=40005, error_msg="group"),
    json.dumps({"EventType": "OnlineRecordStarted", "EventData": {"TaskId": "t1", "Error": START_ERROR}}).encode(),
]


@pytest.mark.parametrize("body", FAILED_STARTS)
def test_a_recording_that_could_not_start_is_not_being_recorded(body: bytes) -> None:
    with pytest.raises(RecordingFailed, match=r"task t1 is NOT being recorded: .*40005.*group") as caught:
        parse(body)
    assert caught.value.hint == ADVICE[40005]
    event = read_event(body)
    assert event.is_failed_start
    assert event.error is not None
    assert (event.task_id, event.error.number, event.error.advice) == ("t1", 40005, ADVICE[40005])


def test_a_start_whose_error_code_is_zero_is_a_start() -> None:
    body = v1(callback_type="record_started")
    assert (read_event(body).error, read_event(body).is_failed_start) == (None, False)
    with pytest.raises(NotFinished):
        parse(body)


def test_an_event_without_its_data_names_the_field() -> None:
    with pytest.raises(InputError, match="EventData is missing, expected an object"):
        parse(b'{"EventType": "OnlineRecordFinished"}')
    with pytest.raises(InputError, match="EventData is null, expected an object"):
        parse(b'{"EventType": "OnlineRecordFinished", "EventData": null}')
