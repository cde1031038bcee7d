"""The pages in a real browser: read without JavaScript, fresh by themselves with it, on a phone and at a desk."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, browsing
from terminal import three_streams
from workshop import Workshop, body_of, laid

from assembler.jobs.bodies import refuse
from assembler.jobs.model import JobState
from assembler.jobs.records import now
from jobs.test_once import event
from jobs.test_webhook import served

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>"
WIDTHS = (390, 1280)
LINKS = "[...document.links].map(link => link.textContent)"


@contextmanager
def dead_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Whatever leaves the machine would come by here; what it says first, and no answer."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.settimeout(2)
                    heard.append(caller.recv(1000))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"--proxy-server=http://127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def url(shop: Workshop) -> Iterator[str]:
    with served() as url:
        yield url


def in_every_state(shop: Workshop) -> None:
    """A job of every kind, a missing result, refused bodies; wherever a sender may write, markup."""
    at = now()
    told = {
        "running": {"step": "render", "progress": 0.42, "begun": at - 95_000, "remaining": 130_000},
        "delayed": {"due": at + 600_000, "reason": "v1: the server answered 503"},
        "failed": {"reason": f"v1: the file is not there ({EVIL})"},
        "poison": {"reason": "3 workers died at it, the last one at: render"},
        "done": {"verdict": "degraded", "output": "s3://bucket/x", "findings": [f"warning: {EVIL}", "note: b", "c"]},
        "waiting": {},
    }  # fmt: skip
    for name, values in told.items():
        video = {"UserId": EVIL if name == "failed" else "ann", "VideoId": EVIL}
        shop.hand_in(event(f"task-{name}", RoomId=EVIL, video=video))
        shop.records.change(f"task-{name}", state=JobState(name), **values)
    shop.hand_in(event(EVIL), event(f"lost{EVIL}", kind=EVIL), event("-rm", video={"VideoId": "x" * 300}))
    shop.records.change("-rm", state=JobState.FAILED, reason="w" * 500)
    refuse(shop.records, b"x", 403, "the signature is wrong")
    refuse(shop.records, b"{", 400, EVIL)


def test_it_reads_without_javascript_on_a_phone_and_at_a_desk(shop: Workshop, url: str) -> None:
    in_every_state(shop)
    pages = [url, *(f"{url}/jobs/{job.id}" for job in shop.records.list_jobs()), f"{url}/jobs/none{EVIL}"]
    with dead_proxy() as (flag, heard), browsing(flag) as browser:
        for page in pages:
            for width in WIDTHS:
                browser.open(page, width=width, script=False, dark=width == 390)
                assert browser.overflow == 0, (page, width)
        browser.open(url, script=False)
        text = browser.text
        for words in ("42%", "about 0:02:", "assembler jobs retry task-failed", "assembler jobs retry -- -rm",
                      "Tried again at", "done, degraded", "warning: <script>", "1 more finding", "s3://bucket/x",
                      "assembler batch RESULT.json", "ASSEMBLER_CALLBACK_KEYS", "Results missing"):  # fmt: skip
            assert words in text, words
        browser.open(f"{url}/jobs/task-failed", script=False)
        assert "screen" not in browser.text
        assert f"camera of {EVIL}"[:40] in browser.ask("document.querySelector('svg.timeline').textContent")
        assert browser.ask("document.querySelectorAll('script').length") == 1
        assert browser.ask("document.querySelectorAll('img').length") == 0
        assert_stayed_here(browser, url, heard)


def assert_stayed_here(browser: Browser, url: str, heard: list[bytes]) -> None:
    assert browser.alerts == []
    assert {one for one in browser.requests if not one.startswith((url, "data:"))} == set()
    assert heard == []


def test_it_is_fresh_by_itself(shop: Workshop, url: str) -> None:
    with dead_proxy() as (flag, heard), browsing(flag) as browser:
        browser.open(url)
        assert "No class has come in yet" in browser.text
        shop.hand_in(event(EVIL), event())
        browser.wait_for("document.body.innerText.includes('waits for')")
        for part in ("10%", "20%"):
            shop.records.change("t1", state=JobState.RUNNING, step="render", progress=int(part[:2]) / 100, begun=now())
            browser.wait_for(f"document.body.innerText.includes('{part}')")
        browser.open(f"{url}/jobs/t1")
        browser.ask("document.querySelector('details').open = true")
        shop.records.change("t1", state=JobState.FAILED, reason=f"so it is {EVIL}")
        browser.wait_for("document.body.innerText.includes('so it is <script>')")
        assert browser.ask("document.querySelector('details').open")
        assert browser.requests.count(f"{url}/jobs/t1") >= 2
        assert_stayed_here(browser, url, heard)


def test_it_says_when_the_server_is_away(shop: Workshop) -> None:
    with browsing() as browser:
        with served() as url:
            browser.open(url)
        browser.wait_for("document.body.innerText.includes('The server does not answer')")
        assert "Jobs" in browser.text


def test_the_report_of_a_job_shows_and_plays_its_class(tmp_path: Path, bundled_ffmpeg: str) -> None:
    body = json.loads(body_of(three_streams(), EVIL, room_id=EVIL))
    lost = {**body["segments"][1], "video_id": f"lost{EVIL}", "user": EVIL, "stream_id": EVIL, "url": None}
    body["segments"].append(lost)
    with (
        Workshop.opened(tmp_path, **laid(tmp_path, three_streams(), bundled_ffmpeg)) as shop,
        served() as url,
        dead_proxy() as (flag, heard),
        browsing(flag) as browser,
    ):
        (job,) = shop.hand_in(json.dumps(body).encode())
        with shop.worker():
            job = shop.wait(JobState.DONE, job.id)
        assert job.verdict == "degraded"
        browser.open(url)
        assert "Report" in browser.ask(LINKS)
        for width in WIDTHS:
            browser.open(f"{url}/jobs/{job.id}/report", width=width, dark=width == 390)
            assert browser.overflow == 0
        assert "degraded" in browser.text
        assert f"warning: lost{EVIL}" in browser.text
        assert "not used" in browser.ask("document.querySelector('svg.timeline').textContent")
        assert_it_seeks(browser)
        assert_stayed_here(browser, url, heard)
        output = Path(job.output)
        browser.open((output.parent / "playback.assets/report.html").as_uri())  # without a server
        assert_it_seeks(browser)
        browser.open(f"{url}/jobs/{job.id}/video")
        browser.wait_for("document.querySelector('video').duration > 5")


def assert_it_seeks(browser: Browser) -> None:
    """A click on a time, and on a place in the picture, goes there."""
    browser.wait_for("document.querySelector('video').readyState >= 1")
    browser.ask("document.querySelector('a[data-at=\"2.000\"]').click()")
    browser.wait_for("Math.abs(document.querySelector('video').currentTime - 2) < 0.01")
    browser.wait_for("document.querySelector('.head').getAttribute('x1').startsWith('33.')")
    click = (
        "(svg => { const box = svg.getBoundingClientRect(); svg.dispatchEvent(new MouseEvent('click', "
        "{bubbles: true, clientX: box.left + box.width * 0.75})); })(document.querySelector('svg.timeline'))"
    )
    browser.ask(click)
    browser.wait_for("Math.abs(document.querySelector('video').currentTime - 4.5) < 0.1")
