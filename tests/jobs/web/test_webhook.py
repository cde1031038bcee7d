"""Callbacks over HTTP: who is believed, what is kept, what is answered."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from terminal import Desk, three_streams, until
from workshop import Workshop

from assembler.dialects.signature import sign
from assembler.errors import JobError
from assembler.findings import MOST_OF_A_KIND
from assembler.jobs.intake.bodies import list_events, list_refused, load_body
from assembler.jobs.intake.intake import spool_folder, take_in
from assembler.jobs.intake.refused import take_refused
from assembler.jobs.intake.tasks import expect
from assembler.jobs.store.model import JobState
from assembler.jobs.store.records import now
from assembler.jobs.web.app import make_app, run_server
from assembler.jobs.web.keys import Keys
from assembler.jobs.web.list_page import SHOWN_EVENTS, SHOWN_TASKS
from assembler.jobs.web.listener import Limits, Listener
from assembler.jobs.web.request_bodies import LARGEST
from assembler.options import load_options
from jobs.intake.test_once import event

VENDOR = Path(__file__).parents[3] / "fixtures" / "vendor"
KEY = "Xz4ZgayTr7rMgWQrH"
LATER = 4_000_000_000


@contextmanager
def served(said: list[str] | None = None, *, host: str = "localhost", **settings: str) -> Iterator[str]:
    say = said.append if said is not None else lambda _: None
    app = make_app(load_options(**settings), workers=0, say=say, host=host)
    server, door = Listener(Limits(app)), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([door],))
    thread.start()
    try:
        until(lambda: server.started, 10)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


def signed(body: bytes, key: str = KEY, expires: int = LATER) -> bytes:
    return json.dumps({**json.loads(body), "ExpireTime": expires, "Sign": sign(key, expires)}).encode()


def post(url: str, body: bytes, **query: object) -> requests.Response:
    return requests.post(f"{url}/callback", data=body, params={k: str(v) for k, v in query.items()}, timeout=10)


def assert_accepted(answer: requests.Response) -> None:
    assert (answer.status_code, answer.json()) == (200, {"error_code": 0})


class TestSignatures:
    @pytest.fixture(params=["callback_key", "callback_keys"])
    def url(self, shop: Workshop, request: pytest.FixtureRequest) -> Iterator[str]:
        with served(**{request.param: KEY}) as url:
            yield url

    def test_a_signed_event_becomes_a_job(self, shop: Workshop, url: str) -> None:
        assert_accepted(post(url, signed(event())))
        until(lambda: [job.id for job in shop.records.list_jobs()] == ["t1"], 5)
        until(lambda: shop.job().state is JobState.WAITING, 5)

    def test_a_v1_callback_is_signed_in_its_url(self, shop: Workshop, url: str) -> None:
        body = (VENDOR / "v1-callback-record-finished.json").read_bytes()
        query = {"random": 1, "expire_time": LATER, "sdkappid": 1400}
        assert post(url, body, **query, sign="0" * 32).status_code == 403
        assert_accepted(post(url, body, **query, sign=sign(KEY, LATER)))
        until(lambda: [job.app for job in shop.records.list_jobs()] == ["1400"], 5)

    def test_a_missing_wrong_or_expired_one_is_403_and_kept_for_inspection(self, shop: Workshop, url: str) -> None:
        bad = [event(), signed(event(), key="other"), signed(event(), expires=1_500_000_000)]
        assert [post(url, body).status_code for body in bad] == [403, 403, 403]
        until(lambda: len(list_refused(shop.records)) == 3, 5)
        reasons = [one.reason for one in list_refused(shop.records)]
        assert reasons == ["the signature is expired", "the signature is wrong", "the signature is missing"]
        assert list_events(shop.records) == []

    def test_the_vendors_printed_examples_fail(self, url: str) -> None:
        assert post(url, (VENDOR / "online-record-finished.json").read_bytes()).status_code == 403


def test_a_key_of_one_app_opens_for_no_other(shop: Workshop) -> None:
    with served(callback_keys=f"1400:{KEY},1500:second") as url:
        assert_accepted(post(url, signed(event(app=1400))))
        assert_accepted(post(url, signed(event(app=1500), key="second")))
        assert post(url, signed(event(app=1500))).status_code == 403
        assert post(url, signed(event())).status_code == 403


def test_without_a_key_it_does_not_start(shop: Workshop) -> None:
    with pytest.raises(JobError, match="no key"):
        run_server(load_options(), host="127.0.0.1", port=1, workers=0, insecure=False, say=print)


class TestBodies:
    @pytest.fixture
    def url(self, shop: Workshop) -> Iterator[str]:
        with served() as url:
            yield url

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"a": 1}', b"null"])
    def test_what_cannot_be_read_is_400_and_kept(self, shop: Workshop, url: str, body: bytes) -> None:
        assert post(url, body).status_code == 400
        until(lambda: len(list_refused(shop.records)) == 1, 5)
        (kept,) = list_refused(shop.records)
        assert (kept.status, kept.size) == (400, len(body))

    def test_more_than_a_mebibyte_is_refused(self, shop: Workshop, url: str) -> None:
        filler = event(Filler="x" * (LARGEST - len(event()) - 20))
        assert_accepted(post(url, filler))
        assert post(url, event(Filler="x" * LARGEST)).status_code == 413

    def test_the_raw_bytes_are_what_came_whatever_type_was_declared(self, shop: Workshop, url: str) -> None:
        raw = b" " + event() + b"\n"
        headers = {"Content-Type": "multipart/form-data"}
        assert_accepted(requests.post(f"{url}/callback", data=raw, headers=headers, timeout=10))
        assert load_body(shop.records, 1).raw == raw

    def test_every_event_of_the_vendor_is_accepted(self, shop: Workshop, url: str) -> None:
        paths = [*VENDOR.glob("o*line-record-*.json"), *VENDOR.glob("event-20*progress.json"),
                 *VENDOR.glob("v1-callback-record-*ed.json")]  # fmt: skip
        for path in paths:
            assert_accepted(post(url, path.read_bytes()))
        assert len(list_events(shop.records)) == len(paths) >= 10

    def test_a_burst_of_repeats_is_one_job(self, shop: Workshop, url: str) -> None:
        with ThreadPoolExecutor(16) as pool:
            for answer in pool.map(lambda _: post(url, event()), range(64)):
                assert_accepted(answer)
        # where the database was too slow for some they are in the spool folder for a moment
        until(lambda: [one.job for one in list_events(shop.records, limit=100)] == ["t1"] * 64, 30)
        assert len(shop.records.list_jobs()) == 1


class TestWhileTheDatabaseIsAway:
    def test_bodies_are_spooled_and_come_in_later(self, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("assembler.jobs.web.callback_writer.AWAY_SECONDS", 0.1)
        place = shop.options.home / "jobs.sqlite"
        shop.records.engine.dispose()
        for name in ("", "-wal", "-shm"):
            Path(f"{place}{name}").unlink(missing_ok=True)
        place.mkdir()  # no database can be opened here
        with served() as url:
            assert requests.get(f"{url}/healthz", timeout=10).status_code == 503
            assert_accepted(post(url, event()))
            assert len(list(spool_folder(shop.options).glob("*.body"))) == 1
            place.rmdir()
            assert_accepted(post(url, event("t2")))
            until(lambda: requests.get(f"{url}/healthz", timeout=10).ok, 10)
            until(lambda: {job.id for job in shop.records.list_jobs()} == {"t1", "t2"}, 10)
            assert list(spool_folder(shop.options).iterdir()) == []

    def test_where_nothing_can_be_stored_the_sender_is_to_come_again(self, shop: Workshop) -> None:
        shop.records.engine.dispose()
        for name in ("", "-wal", "-shm"):
            Path(f"{shop.options.home / 'jobs.sqlite'}{name}").unlink(missing_ok=True)
        (shop.options.home / "jobs.sqlite").mkdir()
        spool_folder(shop.options).write_text("in the way")
        with served() as url:
            assert post(url, event()).status_code == 503


class TestPages:
    @pytest.fixture
    def url(self, shop: Workshop) -> Iterator[str]:
        with served() as url:
            yield url

    def get(self, url: str, **headers: str) -> requests.Response:
        return requests.get(url, headers=headers, timeout=10)

    def test_they_read_without_javascript_and_load_nothing(self, shop: Workshop, url: str) -> None:
        started = json.loads(event("t9", kind="OnlineRecordStarted", VideoInfos=None))
        shop.hand_in(event(), json.dumps(started).encode())
        post(url, b"{")
        until(lambda: "Refused callbacks" in self.get(url).text, 5)
        text = self.get(url).text
        for words in ("t1", "waiting", "Results missing", "t9", "OnlineRecordStarted", "Refused callbacks", "400"):
            assert words in text
        assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
        assert "default-src 'none'" in self.get(url).headers["Content-Security-Policy"]

    def test_what_is_left_out_of_a_list_is_said(self, shop: Workshop, url: str) -> None:
        expect(shop.records, [f"expected-{number}" for number in range(SHOWN_TASKS + 1)])
        shop.hand_in(*(event("t9", kind=f"Unknown{number}", VideoInfos=None) for number in range(SHOWN_EVENTS)))
        text = self.get(url).text
        assert text.count("<b>expected-") == SHOWN_TASKS
        assert f"longest silent of {SHOWN_TASKS + 1}" in text
        assert "Unknown0" in text
        assert f"The newest {SHOWN_EVENTS}." in text

    def test_findings_of_one_kind_by_the_hundred_are_a_few_and_a_sum(self, shop: Workshop, url: str) -> None:
        shop.hand_in(event())
        many = tuple(f"warning: v{number}: ends {number} ms early." for number in range(300))
        shop.records.change("t1", state=JobState.DONE, findings=(*many, "note: something else"))
        text = self.get(f"{url}/jobs/t1").text
        assert text.count(" ms early.") == MOST_OF_A_KIND + 1
        assert f"And {300 - MOST_OF_A_KIND} more of the kind" in text
        assert "something else" in text
        assert f"{MOST_OF_A_KIND} more findings" in self.get(url).text
        assert len(self.get(f"{url}/jobs/t1.json").json()["findings"]) == 301

    def test_a_job_has_a_page_and_its_json(self, shop: Workshop, url: str) -> None:
        shop.hand_in(event())
        text = self.get(f"{url}/jobs/t1").text
        assert "Timeline" in text
        assert "ann" in text
        told: Mapping[str, Any] = self.get(f"{url}/jobs/t1.json").json()
        assert (told["id"], told["state"], told["room"]) == ("t1", "waiting", "12")
        assert self.get(f"{url}/jobs/none").status_code == 404

    def test_what_a_body_says_never_becomes_markup(self, shop: Workshop, url: str) -> None:
        evil = "<script>alert(1)</script>"
        shop.hand_in(event(evil, RoomId=evil, video={"UserId": evil, "VideoId": evil}))
        post(url, json.dumps({"EventType": evil, "EventData": {"TaskId": evil}}).encode())
        (job,) = shop.records.list_jobs()
        until(lambda: evil.replace("<", "&lt;").replace(">", "&gt;") in self.get(url).text, 5)
        for page in (url, f"{url}/jobs/{job.id}", f"{url}/jobs/{evil}"):
            assert evil not in self.get(page).text

    def test_figures_for_prometheus(self, shop: Workshop, url: str) -> None:
        assert_accepted(post(url, event()))
        until(lambda: len(shop.records.list_jobs()) == 1, 5)
        text = self.get(f"{url}/metrics").text
        assert 'assembler_callbacks_total{status="200"} 1.0' in text
        assert re.search(r'assembler_jobs\{state="(waiting|new)"\} 1\.0', text)
        assert 'assembler_disk_free_bytes{place="output"}' in text
        names = set(re.findall(r"^assembler_(\w+)", text, re.MULTILINE))
        assert names >= {
            "jobs_degraded", "results_missing", "queue_age_seconds", "failures_last_hour", "links_expiring", "spooled",
            "refused_callbacks", "notices_waiting", "workers", "class_seconds_total", "wall_seconds_total",
            "cpu_seconds_total", "fetched_bytes_total", "published_bytes_total", "jobs_published_total",
        }  # fmt: skip
        assert self.get(f"{url}/healthz").json() == {"status": "ok", "database": "ok", "spooled": 0}


def test_four_hundred_at_once_are_all_answered(shop: Workshop) -> None:
    """No benchmark (tests/bench has it): four hundred at once are all answered, none is lost."""
    with served() as url, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: post(url, event(f"t{n}")).status_code, range(400)))
        until(lambda: len(shop.records.list_jobs()) == 400, 120)
    assert answers == [200] * 400


class TestRefusedOnes:
    """Somebody wrote a wrong key into the settings; the vendor has long stopped repeating when it is mended."""

    V1 = (VENDOR / "v1-callback-record-finished.json").read_bytes()

    @pytest.fixture(params=["", "/"])
    def turned_away(self, shop: Workshop, request: pytest.FixtureRequest) -> Workshop:
        with served(callback_key="wrong") as url:
            soon = now() // 1000 + 2  # expired by the time it is taken
            answers = [
                requests.post(f"{url}/callback{request.param}", data=signed(event(), expires=soon), timeout=10),
                requests.post(
                    f"{url}/callback{request.param}", data=self.V1, timeout=10,
                    params={"sign": sign(KEY, LATER), "expire_time": str(LATER), "sdkappid": "1400", "random": "7"},
                ),
                requests.post(f"{url}/callback{request.param}", data=event("t3"), timeout=10),
                requests.post(f"{url}/callback{request.param}", data=signed(b'{"a": 1}'), timeout=10),
            ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [403] * 4
        return shop

    def test_are_taken_by_the_right_key_as_of_when_they_came(self, turned_away: Workshop) -> None:
        shop = turned_away
        until(lambda: now() // 1000 > list_refused(shop.records)[0].received // 1000 + 3, 10)
        judged, _ = take_refused(shop.records, Keys(load_options(callback_key=KEY)), [1, 2, 3, 4])
        assert [judged[number].status for number in (1, 2, 3, 4)] == [200, 200, 403, 400]
        take_in(shop.records, shop.engine)
        jobs = {job.task: job.app for job in shop.records.list_jobs()}
        assert jobs == {"t1": None, "g68cee8e90jcq4ogg8jb": "1400"}
        assert [one.id for one in list_refused(shop.records)] == [4, 3]

    def test_the_verbs_show_and_take_them(self, turned_away: Workshop) -> None:
        desk = Desk(turned_away.folder, three_streams())
        listed = desk.say("jobs", "refused", "list")
        assert [line.split()[0] for line in listed.out.splitlines()] == ["4", "3", "2", "1"]
        assert "403" in listed.out
        assert [one["id"] for one in json.loads(desk.say("jobs", "refused", "list", "--json").out)] == [4, 3, 2, 1]
        assert desk.say("jobs", "refused", "take").code == 2
        assert desk.say("jobs", "refused", "take", "1").code == 8, "there is no key"
        assert "no refused callback 9" in desk.say("jobs", "refused", "show", "9").err
        taken = desk.say("jobs", "refused", "take", "2", "3", callback_key=KEY)
        assert (taken.code, "2: taken" in taken.out, "3: still refused" in taken.out) == (8, True, True)
        assert "refused show" in taken.err
        assert desk.say("jobs", "refused", "take", "--all", callback_keys=f"{KEY},other").code == 0
        assert {job.id for job in turned_away.records.list_jobs()} == {"t1", "g68cee8e90jcq4ogg8jb"}
        code = "from assembler.cli.main import main; main()"
        shown = subprocess.run(
            [sys.executable, "-c", code, "jobs", "refused", "show", "3"], env=desk.environment({}), capture_output=True,
            check=True,
        )  # fmt: skip
        assert shown.stdout == event("t3")


def test_a_port_that_is_taken_is_said_in_one_line_before_anything_starts(shop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(JobError, match=f"127.0.0.1:{port} cannot be listened at"):
            run_server(load_options(), host="127.0.0.1", port=port, workers=1, insecure=True, say=print)
    assert not (shop.options.home / "worker.log").exists()
