"""What both generations of the API share: their requests and answers, and which of them is asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from assembler.cloud import Api, Kind, Steer
from assembler.cloud.bodies import SECRETS, Generation, Start
from assembler.dialects.body import JsonObject
from assembler.dialects.fields import Fields
from assembler.dialects.vendor_errors import read_error, refusal_of_request, refused
from assembler.errors import InputError
from assembler.options import Options

KEYS = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")
"""Variables with the credentials of generation 3."""


@dataclass(frozen=True)
class Request:
    """One request as it will be sent."""

    what: str
    """For messages: "to start a recording"."""
    url: str
    """Address without parameters."""
    body: JsonObject
    """JSON body."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Parameters of the URL."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers that tell what is asked for."""
    is_query: bool = False
    """True if the answer is about a task: then an error in it may be the task's own."""

    @property
    def doubt(self) -> str:
        """Beginning of the hint where no answer came."""
        return "" if self.is_query else "It may have been done all the same: look before you repeat it. "

    def described(self) -> str:
        """The request as JSON, with stars for secrets."""
        shown = {
            "method": "POST",
            "url": self.url,
            "parameters": _hidden(self.parameters),
            "headers": {"Content-Type": "application/json", **self.headers},
            "body": _hidden(self.body),
        }
        return json.dumps(shown, indent=2, ensure_ascii=False)


def _hidden(values: JsonObject | dict[str, str]) -> JsonObject:
    return {name: "***" if name in SECRETS and value else value for name, value in values.items()}


@dataclass(frozen=True)
class Answer:
    """What the vendor answered to a request that it granted."""

    raw: bytes
    """The body, byte by byte."""
    values: JsonObject
    """The object in it, without its wrapper."""
    mark: str
    """By what the vendor finds the request: "random 526919", "RequestId ..."."""

    def text(self, *names: str) -> str:
        """The first of these fields that has a text; "" where none has."""
        return next((text for name in names if (text := Fields(self.values, "", []).text(name))), "")

    @property
    def task(self) -> str:
        """The task it names, in either spelling; "" where it names none."""
        return self.text("TaskId", "task_id")


def granted(request: Request, raw: bytes, values: JsonObject, mark: str) -> Answer:
    """The answer, where the request was granted; an error of the task that was asked for is part of its result.

    Raises CloudError for a request that was refused.
    """
    error = read_error(Fields(values, "", []), None)
    answer = Answer(raw, values, mark)
    if error is None:
        return answer
    is_of_task = error.code == "" or error.code.startswith("FailedOperation")
    if request.is_query and is_of_task:
        has_status = bool(answer.text("Status", "status"))
        if refusal_of_request(error, has_status=has_status) is None:
            return answer
    raise refused(error, request.what, mark)


class Cloud(Protocol):
    """A client of one generation. All but ``send`` only make the request; what cannot be asked is an InputError."""

    def start(self, start: Start) -> Request: ...
    def steer(self, how: Steer, task: str) -> Request: ...
    def query(self, task: str, kind: Kind) -> Request: ...
    def generate(self, generation: Generation) -> Request: ...
    def set_callback(self, url: str, kind: Kind) -> Request: ...
    def set_callback_key(self, key: str, kind: Kind) -> Request: ...
    def show_callback(self, kind: Kind) -> Request: ...
    def running(self, offset: int) -> Request: ...
    def send(self, request: Request) -> Answer:
        """Raises CloudError where the vendor refuses it, does not answer, or answers what cannot be read."""
        ...


def choose_api(options: Options, wanted: Api | None) -> Api:
    """The generation that is asked: the wanted one, else the one whose credentials are there.

    Raises InputError where they are missing, or where both are there and none was named.
    """
    missing = [name for name in KEYS if not os.environ.get(name)]
    there = {Api.V1: bool(options.tickey and options.tickey.get_secret_value()), Api.V3: not missing}
    if options.sdk_app_id is None:
        raise InputError("the app is not named", hint="Set ASSEMBLER_SDK_APP_ID to its SdkAppId.")
    if len(missing) == 1 and wanted is not Api.V1 and not (wanted is None and there[Api.V1]):
        raise InputError(f"{missing[0]} is not set", hint=f"Generation 3 of the API takes it and {KEYS[0]} together.")
    usable = [api for api, is_there in there.items() if is_there and wanted in (None, api)]
    if len(usable) == 2:
        raise InputError("credentials of both generations are set", hint="Add --api v1 or --api v3.")
    if not usable:
        names = {Api.V1: "ASSEMBLER_TICKEY", Api.V3: " and ".join(KEYS)}
        raise InputError(
            f"there are no credentials for {f'--api {wanted}' if wanted else 'the API'}",
            hint=f"Set {names[wanted] if wanted else f'{names[Api.V1]} (generation 1), or {names[Api.V3]} (3)'}.",
        )
    return usable[0]


@contextmanager
def open_cloud(options: Options, wanted: Api | None = None) -> Iterator[Cloud]:
    """A client of the generation that ``choose_api`` finds."""
    match choose_api(options, wanted):
        case Api.V1:
            from assembler.cloud.v1 import opened_v1

            with opened_v1(options) as v1:
                yield v1
        case Api.V3:
            from assembler.cloud.v3 import CloudV3

            yield CloudV3(options)
