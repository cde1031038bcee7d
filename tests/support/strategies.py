"""Hypothesis strategies of recordings, and the same recording written as a body of each vendor dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from assembler.recording import Interrupt, Omission, Recording, Segment, StreamKind
from assembler.times import Ms, PlayMs, WallMs

HOUR = 3_600_000
VIDEO_TYPES = {
    StreamKind.CAMERA: 0,
    StreamKind.SCREEN: 1,
    StreamKind.WHITEBOARD: 2,
    StreamKind.MIX: 3,
    StreamKind.AUDIO: 4,
}
VENDOR_KINDS = tuple(VIDEO_TYPES)
USERS = ("ann", "bob", "李雷", "tic_ann", "x y")

FULL = 60
"""Examples of a property in a full run, unless it says its own number."""

Body = dict[str, Any]


def examples(full: int, **others: Any) -> settings:
    """Settings of a property with ``full`` examples in a full run, and the share of every day's profile in that."""
    return settings(max_examples=full * settings.default.max_examples // FULL, **others)


@st.composite
def segments(draw: st.DrawFn, video_id: str, kinds: tuple[StreamKind, ...] = tuple(StreamKind)) -> Segment:
    """One valid segment with the given id, its raw stream id as the newer dialects write it."""
    kind = draw(st.sampled_from(kinds))
    user, stream_id = "", ""
    match kind:
        case StreamKind.MIX:
            stream_id = f"tic_mixstream_1234_{draw(st.sampled_from([1, 3, 101]))}"
        case StreamKind.WHITEBOARD:
            pass
        case _:
            user = draw(st.sampled_from(USERS))
            stream_id = f"tic_substream_{user}" if kind is StreamKind.SCREEN else user
    suffix = "mp3" if kind.is_sound else draw(st.sampled_from(["mp4", "webm"]))
    width, height = draw(st.sampled_from([(None, None), (320, 240), (1280, 960)]))
    return Segment(
        video_id=video_id,
        kind=kind,
        user=user,
        stream_id=stream_id,
        play_time=PlayMs(draw(st.integers(-500, 3 * HOUR))),
        duration=draw(st.none() | st.integers(1, 3 * HOUR).map(Ms)),
        size=draw(st.none() | st.integers(0, 2**33)),
        format=suffix,
        url=draw(st.sampled_from([None, f"http://files.example.com/{video_id}.{suffix}"])),
        width=width,
        height=height,
    )


@st.composite
def omission_lists(draw: st.DrawFn, start: WallMs) -> tuple[Omission, ...]:
    """Up to three pauses in order, the last perhaps without an end."""
    at, wall = 0, int(start)
    found: list[Omission] = []
    for is_last in draw(st.sampled_from([(), (True,), (False, True), (False, False, True)])):
        step, length = draw(st.integers(1000, HOUR)), draw(st.integers(1, 1_800_000))
        at, wall = at + step, wall + step
        is_open = is_last and draw(st.booleans())
        resume = None if is_open else WallMs(wall + length)
        found.append(Omission(at=draw(st.sampled_from([None, PlayMs(at)])), pause=WallMs(wall), resume=resume))
        wall += length
    return tuple(found)


@st.composite
def recordings(
    draw: st.DrawFn,
    *,
    max_segments: int = 6,
    kinds: tuple[StreamKind, ...] = tuple(StreamKind),
    with_omissions: bool = True,
) -> Recording:
    """A valid neutral recording as the parser would make it: unique ids, plausible times, no findings."""
    count = draw(st.integers(1, max_segments))
    start = WallMs(draw(st.integers(1_500_000_000, 1_800_000_000)) * 1000)
    text = st.none() | st.sampled_from(["1234", "g68cee8e90jcq4ogg8jb", "课堂"])
    return Recording(
        dialect="neutral",
        task_id=draw(text),
        app_id=draw(st.none() | st.just("1400000001")),
        room_id=draw(text),
        group_id=draw(text),
        record_user_id=draw(st.none() | st.just("tic_record_user_1234_01")),
        start=start,
        stop=draw(st.none() | st.integers(0, 6 * 3600).map(lambda s: WallMs(start + s * 1000))),
        total=draw(st.none() | st.integers(1, 6 * HOUR).map(Ms)),
        segments=tuple(draw(segments(f"52858907815706538{n:02d}", kinds)) for n in range(count)),
        omissions=draw(omission_lists(start)) if with_omissions else (),
        finish_reason=draw(st.sampled_from([None, "AUTO", "USER_CALL"])),
        exception_count=draw(st.integers(0, 3)),
        interrupts=draw(st.sampled_from([(), (Interrupt(user="ann", count=2),)])),
        error=None,
        findings=(),
    )


def snake_body(recording: Recording) -> Body:
    """A v1 result: a screen share names the plain user, a mixed stream nobody; there are no omissions."""
    return {
        "room_id": recording.room_id,
        "group_id": recording.group_id,
        "start_time": (recording.start or 0) // 1000,
        "stop_time": (recording.stop or 0) // 1000,
        "total_time": recording.total or 0,
        "video_info": [
            {
                "video_play_time": s.play_time,
                "video_size": s.size,
                "video_format": s.format,
                "video_duration": s.duration or 0,
                "video_url": s.url or "",
                "video_id": s.video_id,
                "video_type": VIDEO_TYPES[s.kind],
                "user_id": s.user,
            }
            for s in recording.segments
        ],
    }


def query_body(recording: Recording) -> Body:
    """A v1 query response."""
    reason = {"AUTO": "auto", "USER_CALL": "usercall"}.get(recording.finish_reason or "", "")
    return {
        "error_code": 0,
        "error_msg": "",
        "task_id": recording.task_id,
        "status": "finished",
        "finish_reason": reason,
        "record_user_id": recording.record_user_id,
        **snake_body(recording),
    }


def callback_body(recording: Recording) -> Body:
    """A v1 callback (its app id would stand in the URL query)."""
    body = query_body(recording)
    del body["status"]
    return {**body, "callback_type": "record_finished", "task_type": "record_online", "timestamp": 1529908745}


def offline_body(recording: Recording) -> Body:
    """A v1 callback of an offline recording: no stop time, the start under another name."""
    body = snake_body(recording)
    start = body.pop("start_time")
    del body["stop_time"]
    said = {"error_code": 0, "error_msg": "", "task_type": "record_offline", "timestamp": 1529908745}
    return {**said, "task_id": recording.task_id, "record_start_time": start, **body}


def saas_body(recording: Recording) -> Body:
    """An event of the SaaS: lengths in seconds, the room under another name."""
    data = snake_body(recording)
    data["class_id"] = data.pop("room_id")
    for entry in data["video_info"]:
        entry["video_duration"] /= 1000
    return {"event": "online_record_stop", "data": {"error_code": 0, **data}}


def search_body(recording: Recording) -> Body:
    """What DescribeRecordSearch answers: the task around its result, and another one that has none."""
    data = online_data(recording)
    task = {"TaskId": data.pop("TaskId"), "Status": "FINISHED", "SdkAppId": recording.app_id}
    other = {"TaskId": "other", "Status": "RECORDING", "Result": None}
    return {"Response": {"RecordTaskSet": [{**task, "Result": {**data, "ErrorCode": 0}}, other], "RequestId": "r"}}


def offline_data(recording: Recording) -> Body:
    """EventData of an offline result: no stop time, no omissions."""
    return {
        "TaskId": recording.task_id,
        "RoomId": recording.room_id,
        "GroupId": recording.group_id,
        "Progress": 100,
        "RecordStartTime": (recording.start or 0) // 1000,
        "TotalTime": recording.total or 0,
        "VideoInfos": [
            {
                "UserId": s.stream_id,
                "VideoDuration": s.duration or 0,
                "VideoFormat": s.format,
                "VideoId": s.video_id,
                "VideoPlayTime": s.play_time,
                "VideoSize": s.size,
                "VideoType": VIDEO_TYPES[s.kind],
                "VideoUrl": s.url or "",
                "Width": s.width,
                "Height": s.height,
            }
            for s in recording.segments
        ],
    }


def online_data(recording: Recording) -> Body:
    """EventData of an online result, and what stands in an API response."""
    return {
        **offline_data(recording),
        "RecordUserId": recording.record_user_id,
        "FinishReason": recording.finish_reason,
        "RecordStopTime": (recording.stop or 0) // 1000,
        "ExceptionCnt": recording.exception_count,
        "Interrupts": [{"UserId": i.user, "Count": i.count} for i in recording.interrupts],
        "OmittedDurations": [
            {"VideoTime": o.at, "PauseTime": o.pause, "ResumeTime": o.resume or 0} for o in recording.omissions
        ],
    }


def generation_data(recording: Recording) -> Body:
    """What DescribeVideoGenerationTask answers: the videos under their newer name."""
    data = offline_data(recording)
    return {**data, "VideoInfoList": data["VideoInfos"], "VideoInfos": None, "Status": "FINISHED"}


def event(kind: str, data: Body, **signed: Any) -> Body:
    """The envelope of an event; with SdkAppId, ExpireTime and Sign it is one of 2020."""
    return {"Timestamp": 1575545412, "EventType": kind, "EventData": data, **signed}


def _signed(recording: Recording) -> Body:
    sign = {"ExpireTime": 1588040109, "Sign": "a2dabb362a9b811c0e26953a6276a41c"}
    return {"SdkAppId": recording.app_id, **sign}


WRITERS: dict[str, tuple[Callable[[Recording], Body], ...]] = {
    "neutral": (lambda r: json.loads(r.model_dump_json()),),
    "v1-result": (snake_body,),
    "v1-query": (query_body,),
    "v1-callback": (callback_body,),
    "online-event": (
        lambda r: event("OnlineRecordFinished", online_data(r)),
        lambda r: event("OnlineRecordFinished", online_data(r), **_signed(r)),
    ),
    "offline-event": (
        lambda r: event("OfflineRecordFinished", offline_data(r)),
        lambda r: event("OfflineRecordFinished", offline_data(r), **_signed(r)),
    ),
    "v1-offline": (offline_body,),
    "saas-event": (saas_body,),
    "record-search": (search_body,),
    "other-event": (lambda r: event("VideoGenerated", online_data(r), **_signed(r)),),
    "api-response": (
        lambda r: {"Response": {**online_data(r), "Status": "FINISHED", "RequestId": "r"}},
        lambda r: {"Response": generation_data(r)},
    ),
    "api-object": (lambda r: {**online_data(r), "Status": "FINISHED"}, generation_data),
}
"""Per dialect, every way to write a recording in it (events: unsigned as in 2019 and signed as in 2020)."""


def write_body(dialect: str, recording: Recording, variant: int = 0) -> bytes:
    """The recording as a body of this dialect (a row of DIALECTS)."""
    return json.dumps(WRITERS[dialect][variant](recording), ensure_ascii=False).encode()
