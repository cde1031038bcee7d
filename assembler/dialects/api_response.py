"""API response: {"Response": {...}} of DescribeOnlineRecord or DescribeVideoGenerationTask."""

from __future__ import annotations

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Dialect, Query, spelling_in
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import CAMEL
from assembler.recording import Recording


def _matches(body: JsonObject) -> bool:
    return "Response" in body


def _read(fields: Fields, query: Query) -> Recording:
    spelling = spelling_in(fields.values, "Response", CAMEL)
    return read_result(fields.require("Response"), spelling, query, dialect=API_RESPONSE.name)


API_RESPONSE = Dialect("api-response", '{"Response": {...}} of the public API', _matches, _read, level="Response")
