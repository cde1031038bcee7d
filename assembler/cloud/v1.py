"""Client of generation 1: JSON by POST, signed in the URL (the vendor's page "online record API v1")."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from assembler.cloud import Kind, Steer
from assembler.cloud.bodies import Generation, Start, check_address, check_task, for_generation_1
from assembler.cloud.client import Answer, Cloud, Request, granted
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.signature import sign
from assembler.errors import CloudError, DownloadError, InputError
from assembler.network.http import Session, host_of, open_session, post_json
from assembler.options import Options

SIGNED_SECONDS = 600
"""Validity of a signature, in s; clocks differ."""
_MOST_RANDOM = 2**31 - 1
_NEWER = "Only generation 3 can: add --api v3, with its credentials."


def url_parameters(options: Options, now: int) -> dict[str, str]:
    """Make the parameters of one request's URL, ``now`` in Unix seconds; ``random`` is new each time."""
    assert options.tickey is not None
    expire = now + SIGNED_SECONDS
    return {
        "sdkappid": str(options.sdk_app_id),
        "sign": sign(options.tickey.get_secret_value(), expire),
        "expire_time": str(expire),
        "random": str(1 + secrets.randbelow(_MOST_RANDOM)),
    }


class _CloudV1:
    def __init__(self, options: Options, session: Session) -> None:
        self._options = options
        self._session = session

    def start(self, start: Start) -> Request:
        body = for_generation_1(start.spelled(as_v1=True))
        return self._request("to start a recording", Kind.ONLINE, "start", body)

    def steer(self, how: Steer, task: str) -> Request:
        return self._request(f"to {how} task {task}", Kind.ONLINE, how, {"task_id": check_task(task)})

    def query(self, task: str, kind: Kind) -> Request:
        return self._request(f"to tell of task {task}", kind, "query", {"task_id": check_task(task)}, is_query=True)

    def generate(self, generation: Generation) -> Request:
        if generation.room_id is None:
            raise InputError(
                "generation 1 makes files of a room, not of a task",
                hint="Give --room; of a task generation 3 does: --api v3.",
            )
        body = for_generation_1(generation.spelled(as_v1=True))
        return self._request("to make files after class", Kind.OFFLINE, "create", body)

    def set_callback(self, url: str, kind: Kind) -> Request:
        return self._request("to set the callback address", kind, "callback", {"callback": check_address(url)})

    def set_callback_key(self, key: str, kind: Kind) -> Request:
        raise InputError("generation 1 signs its callbacks with the TicKey, there is no other key to set", hint=_NEWER)

    def show_callback(self, kind: Kind) -> Request:
        raise InputError("generation 1 does not tell which callback address is set", hint=_NEWER)

    def running(self, offset: int) -> Request:
        raise InputError("generation 1 does not tell which tasks are running", hint=_NEWER)

    def _request(self, what: str, kind: Kind, action: str, body: JsonObject, *, is_query: bool = False) -> Request:
        url = f"{self._options.cloud_base.rstrip('/')}/record/v1/{kind}/{action}"
        return Request(what, url, body, url_parameters(self._options, int(time.time())), is_query=is_query)

    def send(self, request: Request) -> Answer:
        mark = f"random {request.parameters['random']}"
        body = json.dumps(request.body, ensure_ascii=False).encode()
        try:
            status, raw = post_json(self._session, request.url, request.parameters, body)
        except DownloadError as exc:
            hint = f"{request.doubt}Ask again later." if exc.retry else exc.hint
            raise CloudError(f"{exc.sentence} ({mark})", hint=hint, retry=exc.retry) from exc
        try:
            values = load_object(raw)
            if "error_code" not in values:
                raise InputError("no error_code")
        except InputError as exc:
            raise CloudError(
                f"{host_of(request.url)} answered {status} and not as the vendor's API does ({mark})",
                hint="Look at ASSEMBLER_CLOUD_BASE, or ask again later.",
                retry=status == 429 or status >= 500,
            ) from exc
        return granted(request, raw, values, mark)


@contextmanager
def open_v1(options: Options) -> Iterator[Cloud]:
    """Open a client of one thread. Raises InputError where ASSEMBLER_CLOUD_BASE is not an address."""
    try:
        host = host_of(options.cloud_base)
    except DownloadError as exc:
        raise InputError("ASSEMBLER_CLOUD_BASE is not an http or https address", hint="Write https://host.") from exc
    with open_session((*options.allow_hosts, host)) as session:
        yield _CloudV1(options, session)
