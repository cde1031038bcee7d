"""v1 result: the bare object of the v1 page, section 2.5. It has no task id."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import SNAKE
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return "video_info" in body or {"start_time", "total_time"} <= body.keys()


def _read(fields: Fields, query: Query) -> Recording:
    return read_result(fields, SNAKE, query, dialect=V1_RESULT.name)


V1_RESULT = Dialect(
    "v1-result", "snake_case: start_time, stop_time, total_time, video_info[]", _matches, _read, spelling=SNAKE
)
