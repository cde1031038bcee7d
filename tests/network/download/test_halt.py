"""Who waits for the network is woken up, whoever says so."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from assembler.network.download.halt import Halt
from assembler.processes import Stop, Stopped


def test_it_is_set_by_the_callers_stop_and_by_ourselves() -> None:
    stop = Stop()
    ours, callers, alone = Halt(stop), Halt(stop), Halt(None)
    ours.set()
    assert (ours.is_set(), callers.is_set(), alone.is_set()) == (True, False, False)
    callers.check()
    stop.set()
    assert callers.is_set()
    with pytest.raises(Stopped):
        callers.check()


def test_a_wait_ends_early() -> None:
    halt, begun = Halt(None), time.monotonic()
    threading.Timer(0.05, halt.set).start()
    halt.wait(60)
    assert time.monotonic() - begun < 30
    assert halt.is_set()


class Body:
    """The raw side of a response."""

    def __init__(self) -> None:
        self.is_shut = False

    def shutdown(self) -> None:
        self.is_shut = True


def watched() -> tuple[requests.Response, Body]:
    response = requests.Response()
    response.raw = body = Body()
    return response, body


def test_a_response_is_interrupted_while_it_is_read_and_not_after() -> None:
    halt = Halt(None)
    (response, body), (other, other_body) = watched(), watched()
    with halt.watching(other):
        pass
    with halt.watching(response):
        halt.set()
    assert (body.is_shut, other_body.is_shut) == (True, False)


def test_nothing_is_read_any_more_once_it_is_set() -> None:
    halt = Halt(None)
    halt.set()
    with pytest.raises(Stopped), halt.watching(watched()[0]):
        pytest.fail("it was read")
