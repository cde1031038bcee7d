"""Zego cloud recording: the answer of DescribeRecordStatus, and its callback of the same in snake_case."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shown
from assembler.dialects.dialect import Dialect, Envelope, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry, read_side
from assembler.dialects.systems.files import SystemFile, build_recording, find_share, read_length, read_url
from assembler.dialects.systems.instants import read_instant
from assembler.errors import NotFinished
from assembler.findings import note, warning
from assembler.recording import Recording, StreamKind, VendorError

ABOUT = "Read as a cloud recording of Zego: its files are placed by the ms at which each begins."
"""Sentence about the system."""
UNDER_WAY = {1: "it is being prepared", 2: "it still runs", 5: "it is paused"}
"""Status of a task before its end."""
ENDED_BADLY, MIXED, SOUND, ON_BACKUP, NOT_UPLOADED = 4, 2, 1, 4, 5
"""Values of Status, RecordMode, MediaTrackType, and twice of a file's Status."""
FILES_ARE_THERE = 1
"""Type of the callback that tells of the files."""
HINT = "Ask DescribeRecordStatus within three days of the class, and give its whole answer."
"""Hint where no file is usable."""


def _matches(body: JsonObject) -> bool:
    data = body.get("Data")
    if isinstance(data, dict) and ("RecordFiles" in data or {"RoomId", "RecordMode"} <= data.keys()):
        return True
    detail = body.get("detail")
    return "event_type" in body and (
        (isinstance(detail, dict) and "file_info" in detail) or {"task_id", "nonce", "signature"} <= body.keys()
    )


def _read(fields: Fields, query: Query) -> Recording:
    data = fields.child("Data")
    if data is None:
        return _read_callback(fields, query)
    status = whole(data.get("Status"))
    name = f"room {shown(data.text('RoomId') or '')}"
    if status in UNDER_WAY:
        raise NotFinished(f"{name} is not finished: {UNDER_WAY[status]}", hint="Ask again when the class is over.")
    error = None
    if status == ENDED_BADLY:
        words = fields.text("Message") or ""
        error = VendorError(code="", number=status, message=f"the recording ended abnormally {words}", advice="")
    is_mixed = whole(data.get("RecordMode")) == MIXED
    entries = list(data.entries("RecordFiles"))
    files = [_file(path, entry, data, _CAMEL, is_mixed=is_mixed) for path, entry in entries]
    return build_recording(
        data, query, ZEGO.name, [file for file in files if file is not None], task=fields.text("TaskId"),
        room=data.text("RoomId"), stop=read_instant(data.get("RecordEndTimestamp")), error=error,
        where=data.at("RecordFiles"), hint=HINT,
    )  # fmt: skip


def _read_callback(fields: Fields, query: Query) -> Recording:
    kind = whole(fields.get("event_type"))
    if kind != FILES_ARE_THERE:
        raise NotFinished(
            f"the callback of type {shown(fields.get('event_type'))} tells of no files",
            hint=f"Wait for the one of type {FILES_ARE_THERE}.",
        )
    detail = fields.require("detail")
    if whole(detail.get("upload_status")) != 1:
        detail.findings.append(
            warning(detail.at("upload_status"), "Not all files were uploaded to the school's own storage.")
        )
    files = [_file(path, entry, detail, _SNAKE, is_mixed=False) for path, entry in detail.entries("file_info")]
    return build_recording(
        detail, query, ZEGO.name, [file for file in files if file is not None], task=fields.text("task_id"),
        room=fields.text("room_id"), app=fields.text("app_id"), where=detail.at("file_info"), hint=HINT,
    )  # fmt: skip


_CAMEL = {
    "user": "UserId", "label": "UserName", "stream": "StreamId", "name": "FileId", "url": "FileUrl",
    "format": "OutputFileFormat", "size": "FileSize", "length": "Duration", "width": "ResolutionWidth",
    "height": "ResolutionHeight", "track": "MediaTrackType", "at": "BeginTimestamp", "status": "Status",
}  # fmt: skip
_SNAKE = {
    "user": "user_id", "label": "user_name", "stream": "stream_id", "name": "file_id", "url": "file_url",
    "format": "output_file_format", "size": "file_size", "length": "duration", "width": "resolution_width",
    "height": "resolution_height", "track": "media_track_type", "at": "begin_timestamp", "status": "status",
}  # fmt: skip


def _file(
    path: str, entry: object, outer: Fields, names: dict[str, str], *, is_mixed: bool
) -> SystemFile | UnusableEntry | None:
    """Read one file; None for a screenshot, which is no stream."""
    if not isinstance(entry, dict):
        return UnusableEntry(path, "no object", "an object")
    fields = Fields(entry, path, outer.findings)
    status, form = whole(fields.get(names["status"])), (fields.text(names["format"]) or "").lower()
    if form == "jpg":
        outer.findings.append(note(path, "A screenshot is no part of the class; it was left out."))
        return None
    if status == NOT_UPLOADED:
        return UnusableEntry(fields.at(names["status"]), str(status), "a file that was uploaded")
    if status == ON_BACKUP:
        outer.findings.append(warning(path, "It lies on Zego's backup, where it is deleted after three days."))
    at = read_instant(fields.get(names["at"]))
    if at is None:
        return UnusableEntry(fields.at(names["at"]), shown(fields.get(names["at"])), "Unix ms")
    user, stream = fields.text(names["user"]) or "", fields.text(names["stream"]) or ""
    if is_mixed:
        kind, user = StreamKind.MIX, ""
    elif whole(fields.get(names["track"])) == SOUND:
        kind = StreamKind.SCREEN_AUDIO if find_share(fields, names["stream"]) else StreamKind.AUDIO
    else:
        kind = StreamKind.SCREEN if find_share(fields, names["stream"]) else StreamKind.CAMERA
    name = fields.text(names["name"]) or stream
    return SystemFile(
        path=path, name=name if "." in name else f"{name}.{form}" if form else name, kind=kind, user=user, at=at,
        stream=stream, label=fields.text(names["label"]) or "", duration=read_length(fields, names["length"]),
        size=whole(fields.get(names["size"])), url=read_url(fields, names["url"]),
        sides=(read_side(fields, names["width"]), read_side(fields, names["height"])),
    )  # fmt: skip


ZEGO = Dialect(
    "zego",
    '{"Data": {"RecordFiles": [...]}} or {"event_type": 1, "detail": {"file_info": [...]}} of Zego',
    _matches,
    _read,
    level="Data",
    envelope=Envelope(
        kind="event_type", sent="timestamp", app="app_id", results=(str(FILES_ARE_THERE),), recordings=(),
    ),
    about=ABOUT,
)  # fmt: skip
