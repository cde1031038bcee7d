"""Turns of downloads: in the order of the playback, by several threads, to the end of all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.errors import DownloadError
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.halt import Halt
from assembler.network.download.queue import FIRST, PIECE, WHOLE, DownloadQueue
from assembler.network.http import open_session
from assembler.times import PlayMs

from ..conftest import Downloads, FileServer, media, segment, status


def empty(arrivals: Arrivals | None = None) -> DownloadQueue:
    return DownloadQueue(
        Path("cache"), Halt(None), queue.SimpleQueue(), lambda _: None, ExitStack(), arrivals, {"old": Path("old")}
    )


@given(st.lists(st.tuples(st.sampled_from([FIRST, WHOLE, PIECE]), st.integers(-5, 5))))
def test_first_turns_come_first_then_whole_files_then_pieces_each_by_the_time_they_are_needed(
    turns: list[tuple[int, int]],
) -> None:
    line, done = empty(), list[tuple[int, int, int]]()

    def turn(*what: int) -> Callable[[], None]:
        return lambda: done.append((what[0], what[1], what[2]))

    for number, (kind, at) in enumerate(turns):
        line.put(kind, at, turn(kind, at, number))
    line.serve()
    assert done == sorted((kind, at, number) for number, (kind, at) in enumerate(turns))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(1, 4))
def test_turns_that_are_put_by_turns_are_served_before_any_thread_ends(more: list[int], threads: int) -> None:
    line, done = empty(), list[int]()

    def turn(left: int) -> None:
        if left:
            line.put(PIECE, left, lambda: turn(left - 1))
        done.append(left)

    for left in more:
        line.put(FIRST, 0, lambda left=left: turn(left))  # type: ignore[misc]
    servers = [threading.Thread(target=line.serve) for _ in range(threads)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(30)
    assert not any(server.is_alive() for server in servers)
    assert sorted(done) == sorted(n for left in more for n in range(left + 1))


def test_a_thread_waits_for_what_another_ones_turn_may_still_put() -> None:
    line, done = empty(), list[int]()
    begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert may_end.wait(30)
        line.put(WHOLE, 0, lambda: done.append(1))

    line.put(FIRST, 0, hold)
    first, second = (threading.Thread(target=line.serve) for _ in range(2))
    first.start()
    assert begun.wait(30)
    second.start()
    second.join(0.1)
    assert second.is_alive()
    may_end.set()
    first.join(30)
    second.join(30)
    assert done == [1]


def test_what_concerns_all_is_raised_and_drops_what_waits() -> None:
    line, done = empty(), list[int]()
    begun, failing = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert failing.wait(30)

    def fail() -> None:
        assert begun.wait(30)
        raise DownloadError("no folder")

    line.put(FIRST, 0, hold)
    line.put(FIRST, 1, fail)
    line.put(WHOLE, 0, lambda: done.append(1))
    other = threading.Thread(target=line.serve)
    other.start()
    with pytest.raises(DownloadError):
        line.serve()
    failing.set()
    other.join(30)
    assert not other.is_alive()
    assert done == []


def test_a_session_is_given_back_whatever_happens() -> None:
    line = empty()
    with open_session(()) as only:
        line.sessions.put(only)
        with suppress(ZeroDivisionError), line.session() as lent:
            assert lent is only
            assert line.sessions.empty()
            _ = 1 // 0
        assert line.sessions.get_nowait() is only


def test_arrivals_are_told_once_all_files_are_known_those_that_need_no_fetching_among_them() -> None:
    arrivals = Arrivals()
    line = empty(arrivals)
    line.admit([segment("a"), segment("b")])
    line.results.files["a"] = Path("a")
    for name in ("a", "a", "stranger"):
        line.learned(name)
        assert not arrivals.wait(0)
    line.learned("b")
    assert arrivals.wait(0)
    assert arrivals.files == {"old": Path("old"), "a": Path("a")}
    line.results.files["c"] = Path("c")
    line.learned("b")
    assert "c" not in arrivals.files, "it was told already"


def test_files_are_begun_in_the_order_in_which_they_are_needed_and_one_that_fails_holds_up_no_other(
    server: FileServer, download: Downloads
) -> None:
    times = {"c": 30_000, "a": None, "b": -5, "d": 20_000}
    for name in times:
        server.bodies[f"/{name}"] = media(100)
    server.always["/d"] = status(404)
    segments = [segment(name, server.url(f"/{name}"), play_time=PlayMs(at or 0)) for name, at in times.items()]
    got = download(*segments, parallel=1)
    assert [path for path, _ in server.requests] == ["/b", "/a", "/d", "/c"]
    assert list(got.files) == ["c", "a", "b"]
    assert list(got.failures) == ["d"]
