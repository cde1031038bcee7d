from __future__ import annotations

import json
from typing import Any

import pytest

from assembler.dialects import parse
from assembler.dialects.vendor_errors import ADVICE
from assembler.errors import InputError, NotFinished, RecordingFailed
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
    with pytest.raises(RecordingFailed, match=f"{number}: went wrong") as caught:
        parse(v1(error_code=number, error_msg="went wrong"))
    assert caught.value.hint == ADVICE[number]
    with pytest.raises(RecordingFailed) as caught:
        parse(online(VideoInfos=[], Error={"Code": "FailedOperation.Record", "Message": f"code: {number}, msg: x\n"}))
    assert caught.value.hint == ADVICE[number]


def test_the_table_is_whole() -> None:
    recording = {40000, 40001, 40002, 40004, 40005, 49999}
    requests = {20000, 20001, 20002, 20003, 20004, 20005, 20011, 20013, 20099}
    assert set(ADVICE) == recording | requests


def test_an_unknown_code_is_shown_as_it_is() -> None:
    with pytest.raises(RecordingFailed, match=r"FailedOperation\.Odd: 怪"):
        parse(online(VideoInfos=[], Error={"Code": "FailedOperation.Odd", "Message": "怪"}))
    with pytest.raises(RecordingFailed, match="31337: odd"):
        parse(v1(error_code="31337", error_msg="odd"))
    with pytest.raises(RecordingFailed, match="E_ODD: odd"):
        parse(v1(error_code="E_ODD", error_msg="odd"))


def test_an_answer_of_the_api_that_is_an_error_gives_code_and_message() -> None:
    error = {"Code": "AuthFailure.SignatureFailure", "Message": "The provided credentials could not be validated."}
    with pytest.raises(RecordingFailed, match=r"AuthFailure\.SignatureFailure: The provided credentials"):
        parse(json.dumps({"Response": {"Error": error, "RequestId": "r"}}))
    with pytest.raises(RecordingFailed, match=r"AuthFailure\.SignatureFailure"):
        parse(json.dumps({"Error": error}))


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


def test_a_recording_that_could_not_start_failed() -> None:
    with pytest.raises(RecordingFailed, match="40005"):
        parse(v1(callback_type="record_started", error_code=40005, error_msg="group"))


def test_an_event_without_its_data_names_the_field() -> None:
    with pytest.raises(InputError, match="EventData is missing, expected an object"):
        parse(b'{"EventType": "OnlineRecordFinished"}')
    with pytest.raises(InputError, match="EventData is null, expected an object"):
        parse(b'{"EventType": "OnlineRecordFinished", "EventData": null}')
