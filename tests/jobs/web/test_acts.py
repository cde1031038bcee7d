"""Acts from the page: who may, what is done, what the second of two is told; and the same acts typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from browser import PROGRAM, browsing
from terminal import Desk, three_streams, until
from workshop import Workshop

from assembler.jobs.control import LAYOUT_NAMES
from assembler.jobs.intake.bodies import Turned, list_refused, refuse
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import now
from assembler.jobs.store.tables import JOB
from jobs.intake.test_once import VENDOR, event
from jobs.web.test_login import PAGE, TOKEN, log_in
from jobs.web.test_webhook import KEY, served, signed

CARD = json.dumps({"title": "Maths 3b", "people": [{"id": "ann", "name": "Ann"}]}).encode()
FRESH = event(video={"VideoUrl": "http://files.example.com/v1.mp4?sign=2"})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        opened.hand_in(event())
        fail(opened)
        yield opened


def fail(shop: Workshop, name: str = "t1") -> None:
    shop.records.change(name, state=JobState.FAILED, reason="v1: the file is not there")


class Person:
    """Somebody who is logged in, in a browser of our own making."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.headers.update(PAGE)
        self.session.cookies.update(log_in(url).cookies)
        self.field = re.search(r'name="form" value="(\w+)"', self.get("/").text)[1]  # type: ignore[index]

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=20)

    def post(self, path: str, headers: dict[str, str] | None = None, **given: Any) -> requests.Response:
        given["data"] = {"form": self.field, **given.get("data", {})}
        return self.session.post(f"{self.url}{path}", headers=headers, timeout=20, **given)


def log_of(shop: Workshop, name: str = "t1") -> str:
    return "\n".join(sentence for _, sentence in shop.records.log_of(name))


def test_no_act_without_the_field_of_a_page_of_ours_or_from_elsewhere(shop: Workshop) -> None:
    with served(page_token=TOKEN) as url:
        person = Person(url)
        forged: list[dict[str, Any]] = [
            {"data": {"form": "0" * 64}}, {"data": {"form": "\u00e9"}}, {"data": {"form": ""}},
            {"headers": {"Sec-Fetch-Site": "cross-site"}}, {"headers": {"Sec-Fetch-Site": "same-site"}},
            {"headers": {"Origin": "https://evil.example"}}, {"headers": {"Origin": "null"}},
        ]  # fmt: skip
        for given in forged:
            answer = person.post("/jobs/t1/retry", **given)
            assert (answer.status_code, "load its page anew" in answer.text) == (403, True), given
        assert requests.post(f"{url}/jobs/t1/retry", headers=PAGE, timeout=10).status_code == 401
        assert person.get("/jobs/t1/retry").status_code == 405
        assert shop.job().state is JobState.FAILED
        assert person.post("/jobs/t1/retry", headers={"Origin": url}).url == f"{url}/jobs/t1?told=started"


def test_a_job_is_started_again_with_changes_and_its_log_says_by_whom(shop: Workshop) -> None:
    with served(page_token=TOKEN) as url:
        person = Person(url)
        answer = person.post("/jobs/t1/retry", data={"layout": "grid"}, files={"result": FRESH, "class": CARD})
        assert (answer.status_code, answer.url) == (200, f"{url}/jobs/t1?told=started")
        job = shop.job()
        assert (job.state, job.choice, job.title) == (JobState.WAITING, {"layout": "grid"}, "Maths 3b")
        by = r"\(page, 127\.0\.0\.1\)"
        assert re.search(rf"by hand with layout grid, with a class card, with a fresh result {by}\.", log_of(shop))
        assert "<h1>Maths 3b</h1>" in answer.text
        assert person.post("/jobs/t1/cancel").url.endswith("told=cancelled")
        assert re.search(rf"Cancelled by hand {by}\.", log_of(shop))
        assert "It was over already" in person.post("/jobs/t1/cancel").text
        person.post("/jobs/t1/retry", data={"layout": "settings"})
        assert shop.job().choice is None


def test_what_is_wrong_is_told_and_changes_nothing(shop: Workshop) -> None:
    with served(page_token=TOKEN) as url:
        person = Person(url)
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"data": {"layout": "/etc/passwd"}}, "Unknown layout"),
            ({"files": {"class": b'{"titel": 1}'}}, "there is no key"),
            ({"files": {"result": event("other")}}, "The result is of another class"),
            ({"files": {"result": b"\xff"}}, "Not done"),
            ({"files": {"class": b"x" * 2**20 + b"x"}}, "at most"),
            ({"files": {"class": b"x" * 2**22}}, "too large"),
        ]  # fmt: skip
        for given, said in wrong:
            answer = person.post("/jobs/t1/retry", **given)
            assert (answer.status_code, said in answer.text) == (400, True), said
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = person.session.post(f"{url}/jobs/t1/retry", data=b"--x\r\nnothing", headers=headers, timeout=10)
        assert answer.status_code in (400, 403)
        assert person.post("/jobs/none/retry").status_code == 404
        assert shop.job().state is JobState.FAILED
        assert "by hand" not in log_of(shop)


def test_of_two_who_press_at_once_one_starts_it_and_the_other_is_told_so(shop: Workshop) -> None:
    with served(page_token=TOKEN) as url, ThreadPoolExecutor(4) as pool:
        people = [Person(url) for _ in range(4)]
        answers = list(pool.map(lambda person: person.post("/jobs/t1/retry"), people))
        assert {answer.status_code for answer in answers} == {200}
        told = sorted(answer.url.partition("told=")[2] for answer in answers)
        assert told == ["started", "under-way", "under-way", "under-way"]
        assert log_of(shop).count("Started again by hand") == 1


def test_a_program_acts_with_its_token_alone_and_is_answered_in_json(shop: Workshop) -> None:
    with served(page_token=TOKEN) as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.post(f"{url}/jobs/t1/retry", data={"layout": "grid"}, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["status"]) == (200, "started")
        answer = requests.post(f"{url}/jobs/none/cancel", headers=headers, timeout=10)
        assert (answer.status_code, "there is no job" in answer.json()["error"]) == (404, True)


def test_refused_callbacks_are_taken_once_their_key_is_set(shop: Workshop) -> None:
    refuse(
        shop.records, [Turned(body, 403, "the signature is wrong", {}, now()) for body in (signed(event("t2")), b"x")]
    )
    with served(page_token=TOKEN, callback_key=KEY) as url:
        person = Person(url)
        assert person.get("/").text.count('action="/refused/take"') == 3
        for number in ("999999999999999999999", "x", ""):
            assert "told=taken" in person.post("/refused/take", data={"number": number}).url
        assert "told=still-refused" in person.post("/refused/take", data={"number": "all"}).url
        until(lambda: shop.records.find_job("t2") is not None, 5)
        assert len(list_refused(shop.records)) == 1
        assert re.search(r"taken by hand \(page, 127\.0\.0\.1\)", log_of(shop, "t2"))


def test_a_result_that_never_came_is_handed_in(shop: Workshop) -> None:
    shop.hand_in(event("lost", kind="OnlineRecordStarted", VideoInfos=None))
    with served(page_token=TOKEN) as url:
        person = Person(url)
        assert "1 result is missing" in person.get("/").text
        assert person.post("/results", files={"result": event("lost")}).url == f"{url}/jobs/lost?told=handed-in"
        assert "missing" not in person.get("/").text
        assert re.search(r"handed in \(page, 127\.0\.0\.1\)", log_of(shop, "lost"))
        failed = (VENDOR / "v1-callback-start-failed.json").read_bytes()
        for wrong in ({}, *({"files": {"result": body}} for body in (b"no", b"{}", b'{"EventType": 1}', failed))):
            assert person.post("/results", **wrong).status_code == 400
        assert len(shop.records.list_jobs()) == 2


def test_an_address_that_somebody_typed_shows_jobs_and_says_what_could_not_be_read(shop: Workshop) -> None:
    shop.hand_in(event("t2"))
    with served() as url:
        for query, said, shown in (
            ("q=" + "x" * 10_000, "at most 200 characters", {"t1", "t2"}), ("state=odd", "no state", {"t1", "t2"}),
            ("since=yesterday", "no length of time", {"t1", "t2"}), ("after=x%00", "no such page", {"t1", "t2"}),
            ("after=1000000000", "", {"t2"}), ("after=f1000000000", "", {"t1", "t2"}), ("before=end", "", {"t1", "t2"}),
            ("q=12", "", {"t1", "t2"}), ("q=t2", "", {"t2"}), ("state=failed&room=12", "", {"t1"}),
            ("room=1", "", set()),
            ("q=%00%ff%F0%9F%98%80", "There are no such jobs", set()), ("told=x", "", {"t1", "t2"}),
        ):  # fmt: skip
            answer = requests.get(f"{url}/?{query}", timeout=20)
            assert (answer.status_code, said in answer.text) == (200, True), query
            assert set(re.findall(r'href="/jobs/(\w+)"', answer.text)) == shown, query


def test_the_same_is_typed(shop: Workshop, tmp_path: Path) -> None:
    desk = Desk(shop.folder, three_streams())
    (shop.folder / "card.json").write_bytes(CARD)
    (shop.folder / "fresh.json").write_bytes(FRESH)
    assert desk.say("jobs", "retry", "t1", "--layout", "odd").code == 2
    said = desk.say("jobs", "retry", "t1", "--layout", "grid", "--class", "card.json", "--result", "fresh.json")
    assert (said.code, said.out) == (0, "t1: in the queue\n")
    assert (shop.job().choice, shop.job().title) == ({"layout": "grid"}, "Maths 3b")
    assert re.search(r"with layout grid, .* \(command line, \S+ at \S+\)\.", log_of(shop))
    assert desk.say("jobs", "retry", "t1").code == 8
    assert desk.say("jobs", "retry", "t1", "t2", "--class", "card.json").code == 2


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")
def test_a_person_starts_a_job_again_in_a_browser_without_javascript(shop: Workshop, tmp_path: Path) -> None:
    card = tmp_path / "card.json"
    card.write_bytes(CARD)
    with served(page_token=TOKEN) as url, browsing() as browser:
        browser.open(url, script=False, width=390)
        browser.type_in("#token", TOKEN)
        browser.press("form.login button")
        assert browser.overflow == 0
        browser.press("form.act button")
        assert "Started again: it is in the queue" in browser.text
        browser.press("form.act button")
        assert "Cancelled." in browser.text
        browser.ask("void (document.querySelector('#layout').value = 'grid')")
        browser.choose_file("#class", card)
        browser.press("form.changes button")
        assert "Started again: it is in the queue" in browser.text
        assert browser.ask("document.querySelector('h1').innerText") == "Maths 3b"
        assert browser.overflow == 0
    assert shop.job().choice == {"layout": "grid"}
    assert "grid" in LAYOUT_NAMES


class TestPrune:
    def test_what_is_old_is_told_and_removed_by_the_button(self, shop: Workshop) -> None:
        long_ago = now() - 40 * 86_400_000
        with shop.records.transaction() as connection:
            connection.execute(sa.update(JOB).values(state="done", output="", updated=long_ago))
        with served(callback_key=KEY, page_token=TOKEN, keep_jobs_days="30") as url:
            person = Person(url)
            page = person.get("/prune").text
            assert "Kept are jobs for 30 days" in page
            assert "1 jobs would be forgotten" in page
            assert shop.records.find_job("t1") is not None, "looking removes nothing"
            with ThreadPoolExecutor(2) as two:
                answers = list(two.map(lambda _: person.post("/prune"), range(2)))
            assert [answer.status_code for answer in answers] == [200, 200]
            assert "Removed: what was older" in answers[0].text
            assert shop.records.find_job("t1") is None
            assert "There is nothing to remove" in person.get("/prune").text

    def test_where_everything_is_kept_the_settings_are_named(self, shop: Workshop) -> None:
        with served(callback_key=KEY, page_token=TOKEN) as url:
            page = Person(url).get("/prune").text
            assert "ASSEMBLER_KEEP_JOBS_DAYS" in page
            assert "<button>Remove" not in page
