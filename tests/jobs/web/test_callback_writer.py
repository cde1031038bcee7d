"""The writer of callbacks: each is on disk before it is answered, in the database or, while that is away, spooled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from terminal import until

from assembler.errors import AssemblerError
from assembler.jobs.intake.bodies import Body, list_events
from assembler.jobs.intake.intake import spool_folder
from assembler.jobs.store.records import now
from assembler.jobs.web import callback_writer
from assembler.jobs.web.callback_writer import CallbackWriter
from assembler.options import Options, load_options
from jobs.intake.test_once import event


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.setattr(callback_writer, "RECONCILE_SECONDS", 0.05)
    monkeypatch.setattr(callback_writer, "STORE_SECONDS", 60.0)  # a busy machine is no database that is away
    return load_options(home=tmp_path / "home")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def writer(options: Options, said: list[str]) -> Iterator[CallbackWriter]:
    with ExitStack() as stack:
        made = CallbackWriter(options, said.append)
        stack.enter_context(made.open())
        yield made


def body(task: str = "t1") -> Body:
    return Body(event(task), None, "webhook", now())


def spooled(options: Options) -> list[Path]:
    return list(spool_folder(options).glob("*.body"))


def block(options: Options) -> Path:
    """Put a folder where the database belongs."""
    place = options.home / "jobs.sqlite"
    place.mkdir(parents=True)
    return place


def test_a_body_is_in_the_database_when_store_returns_and_soon_a_job(
    writer: CallbackWriter, options: Options, said: list[str]
) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: writer.store(body(f"t{n}")), range(40)))
        assert len(list_events(writer.records(), limit=100)) == 40
    until(lambda: len(writer.records().list_jobs()) == 40, 30)
    assert not spooled(options)
    assert writer.is_storing()
    assert said == []


def test_while_the_database_is_away_bodies_are_spooled_and_come_in_later(
    options: Options, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_writer, "AWAY_SECONDS", 600.0)
    place = block(options)
    writer = CallbackWriter(options, said.append)
    with writer.open():
        for task in ("t1", "t2"):
            writer.store(body(task))
        assert len(spooled(options)) == 2
        assert writer.is_storing()
        until(lambda: said, 10)
        asked, real = list[int](), writer.records
        monkeypatch.setattr(writer, "records", lambda: (asked.append(1), real())[1])
        until(lambda: len(asked) >= 2, 30)  # it failed once more
        place.rmdir()
        writer.store(body("t3"))
        until(lambda: len(list_events(writer.records())) == 3, 20)
        assert writer._away_until > time.monotonic(), "it is left alone for a while"
    assert not spooled(options)
    assert len(said) == 1, "one warning, however often it failed"


def test_where_nothing_can_be_stored_that_is_known_until_it_can(options: Options, said: list[str]) -> None:
    block(options)
    spool_folder(options).write_text("in the way")
    writer = CallbackWriter(options, said.append)
    with writer.open():
        with pytest.raises(AssemblerError):
            writer.store(body())
        assert not writer.is_storing()
        assert not writer.is_storing(), "it looks again each time"
        spool_folder(options).unlink()
        assert writer.is_storing()
        writer.store(body())
        assert len(spooled(options)) == 1


def test_what_waits_is_stored_before_the_end(options: Options, said: list[str]) -> None:
    writer = CallbackWriter(options, said.append)
    with ThreadPoolExecutor(10) as pool:
        with writer.open():
            writer.store(body("t0"))
            writer._lock.acquire()  # the thread that stores waits at the first body
            stored = [pool.submit(writer.store, body("t1"))]
            until(lambda: writer._waiting.empty(), 10)
            stored += [pool.submit(writer.store, body(f"t{n}")) for n in range(2, 10)]
            until(lambda: writer._waiting.qsize() == 8, 10)
            threading.Timer(0.3, writer._lock.release).start()
        for one in stored:
            one.result(30)
    again = CallbackWriter(options, said.append)
    try:
        assert len(list_events(again.records())) + len(spooled(options)) == 10
    finally:
        again.records().close()
