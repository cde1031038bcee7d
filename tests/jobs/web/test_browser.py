"""The pages in a real browser: read without JavaScript, fresh by themselves with it, on a phone and at a desk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from browser import PROGRAM, Browser, browsing
from terminal import three_streams
from workshop import Workshop, body_of, laid

from assembler.dialects import parse
from assembler.jobs.intake.bodies import Turned, refuse
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import now
from assembler.network.publish.card import Card
from assembler.network.publish.publish import publish
from assembler.pipeline.assemble import assemble
from assembler.processes import Stop
from assembler.workspace import assets_of
from jobs.intake.test_once import event
from jobs.web.test_webhook import served

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>"
SMALL, WIDE = 390, 1280
SAYS = "document.body.innerText.includes({})"


def in_every_state(shop: Workshop) -> None:
    """A job of every kind, a missing result, unknown events, refused bodies; wherever a sender may write, markup."""
    at = now()
    told: dict[str, dict[str, Any]] = {
        "waiting": {},
        "running": {"step": "render", "progress": 0.42, "begun": at - 95_000, "remaining": 130_000},
        "delayed": {"due": at + 600_000, "reason": "v1: the server answered 503"},
        "done": {"verdict": "degraded", "output": "s3://bucket/x", "findings": [f"warning: {EVIL}", "note: b", "c"]},
        "failed": {"reason": f"v1: the file is not there ({EVIL})"},
        "poison": {"reason": "3 workers died at it, the last one at: render"},
        "cancelled": {"reason": "cancelled by hand"},
        "superseded": {"reason": "a later result of the same task came before this one began"},
    }  # fmt: skip
    for name, values in told.items():
        video = {"UserId": EVIL if name == "failed" else "ann", "VideoId": EVIL}
        shop.hand_in(event(f"task-{name}", RoomId=EVIL, video=video))
        shop.records.change(f"task-{name}", state=JobState(name), **values)
    shop.hand_in(
        event(f"lost{EVIL}", kind="OnlineRecordStarted", VideoInfos=None), event("other", kind=EVIL, VideoInfos=None),
        event("-rm", video={"VideoId": "x" * 300}),
    )  # fmt: skip
    shop.records.change("-rm", state=JobState.FAILED, reason="w" * 500)
    turned = [Turned(b"x", 403, "the signature is wrong", {}, now()), Turned(b"{", 400, EVIL, {}, now())]
    refuse(shop.records, turned)


def test_the_pages_read_without_javascript_and_are_fresh_by_themselves_with_it(tmp_path: Path) -> None:
    with Workshop.opened(tmp_path) as shop, browsing() as browser:
        browser.hurry()
        with served() as url:
            browser.open(url)
            assert "No class has come in yet" in browser.text
            in_every_state(shop)
            assert_it_reads(browser, url)
            browser.open(f"{url}/jobs/task-running")
            assert_it_is_fresh(browser, shop)
            assert_it_ran_and_loaded_nothing_else(browser, url)
        browser.wait_for(SAYS.format("'The server does not answer'"))
        assert "task-running" in browser.text


def assert_it_reads(browser: Browser, url: str) -> None:
    for path in ("", "/jobs/task-failed", "/jobs/-rm", "/jobs/task-running/video", f"/jobs/{EVIL}"):
        for width in (SMALL, WIDE):
            browser.open(f"{url}{path}", width=width, script=False, dark=width == SMALL)
            assert browser.overflow == 0, (path, width)
    browser.open(url, script=False)
    for words in (*(state for state in JobState if state is not JobState.NEW), "42%", "about 0:02:", "w" * 500,
                  "assembler jobs retry task-failed", "assembler jobs retry -- -rm", "Tried again at",
                  "done, degraded", "warning: <script>", "1 more finding", "s3://bucket/x", "Results missing",
                  f"lost{EVIL}", "Other events", "assembler batch RESULT.json", "ASSEMBLER_CALLBACK_KEYS"):  # fmt: skip
        assert words in browser.text, words
    browser.open(f"{url}/jobs/task-failed", script=False)
    assert f"camera of {EVIL}"[:40] in browser.ask("document.querySelector('svg.timeline').textContent")
    assert browser.ask("document.querySelectorAll('script').length") == 1
    assert browser.ask("document.querySelectorAll('img').length") == 0


def assert_it_is_fresh(browser: Browser, shop: Workshop) -> None:
    browser.ask("document.querySelector('details').open = true")
    shop.records.change("task-running", progress=0.57, remaining=None)
    browser.wait_for(SAYS.format("'57%'"))
    shop.records.change("task-running", state=JobState.FAILED, reason=f"so it is {EVIL}")
    browser.wait_for(SAYS.format("'so it is <script>'"))
    assert browser.ask("document.querySelector('details').open"), "what was opened stays open"


def assert_it_ran_and_loaded_nothing_else(browser: Browser, url: str) -> None:
    assert browser.alerts == []
    assert [one for one in browser.requests if not one.startswith((url, "data:"))] == []


def finished(shop: Workshop) -> Job:
    """A class as a worker publishes it: whatever a sender names is markup, and one file never came."""
    body = json.loads(body_of(three_streams(), EVIL, room_id=EVIL))
    lost = {**body["segments"][1], "video_id": f"lost{EVIL}", "user": EVIL, "stream_id": EVIL, "url": None}
    raw = json.dumps({**body, "segments": [*body["segments"], lost]}).encode()
    (job,) = shop.hand_in(raw)
    made = shop.folder / "made" / "playback.mp4"
    made.parent.mkdir()
    manifest = assemble(parse(raw), made, shop.options).manifest
    card = Card(job=job.id, key=job.key, revision=1, digest=manifest.digest)
    output = publish(made, assets_of(made), str(shop.options.home / "output"), "a/1", card, shop.options, Stop())
    shop.records.change(job.id, state=JobState.DONE, verdict=manifest.verdict.value, output=output)
    return shop.job(job.id)


def test_the_report_of_a_job_shows_and_plays_its_class(tmp_path: Path, bundled_ffmpeg: str) -> None:
    with (
        Workshop.opened(tmp_path, **laid(tmp_path, three_streams(), bundled_ffmpeg)) as shop,
        served() as url,
        browsing() as browser,
    ):
        job = finished(shop)
        browser.open(url, script=False)
        assert {"Video", "Report"} <= set(browser.ask("[...document.links].map(link => link.textContent)"))
        for width in (SMALL, WIDE):
            browser.open(f"{url}/jobs/{job.id}/report", width=width, dark=width == SMALL)
            assert browser.overflow == 0
        assert "degraded" in browser.text
        assert f"warning: lost{EVIL}" in browser.text
        assert "not used" in browser.ask("document.querySelector('svg.timeline').textContent")
        assert_it_seeks(browser)
        browser.open(f"{url}/jobs/{job.id}/video")
        browser.wait_for("document.querySelector('video').duration > 5")
        assert_it_ran_and_loaded_nothing_else(browser, url)
        browser.open(assets_of(Path(job.output)).joinpath("report.html").as_uri())  # without a server
        assert_it_seeks(browser)


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
