"""Check of callbacks: whether one is signed, and whether it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assembler.dialects import parse, read_event, read_subject, signature
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.dialect import APP, SENDER, Query, with_app
from assembler.errors import AssemblerError, CloudError, InputError, NotFinished, RecordingFailed
from assembler.jobs.web.keys import Keys
from assembler.times import WallMs

_LONGEST = 200


class Judged(NamedTuple):
    """Judgement of one callback."""

    status: int
    """HTTP status."""
    reason: str
    """Reason why it was refused; "" where it is accepted."""
    app: str | None
    """The app that came in the URL."""
    task: str | None = None
    """Task that an accepted one is about; None where it names none."""


def judge(raw: bytes, query: Mapping[str, str], keys: Keys, at: WallMs) -> Judged:
    """Judge whether a callback that came ``at`` this instant is to be believed and can be read; without keys everything
    is believed."""
    given = query.get(APP, "")
    app = given if given.isascii() and given.isalnum() and len(given) <= 40 else None
    query = with_app(query, app)
    try:
        body = load_object(raw)
        if keys:
            own = keys.of(read_subject(body, query=query).app_id)
            found = signature.check(body, query=query, keys=own, now=at)
            if found is not signature.Signature.VALID:
                return Judged(403, f"the signature is {found.value}", app)
        check_readable(body, query)
        return Judged(200, "", app, read_subject(body, query=query).task_id)
    except InputError as exc:
        return Judged(400, exc.sentence, app)


def kept(query: Mapping[str, str]) -> dict[str, str]:
    """Return the part of a callback's URL that is needed to judge it again."""
    return {name: query[name][:_LONGEST] for name in SENDER if name in query}


def check_readable(body: JsonObject, query: Query) -> None:
    """Raise InputError unless it is an event, a result in any dialect, or what the vendor says instead of one."""
    try:
        read_event(body, query=query)
    except InputError as no_event:
        try:
            parse(body, query=query)
        except (RecordingFailed, NotFinished, CloudError):
            return
        except AssemblerError as exc:
            raise no_event from exc
