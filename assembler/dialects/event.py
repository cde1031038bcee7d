"""The envelope all events share: {Timestamp, EventType, EventData}, since 2020 with SdkAppId, ExpireTime and Sign."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shown
from assembler.dialects.dialect import Dialect, Envelope, Query, spelling_in
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import CAMEL
from assembler.recording import Recording

ONLINE_STARTED = "OnlineRecordStarted"
"""Type of the event that a recording began, or could not."""
ONLINE_FINISHED = "OnlineRecordFinished"
"""Type of the event with the result."""
OFFLINE_FINISHED = "OfflineRecordFinished"
"""Type of the event with the result of an offline recording."""
ANNOUNCING = {
    ONLINE_STARTED: "the recording began",
    "OnlineRecordStopped": "the recording was stopped, its files are still being prepared",
    "OnlineRecordLongPauseWarning": "the recording has been paused for long",
    "OnlineRecordLongPauseForceStopped": "the recording was ended after a long pause, its files are being prepared",
    "OfflineRecordProgressChanged": "the offline recording still runs",
}
"""Events that say how far a recording is; the result comes with a later one."""
EVENT = Envelope(
    kind="EventType",
    data="EventData",
    sent="Timestamp",
    task=("TaskId",),
    room=("RoomId",),
    results=(ONLINE_FINISHED, OFFLINE_FINISHED),
    repeated=("EventData", "Timestamp"),
)


def event_type(body: JsonObject) -> str | None:
    """Return EventType; None where it is missing or not text."""
    value = body.get("EventType")
    return value if isinstance(value, str) else None


def type_shown(fields: Fields) -> str:
    """The event's type as a message shows it."""
    value = fields.get("EventType")
    return value if isinstance(value, str) and value.isidentifier() and len(value) < 60 else shown(value)


def read_result_event(fields: Fields, query: Query, dialect: str) -> Recording:
    """Read the recording in an event that says: finished. Raises like ``read_result``."""
    data = fields.require("EventData")
    spelling = spelling_in(fields.values, "EventData", CAMEL)
    return read_result(data, spelling, query, dialect=dialect, app_id=fields.text("SdkAppId"), is_over=True)


def build_result_event(name: str, finished: str) -> Dialect:
    """Build the dialect of the event of this type, which holds a finished result."""
    return Dialect(
        name, f"EventType {finished}, signed or not", lambda body: event_type(body) == finished,
        lambda fields, query: read_result_event(fields, query, name), level="EventData", envelope=EVENT,
    )  # fmt: skip
