"""Callbacks by the rules of both generations: what is sent, when again, and what counts as received."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from assembler.dialects.body import load_object
from assembler.dialects.signature import sign
from assembler.emulator.results import PROGRESS, Address, v1_result, v3_result
from assembler.emulator.task import Delays, Event, Happening, Phase, Task
from assembler.errors import DownloadError, InputError
from assembler.network.http import discreet, host_of, on_the_wire, open_session
from assembler.times import Ms, WallMs
from assembler.values import Value

SIGNED_SECONDS = 600
"""Validity of a callback's signature, in s."""
READ_BYTES = 4096
"""Maximum size of an answer that is read, in bytes."""
RESULTS = (Event.FINISHED, Event.GENERATED)
"""Moments that bring a result."""


class Rule(Value):
    """Rule by which callbacks are repeated."""

    wait: Ms
    """Time between two attempts."""
    repeats: int
    """Maximum number of repeats."""
    timeout: float
    """Maximum time for an answer, in s."""
    reads_body: bool
    """True if ``{"error_code": 0}`` has to be read; else status 200 is enough."""


RULES = {
    "v1": Rule(wait=Ms(60_000), repeats=10, timeout=10.0, reads_body=True),
    "v3": Rule(wait=Ms(5_000), repeats=5, timeout=10.0, reads_body=False),
}
"""Rules of both generations."""


class Delivery(Value):
    """One callback on its way."""

    task: str
    """Task it is about."""
    api: str
    """Generation."""
    app: int
    """SdkAppId."""
    event: Event
    """Moment it tells of."""
    body: dict[str, Any]
    """Body without signature."""
    url: str
    """Address it is sent to; no message shows its query."""
    key: str
    """Key it is signed with; "": unsigned."""
    due: WallMs | None
    """Time of the next attempt; None where it waits for the result's."""
    attempts: int = 0
    """Number of attempts made."""
    signed: int | None = None
    """Expiry of the first signature, Unix seconds."""
    again: bool = False
    """True if it is sent once more although it was received."""


def body_of(task: Task, told: Happening, address: Address, quirks: frozenset[str], delays: Delays) -> dict[str, Any]:
    """Compose the body of a callback; {} where a generation does not tell of this moment."""
    seconds = told.at // 1000
    if task.api == "v1":
        if told.event not in (Event.STARTED, *RESULTS) or (told.event is Event.FINISHED and task.fails):
            return {}
        if told.event is Event.STARTED:
            failure = task.failure if task.fails else None
            number, words = failure.value[:2] if failure is not None else (0, "")
            who = {"task_id": task.id, "record_user_id": task.user, "room_id": task.room}
            kind = {"callback_type": "record_started", "task_type": "record_online"}
            return {"error_code": number, "error_msg": words, "timestamp": seconds, **who, **kind}
        body = v1_result(task, address, quirks, is_callback=True)
        kind = {"callback_type": "record_finished", "task_type": "record_online"}
        return {**body, "timestamp": seconds, **({"task_type": "record_offline"} if task.is_offline else kind)}
    if told.event is Event.STARTED and task.fails:
        return {}
    data: dict[str, Any]
    if told.event in RESULTS:
        data = v3_result(task, address, quirks, is_event=True)
    elif told.event is Event.PROGRESS:
        data = {"TaskId": task.id, "RoomId": task.room, "Progress": PROGRESS[Phase.PROCESSING]}
    else:
        data = {"TaskId": task.id, "RoomId": task.room, "RecordUserId": task.user}
        if told.event in (Event.PAUSED_LONG, Event.PAUSED_TOO_LONG):
            pause = task.pauses[-1].begin
            ends = {"EstimateStopTime": (pause + delays.force) // 1000}
            ends = ends if told.event is Event.PAUSED_LONG else {"StopTime": seconds}
            data |= {"PauseTime": pause // 1000, **ends}
    return {"EventType": str(told.event), "EventData": data, "Timestamp": seconds}


def queued(waiting: Sequence[Delivery], new: Delivery, faults: frozenset[str], delays: Delays) -> tuple[Delivery, ...]:
    """The callbacks under way with a new one, faults included."""
    is_result = new.event in RESULTS
    if is_result and "drop-callback" in faults:
        return tuple(waiting)
    if is_result and "late" in faults and new.due is not None:
        new = new.model_copy(update={"due": WallMs(new.due + delays.short)})
    if "repeat" in faults:
        new = new.model_copy(update={"again": True})
    if "reorder" in faults and not is_result:
        new = new.model_copy(update={"due": None})
    return (*waiting, new)


def after(
    waiting: Sequence[Delivery], tried: Delivery, problem: str, now: WallMs, delays_by: float
) -> tuple[Delivery, ...]:
    """The callbacks under way after an attempt at one of them; ``delays_by`` is the stand-in's speed."""
    rule, left = RULES[tried.api], [one for one in waiting if one != tried]
    made = tried.model_copy(update={"attempts": tried.attempts + 1})
    if problem and made.attempts <= rule.repeats:
        left.append(made.model_copy(update={"due": WallMs(now + max(1, round(rule.wait / delays_by)))}))
    elif not problem and made.again:
        left.append(made.model_copy(update={"due": now, "again": False}))
    if tried.event in RESULTS:  # what waited for it may go
        is_held = [one.task == tried.task and one.due is None for one in left]
        left = [one.model_copy(update={"due": now}) if held else one for one, held in zip(left, is_held, strict=True)]
    return tuple(left)


def signed(delivery: Delivery, expiry: int) -> tuple[str, dict[str, Any]]:
    """Address and body as they are sent."""
    if delivery.api == "v1":
        query: dict[str, int | str] = {"random": 1 + secrets.randbelow(2**31 - 1), "sdkappid": delivery.app}
        query |= {"expire_time": expiry, "sign": sign(delivery.key, expiry)} if delivery.key else {}
        joint = "&" if "?" in delivery.url else "?"
        return f"{delivery.url}{joint}{urlencode(query)}", delivery.body
    body = {**delivery.body, "SdkAppId": delivery.app}
    if delivery.key:
        body |= {"ExpireTime": expiry, "Sign": sign(delivery.key, expiry)}
    return delivery.url, body


def send(delivery: Delivery, expiry: int) -> str:
    """Send one callback once; "" where it was received, else why not. The address is asked whatever it is."""
    rule = RULES[delivery.api]
    url, body = signed(delivery, expiry)
    raw = json.dumps(body).encode()

    def call() -> tuple[int, bytes]:
        with open_session((host_of(url),)) as session:
            headers = {"Content-Type": "application/json"}
            timeout = (rule.timeout, rule.timeout)
            with session.post(
                url, data=raw, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as response:
                return int(response.status_code), response.raw.read(READ_BYTES) if rule.reads_body else b""

    try:
        with discreet():
            status, answer = on_the_wire(host_of(url), call, was_answered=False)
    except DownloadError as exc:
        return exc.sentence
    if status != 200:
        return f"the receiver answered {status}, not 200"
    if rule.reads_body and not _is_received(answer):
        return 'the receiver did not answer {"error_code": 0}'
    return ""


def _is_received(answer: bytes) -> bool:
    try:
        code = load_object(answer).get("error_code")
    except InputError:
        return False
    return code == 0 and not isinstance(code, bool)
