"""v1 query response: a v1 result with error_code, task_id and status (v1 page, 4.4 query)."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import SNAKE
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return "error_code" in body or {"task_id", "status"} <= body.keys() or {"task_id", "video_info"} <= body.keys()


def _read(fields: Fields, query: Query) -> Recording:
    return read_result(fields, SNAKE, query, dialect=V1_QUERY.name)


V1_QUERY = Dialect("v1-query", "a v1 result with error_code, task_id and status", _matches, _read, spelling=SNAKE)
