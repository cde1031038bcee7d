"""Results that did not come are asked for: of the right generation, ever less often, and never twice at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cloud.conftest import TICKEY, V3, Vendor, refusal
from cloud.conftest import vendor as vendor  # a fixture
from workshop import Workshop

from assembler.cloud import Api
from assembler.jobs.intake.tasks import expect, find_task
from assembler.jobs.store.tables import TASK
from assembler.jobs.worker.ask_vendor import FIRST_SECONDS, SLOWEST_SECONDS, ask_due, is_due, list_apis
from assembler.options import load_options
from assembler.times import WallMs

VENDOR = Path(__file__).parents[3] / "fixtures" / "vendor"
TASK_ID = "g68cee8e90jcq4ogg8jb"
RESULT = json.loads((VENDOR / "v1-query-response.json").read_bytes())
APP = str(json.loads((VENDOR / "online-record-started.json").read_bytes())["SdkAppId"])
RUNNING = {"error_code": 0, "error_msg": "", "task_id": TASK_ID, "status": "recording"}


@pytest.fixture
def shop(tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("ASSEMBLER_TICKEY", TICKEY)
    with Workshop.opened(tmp_path) as opened:
        yield opened


def started(shop: Workshop, name: str = "v1-callback-record-started.json", app: str | None = None) -> None:
    shop.hand_in((VENDOR / name).read_bytes(), app=app)


def later(shop: Workshop, seconds: float = FIRST_SECONDS + 1) -> None:
    """Time passes since tasks were heard of and asked for."""
    with shop.records.transaction() as connection:
        moved = {c.name: c - round(seconds * 1000) for c in (TASK.c.updated, TASK.c.asked)}
        connection.execute(sa.update(TASK).values(moved))


def questions(shop: Workshop, said: list[str] | None = None) -> int:
    say = said.append if said is not None else lambda _: None
    return ask_due(shop.options, shop.records, shop.engine, say, lambda: False)


def answer_of(shop: Workshop, task: str = TASK_ID) -> tuple[int | None, str | None]:
    found = find_task(shop.records, task)
    assert found is not None
    return found.asks, found.answer


def test_a_lost_callback_is_no_lost_class(shop: Workshop, vendor: Vendor) -> None:
    vendor.answers = [RUNNING, RESULT]
    started(shop)
    assert questions(shop) == 0
    assert vendor.came == []  # its callback has a minute
    later(shop)
    assert questions(shop) == 0
    assert answer_of(shop) == (1, "RECORDING")
    later(shop)
    assert len(vendor.came) == 1
    later(shop)
    assert questions(shop) == 1
    (job,) = shop.records.list_jobs()
    assert (job.task, job.room) == (TASK_ID, "1234")
    shop.hand_in((VENDOR / "v1-query-response.json").read_bytes())  # and then the callback comes after all
    assert [job.task for job in shop.records.list_jobs()] == [TASK_ID]
    later(shop, 90_000)
    assert questions(shop) == 0
    assert len(vendor.came) == 2


def test_a_failure_is_a_result_too_and_belongs_to_its_task(
    shop: Workshop, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tencentcloud.tiw", reason="the extra cloud is not installed")
    for name, value in {**V3, "ASSEMBLER_SDK_APP_ID": APP}.items():
        monkeypatch.setenv(name, value)
    shop.options = load_options()
    vendor.answers = [refusal("FailedOperation.Record", "code: 40004, msg: im login failed")]
    started(shop, "online-record-started.json")
    later(shop)
    assert questions(shop) == 1
    assert [job.task for job in shop.records.list_jobs()] == ["bj0mt2l23osdj300hl30"]
    assert answer_of(shop, "bj0mt2l23osdj300hl30") == (-1, "FAILED")


def test_a_refusal_is_asked_again_and_seen(shop: Workshop, vendor: Vendor) -> None:
    vendor.answers = [{"error_code": 20002, "error_msg": "signature"}]
    said: list[str] = []
    started(shop)
    for _ in range(3):
        later(shop, SLOWEST_SECONDS + 1)
        assert questions(shop, said) == 0
    asks, answer = answer_of(shop)
    assert (asks, "20002" in (answer or "")) == (3, True)
    assert len(said) == 1
    assert any("20002" in line for line in find_history(shop))
    assert TICKEY not in " ".join([*said, *find_history(shop)])


def find_history(shop: Workshop) -> list[str]:
    task = find_task(shop.records, TASK_ID)
    assert task is not None
    return task.history(str)


def test_an_expected_task_is_asked_for_until_it_is_three_days_old(shop: Workshop, vendor: Vendor) -> None:
    vendor.answers = [{**RUNNING, "task_id": "mine"}]
    expect(shop.records, ["mine"])
    later(shop)
    questions(shop)
    assert json.loads(vendor.came[0].get_data()) == {"task_id": "mine"}
    later(shop, 4 * 86_400)
    questions(shop)
    assert len(vendor.came) == 1


@pytest.mark.parametrize(
    ("name", "app"),
    [("online-record-started.json", None), ("v1-callback-record-started.json", "999")],
    ids=["another generation", "another app"],
)
def test_only_our_own_tasks_are_asked_for(shop: Workshop, vendor: Vendor, name: str, app: str | None) -> None:
    started(shop, name, app)
    later(shop)
    assert questions(shop) == 0
    assert vendor.came == []


def test_questions_become_rarer_up_to_one_an_hour(shop: Workshop) -> None:
    started(shop)
    task = find_task(shop.records, TASK_ID)
    assert task is not None
    waits = []
    for asks in range(9):
        again = task.model_copy(update={"asks": asks, "asked": task.updated})
        waits.append(next(s for s in range(0, 7200, 60) if is_due(again, WallMs(task.updated + s * 1000))))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_later_event_is_asked_about_soon_again(shop: Workshop, vendor: Vendor) -> None:
    vendor.answers = [RUNNING]
    started(shop)
    for _ in range(4):
        later(shop, SLOWEST_SECONDS)
        questions(shop)
    assert answer_of(shop)[0] == 4
    started(shop)
    assert answer_of(shop)[0] == 0


def test_nobody_is_asked_without_credentials_or_where_that_is_off(vendor: Vendor, tmp_path: Path) -> None:
    assert list_apis(load_options(home=tmp_path, callback_key="a key that signs callbacks")) == []
    assert list_apis(load_options(home=tmp_path, tickey=TICKEY)) == [Api.V1]
    assert list_apis(load_options(home=tmp_path, tickey=TICKEY, reconcile=False)) == []
