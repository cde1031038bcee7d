"""What we rely on in DBOS, fact by fact: whichever of these fails after an upgrade changes what our queue promises."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient
from forked import Forked
from terminal import until

from assembler.jobs.engine import QUEUE, VERSION, WORKFLOW, Engine, Json, Phase, database_of
from assembler.options import Options, load_options

WORKER = """
import os, sys, time
from pathlib import Path
from dbos import DBOS
from assembler.jobs import engine
from assembler.options import load_options

class Work:
    def __init__(self):
        self.steps = (("one", self.one), ("two", self.two), ("last", self.last))
    def begin(self, workflow):
        return self.write(workflow, "begin")
    def one(self, workflow, results):
        self.write(workflow, "one")
        return {"one": 1}
    def two(self, workflow, results):
        self.write(workflow, "two")
        while not Path("go").exists():
            time.sleep(0.02)
        return {}
    def last(self, workflow, results):
        self.write(workflow, "last " + str(results["one"]["one"]))
        return {}
    def write(self, workflow, what):
        with open("told", "a") as file:
            file.write(f"{sys.argv[1]} {workflow} {what}\\n")
        return True

with engine.working(load_options(), sys.argv[1], Work()):
    while not Path("end").exists():
        time.sleep(0.02)
os._exit(0)
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options: Options = load_options()
        self.options.home.mkdir(parents=True)
        self.engine = Engine(self.options)

    def start(self, name: str, code: str = WORKER) -> Forked:
        return Forked(code, name, cwd=self.folder, env={**os.environ}, log=self.folder / "log")

    def give_back(self, name: str) -> int:
        return self.start(name, "import sys; from assembler.jobs.worker.requeue import main; sys.exit(main())").wait(60)

    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def ended(self, workflow: str) -> bool:
        return self.engine.status(workflow) is Phase.ENDED

    def end(self, *processes: Forked) -> None:
        (self.folder / "end").touch()
        for process in processes:
            process.wait(15)

    def row(self, workflow: str) -> dict[str, Any]:
        with sqlite3.connect(self.options.home / "engine.sqlite") as connection:
            connection.row_factory = sqlite3.Row
            return dict(
                connection.execute("SELECT * FROM workflow_status WHERE workflow_uuid = ?", [workflow]).fetchone()
            )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_same_id_enqueued_again_is_the_first_one(place: Place) -> None:
    place.engine.submit("a:1")
    first = place.row("a:1")
    place.engine.submit("a:1", delay=1000)
    assert place.row("a:1") == first
    assert place.engine.list() == {"a:1": Phase.WAITING}


def test_what_is_stored_is_json_and_names_the_version_and_the_application(place: Place) -> None:
    place.engine.submit("a:1")
    row = place.row("a:1")
    with sqlite3.connect(place.options.home / "engine.sqlite") as connection:
        all_of_it = "".join(connection.iterdump())
    assert json.dumps({"args": ["a:1"], "kwargs": {}}) in all_of_it
    assert "pickle" not in all_of_it
    assert row["serialization"] == Json().name()
    assert (row["application_version"], row["queue_name"], row["name"]) == (VERSION, QUEUE, WORKFLOW)


def test_a_dead_workers_try_waits_until_it_is_given_back_and_done_steps_are_not_repeated(place: Place) -> None:
    """A survivor of another name does not take it by itself; a process of that name without queues puts it back."""
    place.engine.submit("a:1")
    dead = place.start("dead")
    until(lambda: "dead a:1 two" in place.told())
    dead.kill()
    dead.wait()
    assert place.engine.owners() == {"dead"}
    living = place.start("living")
    time.sleep(3.5)
    assert place.engine.status("a:1") is Phase.RUNNING
    assert not [line for line in place.told() if line.startswith("living")]
    assert place.give_back("dead") == 0
    (place.folder / "go").touch()
    until(lambda: place.ended("a:1"), 15)
    place.end(living)
    assert place.told() == [
        "dead a:1 begin", "dead a:1 one", "dead a:1 two", "living a:1 begin", "living a:1 two", "living a:1 last 1",
    ]  # fmt: skip
    assert [happened.step for happened in place.engine.events("a:1")] == ["one", "two", "last"]


def test_a_worker_of_the_same_name_goes_on_by_itself(place: Place) -> None:
    place.engine.submit("a:1")
    first = place.start("w")
    until(lambda: "w a:1 two" in place.told())
    first.kill()
    first.wait()
    (place.folder / "go").touch()
    again = place.start("w")
    until(lambda: place.ended("a:1"), 15)
    place.end(again)
    assert place.told().count("w a:1 one") == 1
    assert place.told().count("w a:1 begin") == 2


def test_giving_back_touches_nobody_elses_work(place: Place) -> None:
    place.engine.submit("a:1")
    alive = place.start("alive")
    until(lambda: "alive a:1 two" in place.told())
    assert place.give_back("somebody-else") == 0
    assert place.row("a:1")["status"] == "PENDING"
    (place.folder / "go").touch()
    until(lambda: place.ended("a:1"), 15)
    place.end(alive)


def test_a_worker_takes_one_at_a_time_and_a_delayed_one_not_before_its_time(place: Place) -> None:
    place.engine.submit("a:1")
    place.engine.submit("b:1")
    place.engine.submit("c:1", delay=4)
    begun = time.monotonic()
    worker = place.start("w")
    until(lambda: "w a:1 two" in place.told())
    assert place.engine.list() == {"a:1": Phase.RUNNING, "b:1": Phase.WAITING, "c:1": Phase.WAITING}
    (place.folder / "go").touch()
    until(lambda: place.ended("c:1"), 20)
    assert time.monotonic() - begun >= 3.9
    place.end(worker)


def test_a_cancelled_one_is_not_begun_and_ends_behind_its_step(place: Place) -> None:
    place.engine.submit("a:1")
    place.engine.submit("b:1")
    worker = place.start("w")
    until(lambda: "w a:1 two" in place.told())
    place.engine.cancel("a:1")
    place.engine.cancel("b:1")
    (place.folder / "go").touch()
    place.engine.submit("c:1")
    until(lambda: place.ended("c:1"), 15)
    place.end(worker)
    assert [line for line in place.told() if " c:1 " not in line] == ["w a:1 begin", "w a:1 one", "w a:1 two"]
    assert place.engine.list(["a:1", "b:1"]) == {"a:1": Phase.CANCELLED, "b:1": Phase.CANCELLED}


def test_a_client_needs_the_tables_first_and_migrating_again_is_harmless(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/fresh.sqlite"
    client = DBOSClient(system_database_url=url, serializer=Json())
    with pytest.raises(Exception, match="no such table"):
        client.list_workflows()
    client.destroy()
    options = load_options()
    options.home.mkdir(parents=True)
    Engine(options).close()
    again = Engine(options)
    assert again.list() == {}
    assert database_of(options).startswith("sqlite:///")
    again.close()
