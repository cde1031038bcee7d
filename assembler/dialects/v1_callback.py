"""v1 callback: a v1 result with callback_type; the app id stands in the URL query (v1 page, 4.6)."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shortened, shown
from assembler.dialects.dialect import Dialect, Envelope, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import SNAKE
from assembler.dialects.vendor_errors import read_error, start_failure
from assembler.errors import InputError, NotFinished
from assembler.recording import Recording

STARTED = "record_started"
"""Callback type at a recording's start."""
FINISHED = "record_finished"
"""Callback type with the result."""


def _matches(body: JsonObject) -> bool:
    return "callback_type" in body


def _read(fields: Fields, query: Query) -> Recording:
    kind = fields.text("callback_type")
    if kind == STARTED and not fields.get("video_info"):
        name = f"task {shortened(fields.text('task_id') or 'without an id', 60)}"
        error = read_error(fields, None)
        if error is not None:
            raise start_failure(name, error)
        raise NotFinished(
            f"{name} is not finished: the callback {STARTED} says that the recording began",
            hint=f"Wait for the callback {FINISHED}, or query the task later.",
        )
    if kind not in (STARTED, FINISHED) and not fields.get("video_info"):
        raise InputError(f"callback_type is {shown(kind)}, expected {FINISHED}")
    return read_result(fields, SNAKE, query, dialect=V1_CALLBACK.name, is_over=kind == FINISHED)


V1_CALLBACK = Dialect(
    "v1-callback",
    "a v1 result with callback_type, task_type and timestamp",
    _matches,
    _read,
    spelling=SNAKE,
    envelope=Envelope(kind="callback_type", sent="timestamp", results=(FINISHED,)),
)
