"""Results put by those who poll the vendor themselves: who may, what is one, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from terminal import until
from workshop import Workshop

from assembler.errors import InputError
from assembler.jobs.store.model import JobState
from assembler.jobs.web.put_result import is_authorized
from assembler.jobs.web.request_bodies import LARGEST
from assembler.options import load_options
from jobs.web.test_webhook import VENDOR, served

TOKEN = "0123456789abcdef-token"
TASK = "g68cee8e90jcq4ogg8jb"
QUERY = (VENDOR / "v1-query-response.json").read_bytes()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def url(shop: Workshop) -> Iterator[str]:
    with served(api_token=TOKEN, callback_key="some key") as found:
        yield found


def put(url: str, body: bytes, task: str = TASK, token: str | None = TOKEN) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.put(f"{url}/tasks/{task}/result", data=body, headers=headers, timeout=10)


def test_a_polled_result_becomes_the_job_that_its_callback_would(url: str, shop: Workshop) -> None:
    for body in (QUERY, QUERY, (VENDOR / "v1-callback-record-finished.json").read_bytes()):
        answer = put(url, body)
        assert (answer.status_code, answer.json()) == (202, {"task": TASK, "status": "stored"})
    until(lambda: len(shop.records.list_jobs()) == 1, 10)
    (job,) = shop.records.list_jobs()
    assert (job.task, job.state in (JobState.NEW, JobState.WAITING)) == (TASK, True)


def test_a_failure_that_the_vendor_reports_is_a_result(url: str, shop: Workshop) -> None:
    failed = (VENDOR / "online-record-finished-failed.json").read_bytes()
    assert put(url, failed, "ghucnligqtgtvk2624mb").status_code == 202
    until(lambda: [job.task for job in shop.records.list_jobs()] == ["ghucnligqtgtvk2624mb"], 10)


@pytest.mark.parametrize("token", [None, "", "0123456789abcdef-tokem", TOKEN + "x", TOKEN[:-1], "\u00e9"])
def test_nobody_else_may_put_one(url: str, token: str | None) -> None:
    answer = put(url, QUERY, token=token)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("name", "task", "status", "why"),
    [
        ("online-record-started.json", "bj0mt2l23osdj300hl30", 409, "is not finished"),
        ("api-request-limit-exceeded.json", TASK, 400, "refused a request"),
        ("v1-query-response.json", "another", 400, "is of task g68cee8e90jcq4ogg8jb"),
        ("v1-result-six-files.json", TASK, 400, "does not name its task"),
        ("v1-stop-request.json", TASK, 400, ""),
        ("v1-start-request-missing-comma.json", TASK, 400, "not JSON"),
    ],
)
def test_what_is_no_result_of_the_task_is_refused(url: str, name: str, task: str, status: int, why: str) -> None:
    answer = put(url, (VENDOR / name).read_bytes(), task)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["error"]


def test_a_body_larger_than_any_result_is_refused(url: str) -> None:
    assert put(url, b" " * (LARGEST + 1)).status_code == 413


def test_without_a_token_there_is_no_such_address(tmp_path: Path, shop: Workshop) -> None:
    with served(callback_key="some key") as url:
        assert put(url, QUERY).status_code == 404
    assert not is_authorized(f"Bearer {TOKEN}", load_options(home=tmp_path))


def test_a_callback_still_needs_its_signature(url: str) -> None:
    answer = requests.post(f"{url}/callback", data=QUERY, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert answer.status_code == 403


def test_a_short_token_is_a_mistake_and_is_not_repeated() -> None:
    with pytest.raises(InputError, match="setting api_token") as caught:
        load_options(api_token="short")
    assert "short'" not in str(caught.value)


def test_the_scheme_is_read_in_any_case() -> None:
    options = load_options(api_token=TOKEN)
    assert is_authorized(f"bearer {TOKEN}", options)
    assert not is_authorized(f"Basic {TOKEN}", options)
    assert not is_authorized(json.dumps(TOKEN), options)
