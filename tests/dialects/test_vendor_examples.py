from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from assembler.dialects import parse, read_event
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.recording import StreamKind
from dialects.bodies import VENDOR, vendor

RESULTS = {
    "online-record-finished.json": ("online-event", "ghucnligqtgtvk2624mb", 4),
    "offline-record-finished.json": ("offline-event", "00e1jv8ve0jcqk7da9lb", 1),
    "v1-result-six-files.json": ("v1-result", None, 6),
    "v1-query-response.json": ("v1-query", "g68cee8e90jcq4ogg8jb", 2),
    "v1-callback-record-finished.json": ("v1-callback", "g68cee8e90jcq4ogg8jb", 3),
    "v1-query-omitted-duration.json": ("v1-query", "ccms", 2),
    "v1-query-omitted-duration-wall-axis.json": ("v1-query", "wall", 3),
    "api-video-generation-placeholder.json": ("api-response", "00e1jv8ve0jcqk7da9lb", 1),
    "v1-offline-callback.json": ("v1-offline", "9m4e2mr0ui3e8a215n4g", 3),
    "saas-online-record-stop.json": ("saas-event", None, 2),
    "api-record-search.json": ("record-search", "gvft1qbrvs2331tcs1tb", 7),
}
WITH_FINDINGS = {
    "v1-callback-omitted-duration-seconds.json": ("v1-callback", "g68cee8e90jcq4ogg8jb", 3),
    "api-object-omissions-in-seconds.json": ("api-object", "sdkfull1", 5),
    "api-object-interrupts.json": ("api-object", "sdkfull1", 5),
    "api-object-desktop-sharing.json": ("api-object", "webshare", 3),
    "api-object-total-too-small.json": ("api-object", "sdkfull1", 5),
}
FAILED = (
    "online-record-finished-failed.json",
    "offline-record-finished-failed.json",
    "v1-offline-failed.json",
    "v1-callback-start-failed.json",
)
REFUSED = ("api-request-limit-exceeded.json",)
UNFINISHED = (
    "offline-record-progress-changed.json",
    "online-record-long-pause-force-stopped.json",
    "online-record-long-pause-warning.json",
    "online-record-started.json",
    "online-record-stopped.json",
    "v1-callback-record-started.json",
)
NO_JSON = {
    "event-2019-transcode-progress-trailing-comma.json": (10, 3),
    "v1-start-request-missing-comma.json": (4, 5),
}
EVENTS = {
    "event-2019-transcode-progress.json": "TranscodeProgressChanged",
    "event-2020-ppt2h5-progress.json": "PPT2H5ProgressChanged",
    "offline-record-finished-failed.json": "OfflineRecordFinished",
    "offline-record-finished.json": "OfflineRecordFinished",
    "offline-record-progress-changed.json": "OfflineRecordProgressChanged",
    "online-record-finished-failed.json": "OnlineRecordFinished",
    "online-record-finished.json": "OnlineRecordFinished",
    "online-record-long-pause-force-stopped.json": "OnlineRecordLongPauseForceStopped",
    "online-record-long-pause-warning.json": "OnlineRecordLongPauseWarning",
    "online-record-started.json": "OnlineRecordStarted",
    "online-record-stopped.json": "OnlineRecordStopped",
    "v1-callback-record-finished.json": "record_finished",
    "v1-callback-record-started.json": "record_started",
    "v1-callback-start-failed.json": "record_started",
    "v1-offline-callback.json": "record_offline",
    "saas-online-record-stop.json": "online_record_stop",
    "api-request-limit-exceeded.json": "refused request",
}
STARTS = ("v1-callback-start-failed.json",)
OTHERS = sorted(
    {path.name for path in VENDOR.glob("*.json")} - {*RESULTS, *WITH_FINDINGS, *FAILED, *REFUSED, *UNFINISHED}
)


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_the_vendor_pages_parses(name: str) -> None:
    dialect, task, count = RESULTS[name]
    recording = parse(vendor(name))
    assert (recording.dialect, recording.task_id, len(recording.segments)) == (dialect, task, count)
    assert recording.findings == ()


def test_the_six_file_example_says_what_its_page_says() -> None:
    recording = parse(vendor("v1-result-six-files.json"))
    assert (recording.total, recording.start, recording.stop) == (1_440_000, 1_558_613_140_000, 1_558_614_640_000)
    assert [(s.user, s.kind, s.play_time, s.duration) for s in recording.segments] == [
        ("ios_test1", StreamKind.CAMERA, 0, 900_000),
        ("pc_test1", StreamKind.CAMERA, 300_000, 600_000),
        ("", StreamKind.WHITEBOARD, 120_000, 780_000),
        ("ios_test1", StreamKind.CAMERA, 900_000, 300_000),
        ("pc_test1", StreamKind.CAMERA, 900_000, 210_000),
        ("", StreamKind.WHITEBOARD, 900_000, 540_000),
    ]
    assert recording.segments[0].size == 13_151
    assert recording.segments[0].url == "http://1253488539.vod2.myqcloud.com/oM86K7X3Ig8b.mp4"


def test_the_online_example_has_two_mixed_streams_of_nobody() -> None:
    recording = parse(vendor("online-record-finished.json"))
    mixes = [s for s in recording.segments if s.kind is StreamKind.MIX]
    assert [s.stream_id for s in mixes] == ["tic_mixstream_880528_101", "tic_mixstream_880528_3"]
    assert {s.user for s in mixes} == {""}
    assert (recording.app_id, recording.room_id, recording.finish_reason) == ("1400000001", "880528", "USER_CALL")


def test_the_failed_online_example_gives_code_number_message_and_advice() -> None:
    with pytest.raises(RecordingFailed) as caught:
        parse(vendor("online-record-finished-failed.json"))
    for part in ("ghucnligqtgtvk2624mb", "FailedOperation.Record", "40001", "invalid userid"):
        assert part in str(caught.value)
    assert "parameter" in caught.value.hint


def test_the_failed_offline_example_has_nothing_but_the_error() -> None:
    with pytest.raises(RecordingFailed, match=r"FailedOperation\.Transcode: 录制对时信息获取失败"):
        parse(vendor("offline-record-finished-failed.json"))


@pytest.mark.parametrize("name", WITH_FINDINGS)
def test_a_result_with_something_odd_in_it_parses(name: str) -> None:
    dialect, task, count = WITH_FINDINGS[name]
    recording = parse(vendor(name))
    assert (recording.dialect, recording.task_id, len(recording.segments)) == (dialect, task, count)


@pytest.mark.parametrize("name", FAILED)
def test_every_failed_example_failed(name: str) -> None:
    with pytest.raises(RecordingFailed) as caught:
        parse(vendor(name))
    assert caught.value.hint


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_event_on_the_way_to_a_result_says_come_back_later(name: str) -> None:
    with pytest.raises(NotFinished, match="not finished") as caught:
        parse(vendor(name))
    assert caught.value.retry
    assert caught.value.hint


@pytest.mark.parametrize("name", NO_JSON)
def test_the_two_broken_examples_are_refused_with_line_and_column(name: str) -> None:
    line, column = NO_JSON[name]
    with pytest.raises(InputError, match=rf"not JSON: .* at line {line}, column {column}\. A comma"):
        parse(vendor(name))


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_example_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(vendor(name))
    assert type(caught.value) is InputError
    assert caught.value.hint


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_example_is_acknowledged(name: str) -> None:
    event = read_event(vendor(name))
    assert event.kind == EVENTS[name]
    assert event.is_result == (name in (*RESULTS, *FAILED) and name not in STARTS)


def test_a_result_that_is_no_event_is_not_acknowledged_as_one() -> None:
    with pytest.raises(InputError, match="not an event"):
        read_event(vendor("v1-query-response.json"))


def test_the_mended_event_of_2019_names_its_task_and_progress() -> None:
    event = read_event(vendor("event-2019-transcode-progress.json"))
    assert (event.task_id, event.progress, event.sent) == ("bj0mt2l23osdj300hl30", 24, 1_575_545_412_000)
    assert event.facts["Title"] == "测试.ppt"


def test_the_mended_start_request_is_json_of_something_else() -> None:
    with pytest.raises(InputError, match='keys: "room_id", "group_id", "user_id"'):
        parse(vendor("v1-start-request.json"))


def test_pause_times_of_events_are_seconds() -> None:
    event = read_event(vendor("online-record-long-pause-warning.json"))
    assert (event.pause, event.stop) == (1_575_545_412_000, 1_575_546_412_000)


@pytest.mark.parametrize("name", sorted(path.name for path in VENDOR.glob("v1-*.txt")))
def test_the_body_of_a_printed_request_is_the_end_of_its_block(name: str) -> None:
    assert vendor(name).endswith(b"\n" + vendor(name.replace(".txt", ".json")))


def test_the_app_id_of_a_v1_callback_comes_from_its_url() -> None:
    url = re.search(r"https://\S+", vendor("v1-callback-record-finished.txt").decode())
    assert url is not None
    query = dict(parse_qsl(urlsplit(url.group()).query))
    body = vendor("v1-callback-record-finished.json")
    assert parse(body, query=query).app_id == "1400042982"
    assert read_event(body, query=query).app_id == "1400042982"
    assert parse(body).app_id is None
