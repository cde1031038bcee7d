"""Events of any other type: no result, unless videos are in it after all."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shortened
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.event import (
    ANNOUNCING,
    EVENT,
    ONLINE_FINISHED,
    ONLINE_STARTED,
    event_type,
    read_result_event,
    type_shown,
)
from assembler.dialects.fields import Fields
from assembler.dialects.vendor_errors import read_error, start_failure
from assembler.errors import InputError, NotFinished
from assembler.findings import note
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return "EventType" in body or "EventData" in body


def _read(fields: Fields, query: Query) -> Recording:
    kind = event_type(fields.values)
    data = fields.child("EventData")
    has_videos = data is not None and any(data.get(name) for name in ("VideoInfos", "VideoInfoList", "video_info"))
    if kind in ANNOUNCING:
        task = data.text("TaskId") if data is not None else None
        name = f"task {shortened(task, 60)}" if task else "the recording"
        error = read_error(data, None) if data is not None and kind == ONLINE_STARTED else None
        if error is not None:
            raise start_failure(name, error)
        raise NotFinished(
            f"{name} is not finished: the event {kind} says that {ANNOUNCING[kind]}",
            hint=f"Wait for the event {ONLINE_FINISHED} (or OfflineRecordFinished), or query the task later.",
        )
    if not has_videos and not (data is not None and data.get("Error") and kind is None):
        raise InputError(
            f"the event {type_shown(fields)} is not a recording result",
            hint=f"A result comes with the event {ONLINE_FINISHED} or OfflineRecordFinished.",
        )
    sentence = f"The event {type_shown(fields)} is unknown; it carries videos and was read as a result."
    fields.findings.append(note("EventType", sentence))
    return read_result_event(fields, query, OTHER_EVENT.name)


OTHER_EVENT = Dialect(
    "other-event", "an event of any other type that carries videos", _matches, _read, level="EventData", envelope=EVENT
)
