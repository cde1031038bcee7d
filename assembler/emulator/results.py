"""Bodies of both generations about a task; each oddity is one function over the values before they are spelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assembler.dialects.spelling import CAMEL, SNAKE, Spelling
from assembler.emulator.errors import Failure
from assembler.emulator.media import AUDIO, CAMERA, MIX, SCREEN
from assembler.emulator.state import recorded
from assembler.emulator.task import File, Phase, Task

Values = dict[str, Any]
Address = Callable[[Task, File], str]
"""Makes the address of a file."""
V1_STATUS = {Phase.PREPARED: "prepared", Phase.QUEUED: "prepared", Phase.FINISHED: "finished"}
"""Generation 1 has a word for these states; all others are "recording"."""
PROGRESS = {Phase.PROCESSING: 50, Phase.FINISHED: 100}
"""Progress of files after class, in percent; 0 in other states."""
_NINE_MINUTES = 540_000


def values_of(task: Task, address: Address, quirks: frozenset[str]) -> Values:
    """Values of a result by the names of ``Spelling``, oddities included."""
    omissions: list[Values] = []
    skipped = task.began or 0
    for pause in task.pauses:
        end = pause.end or 0
        omissions.append({"at": pause.begin - skipped, "pause": pause.begin, "resume": end})
        skipped += max(0, end - pause.begin)
    is_listed = task.wishes.concat or "wall-axis" in quirks
    values: Values = {
        "task": task.id,
        "room": task.room,
        "group": task.group,
        "recorder": task.user,
        "reason": task.why,
        "start": (task.began or 0) // 1000,
        "stop": (task.ended or 0) // 1000,
        "total": recorded(task),
        "exceptions": 0,
        "omissions": omissions if is_listed else [],
        "interrupts": [],
        "videos": [_video(task, file, address) for file in task.files],
        "failure": task.failure,
        "pauses": omissions,
    }
    for name, change in ODD.items():
        if name in quirks:
            change(values)
    return values


def _video(task: Task, file: File, address: Address) -> Values:
    user = file.user
    if file.kind == MIX:
        user = f"tic_mixstream_{task.room}_{file.user}" if task.api == "v3" else ""
    if file.kind == SCREEN and task.api == "v3":
        user = f"tic_substream_{file.user}"
    size: Values = {"width": file.width, "height": file.height} if task.api == "v3" else {}
    return {
        "user": user, "duration": file.length, "format": "mp3" if file.kind == AUDIO else "mp4",
        "video_id": file.video_id, "play_time": file.play, "size": file.size, "kind": file.kind,
        "url": address(task, file), **size,
    }  # fmt: skip


def _in_seconds(values: Values) -> None:
    values["omissions"] = [{name: at // 1000 for name, at in one.items()} for one in values["omissions"]]


def _with_nulls(values: Values) -> None:
    values.update(omissions=None, interrupts=None)


def _too_long(values: Values) -> None:
    values["total"] += _NINE_MINUTES


def _on_the_wall(values: Values) -> None:
    for video in values["videos"]:
        before = [one for one in values["pauses"] if one["at"] <= video["play_time"] and one["resume"]]
        video["play_time"] += sum(one["resume"] - one["pause"] for one in before)


def _web_share(values: Values) -> None:
    for video in values["videos"]:
        if video["kind"] == SCREEN:
            video.update(kind=CAMERA, user=f"desktop_sharing_{values['room']}")


def _as_substream(values: Values) -> None:
    for video in values["videos"]:
        if video["kind"] == SCREEN and not video["user"].startswith("tic_substream_"):
            video["user"] = f"tic_substream_{video['user']}"


def _broken_off(values: Values) -> None:
    users = [{"user": video["user"], "count": 1} for video in values["videos"] if video["kind"] == CAMERA][:1]
    values.update(reason="EXCEPTION", exceptions=1, interrupts=users, failure=Failure.BROKEN_OFF)


def _hollow(values: Values) -> None:
    for video in values["videos"]:
        video.update(size=0, duration=0, url="")
    values.update(reason="EXCEPTION", failure=Failure.NO_TIMES)


def _as_text(values: Values) -> None:
    for name, value in values.items():
        if isinstance(value, int):
            values[name] = str(value)
        elif isinstance(value, list):
            for one in value:
                _as_text(one)


ODD: dict[str, Callable[[Values], None]] = {
    "wall-axis": _on_the_wall,
    "omissions-in-seconds": _in_seconds,
    "wrong-total-time": _too_long,
    "desktop-sharing": _web_share,
    "substream-in-v1": _as_substream,
    "broken-off": _broken_off,
    "hollow-videos": _hollow,
    "null-lists": _with_nulls,
    "numbers-as-text": _as_text,
}
"""Oddities of a body, in the order in which they are made."""


def _spelled(values: Values, spelling: Spelling) -> Values:
    """Rename the values to a generation's names."""
    found: Values = {}
    for name, value in values.items():
        if name in ("failure", "pauses"):
            continue
        spelled = getattr(spelling, name)
        spelled = spelled if isinstance(spelled, str) else spelled[0]
        if isinstance(value, list):
            found[spelled] = [_spelled(one, spelling) for one in value]
        else:
            found[spelled] = value
    return found


def v1_result(task: Task, address: Address, quirks: frozenset[str], *, is_callback: bool = False) -> Values:
    """Result of generation 1: the answer to a query, or the body of a callback."""
    values = values_of(task, address, quirks)
    failure = values["failure"]
    error = {"error_code": failure.value[0], "error_msg": failure.value[1]} if failure else {"error_code": 0}
    del values["exceptions"], values["interrupts"]
    values["reason"] = {"USER_CALL": "usercall"}.get(values["reason"], values["reason"].lower())
    spelled = {"error_msg": "", **error, **_spelled(values, SNAKE)}
    if task.is_offline:
        spelled["record_start_time"] = spelled["start_time"]
        for name in ("start_time", "stop_time", "finish_reason", "record_user_id", "omitted_duration"):
            del spelled[name]
        spelled["progress"] = PROGRESS.get(task.phase, 0)
    if not is_callback:
        spelled["status"] = V1_STATUS.get(task.phase, "recording")
    return spelled


def v3_result(task: Task, address: Address, quirks: frozenset[str], *, is_event: bool = False) -> Values:
    """Result of generation 3: the answer to Describe..., or the EventData of the last event."""
    values = values_of(task, address, quirks)
    failure = values["failure"]
    spelled = _spelled(values, CAMEL)
    if task.is_offline:
        for name in ("RecordStopTime", "FinishReason", "RecordUserId", "OmittedDurations", "Interrupts"):
            del spelled[name]
        spelled["Progress"] = PROGRESS.get(task.phase, 0)
    elif task.wishes.later and task.phase is Phase.FINISHED and failure is None:
        spelled["ReplayUrl"] = f"{task.base}/replay/{task.id}"
    if failure is not None:
        code = "FailedOperation.Transcode" if task.is_offline else "FailedOperation.Record"
        spelled["Error"] = {"Code": code, "Message": f"code: {failure.value[0]}, msg: {failure.value[1]}"}
    if not is_event:
        spelled["Status"] = str(task.phase)
    if "placeholder-video-infos" in quirks or (task.is_offline and not is_event):
        videos = spelled["VideoInfos"]
        hollow = {name: "" if isinstance(value, str) else 0 for name, value in (videos or [{}])[0].items()}
        spelled.update(VideoInfos=hollow, VideoInfoList=videos)
    return spelled
