"""Parts of a worker: the wait for its server, and what is said while the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from assembler.errors import JobError
from assembler.jobs.worker import worker
from assembler.options import Options
from assembler.processes import Stop, Stopped


def test_a_server_that_is_away_is_waited_for_and_that_is_said_once(
    tmp_path: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    options = Options(home=tmp_path, database_url=f"postgresql://nobody@{closed}/jobs")
    signalled, said = Stop(), list[str]()
    tries = 0

    def wait(seconds: float) -> bool:
        nonlocal tries
        tries += 1
        if tries == 3:
            signalled.set()
        return signalled.is_set()

    monkeypatch.setattr(signalled, "wait", wait)
    assert worker._once_there(options, signalled, said.append) is None
    assert tries == 3
    assert len(said) == 1
    assert said[0].startswith("warning: ")
    assert said[0].endswith("; waiting for it")


def test_a_file_of_our_own_that_is_wrong_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").mkdir()
    with pytest.raises(JobError):
        worker._once_there(Options(home=tmp_path), Stop(), pytest.fail)


def test_a_failure_of_the_database_is_said_and_a_stop_is_not() -> None:
    said: list[str] = []
    with worker._reported(said.append):
        raise JobError("the database is away", hint="")
    with worker._reported(said.append):
        raise Stopped
    with pytest.raises(ZeroDivisionError), worker._reported(said.append):
        raise ZeroDivisionError
    assert said == ["warning: the database is away"]


def test_a_clock_is_due_at_once_and_then_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [100.0]
    monkeypatch.setattr("assembler.jobs.worker.worker.time.monotonic", lambda: at[0])
    clock, due = worker._Clock(2.0), list[bool]()
    for seconds in (0, 1, 0.9, 0.2, 5, 0):
        at[0] += seconds
        due.append(clock.is_due())
    assert due == [True, False, False, True, True, False]
