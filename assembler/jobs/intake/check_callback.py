"""Check of callbacks: whether one is signed, and whether it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assembler.dialects import detect, parse, read_event, read_subject
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.dialect import APP, SENDER, Query, with_app
from assembler.dialects.signature import Signature
from assembler.dialects.systems.signatures import HEADER, HEADERS, LONGEST_TOKEN, Callback, SignatureScheme, find_scheme
from assembler.errors import AssemblerError, CloudError, InputError, NotFinished, RecordingFailed
from assembler.jobs.web.keys import Keys
from assembler.settings import variable_of
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
    is believed. Beside the URL query stand the headers that may sign it (``read_headers``)."""
    app = _plain(query.get(APP, ""))
    query = with_app(query, app)
    try:
        body = load_object(raw)
        scheme = _scheme_of(body)
        told = Callback(raw, body, query)
        if APP in scheme.headers:
            app = _plain(told.header(APP))
            query = with_app(query, app)
        if keys:
            reason = _doubt(scheme, told, keys, scheme.app_of(told) or read_subject(body, query=query).app_id, at)
            if reason:
                return Judged(403, reason, app)
        check_readable(body, query)
        return Judged(200, "", app, read_subject(body, query=query).task_id)
    except InputError as exc:
        return Judged(400, exc.sentence, app)


def _plain(app: str) -> str | None:
    return app if app.isascii() and app.isalnum() and len(app) <= 40 else None


def _scheme_of(body: JsonObject) -> SignatureScheme:
    """Find how a body ought to be signed: by what it will be read as."""
    try:
        return find_scheme(detect(body).name)
    except InputError:
        return find_scheme("")


def _doubt(scheme: SignatureScheme, told: Callback, keys: Keys, app: str | None, at: WallMs) -> str:
    """Say why a callback is not believed; "" where it is."""
    assert scheme.check is not None
    if not keys.has(scheme.setting):
        return f"the signature cannot be checked: {variable_of(scheme.setting)} names no key"
    found = scheme.check(told, keys.of(app, scheme.setting), at)
    return f"the signature is {found.value}" if found is not Signature.VALID else ""


def kept(query: Mapping[str, str]) -> dict[str, str]:
    """Return the part of a callback's URL that is needed to judge it again."""
    signing = {name: query[name][:LONGEST_TOKEN] for header in HEADERS if (name := f"{HEADER}{header}") in query}
    return {**{name: query[name][:_LONGEST] for name in SENDER if name in query}, **signing}


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
