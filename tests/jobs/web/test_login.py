"""Login: who sees the pages, with a token and without one, by a program and in a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from browser import PROGRAM, browsing
from workshop import Workshop

from assembler.errors import InputError
from assembler.jobs.web.login import COOKIE, FREE_TRIES, REFUSED, SLOW_SECONDS, local_path
from assembler.options import load_options
from jobs.intake.test_once import event
from jobs.web.test_webhook import served

TOKEN, OTHER = "a token of the pages", "a token of another server"
PAGE = {"Accept": "text/html"}
GUARDED = ("/", "/jobs/t1", "/jobs/t1.json", "/jobs/t1/video", "/jobs/t1/watch", "/jobs/none", "/metrics", "/nothing")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        opened.hand_in(event())
        yield opened


def log_in(url: str, token: str = TOKEN, goal: str = "/") -> requests.Response:
    data = {"token": token, "next": goal}
    return requests.post(f"{url}/login", data=data, headers=PAGE, timeout=20, allow_redirects=False)


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=20)


def test_without_a_token_the_pages_are_shown_on_this_machine_alone_and_without_buttons(shop: Workshop) -> None:
    proxied = {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=10.0.0.1"}, {"Via": "1.1 proxy"}
    with served() as url:
        for path in ("/", "/jobs/t1", "/metrics"):
            assert get(f"{url}{path}").status_code == 200
            for headers in proxied:
                answer = get(f"{url}{path}", **headers)
                assert (answer.status_code, answer.json()) == (403, {"error": REFUSED})
        assert "ASSEMBLER_PAGE_TOKEN" in get(url, **PAGE, **proxied[0]).text
        assert get(f"{url}/healthz", **proxied[0]).status_code == 200
        assert "<button" not in get(f"{url}/jobs/t1").text
        for path in ("/jobs/t1/retry", "/jobs/t1/cancel", "/refused/take"):
            assert requests.post(f"{url}{path}", timeout=10).status_code == 403
    with served(host="0.0.0.0", public_hosts="127.0.0.1", metrics_open="yes") as url:
        assert [get(f"{url}{path}").status_code for path in ("/", "/jobs/t1", "/metrics")] == [403, 403, 200]


def test_with_a_token_every_page_asks_for_it_and_a_program_sends_it_along(shop: Workshop) -> None:
    with served(page_token=TOKEN, callback_key="some key") as url:
        for path in GUARDED:
            assert get(f"{url}{path}").status_code == 401, path
            assert get(f"{url}{path}", Authorization=f"Basic {TOKEN}").status_code == 401
        assert get(f"{url}/jobs/t1.json", **PAGE).headers["WWW-Authenticate"] == "Bearer"
        asked = get(f"{url}/jobs/t1?a=%22%3E", **PAGE)
        assert (asked.status_code, 'name="next" value="/jobs/t1?a=%22%3E"' in asked.text) == (401, True)
        for path in ("/", "/jobs/t1.json", "/metrics"):
            assert get(f"{url}{path}", Authorization=f"Bearer {TOKEN}").status_code == 200, path
        assert (
            requests.post(f"{url}/callback", data=event(), timeout=10).json()["error_msg"] == "the signature is missing"
        )
        assert get(f"{url}/healthz").status_code == 200
        assert requests.put(f"{url}/tasks/t1/result", timeout=10).status_code == 404, "no token of programs is set"


def test_a_cookie_is_good_for_its_server_and_its_time_alone(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(page_token=OTHER) as url:
        foreign = log_in(url, OTHER).cookies[COOKIE]
    with served(page_token=TOKEN) as url:
        answer = log_in(url, goal="/jobs/t1?x=1")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs/t1?x=1")
        said = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(said.split("; "))
        assert "Secure" not in said
        own = answer.cookies[COOKIE]
        assert get(url, Cookie=f"{COOKIE}={own}").status_code == 200
        end, nonce, signature = own.split(".")
        later = f"{int(end) + 9}.{nonce}.{signature}"
        for wrong in (foreign, later, own[:-1], "", "..", "x" * 5000, f"{end}.{nonce}.\u00e9"):
            answer = requests.get(url, headers={**PAGE, "Cookie": f"{COOKIE}={wrong}".encode()}, timeout=10)
            assert (answer.status_code, "Your session is over" in answer.text) == (401, True), wrong
        monkeypatch.setattr(time, "time", lambda: int(end) + 1)
        assert get(url, Cookie=f"{COOKIE}={own}").status_code == 401
    with served(page_token=TOKEN) as url:
        data = {"token": TOKEN}
        https = {"X-Forwarded-Proto": "https"}
        assert (
            "Secure" in requests.post(f"{url}/login", data, headers=https, allow_redirects=False).headers["Set-Cookie"]
        )


@pytest.mark.parametrize(
    "wrong", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "", "/\n/evil", "/" * 3000]
)
def test_a_login_leads_to_a_page_of_its_own_server(wrong: str) -> None:
    assert local_path(wrong) == "/"
    assert local_path("/jobs/t1?a=//b") == "/jobs/t1?a=//b"


def test_behind_five_wrong_tokens_each_further_try_is_slow(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with served(page_token=TOKEN) as url:
        own = log_in(url).cookies[COOKIE]
        with monkeypatch.context() as patched:
            patched.setattr("assembler.jobs.web.login.sleep", sleep)
            for number in range(FREE_TRIES + 2):
                answer = log_in(url, "wrong" * number)
                assert (answer.status_code, "That is not the token" in answer.text) == (401, True)
            assert slept == [SLOW_SECONDS] * 2
        with ThreadPoolExecutor(4) as pool:
            codes = sorted(one.status_code for one in pool.map(lambda _: log_in(url), range(4)))
        assert codes == [303, 429, 429, 429], "one at a time, and the right one is let in"
        assert get(url, Cookie=f"{COOKIE}={own}").status_code == 200, "whoever is logged in waits for nobody"


def test_a_short_token_is_refused_and_none_is_told() -> None:
    with pytest.raises(InputError, match="setting page_token") as caught:
        load_options(page_token="short")
    assert "short'" not in str(caught.value)


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")
def test_a_person_logs_in_without_javascript_and_a_link_in_a_mail_leads_to_its_page(
    shop: Workshop, tmp_path: Path
) -> None:
    mail = tmp_path / "mail.html"
    with served(page_token=TOKEN) as url, browsing() as browser:
        mail.write_text(f'<a href="{url}/jobs/t1">Your class</a>', "utf-8")
        browser.open(f"{url}/jobs/t1", script=False, width=390, dark=True)
        assert browser.overflow == 0
        for token, then in (("not the token", "Log in"), (TOKEN, "t1")):
            browser.type_in("#token", token)
            browser.press("button")
            assert browser.ask("document.querySelector('h1').innerText") == then
        browser.open(mail.as_uri(), script=False)
        browser.press("a")
        assert browser.ask("document.querySelector('h1').innerText") == "t1", "its cookie comes along"
        browser.press(".logout button")
        browser.open(f"{url}/jobs/t1")
        assert browser.ask("document.querySelector('h1').innerText") == "Log in"
