"""API object: what stands in an API response, without the Response wrapper (SDKs hand it out so)."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import CAMEL
from assembler.recording import Recording

MARKS = {"VideoInfos", "VideoInfoList", "RecordStartTime", "FinishReason", "Error"}
"""Keys of which one is enough."""


def _matches(body: JsonObject) -> bool:
    return bool(MARKS & body.keys()) or {"TaskId", "Status"} <= body.keys()


def _read(fields: Fields, query: Query) -> Recording:
    return read_result(fields, CAMEL, query, dialect=API_OBJECT.name)


API_OBJECT = Dialect("api-object", "the same object without the Response wrapper", _matches, _read, spelling=CAMEL)
