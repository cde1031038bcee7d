"""Generation 1: paths, the signature in the URL, and answers (the vendor's page "online record API v1")."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from assembler.cloud import Steer
from assembler.dialects.body import load_object
from assembler.dialects.signature import sign
from assembler.emulator.checks import StartV1, check_address, check_made, check_recorder, read
from assembler.emulator.cloud import APP, Cloud
from assembler.emulator.errors import Reason, Refused
from assembler.emulator.results import v1_result
from assembler.errors import InputError
from assembler.times import WallMs

PREFIX = "/record/v1/"
"""Beginning of all paths."""
PATHS = (
    *(f"online/{name}" for name in ("start", "stop", "pause", "resume", "query", "callback")),
    *(f"offline/{name}" for name in ("create", "query", "callback")),
)
"""Paths behind it."""
_NUMBER = re.compile(r"[0-9]{1,12}")


def check_signed(query: dict[str, str], key: str, now: WallMs) -> None:
    """Check the URL's parameters. Raises Refused."""
    missing = [name for name in ("sdkappid", "sign", "expire_time", "random") if not query.get(name)]
    if missing:
        raise Refused(Reason.PARAMETER, f"the URL has no {', '.join(missing)}")
    expiry, number = query["expire_time"], query["random"]
    if not _NUMBER.fullmatch(expiry):
        raise Refused(Reason.PARAMETER, "expire_time is not Unix seconds")
    if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= 2**31 - 1:
        raise Refused(Reason.PARAMETER, "random is 1 to 2147483647")
    if query["sdkappid"] != str(APP):
        raise Refused(Reason.NOT_ACTIVATED, f"the service is not activated for this app: here it is {APP}")
    if not hmac.compare_digest(query["sign"].encode("utf-8", "replace"), sign(key, expiry).encode()):
        raise Refused(Reason.SIGNATURE, "sign is not md5(TicKey + expire_time) with this stand-in's key")
    if int(expiry) * 1000 < now:
        raise Refused(Reason.EXPIRED)


def answer(cloud: Cloud, path: str, query: dict[str, str], raw: bytes | None, base: str) -> bytes:
    """Answer one request; ``raw`` is None where the body was too large."""
    task, problem = "", ""
    try:
        check_signed(query, cloud.setup.key, cloud.now())
        if path not in PATHS:
            raise Refused(Reason.NO_ACTION, f"there is no {PREFIX}{path[:60]}")
        if raw is None:
            raise Refused(Reason.TOO_LARGE)
        cloud.count(path)
        body = _body(raw)
        task = str(body.get("task_id", ""))
        told = cloud.refusal_v1() or _granted(cloud, path, body, base)
        task = str(told.get("task_id", task))
    except Refused as exc:
        problem = f"{exc.reason.number} {exc.sentence}"
        told = {"error_code": exc.reason.number, "error_msg": exc.sentence}
    cloud.remember("v1", path, task, problem)
    return json.dumps(told).encode()


def _body(raw: bytes) -> dict[str, Any]:
    try:
        return dict(load_object(raw))
    except InputError as exc:
        raise Refused(Reason.MALFORMED, exc.sentence) from exc


def _granted(cloud: Cloud, path: str, body: dict[str, Any], base: str) -> dict[str, Any]:
    done: dict[str, Any] = {"error_code": 0, "error_msg": "ok"}
    is_offline = path.startswith("offline/")
    name = path.partition("/")[2]
    match name:
        case "start" | "create":
            given = read(StartV1, body)
            wishes = check_made(given)
            group = given.group_id or str(given.room_id)
            if name == "start":
                check_recorder(given.room_id, given.user_id, given.user_sig)
                made = cloud.start("v1", base, given.room_id, group, given.user_id, wishes)
            else:
                made = cloud.generate("v1", base, wishes, room=given.room_id, group=group)
            return {**done, "task_id": made.id}
        case "callback":
            cloud.addresses["v1", is_offline] = check_address(body.get("callback"))
            return done
        case "query":
            found = cloud.find("v1", _task(body))
            if found.is_offline is not is_offline:
                raise Refused(Reason.NO_TASK)
            return v1_result(found, cloud.address, cloud.setup.quirks)
        case _:
            cloud.steer("v1", _task(body), Steer(name))
            return done


def _task(body: dict[str, Any]) -> str:
    task = body.get("task_id")
    if not isinstance(task, str) or not task:
        raise Refused(Reason.PARAMETER, "task_id is missing or no text")
    return task
