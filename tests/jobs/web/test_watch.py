"""The page on which a playback is watched, in a real browser: over HTTP and from disk, by mouse, keyboard and link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from browser import PROGRAM, Browser, browsing
from terminal import three_streams
from workshop import Workshop, body_of, laid

from assembler.dialects import parse
from assembler.jobs.store.model import JobState
from assembler.network.publish.card import Card
from assembler.network.publish.publish import publish
from assembler.pipeline.assemble import assemble
from assembler.processes import Stop
from assembler.workspace import assets_of
from jobs.web.test_webhook import served

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
SMALL, WIDE = 390, 1440
AT = "document.querySelector('video').currentTime"
CHAPTERS = "[...document.querySelectorAll('#chapters a')].map(a => a.textContent)"
STRIP = "document.getElementById('strip')"


@dataclass(frozen=True)
class Desk:
    """A finished class on a server and on disk, and a browser before it."""

    browser: Browser
    url: str
    job: str
    disk: Path

    def key(self, *names: str) -> None:
        """Press keys one after the other, as a keyboard does."""
        for name in names:
            text = {"text": name} if len(name) == 1 else {}
            self.browser.tell("Input.dispatchKeyEvent", type="keyDown", key=name, **text)
            self.browser.tell("Input.dispatchKeyEvent", type="keyUp", key=name)

    def mouse(self, kind: str, part: float) -> None:
        """Move or press the mouse at a part of the timeline's width."""
        self.browser.ask(f"void {STRIP}.scrollIntoView({{block: 'center'}})")
        box = self.browser.ask(f"{STRIP}.getBoundingClientRect().toJSON()")
        x, y = box["left"] + box["width"] * part, box["top"] + box["height"] / 2
        button = {"button": "left", "buttons": 1, "clickCount": 1} if kind != "mouseMoved" else {}
        self.browser.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def is_at(self, seconds: float) -> None:
        self.browser.wait_for(f"Math.abs({AT} - {seconds}) < 0.05")


@contextmanager
def watching(folder: Path, ffmpeg: str) -> Iterator[Desk]:
    """Whatever a sender, a school or a student may name is markup."""
    (folder / "own.txt").write_text(f"0:02 {EVIL}\n0:04 Rest\n", "utf-8")
    cues = "00:00.000 --> 00:03.000\n<v Ann>One &lt;b&gt; two\n\n00:03.000 --> 00:06.000\nEnd\n"
    (folder / "captions.vtt").write_text(f"WEBVTT\n\n{cues}", "utf-8")
    sent = [{"time": "2020-09-13T12:26:41Z", "user": "bob", "text": EVIL}]
    (folder / "chat.json").write_text(json.dumps(sent), "utf-8")
    card = {"title": EVIL, "course": "Maths", "people": [{"id": EVIL, "name": f"Ms {EVIL}", "role": "teacher"}]}
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    files = {"chapters": "own.txt", "captions": "captions.vtt", "chat": "chat.json", "class_file": "card.json"}
    given = {**{name: str(folder / file) for name, file in files.items()}, "timezone": "Asia/Shanghai"}
    told = json.loads(body_of(three_streams(), room_id=EVIL))
    body = json.dumps(told).replace('"ann"', json.dumps(EVIL)).encode()
    with Workshop.opened(folder, **laid(folder, three_streams(), ffmpeg)) as shop, served() as url:
        (job,) = shop.hand_in(body)
        made = shop.folder / "made" / "playback.mp4"
        made.parent.mkdir()
        manifest = assemble(parse(body), made, shop.options.model_copy(update=given)).manifest
        done = Card(job=job.id, key=job.key, revision=1, digest=manifest.digest)
        output = publish(made, assets_of(made), str(shop.options.home / "output"), "a/1", done, shop.options, Stop())
        shop.records.change(job.id, state=JobState.DONE, verdict=manifest.verdict.value, output=output)
        with browsing() as browser:
            yield Desk(browser, url, job.id, assets_of(Path(output)) / "index.html")


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")
def test_a_class_is_watched_over_http_and_from_disk(tmp_path: Path, bundled_ffmpeg: str) -> None:
    with watching(tmp_path, bundled_ffmpeg) as desk:
        assert_it_is_served(desk)
        for place in (f"{desk.url}/jobs/{desk.job}/watch", desk.disk.as_uri()):
            for width in (SMALL, WIDE):
                desk.browser.open(place, width=width, dark=width == SMALL)
                assert desk.browser.overflow == 0, (place, width)
            assert_it_tells_what_is_there(desk)
            assert_it_plays_and_seeks(desk)
            assert_keys_move_it(desk)
            assert_the_timeline_is_scrubbed(desk)
            assert_captions_are_shown(desk)
            assert_a_link_leads_to_a_place(desk, place)
        assert_nothing_ran_or_was_loaded_but_its_own(desk)
        desk.browser.open(desk.disk.as_uri(), script=False)
        assert desk.browser.ask(CHAPTERS)[1].startswith(EVIL)


def assert_it_is_served(desk: Desk) -> None:
    desk.browser.open(f"{desk.url}/jobs/{desk.job}", script=False)
    assert "Watch" in desk.browser.ask("[...document.links].map(link => link.textContent)")
    assets = f"{desk.url}/jobs/{desk.job}/playback.assets"
    for name in ("chapters.vtt", "captions.vtt", "chat.vtt"):
        assert requests.get(f"{assets}/{name}", timeout=10).text.startswith("WEBVTT"), name
    for name in ("cover.jpg", "../job.json", "%2e%2e/job.json", "../../../../etc/passwd", "none.vtt"):
        assert requests.get(f"{assets}/{name}", timeout=10).status_code == 404, name
    part = requests.get(f"{desk.url}/jobs/{desk.job}/video", headers={"Range": "bytes=4-7"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"ftyp")


def assert_it_tells_what_is_there(desk: Desk) -> None:
    ask = desk.browser.ask
    assert ask("document.querySelector('h1').textContent") == EVIL
    assert [EVIL in title for title in ask(CHAPTERS)] == [False, True, False]
    drawn = "getComputedStyle(thumb).backgroundImage.startsWith('url(\"data:image/jpeg')"
    assert ask(f"[...document.querySelectorAll('#chapters .thumb')].every(thumb => {drawn})")
    assert ask("document.getElementById('gone').hidden")
    assert ask("document.querySelector('video').poster").startswith("data:image/jpeg;base64,")
    assert ask("[...document.querySelectorAll('#people button')].map(b => b.textContent)") == [f"Ms {EVIL}", "bob"]
    assert "13 September 2020" in desk.browser.text
    assert "20:26 (Asia/Shanghai)" in desk.browser.text
    assert {"Video (playback.mp4)", "Chapters (WebVTT)", "Chat (WebVTT)"} <= set(
        ask("[...document.querySelectorAll('#downloads a')].map(a => a.textContent)")
    )
    unnamed = "[...document.querySelectorAll('button, select, input, section, nav')].filter(e => !(e.ariaLabel || "
    unnamed += "e.labels?.length || e.textContent.trim() || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"
    assert ask(unnamed) == []


def assert_it_plays_and_seeks(desk: Desk) -> None:
    browser = desk.browser
    browser.wait_for("document.querySelector('video').readyState >= 1")
    desk.key("0")  # no browser plays before somebody did something
    browser.ask("document.querySelectorAll('#chapters a')[2].click()")
    browser.wait_for(f"{AT} > 4.2 && !document.querySelector('video').paused")
    assert browser.ask("document.querySelector('#chapters a[aria-current]').textContent").startswith("Rest")
    desk.key("k")
    browser.wait_for("document.querySelector('video').paused")
    assert "20:26:4" in browser.ask("document.getElementById('when').textContent")
    browser.ask("document.querySelectorAll('#people button')[1].click()")
    browser.wait_for(f"{AT} > 1.9 && {AT} < 4 && !document.querySelector('video').paused")
    desk.key(" ")
    browser.wait_for("document.querySelector('video').paused")


def assert_keys_move_it(desk: Desk) -> None:
    for keys, seconds in (("0", 0), ("5", 3), ("j", 0), ("l", 6), ("9", 5.4), ("p", 2), ("p", 0), ("n", 2), ("n", 4)):
        desk.key(keys)
        desk.is_at(seconds)
    desk.key("ArrowLeft")
    desk.is_at(0)
    desk.key("ArrowRight")
    desk.is_at(5)
    desk.browser.ask("document.querySelector('video').focus()")  # which has keys of its own
    desk.key("ArrowLeft")
    desk.is_at(0)
    desk.key(">", "m")
    assert desk.browser.ask("(v => [v.playbackRate, v.muted])(document.querySelector('video'))") == [1.25, True]
    desk.key("<", "m", "?")
    assert desk.browser.ask("document.getElementById('help').open")
    desk.key("5")
    desk.browser.ask("document.getElementById('close').click()")
    desk.is_at(0)
    desk.key("f")
    desk.browser.wait_for("document.fullscreenElement === document.querySelector('video')")
    desk.key("f")
    desk.browser.wait_for("!document.fullscreenElement")


def assert_the_timeline_is_scrubbed(desk: Desk) -> None:
    for kind, part in (("mouseMoved", 0.1), ("mousePressed", 0.25), ("mouseMoved", 0.5)):
        desk.mouse(kind, part)
    desk.is_at(3)
    desk.mouse("mouseReleased", 0.5)
    desk.mouse("mouseMoved", 0.9)
    desk.is_at(3)
    assert "Rest" in desk.browser.ask("document.getElementById('tip').textContent")
    desk.browser.ask(f"{STRIP}.focus()")
    desk.key("End")
    desk.is_at(6)
    desk.key("Home", "ArrowUp")
    desk.is_at(5)
    value = desk.browser.ask(f"['role', 'aria-valuenow', 'aria-valuetext'].map(name => {STRIP}.getAttribute(name))")
    assert value == ["slider", "5", "0:05, Rest, about 20:26:45"]
    assert desk.browser.ask(f"{STRIP}.querySelectorAll('path[d]').length") >= 3


def assert_captions_are_shown(desk: Desk) -> None:
    shown = "[...document.querySelector('video').textTracks].map(track => track.mode)"
    desk.key("0", "c")
    assert desk.browser.ask(shown) == ["showing", "disabled"]
    desk.browser.wait_for("document.querySelector('video').textTracks[0].activeCues.length === 1")
    cue = "document.querySelector('video').textTracks[0].activeCues[0].getCueAsHTML().textContent"
    assert desk.browser.ask(cue) == "Ann: One <b> two"
    desk.key("c")
    assert desk.browser.ask("document.getElementById('said-list').textContent").endswith(f"bob: {EVIL}")
    desk.key("c")
    assert desk.browser.ask(shown) == ["disabled", "disabled"]


def assert_a_link_leads_to_a_place(desk: Desk, place: str) -> None:
    desk.key("5")
    desk.browser.wait_for("location.hash === '#t=0:03'")
    desk.browser.ask("location.hash = '#t=0:00:04'")
    desk.is_at(4)
    desk.browser.open("about:blank")
    desk.browser.open(f"{place}#t=2s", width=WIDE)
    desk.is_at(2)


def assert_nothing_ran_or_was_loaded_but_its_own(desk: Desk) -> None:
    assert desk.browser.alerts == []
    own = (f"{desk.url}/jobs/", "data:", desk.disk.parent.parent.as_uri(), "about:blank")
    assert [one for one in desk.browser.requests if not one.startswith(own)] == []
