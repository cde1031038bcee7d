"""Client of the API, its requests and answers: the interface that both generations have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Protocol

from assembler.cloud import Kind, Steer
from assembler.cloud.bodies import SECRETS, Generation, Start
from assembler.dialects.body import JsonObject
from assembler.dialects.fields import Fields
from assembler.dialects.vendor_errors import read_error, refusal_of_request, refused

KEYS = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")
"""Variables with the credentials of generation 3."""


@dataclass(frozen=True)
class Request:
    """One request as it will be sent."""

    what: str
    """Purpose, for messages: "to start a recording"."""
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
    is_reading: bool = False
    """True if it changes nothing, without being about a task."""

    @property
    def doubt(self) -> str:
        """Beginning of the hint where no answer came."""
        return (
            ""
            if self.is_query or self.is_reading
            else "It may have been done all the same: look before you repeat it. "
        )

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
    """Answer to a request that was granted."""

    raw: bytes
    """The body, byte by byte."""
    values: JsonObject
    """The object in it, without its wrapper."""
    mark: str
    """Name by which the vendor finds the request: "random 526919", "RequestId ..."."""

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
    """Client of one generation. All but ``send`` only make a request; what it cannot ask for is an InputError."""

    def start(self, start: Start) -> Request:
        """Start a recording."""
        ...

    def steer(self, how: Steer, task: str) -> Request:
        """Change a recording under way."""
        ...

    def query(self, task: str, kind: Kind) -> Request:
        """Ask for the state and the result of a task."""
        ...

    def generate(self, generation: Generation) -> Request:
        """Have files made after class."""
        ...

    def set_callback(self, url: str, kind: Kind) -> Request:
        """Set the callback address of the app; "" deletes it."""
        ...

    def set_callback_key(self, key: str, kind: Kind) -> Request:
        """Set the key that signs its callbacks; "" deletes it."""
        ...

    def show_callback(self, kind: Kind) -> Request:
        """Ask for the callback address that is set."""
        ...

    def running(self, offset: int) -> Request:
        """Ask for the recordings of the app that are under way, from the one at ``offset`` on."""
        ...

    def send(self, request: Request) -> Answer:
        """Send a request. Raises CloudError where it is refused, or not answered as the API does."""
        ...
