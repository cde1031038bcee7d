"""SaaS event: {"event": "online_record_stop", "data": {...}}, a v1 result whose lengths are in SECONDS."""

from __future__ import annotations

from assembler.dialects.body import Json, JsonObject, shown
from assembler.dialects.dialect import Dialect, Envelope, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.result import read_result
from assembler.dialects.segments import LONGEST
from assembler.dialects.spelling import SNAKE
from assembler.errors import InputError, NotFinished
from assembler.findings import note
from assembler.recording import Recording

STARTED, STOPPED = "online_record_start", "online_record_stop"
"""Types of the events at a recording's start, and with its result."""
SAAS = Envelope(kind="event", data="data", sent="timestamp", room=("class_id",), results=(STOPPED,))


def is_saas(body: JsonObject) -> bool:
    """True if the body is an event of the vendor's SaaS."""
    return isinstance(body.get("event"), str) and isinstance(body.get("data"), dict)


def _read(fields: Fields, query: Query) -> Recording:
    data, kind = fields.require("data"), fields.text("event")
    if kind == STARTED:
        raise NotFinished("the recording is not finished: it began", hint=f"Wait for the event {STOPPED}.")
    if kind != STOPPED and not data.get("video_info"):
        raise InputError(
            f"the event {shown(kind)} is not a recording result", hint=f"A result comes with the event {STOPPED}."
        )
    values = {"room_id": data.get("class_id"), **data.values}
    values["video_info"] = [_in_ms(path, entry, data) for path, entry in data.entries("video_info")]
    inner = Fields(values, data.path, data.findings)
    return read_result(inner, SNAKE, query, dialect=SAAS_EVENT.name, is_over=True)


def _in_ms(path: str, entry: Json, data: Fields) -> Json:
    """The entry with its length in ms; one that would be over 48 h in seconds is in ms already."""
    length = whole(entry.get("video_duration")) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or length is None:
        return entry
    if length * 1000 > LONGEST:
        data.findings.append(note(f"{path}.video_duration", f"{length} s were over 48 h: read as ms."))
        return entry
    seconds = entry.get("video_duration")
    exact = round(seconds * 1000) if isinstance(seconds, float) else length * 1000
    return {**entry, "video_duration": exact}


SAAS_EVENT = Dialect(
    "saas-event",
    f'{{"event": "{STOPPED}", "data": {{...}}}} of the SaaS',
    is_saas,
    _read,
    level="data",
    spelling=SNAKE,
    envelope=SAAS,
)
