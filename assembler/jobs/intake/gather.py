"""Gatherings: bodies that tell of one file each wait for the others of their recording; then one is made of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import sqlalchemy as sa

from assembler.dialects import find_coming, find_part, find_repeated, find_role, parse, read_event, read_subject
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.dialect import PARTS, Coming, Role, unpack
from assembler.errors import AssemblerError, InputError
from assembler.jobs.intake.bodies import GATHERED, Body
from assembler.jobs.store.model import claim_of
from assembler.jobs.store.records import Records, lock_task, note, now
from assembler.jobs.store.tables import EVENT, GATHERING, JOB
from assembler.times import HOUR_MS, MINUTE_MS, Ms, WallMs
from assembler.values import Value

OPEN_MS = 24 * HOUR_MS
"""Maximum time that is waited for files that were announced, in ms: a message may be lost."""
LATE_MS = MINUTE_MS
"""Maximum time that is waited for more behind one that came after the closing event, in ms."""
MOST_PARTS = 2_000
"""Maximum number of bodies that are gathered of one recording; what comes beyond is kept, and belongs to nothing. One
body that holds more is a result by itself."""
AT_ONCE = 50
"""Maximum number of gatherings that one look makes bodies of."""


class Share(NamedTuple):
    """Share of a body in a gathering."""

    system: str
    """Dialect of the body."""
    task: str
    """Recording that it tells of."""
    app: str | None
    """App; None where nothing names one."""
    room: str | None
    """Room; None where nothing names one."""
    role: Role
    """Role among the others."""
    is_whole: bool
    """True if somebody handed in all that there is: nothing more is waited for."""


class Gathering(Value):
    """Bodies of one recording."""

    key: str
    """Name of the gathering."""
    system: str
    """Dialect of the bodies."""
    task: str
    """Recording that they tell of."""
    app: str | None
    """App; None where nothing names one."""
    room: str | None
    """Room; None where nothing names one."""
    since: WallMs
    """Arrival of the first, Unix ms."""
    updated: WallMs
    """Arrival of the latest that told something new, Unix ms."""
    parts: int
    """Number of those that tell of files, each once."""
    coming: Coming
    """Outlook on further ones."""
    due: WallMs | None
    """Time at which a body is made of them, Unix ms; None: not before another one comes."""
    said: str
    """Reason why nothing was made of them; "" where there is none."""
    job: str | None
    """Job that was made of them; None as long as there is none."""


def read_share(body: Body) -> Share | None:
    """Read what a body adds to a gathering; None for one that tells of all its files, or of none."""
    if body.source == GATHERED:
        return None
    try:
        values = load_object(body.raw)
        part = find_part(values)
        if part is None or not part[1] or (role := find_role(values)) is Role.ASIDE or len(unpack(values)) > MOST_PARTS:
            return None
    except InputError:
        return None
    app, room = body.app, read_subject(values, query=body.query).room_id
    with suppress(AssemblerError):
        recording = parse(values, query=body.query)
        app, room = recording.app_id, recording.room_id
    is_whole = body.source in ("batch", "hand") or (body.source == "api" and PARTS in values)
    return Share(*part, app, room, role, is_whole)


def file_part(connection: sa.Connection, share: Share, number: int, body: Body, settle: Ms) -> str | None:
    """File a stored body with the others of its recording; return the job that was made of them, if this one tells
    nothing new. The same one twice is one."""
    lock_task(connection, f"{share.system}:{share.task}")
    row = _find(connection, share)
    if row is None and share.role is Role.END:
        return None
    key = row.key if row is not None else _name(connection, share)
    known = _bodies(connection, key)
    told = _distinct([*known, *unpack(load_object(body.raw))])
    is_full = len(told) > MOST_PARTS
    connection.execute(sa.update(EVENT).where(EVENT.c.id == number).values(gathering=None if is_full else key))
    if row is not None and (is_full or len(told) == len(known)):
        job = connection.execute(sa.select(JOB.c.id).where(JOB.c.id == row.job)).scalar()
        if share.is_whole and job is None:
            _change(connection, key, due=body.received)
        return job
    coming = find_coming(told)
    waits = OPEN_MS if coming is Coming.OPEN else settle
    if coming is Coming.CLOSED:
        was_closed = row is not None and row.coming is Coming.CLOSED
        waits = min(settle, LATE_MS) if was_closed else 0
    if share.is_whole:
        waits = 0
    values = {
        "updated": body.received, "parts": sum(find_role(one) is Role.FILES for one in told), "coming": coming.value,
        "due": body.received + waits, "said": "",
    }  # fmt: skip
    if row is None:
        fixed = {"key": key, "system": share.system, "task": share.task, "since": body.received}
        connection.execute(sa.insert(GATHERING).values(**fixed, app=share.app, room=share.room, **values))
    else:
        _change(connection, key, app=row.app or share.app, room=row.room or share.room, **values)
    return None


def _change(connection: sa.Connection, key: str, **values: object) -> None:
    connection.execute(sa.update(GATHERING).where(GATHERING.c.key == key).values(**values))


def _find(connection: sa.Connection, share: Share) -> Gathering | None:
    """Find the gathering of a recording; an unknown app is any, as with jobs."""
    wanted = sa.select(GATHERING).where(GATHERING.c.system == share.system, GATHERING.c.task == share.task)
    rows = [_to_gathering(row) for row in connection.execute(wanted.order_by(GATHERING.c.since)).mappings()]
    if share.app is None:
        return next(iter(rows), None)
    same = [row for row in rows if row.app == share.app]
    return next(iter(same or [row for row in rows if row.app is None]), None)


def _name(connection: sa.Connection, share: Share) -> str:
    plain = f"{share.system}:{share.task}"
    taken = connection.execute(sa.select(GATHERING.c.key).where(GATHERING.c.key == plain)).first()
    return f"{plain}@{share.app}" if taken is not None else plain


def _bodies(connection: sa.Connection, key: str) -> list[JsonObject]:
    """List the bodies of a gathering, each once, the newest first, in whatever order they came."""
    wanted = sa.select(EVENT.c.body).where(EVENT.c.gathering == key, EVENT.c.source != GATHERED)
    bodies: list[JsonObject] = []
    for raw in connection.execute(wanted).scalars():
        with suppress(InputError):  # what another version understood
            bodies += [one for one in unpack(load_object(bytes(raw))) if find_part(one) is not None]
    return _distinct(bodies)


def _distinct(bodies: Sequence[JsonObject]) -> list[JsonObject]:
    by_age = sorted(bodies, key=lambda one: (-_sent(one), json.dumps(one, sort_keys=True)))
    return list({json.dumps(find_repeated(one), sort_keys=True): one for one in reversed(by_age)}.values())[::-1]


def _sent(body: JsonObject) -> int:
    try:
        return read_event(body).sent or 0
    except InputError:  # a manifest, or what a program printed
        return 0


def begin_due(records: Records) -> list[int]:
    """Make a body of all parts of each gathering that is due, and store it; their numbers."""
    wanted = sa.select(GATHERING).where(GATHERING.c.due <= now()).order_by(GATHERING.c.due).limit(AT_ONCE)
    with records.reading() as connection:
        due = [_to_gathering(row) for row in connection.execute(wanted).mappings()]
    numbers = []
    for one in due:
        with records.transaction() as connection:
            lock_task(connection, f"{one.system}:{one.task}")
            numbers += _begin(connection, one.key)
    return numbers


def _begin(connection: sa.Connection, key: str) -> list[int]:
    row = _at(connection, key)
    if row is None or row.due is None or row.due > now():
        return []  # somebody else was faster
    raw = json.dumps({PARTS: _bodies(connection, key)}, ensure_ascii=False).encode("utf-8", "replace")
    try:
        claim_of(raw, row.app)
    except AssemblerError as exc:
        _change(connection, key, due=None, said=exc.sentence)
        return []
    _change(connection, key, due=None, said="")
    body = {"received": now(), "source": GATHERED, "app": row.app, "body": raw, "kind": "", "note": ""}
    wanted = sa.insert(EVENT).values(**body, is_taken=False, gathering=key).returning(EVENT.c.id)
    return [int(connection.execute(wanted).scalar_one())]


def settle_job(connection: sa.Connection, number: int, job: str) -> None:
    """Note which job was made of a gathered body: its parts belong to it."""
    key = connection.execute(sa.select(EVENT.c.gathering).where(EVENT.c.id == number)).scalar_one()
    connection.execute(sa.update(EVENT).where(EVENT.c.gathering == key).values(job=job))
    _change(connection, key, job=job)
    row = _at(connection, key)
    if row is not None:
        note(connection, job, f"Made of {row.parts} {'part' if row.parts == 1 else 'parts'} that {row.system} told of.")


def _at(connection: sa.Connection, key: str) -> Gathering | None:
    row = connection.execute(sa.select(GATHERING).where(GATHERING.c.key == key)).mappings().first()
    return _to_gathering(row) if row is not None else None


def _to_gathering(row: sa.RowMapping) -> Gathering:
    return Gathering.model_validate({name: row[name] for name in Gathering.model_fields})


_IS_SHOWN = sa.or_(GATHERING.c.due.is_not(None), GATHERING.c.job.is_(None))


def list_gatherings(records: Records, limit: int | None = None) -> list[Gathering]:
    """List those that wait, and those of which nothing was made; what begins first comes first."""
    wanted = sa.select(GATHERING).where(_IS_SHOWN).order_by(GATHERING.c.due.is_(None), GATHERING.c.due)
    with records.reading() as connection:
        return [_to_gathering(row) for row in connection.execute(wanted.limit(limit)).mappings()]


def count_gatherings(records: Records) -> int:
    """Count those that wait, and those of which nothing was made."""
    with records.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(GATHERING).where(_IS_SHOWN)).scalar_one())
