"""Vendor JSON to a Recording: one file and one row per dialect (DESIGN, What arrives)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from assembler.dialects.acknowledged import Event, Subject, describe_event, describe_part
from assembler.dialects.api_object import API_OBJECT
from assembler.dialects.api_response import API_RESPONSE
from assembler.dialects.body import JsonObject, load_object, shown
from assembler.dialects.dialect import PART, REFUSAL, Coming, Dialect, Envelope, Moment, Role, find_videos, unpack
from assembler.dialects.fields import Fields
from assembler.dialects.neutral import NEUTRAL
from assembler.dialects.offline_event import OFFLINE_EVENT
from assembler.dialects.online_event import ONLINE_EVENT
from assembler.dialects.other_event import OTHER_EVENT
from assembler.dialects.record_search import RECORD_SEARCH
from assembler.dialects.saas_event import SAAS_EVENT
from assembler.dialects.signature import SIGNED
from assembler.dialects.systems import SYSTEMS
from assembler.dialects.systems.unsupported import find_unsupported
from assembler.dialects.v1_callback import V1_CALLBACK
from assembler.dialects.v1_offline import V1_OFFLINE
from assembler.dialects.v1_query import V1_QUERY
from assembler.dialects.v1_result import V1_RESULT
from assembler.errors import InputError
from assembler.findings import Finding, fold, note
from assembler.recording import Recording

DIALECTS: tuple[Dialect, ...] = (
    *SYSTEMS,
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
"""Dialects, the most specific first: a v1 callback is also a v1 query response, and that is also a v1 result."""


def parse(body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None) -> Recording:
    """The recording a body tells of, in whatever dialect.

    ``query`` is the URL query a callback came with (v1 has its app id there). Raises InputError naming the field,
    its value and what was expected (line and column where the body is not JSON), RecordingFailed with the vendor's
    code, message and advice, NotFinished where the result is still to come, CloudError where the body refuses a
    request and says nothing of a class; never anything else.
    """
    values = load_object(body)
    bodies = unpack(values)
    if bodies != [values]:
        return parse_parts(bodies, query=query)
    dialect = detect(values)
    return _told(dialect, dialect.read(Fields(values, "", []), query or {}))


def parse_parts(bodies: Sequence[JsonObject], *, query: Mapping[str, str] | None = None) -> Recording:
    """The recording that several bodies tell of together. Raises what parse does, and InputError where they are of
    several recordings."""
    dialect = detect(bodies[0])
    if dialect.read_parts is None and len(bodies) == 1:
        return parse(bodies[0], query=query)
    if dialect.read_parts is None:
        raise InputError(
            f"{len(bodies)} bodies of {dialect.name} are no parts: each is whole", hint="Give them one by one."
        )
    told = {find_part(body) for body in bodies}
    if len(told) > 1:
        raise InputError(f"the bodies are of {len(told)} recordings", hint="Give those of one class.")
    findings: list[Finding] = []
    return _told(dialect, dialect.read_parts([Fields(body, "", findings) for body in bodies], query or {}))


def find_part(body: JsonObject) -> tuple[str, str] | None:
    """Find which recording a body tells a part of, as dialect and task; None where it tells of all of its files.

    Raises InputError where the body is of no known dialect.
    """
    dialect = detect(body)
    return (dialect.name, dialect.part_of(unpack(body)[0])) if dialect.part_of is not None else None


def find_role(body: JsonObject) -> Role:
    """Find the role of a body, of which ``find_part`` knows the recording, among the others of that."""
    roles = {detect(one).role_of(one) for one in unpack(body)}
    return next(role for role in Role if role in roles)


def find_coming(bodies: Sequence[JsonObject]) -> Coming:
    """Find whether more bodies are to come behind these of one recording."""
    return detect(bodies[0]).coming(bodies)


def _told(dialect: Dialect, recording: Recording) -> Recording:
    names = [row.name for row in DIALECTS]
    if recording.dialect not in names:
        near = difflib.get_close_matches(recording.dialect, names, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise InputError(
            f"dialect is {shown(recording.dialect)}, no dialect of this version",
            hint=f'{meant}JSON that is written by hand has "dialect": "neutral", or none.',
        )
    about = [note("", dialect.about)] if dialect.about else []
    return recording.model_copy(update={"findings": fold([*about, *recording.findings])})


def read_event(body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None) -> Event:
    """Read what an event or callback says about itself, result or not; unknown types too. Of several parts the newest.

    Raises InputError where the body is neither.
    """
    values = load_object(body)
    bodies = unpack(values)
    if bodies != [values]:
        return max((read_event(one, query=query) for one in bodies), key=lambda event: event.sent or 0)
    envelope = next((e for e in _envelopes(values) if e.kind and e.kind in values), REFUSAL)
    return describe_event(values, query or {}, envelope, list_result_types())


def read_subject(body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None) -> Subject:
    """Find the recording that a body is about, also where it cannot be parsed or is of no known dialect.

    Raises InputError where the body is not a JSON object.
    """
    values = load_object(body)
    try:
        event = read_event(values, query=query)
    except InputError:
        return describe_part(values, query or {}, next((e for e in _envelopes(values) if not e.kind), PART))
    return Subject(task_id=event.task_id, app_id=event.app_id, room_id=event.room_id)


def find_repeated(body: JsonObject) -> JsonObject:
    """Find what the sender's repeats of a body have in common: all but the signature, which is made anew."""
    names = next((envelope.repeated for envelope in _envelopes(body)), ())
    if names and isinstance(body.get(names[0]), dict):
        return {name: body.get(name) for name in names}
    return {name: value for name, value in body.items() if name not in SIGNED}


def is_about_recording(kind: str) -> bool:
    """True if events of this type are about recordings, so that a result is to come."""
    return any(row.envelope.is_about(kind) for row in DIALECTS)


def find_moment(kind: str) -> Moment:
    """Find the moment that events of this type stand for; of an unknown type by the vendor's words."""
    return next((row.envelope for row in DIALECTS if row.envelope.is_about(kind)), PART).moment(kind)


def find_generation(kind: str) -> int | None:
    """Find the generation of the API (1 or 3) whose tasks have events of this type; None for those of neither."""
    small = kind.lower()
    if small.startswith("record_"):
        return 1
    return 3 if small.startswith(("onlinerecord", "offlinerecord")) else None


def list_result_types() -> list[str]:
    """List the types of all events that announce a finished recording."""
    return [kind for row in DIALECTS for kind in row.envelope.results]


def _envelopes(body: JsonObject) -> Iterator[Envelope]:
    """Return those of the dialects that fit, the most specific first."""
    return (row.envelope for row in DIALECTS if row.matches(body))


def detect(body: JsonObject) -> Dialect:
    """The most specific dialect that fits; of several parts, of the first. Raises InputError where none does, or where
    the body is ambiguous."""
    body = unpack(body)[0]
    place = find_videos(body)
    for dialect in DIALECTS:
        if dialect.matches(body) and (place is None or dialect.reads(place)):
            return dialect
    system = find_unsupported(body)
    if system is not None:
        raise InputError(
            f"the JSON is a result of {system}, which is not read: it has no file of each person",
            hint="If you have such files, write the neutral form by hand (README, Recordings of another system).",
        )
    keys = ", ".join(shown(key) for key in list(body)[:6]) or "none"
    raise InputError(
        f"the JSON is not a recording result of a known dialect (its keys: {keys})",
        hint="Known are: " + "; ".join(dialect.shape for dialect in DIALECTS) + ".",
    )


__all__ = [
    "DIALECTS",
    "Dialect",
    "Event",
    "Moment",
    "Subject",
    "detect",
    "find_moment",
    "find_repeated",
    "is_about_recording",
    "list_result_types",
    "parse",
    "read_event",
    "read_subject",
]
