"""A dialect is a row: jobs find task, app, room and moment of a body they have never heard of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop

from assembler.dialects import DIALECTS, Dialect, Moment
from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Envelope, Query
from assembler.dialects.fields import Fields
from assembler.dialects.neutral import NEUTRAL
from assembler.errors import InputError
from assembler.jobs.intake.bodies import list_events
from assembler.jobs.intake.check_callback import judge
from assembler.jobs.intake.tasks import find_task, missing
from assembler.jobs.prune import prune
from assembler.jobs.web.keys import Keys
from assembler.recording import Recording
from assembler.times import WallMs


def reads(fields: Fields, query: Query) -> Recording:
    if not fields.get("files"):
        raise InputError("the lesson holds no files")
    kept = {"task_id": fields.text("lesson"), "room_id": fields.text("hall"), "app_id": fields.text("tenant")}
    segments = [
        {"kind": "camera", "user": file["who"], "play_time": file["from"], "url": file["at"]}
        for _, file in fields.entries("files")
        if isinstance(file, dict)
    ]
    neutral: JsonObject = {**kept, "segments": segments}
    return NEUTRAL.read(Fields(neutral, "", fields.findings), query).model_copy(update={"dialect": "toy"})


TOY = Dialect(
    name="toy",
    shape='{"what": "lesson.over", "files": [...]}',
    matches=lambda body: "lesson" in body,
    read=reads,
    envelope=Envelope(
        kind="what", sent="made", task=("lesson",), app="tenant", room=("hall",), pause="rests",
        results=("lesson.over",), recordings=("lesson.",),
        moments=(("over", Moment.FINISHED), ("rests", Moment.PAUSED), ("begun", Moment.STARTED)),
    ),
)  # fmt: skip
PART = Dialect(
    name="toy-part",
    shape='{"files": [...], "about": {...}}',
    matches=lambda body: "about" in body,
    read=reads,
    envelope=Envelope(data="about", task=("lesson",), app="tenant", room=("hall",)),
)
FILE = {"who": "ann", "from": 0, "at": "https://files.example.com/1.mp4"}


def told(what: str, made: int, **more: Any) -> bytes:
    return json.dumps({"what": what, "made": made, "lesson": "l1", "hall": "h1", "tenant": "acme", **more}).encode()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setattr("assembler.dialects.DIALECTS", (TOY, PART, *DIALECTS))
    with Workshop.opened(tmp_path) as opened:
        yield opened


class TestADialectOfOneRow:
    def test_its_result_is_a_job(self, shop: Workshop) -> None:
        shop.hand_in(told("lesson.over", 1_790_000_000, files=[FILE]))
        job = shop.job("l1")
        assert (job.task, job.app, job.room, job.sent, job.count) == ("l1", "acme", "h1", 1_790_000_000_000, 1)
        assert [event.kind for event in list_events(shop.records)] == ["lesson.over"]

    def test_and_so_is_one_that_cannot_be_used(self, shop: Workshop) -> None:
        shop.hand_in(told("lesson.over", 1_790_000_000, files=[]))
        job = shop.job("l1")
        assert (job.task, job.app, job.room, job.segments) == ("l1", "acme", "h1", "")

    def test_a_part_says_whose_it_is_inside_of_what_wraps_it(self, shop: Workshop) -> None:
        shop.hand_in(json.dumps({"about": {"lesson": "l2", "hall": "h2"}, "tenant": "acme", "files": []}).encode())
        job = shop.job("l2")
        assert (job.task, job.app, job.room) == ("l2", "acme", "h2")

    def test_its_events_tell_of_the_task(self, shop: Workshop) -> None:
        shop.hand_in(told("lesson.begun", 1_790_000_000), told("lesson.rests", 1_790_000_060, rests=1_790_000_050))
        [task] = missing(shop.records)
        assert (task.task, task.app, task.room, task.started) == ("l1", "acme", "h1", 1_790_000_000_000)
        assert (task.pause, task.resumed, task.is_over) == (1_790_000_050_000, None, False)
        shop.hand_in(told("lesson.goes-on", 1_790_000_070))
        [task] = missing(shop.records)
        assert task.resumed == 1_790_000_070_000

    def test_a_result_ends_its_task_and_both_are_forgotten_in_the_end(self, shop: Workshop) -> None:
        shop.hand_in(told("lesson.begun", 1_790_000_000), told("lesson.over", 1_790_000_060, files=[FILE]))
        task = find_task(shop.records, "l1")
        assert task is not None
        assert task.is_over
        shop.records.remove([shop.job("l1")])
        assert prune(shop.records, shop.engine, shop.options, days=-1) == 0
        assert find_task(shop.records, "l1") is None

    def test_its_callbacks_are_believed(self, shop: Workshop) -> None:
        assert judge(told("lesson.begun", 1_790_000_000), {}, Keys(shop.options), WallMs(0)).status == 200

    def test_without_its_row_they_are_not(self) -> None:
        assert [row.name for row in DIALECTS if row.matches(json.loads(told("lesson.begun", 1)))] == []
