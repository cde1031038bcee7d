"""How a family of dialects spells the fields that all of them have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spelling:
    """The names of one family's fields; a name is "" where the family has no such field."""

    videos: tuple[str, ...]
    """Where the segments are; several names are read one after the other."""
    task: str
    app: str
    room: str
    group: str
    recorder: str
    start: tuple[str, ...]
    """Unix seconds; the first that is there counts."""
    stop: str
    """Unix seconds."""
    total: str
    """Ms."""
    status: str
    reason: str
    exceptions: str
    interrupts: str
    count: str
    progress: str
    """Percent."""
    replay: str
    """Address of a replay of which no files were made."""
    request: str
    omissions: tuple[str, ...]
    """Where the pauses are; several names are read one after the other."""
    at: str
    pause: str
    resume: str
    video_id: str
    kind: str
    user: str
    play_time: str
    duration: str
    size: str
    format: str
    url: str
    width: str
    height: str


SNAKE = Spelling(
    videos=("video_info",),
    task="task_id",
    app="sdkappid",
    room="room_id",
    group="group_id",
    recorder="record_user_id",
    start=("start_time", "record_start_time"),
    stop="stop_time",
    total="total_time",
    status="status",
    reason="finish_reason",
    exceptions="exception_cnt",
    interrupts="interrupts",
    count="count",
    progress="progress",
    replay="replay_url",
    request="request_id",
    # the vendor's later pages write it in the singular
    omissions=("omitted_duration", "omitted_durations"),
    at="video_time",
    pause="pause_time",
    resume="resume_time",
    video_id="video_id",
    kind="video_type",
    user="user_id",
    play_time="video_play_time",
    duration="video_duration",
    size="video_size",
    format="video_format",
    url="video_url",
    width="width",
    height="height",
)
"""The v1 dialects; offline recordings have record_start_time."""

CAMEL = Spelling(
    videos=("VideoInfos", "VideoInfoList"),
    task="TaskId",
    app="SdkAppId",
    room="RoomId",
    group="GroupId",
    recorder="RecordUserId",
    start=("RecordStartTime",),
    stop="RecordStopTime",
    total="TotalTime",
    status="Status",
    reason="FinishReason",
    exceptions="ExceptionCnt",
    interrupts="Interrupts",
    count="Count",
    progress="Progress",
    replay="ReplayUrl",
    request="RequestId",
    omissions=("OmittedDurations", "OmittedDuration"),
    at="VideoTime",
    pause="PauseTime",
    resume="ResumeTime",
    video_id="VideoId",
    kind="VideoType",
    user="UserId",
    play_time="VideoPlayTime",
    duration="VideoDuration",
    size="VideoSize",
    format="VideoFormat",
    url="VideoUrl",
    width="Width",
    height="Height",
)
"""Events and the public API (version 2019-09-19)."""
