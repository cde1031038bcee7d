"""What later pages of the vendor, its SaaS and its command line show, each with its siblings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assembler.dialects import parse, read_event, signature
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.findings import Severity, Verdict, judge
from assembler.recording import Recording
from assembler.timeline import build_timeline
from assembler.times import WallMs
from dialects.bodies import online, vendor, video

START = 1_558_613_140


def example(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(vendor(name))
    return told


def pauses(recording: Recording) -> list[tuple[int, int | None]]:
    return [(jump.at, jump.length) for jump in build_timeline(recording).clock.jumps]


@pytest.mark.parametrize("name", ["omitted_duration", "omitted_durations"])
def test_omissions_of_v1_are_read_in_the_singular_and_in_the_plural(name: str) -> None:
    body = example("v1-query-omitted-duration.json")
    body[name] = body.pop("omitted_duration")
    recording = parse(json.dumps(body))
    assert pauses(recording) == [(900_000, 60_000)]
    assert build_timeline(recording).clock.is_exact


def test_the_same_pause_under_both_names_is_one() -> None:
    body = example("v1-query-omitted-duration.json")
    body["omitted_durations"] = body["omitted_duration"]
    assert len(parse(json.dumps(body)).omissions) == 1


def test_play_times_of_v1_on_the_wall_clock_lose_their_pause() -> None:
    timeline = build_timeline(parse(vendor("v1-query-omitted-duration-wall-axis.json")))
    assert (timeline.length, timeline.play_times) == (1_440_000, "wall")


def test_a_total_that_is_too_small_cuts_nothing() -> None:
    timeline = build_timeline(parse(vendor("api-object-total-too-small.json")))
    assert (timeline.length, timeline.play_times) == (1_440_000, "playback")
    assert judge(timeline.findings) is Verdict.DEGRADED


@pytest.mark.parametrize(
    ("name", "pause", "length"),
    [
        ("v1-callback-omitted-duration-seconds.json", 1_529_908_758_000, 42_000),
        ("api-object-omissions-in-seconds.json", 1_568_950_269_000, 120_000),
    ],
)
def test_omissions_in_seconds_are_read_as_such_with_a_note(name: str, pause: int, length: int) -> None:
    recording = parse(vendor(name))
    assert [o.pause for o in recording.omissions] == [pause]
    assert [jump.length for jump in build_timeline(recording).clock.jumps] == [length]
    [told] = [f for f in recording.findings if "read as seconds" in f.sentence]
    assert told.severity is Severity.NOTE


@pytest.mark.parametrize(
    "omission",
    [
        {"VideoTime": 900_000, "PauseTime": START + 900, "ResumeTime": START + 960},
        {"VideoTime": 900_000, "PauseTime": f"{START + 900}", "ResumeTime": (START + 960) * 1000},
        {"VideoTime": 900_000, "PauseTime": (START + 900) * 1000, "ResumeTime": (START + 960) * 1000},
        {"VideoTime": 900, "PauseTime": START + 900, "ResumeTime": START + 960},
    ],
)
def test_seconds_and_milliseconds_of_one_pause_agree(omission: dict[str, Any]) -> None:
    recording = parse(
        online(video(VideoDuration=1_440_000), OmittedDurations=[omission], RecordStartTime=START, TotalTime=1_440_000)
    )
    assert pauses(recording) == [(900_000, 60_000)]


def test_the_second_pause_in_seconds_is_placed_behind_the_first() -> None:
    omissions = [
        {"VideoTime": 100, "PauseTime": START + 100, "ResumeTime": START + 160},
        {"VideoTime": 200, "PauseTime": START + 260, "ResumeTime": START + 290},
    ]
    recording = parse(
        online(video(VideoDuration=300_000), OmittedDurations=omissions, RecordStartTime=START, TotalTime=300_000)
    )
    assert pauses(recording) == [(100_000, 60_000), (200_000, 30_000)]


def test_the_placeholder_beside_the_list_is_no_camera() -> None:
    recording = parse(vendor("api-video-generation-placeholder.json"))
    assert [s.user for s in recording.segments] == [""]
    assert judge(recording.findings) is Verdict.OK


def test_the_placeholder_alone_is_no_camera_either() -> None:
    body = example("api-video-generation-placeholder.json")
    for videos in ([], ...):
        answer = {**body["Response"], "VideoInfoList": videos}
        if videos is ...:
            del answer["VideoInfoList"]
        with pytest.raises(InputError):
            parse(json.dumps({"Response": answer}))


def test_an_offline_callback_starts_when_it_says() -> None:
    recording = parse(vendor("v1-offline-callback.json"))
    assert recording.start == START * 1000
    event = read_event(vendor("v1-offline-callback.json"))
    assert (event.task_id, event.is_result) == ("9m4e2mr0ui3e8a215n4g", True)


@pytest.mark.parametrize("number", [-1, 2003, 2004, 2005, 2007, 20010])
def test_an_offline_failure_with_empty_videos_is_a_failure(number: int) -> None:
    body = {**example("v1-offline-failed.json"), "error_code": number, "task_type": "record_offline"}
    del body["status"], body["progress"]
    with pytest.raises(RecordingFailed, match=f"{number}: get im time info failed") as caught:
        parse(json.dumps(body))
    assert caught.value.hint


@pytest.mark.parametrize("empty", [{}, {"video_url": None}, {"video_duration": None}, {"video_size": None}])
def test_a_failed_recording_keeps_only_the_videos_that_are_there(empty: dict[str, Any]) -> None:
    body = example("v1-offline-failed.json")
    body["video_info"][0] |= empty
    body["video_info"][1] |= {"video_url": "http://a.example/b.mp4", "video_duration": 60_000}
    recording = parse(json.dumps(body))
    assert [s.user for s in recording.segments] == ["pc_test1"]
    assert judge(recording.findings) is Verdict.DEGRADED


def test_an_hour_of_the_saas_is_an_hour() -> None:
    recording = parse(vendor("saas-online-record-stop.json"))
    assert [(s.play_time, s.duration) for s in recording.segments] == [(0, 3_600_000), (4_000, 5_000_000)]
    assert recording.room_id == "100001234"


def test_a_length_of_the_saas_that_cannot_be_seconds_is_ms() -> None:
    body = example("saas-online-record-stop.json")
    body["data"]["video_info"][0]["video_duration"] = 3_600_000
    recording = parse(json.dumps(body))
    assert recording.segments[0].duration == 3_600_000
    assert [f.severity for f in recording.findings] == [Severity.NOTE]


def test_other_events_of_the_saas_are_no_results() -> None:
    with pytest.raises(NotFinished):
        parse(json.dumps({"event": "online_record_start", "data": {}}))
    with pytest.raises(InputError, match='"class_ended" is not a recording result'):
        parse(json.dumps({"event": "class_ended", "data": {}}))
    assert not read_event(json.dumps({"event": "class_ended", "data": {}})).is_result


def test_an_event_of_the_saas_may_be_signed_in_its_body_or_its_url() -> None:
    pair = {"sign": "5400bac77ba6467a8f8ac056f1769f45", "expire_time": "1548247837"}
    body, keys, now = example("saas-online-record-stop.json"), ["9016607A382749C69D4F4B00C61DD083"], WallMs(1)
    check = signature.check
    assert check(json.dumps(body), query=pair, keys=keys, now=now) is signature.Signature.VALID
    assert check(json.dumps({**body, **pair}), keys=keys, now=now) is signature.Signature.VALID
    assert check(json.dumps(body), keys=keys, now=now) is signature.Signature.MISSING


def test_a_search_that_found_several_recordings_names_them() -> None:
    body = example("api-record-search.json")
    tasks = body["Response"]["RecordTaskSet"]
    tasks.append({**tasks[0], "TaskId": "second"})
    with pytest.raises(InputError, match=r"2 recordings.*gvft1qbrvs2331tcs1tb, second"):
        parse(json.dumps(body))


def test_a_search_that_found_a_failed_or_running_task_says_so() -> None:
    body = example("api-record-search.json")
    [task] = body["Response"]["RecordTaskSet"]
    task["Result"] |= {"VideoInfos": [], "ErrorCode": 40004, "ErrorMsg": "login"}
    with pytest.raises(RecordingFailed, match="gvft1qbrvs2331tcs1tb: 40004: login"):
        parse(json.dumps(body))
    task |= {"Status": "RECORDING", "Result": None}
    with pytest.raises(NotFinished, match="gvft1qbrvs2331tcs1tb"):
        parse(json.dumps(body["Response"]))


def test_a_replay_without_videos_says_how_files_are_made_and_hides_its_token() -> None:
    with pytest.raises(InputError, match="task vgm holds no videos, only a ReplayUrl") as caught:
        parse(vendor("api-object-replay-only.json"))
    assert "CreateVideoGenerationTask" in caught.value.hint
    assert "secret" not in caught.value.sentence + caught.value.hint


@pytest.mark.parametrize("progress", [0, 99, "46"])
def test_progress_below_a_hundred_without_a_status_is_not_finished(progress: object) -> None:
    entry = {"video_type": 2, "video_play_time": 0, "video_id": "b"}
    for body in (
        {"error_code": 0, "task_id": "t1", "progress": progress, "video_info": [entry]},
        {"Response": {"TaskId": "t1", "Progress": progress, "VideoInfoList": [video()]}},
        {"task_type": "record_offline", "task_id": "t1", "progress": progress, "video_info": []},
    ):
        with pytest.raises(NotFinished, match=r"[Pp]rogress is \d+ of 100"):
            parse(json.dumps(body))


def test_what_a_callback_was_asked_by_is_kept() -> None:
    query = {"random": "526919", "sdkappid": "7"}
    recording = parse(vendor("v1-offline-callback.json"), query=query)
    assert (recording.random, recording.app_id) == ("526919", "7")
    assert parse(vendor("api-video-generation-placeholder.json")).request_id == "d290f1ee-6c54-4b01-90e6-d701748f0851"
