"""Events that are acknowledged and kept, whatever they are about."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from assembler.dialects.body import Json, JsonObject
from assembler.dialects.dialect import APP, Envelope, Query
from assembler.dialects.event import ONLINE_STARTED
from assembler.dialects.fields import Fields, whole
from assembler.dialects.omissions import LAST_WALL
from assembler.dialects.v1_callback import STARTED
from assembler.dialects.vendor_errors import read_error, refusal_of_request
from assembler.errors import InputError
from assembler.recording import VendorError
from assembler.times import WallMs
from assembler.values import Value

REFUSED_REQUEST = "refused request"
"""Kind of an answer of the API that refuses a request; it comes to a callback address by mistake only."""


class Subject(Value):
    """Recording that a body is about, as far as the body says."""

    task_id: str | None
    """The vendor's task; None where missing."""
    app_id: str | None
    """The vendor's app as text; None where missing."""
    room_id: str | None
    """The room as text; None where missing."""


class Event(Value):
    """Event as it tells of itself; nothing was checked."""

    kind: str
    """Type as the vendor wrote it: "OnlineRecordStarted", or "record_started" of v1; of its offline callback the
    task_type."""
    is_result: bool
    """True if it announces a finished recording: ``parse`` takes the same body."""
    task_id: str | None
    """The vendor's task; None where missing (a failed offline recording names none)."""
    app_id: str | None
    """SdkAppId as text; None where missing."""
    room_id: str | None
    """The room as text; None where missing."""
    sent: WallMs | None
    """Time at which the vendor made the event, Unix ms, known to the second; None where missing."""
    progress: int | None
    """Percent, of events about progress; None in others."""
    pause: WallMs | None
    """Start of the pause, Unix ms, of events about long pauses; None in others."""
    stop: WallMs | None
    """Time at which the recording was, or will be, ended for a long pause, Unix ms; None in others."""
    error: VendorError | None
    """Failure that it reports; None if there was none. One of a start means that the class is NOT recorded."""
    facts: dict[str, str | int | float | bool | None]
    """Every simple field of EventData (of v1: of the body) as the vendor wrote it; lists and objects are left out."""

    @property
    def is_failed_start(self) -> bool:
        """True if it says that a recording could not begin."""
        return self.error is not None and self.kind in (ONLINE_STARTED, STARTED)


def describe_event(body: JsonObject, query: Query, envelope: Envelope, results: Collection[str]) -> Event:
    """The event in a body, or the refused request. Raises InputError where it is neither.

    ``results``: types that announce a finished recording, of any dialect.
    """
    fields = Fields(body, "", [])
    kind = fields.text(envelope.kind) if envelope.kind else None
    data = envelope.open(fields)
    error = read_error(data, None) or read_error(fields, None)
    if kind is None and error is not None and refusal_of_request(error, has_status="status" in data.values):
        kind = REFUSED_REQUEST
    if kind is None:
        raise InputError(
            "the body is not an event: it has neither EventType nor callback_type",
            hint="The vendor's callback pages show what events look like.",
        )
    progress = whole(data.get(envelope.progress))
    return Event(
        kind=kind,
        is_result=kind in results,
        task_id=data.text(data.first(envelope.task)),
        app_id=(fields.text(envelope.app) if envelope.app else None) or query.get(APP),
        room_id=data.text(data.first(envelope.room)),
        sent=_instant(fields, envelope.sent) or _instant(data, envelope.sent),
        progress=progress if progress is not None and 0 <= progress <= 100 else None,
        pause=_instant(data, envelope.pause),
        stop=next((at for name in envelope.stop if (at := _instant(data, name)) is not None), None),
        error=error,
        facts={
            name: value
            for name, value in data.values.items()
            if not isinstance(value, list | dict) and not (isinstance(value, float) and not math.isfinite(value))
        },
    )


def describe_part(body: JsonObject, query: Query, envelope: Envelope) -> Subject:
    """The recording that an answer or object is about, whether it can be read or not."""
    values = envelope.open(Fields(body, "", [])).values
    return Subject(
        task_id=_id([values.get(name) for name in envelope.task]),
        app_id=_id([body.get(envelope.app) if envelope.app else None, query.get(APP)]),
        room_id=_id([values.get(name) for name in envelope.room]),
    )


def _id(given: Sequence[Json]) -> str | None:
    """The first that is anything, where it is a text or a whole number."""
    value = next(filter(None, given), given[-1])
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value) else None


def _instant(fields: Fields, name: str) -> WallMs | None:
    """Unix seconds as wall clock ms (the pause times of events are seconds, those of omissions are ms)."""
    seconds = whole(fields.get(name))
    return WallMs(seconds * 1000) if seconds is not None and 0 < seconds <= LAST_WALL // 1000 else None
