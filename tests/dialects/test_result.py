"""One object that holds a result: when it is a recording, and what is raised when it is not."""

from __future__ import annotations

from typing import Any

import pytest

from assembler.dialects.dialect import APP
from assembler.dialects.fields import Fields
from assembler.dialects.result import UNFINISHED, read_result, refuse_empty
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.spelling import CAMEL
from assembler.errors import CloudError, InputError, NotFinished, RecordingFailed
from assembler.recording import Recording
from dialects.bodies import video


def read(
    query: dict[str, str] | None = None, *, is_over: bool = False, app: str | None = None, **data: Any
) -> Recording:
    fields = Fields({"TaskId": "t1", "VideoInfos": [video()], **data}, "", [])
    return read_result(fields, CAMEL, query or {}, dialect="d", app_id=app, is_over=is_over)


def test_the_app_is_the_objects_own_then_what_stands_around_it_then_the_querys() -> None:
    query = {APP: "3"}
    assert read(query, SdkAppId=1, app="2").app_id == "1"
    assert read(query, app="2").app_id == "2"
    assert read(query).app_id == "3"
    assert read().app_id is None


def test_times_are_ms_and_zero_is_unknown() -> None:
    lesson = read(RecordStartTime=1_600_000_000, RecordStopTime=0, TotalTime=-5, ExceptionCnt=-1)
    assert (lesson.start, lesson.stop, lesson.total, lesson.exception_count) == (1_600_000_000_000, None, None, 0)
    assert read(TotalTime=7, ExceptionCnt=2).total == 7


@pytest.mark.parametrize("status", sorted(UNFINISHED))
def test_a_status_before_the_end_is_not_finished_unless_the_envelope_or_an_error_says_otherwise(status: str) -> None:
    for spelled in (status, f" {status.lower()} "):
        with pytest.raises(NotFinished, match=f"task t1 is not finished: {UNFINISHED[status]}"):
            read(Status=spelled)
    assert read(Status=status, is_over=True).segments
    failed = {"ErrorCode": "40008", "ErrorMessage": "x"}
    with pytest.raises(NotFinished):
        read(Status=status, **failed)
    with pytest.raises(RecordingFailed):
        read(Status=status, VideoInfos=[], **failed)


@pytest.mark.parametrize(("progress", "is_finished"), [(0, False), (99, False), (100, True), (-1, True), ("x", True)])
def test_progress_counts_only_without_a_status(progress: object, is_finished: bool) -> None:
    assert read(Progress=progress, Status="FINISHED").segments
    if is_finished:
        assert read(Progress=progress).segments
    else:
        with pytest.raises(NotFinished, match=f"Progress is {progress} of 100"):
            read(Progress=progress)


def test_a_lone_object_beside_a_list_is_no_video_and_alone_it_is() -> None:
    lone = video(VideoId="lone")
    assert [s.video_id for s in read(VideoInfoList=lone).segments] == ["v1"]
    assert [s.video_id for s in read(VideoInfos=None, VideoInfoList=lone).segments] == ["lone"]
    assert [s.video_id for s in read(VideoInfoList=[lone]).segments] == ["v1", "lone"]


def test_without_videos_the_reason_is_named() -> None:
    with pytest.raises(InputError, match="task t1 holds no videos: VideoInfos is empty or missing"):
        read(VideoInfos=[])
    with pytest.raises(InputError, match="room 7 holds no videos"):
        read(TaskId=None, RoomId=7, VideoInfos=[])
    with pytest.raises(InputError, match="only a ReplayUrl") as told:
        read(VideoInfos=[], ReplayUrl="http://h/r?token=s3cret")
    assert "s3cret" not in f"{told.value} {told.value.hint}"
    with pytest.raises(CloudError):
        read(VideoInfos=[], TaskId=None, ErrorCode="AuthFailure.SecretIdNotFound", ErrorMessage="x")


def test_the_first_unusable_entry_is_named_and_the_others_are_counted() -> None:
    first = UnusableEntry("v[0]", "missing", "an id")
    with pytest.raises(InputError) as told:
        refuse_empty("task t1", "v", None, [first, UnusableEntry("v[1]", "3", "an id")], hint="h")
    assert told.value.sentence == "v[0] is missing, expected an id (none of the 2 segments is usable)"
    assert told.value.hint == "h"
    with pytest.raises(InputError) as told:
        refuse_empty("task t1", "v", None, [first])
    assert told.value.sentence == first.sentence


def test_a_list_of_videos_that_is_something_else_is_called_that() -> None:
    with pytest.raises(InputError, match=r"VideoInfos is an object, expected a list"):
        read(VideoInfos={})
