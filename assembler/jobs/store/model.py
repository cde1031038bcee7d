"""Jobs, and when two results are the same one."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from assembler.dialects import detect, find_part, find_repeated, parse, read_event, read_subject
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.dialect import Query, with_app
from assembler.dialects.systems import SYSTEMS
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.recording import Omission, Recording, Segment
from assembler.times import Ms, WallMs
from assembler.values import Value

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")


class JobState(StrEnum):
    """State of a job (stored)."""

    NEW = "new"
    """Known, and about to be put into the queue."""
    WAITING = "waiting"
    """Waiting in the queue: the next free worker takes it."""
    RUNNING = "running"
    """A worker is at it (or died at it a moment ago: another one goes on)."""
    DELAYED = "delayed"
    """A try failed for a reason that may pass: it is tried again later."""
    DONE = "done"
    """Published; ``verdict`` says whether all of the class is in it."""
    FAILED = "failed"
    """Failed: no try will help without a change; ``reason`` says why."""
    POISON = "poison"
    """Given up: its workers died, or failed without a known reason, too often; it is not tried again by itself."""
    CANCELLED = "cancelled"
    """Ended by hand."""
    SUPERSEDED = "superseded"
    """A later revision of the same task came before this one began."""

    @property
    def is_over(self) -> bool:
        """True if it is not done further by itself."""
        return self not in (JobState.NEW, JobState.WAITING, JobState.RUNNING, JobState.DELAYED)


QUEUED = (JobState.NEW, JobState.WAITING)
"""States of jobs that a worker could take."""
GIVEN_UP = (JobState.FAILED, JobState.POISON)
"""States of jobs that failed for good; a next try takes up the files that theirs left."""


class Job(Value):
    """One class to be made into one published playback."""

    id: str
    """Unique, made of letters, digits and ``-_.@~`` only: the task id itself wherever that is possible."""
    key: str
    """Key by which results are compared: the task id, or a digest of an event without one."""
    slot: str
    """Distinction of apps: "" for the first app with this key, else the app's id: the same task id of two apps is two
    jobs."""
    revision: int
    """1 for the first result of the task, one more for each later one with other segments."""
    task: str | None
    """The vendor's task; None where no result names one."""
    app: str | None
    """The vendor's app; None as long as no result named one."""
    room: str | None
    """The vendor's room; None where missing."""
    segments: str
    """Digest of the segments; "" for a result without usable ones."""
    event: int
    """The stored body it is made from: the newest with these segments."""
    sent: WallMs | None = None
    """Time at which the vendor sent that body, Unix ms; None where it does not say."""
    stop: WallMs | None = None
    """End of the recording, by that body, Unix ms; None where it does not say."""
    count: int | None = None
    """Number of segments; None of a failure, and of jobs of older versions."""
    lacking: int | None = None
    """Files that could not be had when its playback was made, or it failed: a fresh result repairs that; None where
    unknown."""
    state: JobState
    """State of the job."""
    reason: str = ""
    """Reason why it failed, waits or was ended: one sentence; "" where all is well."""
    verdict: str = ""
    """``ok`` or ``degraded`` of a finished one."""
    output: str = ""
    """Address of the playback."""
    withdrawn: bool | None = None
    """True while its playback is to be removed, as a class card hides somebody more: nobody is shown it."""
    findings: tuple[str, ...] = ()
    """Findings, one sentence each."""
    tries: int = 0
    """Number of tries that were put into the queue."""
    failures: int = 0
    """Number of failures for a reason that may pass, since it was last started by hand."""
    deaths: int = 0
    """Number of workers that died at it, or failed without a known reason, since it was last started by hand."""
    is_held: bool = False
    """True while a worker is at it: still true at the next begin, that worker died."""
    step: str = ""
    """Step under way: download, render, publish or a part of it."""
    progress: float | None = None
    """Progress within the step, 0 to 1; None where unknown."""
    remaining: Ms | None = None
    """Time that rendering still needs at its latest pace, as of ``updated``; None where unknown. Like ``progress`` it
    says something only of a running job."""
    created: WallMs
    """Time at which it became known, Unix ms."""
    begun: WallMs | None = None
    """Start of the latest try, Unix ms."""
    updated: WallMs
    """Time at which anything about it last changed, Unix ms."""
    due: WallMs | None = None
    """Time at which a delayed one is tried again, Unix ms."""
    title: str | None = None
    """Title of the class by its class card, without whom that hides; None where unknown."""
    choice: dict[str, str] | None = None
    """Options that somebody chose for this job alone, by name: its layout; None: those of the settings."""
    length: Ms | None = None
    """Length of the playback; None until it is published."""
    wall: Ms | None = None
    """Time that all its tries took; None where none was measured."""
    cpu: Ms | None = None
    """CPU time of all its tries, children included."""
    memory: int | None = None
    """Peak memory of its tries, children included, in bytes."""
    fetched_bytes: int | None = None
    """Bytes that were downloaded for it."""
    published_bytes: int | None = None
    """Bytes that it published."""
    system: str | None = None
    """System that recorded it; "" for the vendor's own, None where unknown. The same task id of two is two jobs."""

    @property
    def workflow(self) -> str:
        """The engine's name of the latest try."""
        return f"{self.id}:{self.tries}"


class Aged(Protocol):
    """Age of a result of a task."""

    @property
    def sent(self) -> WallMs | None:
        """Time at which it was sent, Unix ms."""

    @property
    def stop(self) -> WallMs | None:
        """End of the recording, Unix ms."""

    @property
    def count(self) -> int | None:
        """Number of segments."""


def is_older(one: Aged, other: Aged) -> bool:
    """Tell whether ``one``, though it came later, says less than ``other``: by when it was sent, then by when the
    recording stopped, then by how much was recorded, as far as both say so. Where nothing tells, what came later is
    newer."""
    pairs = (one.sent, other.sent), (one.stop, other.stop), (one.count, other.count)
    return next((mine < theirs for mine, theirs in pairs if None not in (mine, theirs) and mine != theirs), False)  # type: ignore[operator]  # no None is left


class Claim(Value):
    """Claim of a result to belong to a job, as it says of itself."""

    key: str
    """See ``Job.key``."""
    task: str | None
    """See ``Job.task``."""
    app: str | None
    """See ``Job.app``."""
    room: str | None
    """See ``Job.room``."""
    segments: str
    """See ``Job.segments``."""
    urls: str = ""
    """Digest of where its files are; "" for a result without usable ones. Signed anew it is another one."""
    sent: WallMs | None = None
    """See ``Job.sent``."""
    stop: WallMs | None = None
    """See ``Job.stop``."""
    count: int | None = None
    """See ``Job.count``."""
    omissions: tuple[Omission, ...] = ()
    """Pauses."""
    system: str = ""
    """See ``Job.system``."""


def claim_of(body: bytes, app: str | None = None) -> Claim:
    """Read which job a result belongs to; ``app`` is what came beside the body (v1 has it in the URL).

    A result that says the recording failed, or that cannot be used, is one as well: its job fails with that reason.
    Raises NotFinished where the result is still to come, CloudError where a request was refused, InputError where the
    body is not a JSON object.
    """
    query = with_app({}, app)
    values = load_object(body)
    system, part = _system_of(values)
    try:
        recording = parse(values, query=query)
    except NotFinished:
        raise
    except InputError:
        about = read_subject(values, query=query)
        key = about.task_id or part or _digest_key(values)
        return Claim(key=key, task=about.task_id, app=about.app_id, room=about.room_id, segments="", system=system)
    key = recording.task_id or part or _digest_key(values)
    return Claim(
        key=key,
        task=recording.task_id,
        app=recording.app_id,
        room=recording.room_id,
        segments=digest_segments(recording),
        urls=_digest(sorted([segment.video_id, segment.url or ""] for segment in recording.segments)),
        sent=_sent(body, query),
        stop=recording.stop,
        count=len(recording.segments),
        omissions=recording.omissions,
        system=system,
    )


def claim_of_result(body: bytes) -> Claim:
    """Read which job a result belongs to, for somebody who hands it in. Raises InputError, too, where it could never
    become a playback."""
    with suppress(RecordingFailed):  # that is an outcome, too: its job says so
        parse(body)
    return claim_of(body)


def _system_of(values: JsonObject) -> tuple[str, str]:
    """Find which other system a body is of, and which recording it tells a part of; "" for the vendor's own, and for
    whole ones."""
    with suppress(InputError):  # of no known dialect
        dialect, part = detect(values), find_part(values)
        return dialect.name if dialect in SYSTEMS else "", part[1] if part is not None else ""
    return "", ""


def _sent(body: bytes, query: Query) -> WallMs | None:
    try:
        return read_event(body, query=query).sent
    except InputError:  # an API's answer, or what somebody wrote
        return None


def _digest_key(values: JsonObject) -> str:
    """Digest of what the sender's repeats have in common: all but signatures."""
    text = json.dumps(find_repeated(values), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"digest:{hashlib.sha256(text.encode('ascii')).hexdigest()[:40]}"


def digest_segments(recording: Recording) -> str:
    """Digest of what makes a revision: video id, type, user, play time, duration; never a URL, which is signed anew."""

    def plain(segment: Segment) -> list[str | int | None]:
        return [segment.video_id, segment.kind.value, segment.user, segment.play_time, segment.duration]

    return _digest(sorted(map(plain, recording.segments), key=str))


def _digest(plain: list[list[str]] | list[list[str | int | None]]) -> str:
    return hashlib.sha256(json.dumps(plain, ensure_ascii=True).encode("ascii")).hexdigest()[:40]


def job_id(key: str, slot: str, revision: int) -> str:
    """The id of a job: readable wherever the key is, safe as a path and in a URL whatever it is."""
    name = _safe(key)
    if slot:
        name += f"@{_safe(slot)}"
    return f"{name}.{revision}" if revision > 1 else name


def _safe(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return "~" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
