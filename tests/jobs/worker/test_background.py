from __future__ import annotations

import threading

import pytest

from assembler.jobs.worker.background import beside


def test_work_beside_goes_on_until_the_with_is_left_however_that_is() -> None:
    began, ended = threading.Event(), threading.Event()

    def work(left: threading.Event) -> None:
        began.set()
        assert left.wait(60)
        ended.set()

    def fail() -> None:
        assert began.wait(60)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), beside(work, 60):
        fail()
    assert ended.is_set()


def test_work_that_does_not_end_is_left_behind() -> None:
    forever = threading.Event()
    with beside(lambda left: assert_waits(forever), 0.05):
        pass
    assert not forever.is_set()
    forever.set()


def assert_waits(event: threading.Event) -> None:
    assert event.wait(60)
