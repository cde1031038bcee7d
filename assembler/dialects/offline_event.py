"""Offline result event: EventType OfflineRecordFinished; it has neither a stop time nor omissions."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.event import EVENT, OFFLINE_FINISHED, event_type, read_result_event
from assembler.dialects.fields import Fields
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return event_type(body) == OFFLINE_FINISHED


def _read(fields: Fields, query: Query) -> Recording:
    return read_result_event(fields, query, OFFLINE_EVENT.name)


OFFLINE_EVENT = Dialect(
    "offline-event", f"EventType {OFFLINE_FINISHED}, signed or not", _matches, _read, level="EventData", envelope=EVENT
)
