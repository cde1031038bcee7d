"""What is refused holds nobody up, fills nothing, and can be looked at."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from terminal import until
from workshop import Workshop

from assembler.doctor import examine
from assembler.jobs.intake.bodies import Turned, list_refused, refuse
from assembler.jobs.intake.intake import spool_folder
from assembler.jobs.store.database import open_database
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import REFUSED
from assembler.jobs.web import refusal_writer as refusals_room
from assembler.jobs.web.refusal_writer import Refusals
from jobs.intake.test_once import event
from jobs.web.test_webhook import KEY, assert_accepted, post, served, signed


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes into this database for as long as the ``with`` lasts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def turned(number: int, size: int = 1) -> Turned:
    return Turned(b"x" * size, 403, str(number), {"sign": "s"}, now())


def test_a_refusal_and_what_is_accepted_wait_for_no_lock_of_each_other(shop: Workshop) -> None:
    refuse(shop.records, [turned(0)])
    with served(callback_key=KEY) as url:
        with locked(shop.options.home / "refused.sqlite"):
            assert [post(url, event(f"bad{n}")).status_code for n in range(3)] == [403] * 3
            assert_accepted(post(url, signed(event())))
            until(lambda: [job.id for job in shop.records.list_jobs()] == ["t1"], 4)
        with shop.records.transaction():
            assert post(url, event("bad")).status_code == 403
            until(lambda: any(one.reason.endswith("missing") for one in list_refused(shop.records)), 4)


def test_while_the_database_is_locked_callbacks_go_to_the_spool_and_come_in_later(shop: Workshop) -> None:
    with served(callback_key=KEY) as url:
        assert_accepted(post(url, signed(event("t0"))))
        with locked(shop.options.home / "jobs.sqlite"), ThreadPoolExecutor(8) as pool:
            for answer in pool.map(lambda n: post(url, signed(event(f"t{n}"))), range(1, 9)):
                assert_accepted(answer)
            assert len(list(spool_folder(shop.options).glob("*.body"))) >= 8
            assert requests.get(f"{url}/healthz", timeout=10).ok, "none is lost"
        until(lambda: {job.id for job in shop.records.list_jobs()} == {f"t{n}" for n in range(9)}, 20)


def test_too_many_at_once_are_counted_and_said_once(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals_room, "AT_ONCE", 10)
    monkeypatch.setattr(refusals_room, "BYTES_AT_ONCE", 500)
    said: list[str] = []
    kept = Refusals(lambda: shop.records, said.append)
    for number in range(100):
        kept.put(turned(number))
    kept.put(turned(100, size=600))
    with kept.open():
        pass
    assert [one.reason for one in list_refused(shop.records)] == [str(number) for number in range(9, -1, -1)]
    assert said == ["warning: so many callbacks are refused that 91 of them were not kept"]


def test_putting_one_aside_waits_for_nothing(shop: Workshop) -> None:
    never = threading.Event()

    def away() -> Records:
        never.wait()
        return shop.records

    kept = Refusals(away, lambda _: None)
    with ThreadPoolExecutor(1) as pool, kept.open():
        assert pool.submit(lambda: [kept.put(turned(n)) for n in range(2000)]).result(5) == [None] * 2000
        never.set()


def test_what_an_older_version_refused_is_shown(shop: Workshop) -> None:
    values = {"received": 5, "status": 403, "reason": "old", "body": b"raw", "size": 3}
    with shop.records.transaction() as connection:
        connection.execute(sa.insert(REFUSED).values(values))
    for _ in range(2):
        with closing(Records(open_database(shop.options))) as fresh:
            assert [(one.reason, one.received) for one in list_refused(fresh)] == [("old", 5)]


def test_a_server_that_can_store_nothing_is_not_well_until_it_can(shop: Workshop) -> None:
    place = spool_folder(shop.options)
    with served() as url:
        assert requests.get(f"{url}/healthz", timeout=10).json()["status"] == "ok"
        with locked(shop.options.home / "jobs.sqlite"):
            place.write_text("in the way")
            assert post(url, event()).status_code == 503
            for _ in range(2):
                answer = requests.get(f"{url}/healthz", timeout=10)
                assert (answer.status_code, answer.json()["callbacks"]) == (503, "refused")
            place.unlink()
            assert requests.get(f"{url}/healthz", timeout=10).json()["status"] == "ok"


def test_who_asks_for_health_hears_no_names_of_hosts(tmp_path: Path) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/classes"
    with Workshop.opened(tmp_path), served(database_url=url) as server:
        for path in ("/healthz", "/"):
            answer = requests.get(f"{server}{path}", timeout=20)
            assert answer.status_code == 503
            assert not [word for word in ("127.0.0.1", "someone", "classes", "port") if word in answer.text]


class TestModes:
    def mode(self, path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    def test_databases_and_spool_are_their_owners_alone(self, tmp_path: Path) -> None:
        before = os.umask(0o022)
        try:
            with Workshop.opened(tmp_path) as shop, served() as url:
                post(url, b"{")
                until(lambda: len(list_refused(shop.records)) == 1, 5)
                with locked(shop.options.home / "jobs.sqlite"):
                    assert_accepted(post(url, event()))
                    (spooled,) = spool_folder(shop.options).glob("*.body")
                    assert (self.mode(spooled), self.mode(spooled.parent)) == (0o600, 0o700)
                files = list(shop.options.home.glob("*.sqlite*"))
                assert {path.name for path in files} >= {"jobs.sqlite", "engine.sqlite", "refused.sqlite"}
                assert {self.mode(path) for path in files} == {0o600}
        finally:
            os.umask(before)

    def test_a_mode_that_somebody_set_is_kept_and_the_doctor_says_so(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / "jobs.sqlite").touch()
        (home / "jobs.sqlite").chmod(0o644)
        with Workshop.opened(tmp_path) as shop:
            assert self.mode(home / "jobs.sqlite") == 0o644
            (told,) = [one for one in examine(shop.options) if one.name == "privacy"]
            assert not told.is_well
            assert "jobs.sqlite" in told.text
            assert "chmod 600" in told.hint
            assert told.is_warning
            (home / "jobs.sqlite").chmod(0o600)
            (told,) = [one for one in examine(shop.options) if one.name == "privacy"]
            assert told.is_well
