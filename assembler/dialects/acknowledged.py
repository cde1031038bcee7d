"""Events that are acknowledged and kept, whatever they are about."""

from __future__ import annotations

import math

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Query
from assembler.dialects.event import OFFLINE_FINISHED, ONLINE_FINISHED, ONLINE_STARTED
from assembler.dialects.fields import Fields, whole
from assembler.dialects.omissions import LAST_WALL
from assembler.dialects.saas_event import STOPPED, is_saas
from assembler.dialects.v1_callback import FINISHED, STARTED
from assembler.dialects.v1_offline import OFFLINE, is_offline
from assembler.dialects.vendor_errors import read_error, refusal_of_request
from assembler.errors import InputError
from assembler.findings import Finding
from assembler.recording import VendorError
from assembler.times import WallMs
from assembler.values import Value

REFUSED_REQUEST = "refused request"
"""Kind of an answer of the API that refuses a request; it comes to a callback address by mistake only."""


class Event(Value):
    """What an event says about itself; only what it says, nothing was checked."""

    kind: str
    """Its type as the vendor wrote it: "OnlineRecordStarted", or "record_started" of v1; of its offline callback the
    task_type."""
    is_result: bool
    """True if it announces a finished recording: ``parse`` takes the same body."""
    task_id: str | None
    """The vendor's task; None where missing (a failed offline recording names none)."""
    app_id: str | None
    """SdkAppId as text; None where missing."""
    room_id: str | None
    """The room as text; None where missing."""
    sent: WallMs | None
    """When the vendor made the event, Unix ms, known to the second; None where missing."""
    progress: int | None
    """Percent, of events about progress; None in others."""
    pause: WallMs | None
    """When the recording was paused, Unix ms, of events about long pauses; None in others."""
    stop: WallMs | None
    """When the recording was, or will be, ended for a long pause, Unix ms; None in others."""
    error: VendorError | None
    """What it says went wrong; None if nothing did. One of a start means that the class is NOT recorded."""
    facts: dict[str, str | int | float | bool | None]
    """Every simple field of EventData (of v1: of the body) as the vendor wrote it; lists and objects are left out."""

    @property
    def is_failed_start(self) -> bool:
        """True if it says that a recording could not begin."""
        return self.error is not None and self.kind in (ONLINE_STARTED, STARTED)


def describe_event(body: JsonObject, query: Query) -> Event:
    """The event in a body, or the refused request. Raises InputError where it is neither, nor a v1 callback."""
    findings: list[Finding] = []
    fields = Fields(body, "", findings)
    if "EventType" in body:
        kind, sent, task, room = fields.text("EventType"), "Timestamp", "TaskId", "RoomId"
        data = fields.child("EventData") or Fields({}, "EventData", findings)
    elif is_saas(body):
        kind, sent, task, room = fields.text("event"), "timestamp", "task_id", "class_id"
        data = fields.child("data") or fields
    else:
        kind, sent, task, room = fields.text("callback_type"), "timestamp", "task_id", "room_id"
        kind = OFFLINE if is_offline(body) else kind
        data = (fields.child("Response") if kind is None else None) or fields
    error = read_error(data, None) or read_error(fields, None)
    if kind is None and error is not None and refusal_of_request(error, has_status="status" in data.values):
        kind = REFUSED_REQUEST
    if kind is None:
        raise InputError(
            "the body is no event: it has neither EventType nor callback_type",
            hint="The vendor's callback pages show what events look like.",
        )
    progress = whole(data.get("Progress"))
    return Event(
        kind=kind,
        is_result=kind in (ONLINE_FINISHED, OFFLINE_FINISHED, FINISHED, OFFLINE, STOPPED),
        task_id=data.text(task),
        app_id=fields.text("SdkAppId") or query.get("sdkappid"),
        room_id=data.text(room),
        sent=_instant(fields, sent) or _instant(data, sent),
        progress=progress if progress is not None and 0 <= progress <= 100 else None,
        pause=_instant(data, "PauseTime"),
        stop=_instant(data, "StopTime") or _instant(data, "EstimateStopTime"),
        error=error,
        facts={
            name: value
            for name, value in data.values.items()
            if not isinstance(value, list | dict) and not (isinstance(value, float) and not math.isfinite(value))
        },
    )


def _instant(fields: Fields, name: str) -> WallMs | None:
    """Unix seconds as wall clock ms (the pause times of events are seconds, those of omissions are ms)."""
    seconds = whole(fields.get(name))
    return WallMs(seconds * 1000) if seconds is not None and 0 < seconds <= LAST_WALL // 1000 else None
