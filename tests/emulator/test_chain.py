"""One class of each generation from start to playback: by API, callback, files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from receiver import Came

from assembler import assemble, parse
from assembler.dialects.signature import Signature, check
from assembler.emulator.app import SLOW_BYTES
from assembler.emulator.cloud import KEY
from assembler.emulator.lesson import Lesson, Presence
from assembler.emulator.task import Event, Phase
from assembler.errors import DownloadError, InputError
from assembler.options import Options
from assembler.pipeline.assemble import Playback
from assembler.recording import StreamKind
from emulator.conftest import ROOM, SMALL, Open, Practice, Sdk, until

OPTIONS = Options(allow_hosts=("127.0.0.1",), layout="grid")


def result_of(practice: Practice) -> tuple[dict[str, Any], dict[str, str]]:
    """The body with the result and its URL parameters, as they came."""

    def found() -> Came | None:
        return next(
            (came for came in practice.backend.came if b"video_info" in came.body or b"VideoInfos" in came.body), None
        )

    came = until(found)
    return json.loads(came.body), dict(parse_qsl(urlsplit(came.path).query))


def record(practice: Practice, **more: Any) -> str:
    """A class of 6 s with a pause of 10 s after the third, driven by generation 1."""
    practice.hook()
    task = practice.start(**more)
    practice.clock.move(1)
    assert practice.post("online/pause", {"task_id": task})["error_code"] == 0
    practice.clock.move(2)
    practice.cloud.advance()
    practice.clock.move(8)
    assert practice.post("online/resume", {"task_id": task})["error_code"] == 0
    practice.clock.move(2)
    practice.cloud.advance()
    practice.clock.move(1)
    practice.finish(task)
    return task


def made(body: Any, query: dict[str, str], tmp_path: Path) -> Playback:
    return assemble(parse(json.dumps(body), query=query), tmp_path / "class.mp4", OPTIONS)


def test_a_class_of_generation_1_becomes_a_playback(practice: Open, tmp_path: Path) -> None:
    stand_in = practice()
    task = record(stand_in)
    body, query = result_of(stand_in)
    assert check(json.dumps(body), query=query, keys=[KEY], now=stand_in.clock()) is Signature.VALID
    assert (body["task_id"], body["callback_type"], body["finish_reason"]) == (task, "record_finished", "usercall")
    assert body["total_time"] == 6000
    assert body["stop_time"] - body["start_time"] == 16
    playback = made(body, query, tmp_path)
    assert playback.manifest.verdict == "ok"
    assert playback.manifest.length == 6000
    assert [chapter.at for chapter in playback.manifest.chapters] == [0, 3000]


def test_a_class_of_generation_3_becomes_a_playback(practice: Open, sdk: Sdk, tmp_path: Path) -> None:
    stand_in = practice()
    client = sdk(stand_in)
    client("SetOnlineRecordCallback", Callback=stand_in.backend.url)
    client("SetOnlineRecordCallbackKey", CallbackKey="Xz4ZgayTr7rMgWQrH")
    task = client.start(Concat={"Enabled": True})
    stand_in.clock.move(4)
    client("PauseOnlineRecord", TaskId=task)
    stand_in.clock.move(2)
    assert client("DescribeOnlineRecord", TaskId=task)["Status"] == "PAUSED"
    stand_in.clock.move(8)
    client("ResumeOnlineRecord", TaskId=task)
    stand_in.clock.move(2)
    assert client("DescribeOnlineRecord", TaskId=task)["Status"] == "RECORDING"
    stand_in.clock.move(2)
    client("StopOnlineRecord", TaskId=task)
    stand_in.clock.move(2)
    body, query = result_of(stand_in)
    assert check(json.dumps(body), keys=["Xz4ZgayTr7rMgWQrH"], now=stand_in.clock()) is Signature.VALID
    told = client("DescribeOnlineRecord", TaskId=task)
    assert told.pop("Status") == "FINISHED"
    assert (told.pop("RequestId"), told.pop("ReplayUrl"))[1] is None
    assert body["EventData"] == told, "the event and the answer say the same"
    assert (told["TotalTime"], told["FinishReason"]) == (10_000, "USER_CALL")
    assert [one["VideoTime"] for one in told["OmittedDurations"]] == [6000]
    assert sorted((v["VideoType"], v["UserId"]) for v in told["VideoInfos"]) == [
        (0, "student"), (0, "teacher"), (1, "tic_substream_teacher"), (2, ""),
    ]  # fmt: skip
    playback = made(body, query, tmp_path)
    assert playback.manifest.verdict == "ok"
    assert playback.manifest.length == 10_000
    assert [chapter.at for chapter in playback.manifest.chapters] == [0, 6000]
    sent = [json.loads(came.body)["EventType"] for came in stand_in.backend.came]
    assert sent == ["OnlineRecordStarted", "OnlineRecordStopped", "OnlineRecordFinished"]


def test_files_made_after_class_are_those_of_the_recording(practice: Open, sdk: Sdk) -> None:
    stand_in = practice()
    client = sdk(stand_in)
    task = client.start(RecordMode="VIDEO_GENERATION_MODE")
    stand_in.clock.move(3)
    client("StopOnlineRecord", TaskId=task)
    stand_in.clock.move(2)
    until(lambda: stand_in.cloud.tasks[task].phase is Phase.FINISHED)
    told = client("DescribeOnlineRecord", TaskId=task)
    assert told["Status"] == "FINISHED"
    assert told["VideoInfos"] == []
    with pytest.raises(InputError, match="its files have to be made first"):
        parse({"Response": told})
    client("SetVideoGenerationTaskCallback", Callback=stand_in.backend.url)
    again = client("CreateVideoGenerationTask", OnlineRecordTaskId=task)["TaskId"]
    assert client("DescribeVideoGenerationTask", TaskId=again)["Status"] == "QUEUED"
    stand_in.clock.move(2)
    until(lambda: stand_in.cloud.tasks[again].phase is Phase.FINISHED)
    told = client("DescribeVideoGenerationTask", TaskId=again)
    assert told["Status"] == "FINISHED"
    assert told["VideoInfos"]["VideoUrl"] == "", "the placeholder"
    recording = parse({"Response": told})
    assert recording.total == 5000
    assert {segment.kind for segment in recording.segments} >= {StreamKind.CAMERA, StreamKind.WHITEBOARD}
    came = until(lambda: len(stand_in.backend.came) == 2 and stand_in.backend.came)
    assert [json.loads(one.body)["EventType"] for one in came] == [Event.PROGRESS, Event.GENERATED]


def test_a_room_can_be_recorded_after_class_by_generation_1(practice: Open) -> None:
    stand_in = practice(lesson=Lesson(streams=SMALL.streams[:2], stop=3.0, scale=0.2))
    stand_in.post("offline/callback", {"callback": stand_in.backend.url})
    task = stand_in.post("offline/create", {"room_id": ROOM})["task_id"]
    assert stand_in.post("offline/create", {"room_id": ROOM})["error_code"] == 20010
    assert stand_in.post("online/query", {"task_id": task})["error_code"] == 20005, "it is no online task"
    stand_in.clock.move(2)
    body, query = result_of(stand_in)
    recording = parse(json.dumps(body), query=query)
    assert (recording.dialect, recording.total, recording.task_id) == ("v1-offline", 3000, task)
    assert stand_in.post("offline/query", {"task_id": task})["progress"] == 100
    assert {requests.head(segment.url or "", timeout=60).status_code for segment in recording.segments} == {200}


ALONE = Lesson(streams=(Presence(user="ann"),), scale=0.2)


@pytest.mark.parametrize("faults", [("5xx", "cut"), ("reorder", "repeat", "late")])
def test_faults_that_pass_cost_nothing(practice: Open, tmp_path: Path, faults: tuple[str, ...]) -> None:
    stand_in = practice(faults=faults, lesson=ALONE)
    record(stand_in)
    stand_in.clock.move(600)
    body, query = result_of(stand_in)
    if "reorder" not in faults:
        assert made(body, query, tmp_path).manifest.verdict == "ok"
    else:
        came = until(lambda: len(stand_in.backend.came) == 4 and stand_in.backend.came)
        kinds = [json.loads(one.body)["callback_type"] for one in came]
        assert kinds[0] == "record_finished"
        assert sorted(kinds) == ["record_finished"] * 2 + ["record_started"] * 2


@pytest.mark.parametrize(("fault", "said"), [("lying-length", "cut the connection|bytes"), ("expired", "403")])
def test_a_fault_that_stays_is_told(practice: Open, tmp_path: Path, fault: str, said: str) -> None:
    stand_in = practice(faults=(fault,), lesson=ALONE)
    task = record(stand_in)
    body, query = result_of(stand_in)
    with pytest.raises(DownloadError, match=said):
        made(body, query, tmp_path)
    if fault == "expired":
        good = stand_in.post("online/query", {"task_id": task})["video_info"][0]["video_url"]
        assert requests.get(good, headers={"Range": "bytes=0-9"}, timeout=60).status_code == 206
        assert requests.get(good.replace("sign=", "sign=0"), timeout=60).status_code == 403


def test_a_slow_file_comes_whole_at_its_rate(practice: Open) -> None:
    stand_in = practice(faults=("slow",), lesson=ALONE)
    (file,) = stand_in.finish(stand_in.start())["video_info"]
    begun = time.monotonic()
    got = requests.get(file["video_url"], timeout=60).content
    assert len(got) == file["video_size"]
    assert time.monotonic() - begun >= len(got) / SLOW_BYTES


def test_a_result_whose_callback_never_came_is_there_for_whoever_asks(practice: Open) -> None:
    stand_in = practice(faults=("drop-callback", "slow"), lesson=ALONE)
    task = record(stand_in)
    until(lambda: stand_in.backend.came)
    assert [json.loads(came.body)["callback_type"] for came in stand_in.backend.came] == ["record_started"]
    assert parse(json.dumps(stand_in.post("online/query", {"task_id": task}))).total == 6000
    stand_in.clock.move(72 * 3600)
    stand_in.cloud.advance()
    assert stand_in.post("online/query", {"task_id": task})["error_code"] == 20005, "deleted after three days"
