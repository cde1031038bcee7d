"""Vendor JSON to a Recording: one file and one row per dialect (DESIGN, What arrives)."""

from __future__ import annotations

from collections.abc import Mapping

from assembler.dialects.acknowledged import Event, describe_event
from assembler.dialects.api_object import API_OBJECT
from assembler.dialects.api_response import API_RESPONSE
from assembler.dialects.body import JsonObject, load_object, shown
from assembler.dialects.dialect import Dialect, find_videos
from assembler.dialects.fields import Fields
from assembler.dialects.neutral import NEUTRAL
from assembler.dialects.offline_event import OFFLINE_EVENT
from assembler.dialects.online_event import ONLINE_EVENT
from assembler.dialects.other_event import OTHER_EVENT
from assembler.dialects.record_search import RECORD_SEARCH
from assembler.dialects.saas_event import SAAS_EVENT
from assembler.dialects.v1_callback import V1_CALLBACK
from assembler.dialects.v1_offline import V1_OFFLINE
from assembler.dialects.v1_query import V1_QUERY
from assembler.dialects.v1_result import V1_RESULT
from assembler.errors import InputError
from assembler.findings import fold
from assembler.recording import Recording

DIALECTS: tuple[Dialect, ...] = (
    ONLINE_EVENT,
    OFFLINE_EVENT,
    OTHER_EVENT,
    SAAS_EVENT,
    RECORD_SEARCH,
    API_RESPONSE,
    V1_CALLBACK,
    V1_OFFLINE,
    V1_QUERY,
    V1_RESULT,
    API_OBJECT,
    NEUTRAL,
)
"""Most specific first: a v1 callback is also a v1 query response, and that is also a v1 result."""


def parse(body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None) -> Recording:
    """The recording a body tells of, in whatever dialect.

    ``query`` is the URL query a callback came with (v1 has its app id there). Raises InputError naming the field,
    its value and what was expected (line and column where the body is no JSON), RecordingFailed with the vendor's
    code, message and advice, NotFinished where the result is still to come, CloudError where the body refuses a
    request and says nothing of a class; never anything else.
    """
    values = load_object(body)
    dialect = detect(values)
    recording = dialect.read(Fields(values, "", []), query or {})
    return recording.model_copy(update={"findings": fold(recording.findings)})


def read_event(body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None) -> Event:
    """What an event or callback says about itself, result or not; unknown types too.

    Raises InputError where the body is neither.
    """
    return describe_event(load_object(body), query or {})


def detect(body: JsonObject) -> Dialect:
    """The most specific dialect that fits. Raises InputError where none does, or where the body is ambiguous."""
    place = find_videos(body)
    for dialect in DIALECTS:
        if dialect.matches(body) and (place is None or dialect.reads(place)):
            return dialect
    keys = ", ".join(shown(key) for key in list(body)[:6]) or "none"
    raise InputError(
        f"the JSON is no recording result of a known dialect (its keys: {keys})",
        hint="Known are: " + "; ".join(dialect.shape for dialect in DIALECTS) + ".",
    )


__all__ = ["DIALECTS", "Dialect", "Event", "detect", "parse", "read_event"]
