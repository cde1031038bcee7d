"""Online result event: EventType OnlineRecordFinished, CamelCase EventData."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.event import EVENT, ONLINE_FINISHED, event_type, read_result_event
from assembler.dialects.fields import Fields
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return event_type(body) == ONLINE_FINISHED


def _read(fields: Fields, query: Query) -> Recording:
    return read_result_event(fields, query, ONLINE_EVENT.name)


ONLINE_EVENT = Dialect(
    "online-event", f"EventType {ONLINE_FINISHED}, signed or not", _matches, _read, level="EventData", envelope=EVENT
)
