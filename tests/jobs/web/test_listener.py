"""Strangers at the door: silent ones, slow ones, many, and those who call us by another name."""

from __future__ import annotations

import logging
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from terminal import until
from workshop import Workshop

from assembler.jobs.web import listener, request_bodies
from assembler.jobs.web.listener import Seldom, page_hosts
from jobs.intake.test_once import event
from jobs.web.test_webhook import KEY, assert_accepted, post, served, signed

HEAD = b"POST /callback HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


def connect(url: str, said: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=10)
    made.sendall(said)
    return made


def told(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    with connection:
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"", b""),
        (HEAD, b"HTTP/1.1 408"),
        (b"GET", b"HTTP/1.1 408"),
        (HEAD + b"Content-Length: 100\r\n\r\n{", b"HTTP/1.1 408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"HTTP/1.1 408"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal", b"HTTP/1.1 200"),
    ],
)
def test_whoever_says_nothing_or_half_of_it_is_sent_away(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, said: bytes, answer: bytes
) -> None:
    monkeypatch.setitem(listener._WAITS, listener.h11.IDLE, 0.3)
    monkeypatch.setitem(listener._WAITS, listener.h11.SEND_BODY, 0.3)
    log: list[str] = []
    with served(log) as url:
        assert told(connect(url, said)).startswith(answer) if answer else told(connect(url, said)) == b""
    assert len(log) <= 1


def test_a_drop_now_and_then_prolongs_nothing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(listener._WAITS, listener.h11.IDLE, 0.5)
    with served() as url, connect(url) as slow:
        slow.settimeout(0.05)
        answer = b""
        for letter in HEAD * 10:
            try:
                slow.sendall(bytes([letter]))
                answer = slow.recv(100)
            except TimeoutError:
                continue
            except OSError:
                break
            break
        else:
            pytest.fail("it still listens after ten heads' time")
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


def test_many_silent_ones_make_room_for_who_has_something_to_say(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MOST_CONNECTIONS", 20)
    with served(callback_key=KEY) as url, ExitStack() as held:
        silent = [held.enter_context(connect(url)) for _ in range(60)]
        for number in range(3):
            assert_accepted(post(url, signed(event(f"t{number}"))))
        assert told(silent[0]) == b""  # the longest silent is the first to go
        until(lambda: len(shop.records.list_jobs()) == 3, 5)


def test_under_a_low_limit_of_files_silent_ones_keep_nobody_out(shop: Workshop) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024))"
    code = f"{limit}; from assembler.cli.main import main; main()"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-c", code, "serve", "--workers", "0", "--port", str(port)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    environment = {**os.environ, "ASSEMBLER_HOME": str(shop.options.home), "ASSEMBLER_CALLBACK_KEY": KEY}
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as server, ExitStack() as held:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: is_there(url))
            for _ in range(1100):
                held.enter_context(connect(url))
            assert_accepted(requests.post(f"{url}/callback", data=signed(event()), timeout=2))
        finally:
            server.terminate()
            log = server.stderr.read() if server.stderr else b""
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(log) < 5000


def is_there(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def test_the_limit_of_open_files_is_raised_as_far_as_we_may() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
        listener.most_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(before[1], listener.OPEN_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_is_logged_again_and_again_is_logged_once_a_second() -> None:
    only = Seldom()
    record = logging.LogRecord("asyncio", 40, "", 0, "socket.accept() out of system resource\nsocket: 3", (), None)
    assert [only.filter(record) for _ in range(1000)].count(True) == 1
    assert record.getMessage() == "socket.accept() out of system resource"


@pytest.mark.parametrize("path", ["/callback", "/", "/healthz"])
def test_a_body_has_one_length(shop: Workshop, path: str) -> None:
    said = b"POST " + path.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n"
    with served() as url:
        answer = told(connect(url, said + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


class TestNames:
    @pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000", "classes.example."])
    def test_pages_are_given_under_our_own(self, shop: Workshop, name: str) -> None:
        with served(public_hosts="classes.example") as url:
            assert requests.get(url, headers={"Host": name}, timeout=10).status_code == 200

    @pytest.mark.parametrize("name", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[::2]"])
    @pytest.mark.parametrize("path", ["/", "/jobs/t1", "/jobs/t1/video", "/jobs/t1/report"])
    def test_a_strangers_name_opens_no_page_and_no_file(self, shop: Workshop, name: str, path: str) -> None:
        with served() as url:
            answer = requests.get(f"{url}{path}", headers={"Host": name}, timeout=10)
        assert answer.status_code == 421
        assert "ASSEMBLER_PUBLIC_HOSTS" in answer.text

    def test_callbacks_and_what_watches_us_may_call_us_anything(self, shop: Workshop) -> None:
        with served(public_hosts="classes.example") as url:
            for path in ("/callback", "/callback/"):
                assert_accepted(requests.post(f"{url}{path}", data=event(), headers={"Host": "cb.example"}, timeout=10))
            for path in ("/healthz", "/metrics"):
                assert requests.get(f"{url}{path}", headers={"Host": "10.0.0.9"}, timeout=10).ok

    def test_a_server_for_all_the_world_asks_only_where_its_names_are_listed(self) -> None:
        assert page_hosts("0.0.0.0", ()) is None
        assert page_hosts("::", ("a.example",)) is not None
        assert page_hosts("127.0.0.5", ()) is not None


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/jobs/t1", "/jobs/t1.json"])
def test_head_is_answered_like_get_without_a_body(shop: Workshop, path: str) -> None:
    shop.hand_in(event())
    with served() as url:
        answer = requests.head(f"{url}{path}", timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


def test_a_sender_who_breaks_off_is_one_line(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    with served(log) as url:
        connect(url, HEAD + b"Content-Length: 100\r\n\r\n{").close()
        until(lambda: len(log) == 1, 5)
        assert_accepted(post(url, event()))
    assert "broken off" in log[0]
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_all_bodies_together_are_bounded_and_small_ones_always_taken(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "MOST_HELD", 300_000)
    part = b" " * 100_000
    with served() as url, ExitStack() as held:
        for _ in range(3):
            held.enter_context(connect(url, HEAD + b"Content-Length: 1000000\r\n\r\n" + part))
        until(lambda: post(url, b" " * 100_000).status_code == 503, 5)
        assert_accepted(post(url, event()))
