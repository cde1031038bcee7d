"""v1 offline callback: task_type record_offline, no callback_type; it comes only when the recording is over."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Envelope, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import SNAKE
from assembler.recording import Recording

OFFLINE = "record_offline"
"""Task type of an offline recording."""


def is_offline(body: JsonObject) -> bool:
    """True if the body is the callback of an offline recording."""
    return body.get("task_type") == OFFLINE and "callback_type" not in body


def _read(fields: Fields, query: Query) -> Recording:
    is_query = any(fields.text(name) is not None for name in ("status", "progress"))
    return read_result(fields, SNAKE, query, dialect=V1_OFFLINE.name, is_over=not is_query)


V1_OFFLINE = Dialect(
    "v1-offline",
    "a v1 result with task_type record_offline and record_start_time",
    is_offline,
    _read,
    spelling=SNAKE,
    envelope=Envelope(kind="task_type", sent="timestamp", results=(OFFLINE,)),
)
