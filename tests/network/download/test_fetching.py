"""What arrives, whatever the wire does."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from assembler.network import http as hosts
from assembler.network.download import fetch
from assembler.network.download.limits import size_text
from assembler.processes import Stop, Stopped

from ..conftest import (
    Answer,
    Downloads,
    FileServer,
    cut_after,
    media,
    only_failure,
    segment,
    stall_after,
    status,
    whole,
)

BODY = media(300_000)


@pytest.fixture
def v1(server: FileServer) -> str:
    server.bodies["/v1.mp4"] = BODY
    return server.url("/v1.mp4")


def test_every_file_arrives_whole_and_in_order(server: FileServer, download: Downloads) -> None:
    bodies = {f"v{n}": media(10_000 + n, seed=n) for n in range(20)}
    for name, body in bodies.items():
        server.bodies[f"/{name}.mp4"] = body
    fetched = download(*(segment(n, server.url(f"/{n}.mp4"), size=len(b)) for n, b in bodies.items()))
    assert list(fetched.files) == list(bodies)
    assert {name: path.read_bytes() for name, path in fetched.files.items()} == bodies
    assert not fetched.failures
    assert not fetched.findings


def test_as_many_files_as_asked_for_are_fetched_at_once(server: FileServer, download: Downloads) -> None:
    gate = threading.Barrier(3, timeout=5)

    def together(a: Answer) -> None:
        gate.wait()
        whole()(a)

    for n in range(3):
        server.bodies[f"/{n}"] = BODY
        server.always[f"/{n}"] = together
    assert len(download(*(segment(str(n), server.url(f"/{n}")) for n in range(3)), parallel=3).files) == 3


def test_a_cut_wire_is_resumed_where_it_broke(server: FileServer, download: Downloads, v1: str) -> None:
    server.scripts["/v1.mp4"] = [cut_after(100_000)]
    fetched = download(segment(url=v1))
    assert fetched.files["v1"].read_bytes() == BODY
    assert server.ranges() == [None, "bytes=100000-"]
    assert server.requests[1][1]["if-range"].startswith('"')
    assert server.sent == len(BODY)


def test_a_version_that_changes_between_two_tries_is_never_mixed(
    server: FileServer, download: Downloads, v1: str
) -> None:
    server.scripts["/v1.mp4"] = [cut_after(100_000, etag='"older"')]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.requests[1][1]["if-range"] == '"older"'


def _continue_wrongly(start: int, etag: str | None) -> Any:
    """As long as the rest that was asked for, but other bytes."""

    def behave(a: Answer) -> None:
        rest = bytes(len(a.body) - 100_000)
        a.head(
            206,
            Content_Length=len(rest),
            ETag=etag or a.etag,
            Content_Range=f"bytes {start}-{len(a.body) - 1}/{len(a.body)}",
        )
        a.put(rest)

    return behave


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(_continue_wrongly(99_000, None), id="starts elsewhere"),
        pytest.param(_continue_wrongly(100_000, '"another"'), id="another version"),
        pytest.param(status(206), id="says not where"),
        pytest.param(status(206, Content_Range="bytes 100000-9/*"), id="says nonsense"),
        pytest.param(status(416, Content_Range="bytes */5"), id="416"),
        pytest.param(whole(), id="ignores Range"),
    ],
)
def test_a_wrong_continuation_starts_the_file_anew(
    server: FileServer, download: Downloads, v1: str, second: Any
) -> None:
    server.scripts["/v1.mp4"] = [cut_after(100_000), second]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_nothing_is_resumed(
    server: FileServer, download: Downloads, v1: str, etag: str | None
) -> None:
    server.scripts["/v1.mp4"] = [cut_after(100_000, etag=etag)]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.ranges() == [None, None]


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503])
def test_a_busy_server_is_asked_again(server: FileServer, download: Downloads, v1: str, code: int) -> None:
    server.scripts["/v1.mp4"] = [status(code), status(code)]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert len(server.requests) == 3


def test_a_server_that_says_when_to_come_back_is_obeyed(server: FileServer, download: Downloads, v1: str) -> None:
    server.scripts["/v1.mp4"] = [status(503, Retry_After="1")]
    began = time.monotonic()
    assert download(segment(url=v1)).files
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("code", [401, 403, 404, 410, 400, 416, 206, 204, 304])
def test_a_refusal_is_final(server: FileServer, download: Downloads, v1: str, code: int) -> None:
    server.always["/v1.mp4"] = status(code)
    failure = only_failure(download(segment(url=v1)))
    assert str(code) in failure.sentence
    assert "--media-dir" in failure.hint
    assert not failure.retry
    assert len(server.requests) == 1
    assert ("3 days" in failure.sentence) == (code in (403, 404, 410))


def test_one_bad_segment_does_not_spoil_the_class(server: FileServer, download: Downloads, v1: str) -> None:
    fetched = download(
        segment("gone", server.url("/gone.mp4")),
        segment("v1", v1),
        segment("no url"),
        segment("bad", "http://[::1"),
        segment("empty host", "http:///x"),
        segment("file", "file:///etc/passwd"),
    )
    assert list(fetched.files) == ["v1"]
    assert list(fetched.failures) == ["gone", "no url", "bad", "empty host", "file"]
    assert "no URL" in fetched.failures["no url"].sentence
    assert "--media-dir" in fetched.failures["no url"].hint
    assert "file:" in fetched.failures["file"].sentence


def test_a_server_that_never_keeps_its_promise_is_given_up(server: FileServer, download: Downloads, v1: str) -> None:
    def promises_more(a: Answer) -> None:
        a.head(200, Content_Length=len(a.body) + 500)
        a.put(a.body)
        a.close_connection = True

    server.always["/v1.mp4"] = promises_more
    failure = only_failure(download(segment(url=v1)))
    assert failure.retry
    assert f"after {size_text(len(BODY))}, so its server has no more" in failure.hint
    assert "--media-dir" in failure.hint, "the same command would end there as well"
    assert len(server.requests) == fetch.ATTEMPTS
    assert not download.parts()


def test_a_broken_download_continues_in_the_next_run(server: FileServer, download: Downloads, v1: str) -> None:
    server.scripts["/v1.mp4"] = [cut_after(200_000), *[status(503)] * (fetch.ATTEMPTS - 1)]
    failure = only_failure(download(segment(url=v1)))
    assert (failure.retry, failure.hint[:28]) == (True, "Run the same command again: ")
    assert [p.stat().st_size for p in download.parts()] == [200_000]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.ranges()[-1] == "bytes=200000-"
    assert not download.parts()


def test_a_bad_line_that_gets_further_is_not_given_up(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WORTHWHILE_BYTES", 10_000)

    def cut_soon(a: Answer) -> None:
        start = int(a.headers.get("Range", "bytes=0-")[6:-1])
        rest = a.body[start:]
        content_range = {"Content_Range": f"bytes {start}-{len(a.body) - 1}/{len(a.body)}"} if start else {}
        a.head(206 if start else 200, Content_Length=len(rest), ETag=a.etag, **content_range)
        a.put(rest[:25_000])
        a.close_connection = True

    server.always["/v1.mp4"] = cut_soon
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert len(server.requests) > fetch.ATTEMPTS


def test_a_silent_server_is_given_up_and_resumed(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "READ_SECONDS", 0.15)
    server.scripts["/v1.mp4"] = [stall_after(50_000, 0.5), lambda a: time.sleep(0.5)]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.ranges() == [None, "bytes=50000-", "bytes=50000-"]


def test_a_server_that_drips_is_a_silent_one(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "PACE_SECONDS", 0.1)

    def drip(a: Answer) -> None:
        a.head(200, Content_Length=len(a.body), ETag=a.etag)
        for n in range(100):
            a.put(a.body[n : n + 1])
            time.sleep(0.02)

    server.scripts["/v1.mp4"] = [drip]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert len(server.requests) == 2


def test_a_body_in_chunks_without_a_length_is_whole_at_its_end_mark(
    server: FileServer, download: Downloads, v1: str
) -> None:
    def chunks(count: int, *, is_ended: bool) -> Any:
        def behave(a: Answer) -> None:
            a.head(200, Transfer_Encoding="chunked", ETag=a.etag)
            for n in range(0, count, 10_000):
                a.put(b"%x\r\n%s\r\n" % (len(a.body[n : n + 10_000]), a.body[n : n + 10_000]))
            if is_ended:
                a.put(b"0\r\n\r\n")
            a.close_connection = True

        return behave

    server.scripts["/v1.mp4"] = [chunks(100_000, is_ended=False)]
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert server.ranges() == [None, "bytes=100000-"]
    server.bodies["/v2.mp4"] = BODY
    server.scripts["/v2.mp4"] = [chunks(len(BODY), is_ended=True)]
    assert download(segment("v2", server.url("/v2.mp4"))).files["v2"].read_bytes() == BODY


def test_a_body_without_length_or_end_mark_is_doubted_once_when_it_is_short(
    server: FileServer, download: Downloads, v1: str
) -> None:
    def until_closed(count: int) -> Any:
        def behave(a: Answer) -> None:
            a.head(200, Connection="close")
            a.put(a.body[:count])
            a.close_connection = True

        return behave

    server.scripts["/v1.mp4"] = [until_closed(100_000), until_closed(len(BODY))]
    assert download(segment(url=v1, size=len(BODY))).files["v1"].read_bytes() == BODY
    server.bodies["/v2.mp4"] = BODY
    server.always["/v2.mp4"] = until_closed(100_000)
    fetched = download(segment("v2", server.url("/v2.mp4"), size=len(BODY)))
    assert fetched.files["v2"].stat().st_size == 100_000
    assert "declared were 300,000" in fetched.findings[0].sentence


@pytest.mark.leaves_parts
def test_being_told_to_stop_wakes_a_download_that_waits(server: FileServer, download: Downloads, v1: str) -> None:
    server.always["/v1.mp4"] = stall_after(50_000, 3)
    stop = Stop()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        download(segment(url=v1), segment("v2", v1), parallel=1, stop=stop)
    assert time.monotonic() - began < 2
    assert [p.stat().st_size for p in download.parts()] == [50_000]


def test_progress_counts_every_byte_once(server: FileServer, download: Downloads, v1: str) -> None:
    class Counted:
        def __init__(self) -> None:
            self.opened: list[tuple[str, float | None, str]] = []
            self.done = 0.0

        def say(self, sentence: str) -> None: ...

        def task(self, *what: Any) -> Any:
            self.opened.append(what)
            return self

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *exc: object) -> None: ...

        def advance(self, amount: float) -> None:
            self.done += amount

    server.scripts["/v1.mp4"] = [cut_after(100_000, etag='"older"'), cut_after(150_000)]
    first, second = Counted(), Counted()
    download(segment(url=v1, size=len(BODY)), progress=first)
    download(segment(url=v1), progress=second)
    assert first.opened == [("download", float(len(BODY)), "B")]
    assert second.opened == [("download", None, "B")]
    assert first.done == second.done == len(BODY)


def drip(handler: Answer) -> None:
    """Send a head that never ends, line by line."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(60):
        with suppress(OSError):
            handler.wfile.write(b"X-A: b\r\n")
            handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("silence", ["connects and says nothing", "drips its head", "asks to come again later"])
def test_being_told_to_stop_ends_a_download_whatever_its_server_does(
    server: FileServer, download: Downloads, v1: str, silence: str
) -> None:
    def busy(handler: Answer) -> None:
        handler.head(503, Retry_After=9, Content_Length=0)

    told = {"connects and says nothing": lambda _: time.sleep(6), "drips its head": drip}
    server.always["/v1.mp4"] = told.get(silence, busy)
    stop = Stop()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        download(segment(url=v1), stop=stop)
    assert time.monotonic() - began < 4


def test_a_head_that_drips_for_ever_is_given_up(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assembler.network.http.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("assembler.network.download.fetch.ATTEMPTS", 1)

    server.always["/v1.mp4"] = drip
    assert "did not answer in time" in str(download(segment(url=v1)).failures["v1"])
