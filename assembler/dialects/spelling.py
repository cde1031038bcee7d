"""Spelling of the fields that all dialects of a family have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spelling:
    """The names of one family's fields; a name is "" where the family has no such field."""

    videos: tuple[str, ...]
    """Lists of segments; several names are read one after the other."""
    task: str
    """Vendor's task."""
    app: str
    """Vendor's app (SdkAppId)."""
    room: str
    """Room."""
    group: str
    """Board's group."""
    recorder: str
    """Recorder's own user."""
    start: tuple[str, ...]
    """Unix seconds; the first that is there counts."""
    stop: str
    """Unix seconds."""
    total: str
    """Ms."""
    status: str
    """Status of the task."""
    reason: str
    """Reason why the recording ended."""
    exceptions: str
    """Number of breaks of all streams together."""
    interrupts: str
    """List of users whose stream broke."""
    count: str
    """Number of breaks, in an entry of that list."""
    progress: str
    """Percent."""
    replay: str
    """Address of a replay of which no files were made."""
    request: str
    """RequestId of the answer."""
    omissions: tuple[str, ...]
    """Lists of pauses; several names are read one after the other."""
    at: str
    """Place of a pause, playback ms."""
    pause: str
    """Start of a pause, Unix ms."""
    resume: str
    """End of a pause, Unix ms."""
    video_id: str
    """File id of a segment."""
    kind: str
    """VideoType of a segment, 0 to 4."""
    user: str
    """User of a segment."""
    play_time: str
    """Place of a segment, ms."""
    duration: str
    """Length of a segment, ms."""
    size: str
    """Size of a file, bytes."""
    format: str
    """Container of a file."""
    url: str
    """Address of a file, signed or not."""
    width: str
    """Picture width, pixels."""
    height: str
    """Picture height, pixels."""


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
