"""Several downloads at once, by threads that end with the call."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from assembler.network.download.cache import CacheBroken
from assembler.network.download.pool import fetch_remote
from assembler.network.download.queue import DownloadQueue
from assembler.options import Options
from assembler.processes import Stop, Stopped
from assembler.progress import Silent
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles

from ..conftest import Answer, FileServer, as_it_should, media, segment


def fetch(cache: Path, *remote: Segment, parallel: int = 2, stop: Stop | None = None) -> SegmentFiles:
    cache.mkdir(exist_ok=True)
    options = Options(home=cache, parallel=parallel, allow_hosts=("127.0.0.1",))
    return fetch_remote(remote, cache, options, Silent(), stop, None, {})


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("download")]


@pytest.mark.parametrize("parallel", [1, 3])
def test_so_many_are_fetched_at_once_and_no_more(server: FileServer, tmp_path: Path, parallel: int) -> None:
    lock, inside, most = threading.Lock(), 0, 0
    together = threading.Barrier(parallel)

    def counted(answer: Answer) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        together.wait(30)  # goes on when all are here
        with lock:
            inside -= 1
        as_it_should(answer)

    names = [f"f{n}" for n in range(2 * parallel)]
    for name in names:
        server.bodies[f"/{name}"] = media(1000)
        server.always[f"/{name}"] = counted
    got = fetch(tmp_path / "cache", *(segment(name, server.url(f"/{name}")) for name in names), parallel=parallel)
    assert sorted(got.files) == names
    assert most == parallel
    assert not threads()


@pytest.mark.leaves_parts
def test_what_concerns_all_ends_all(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(line: DownloadQueue, name: str, growing: object = None) -> None:
        raise CacheBroken("the cache is gone")

    monkeypatch.setattr(DownloadQueue, "learned", broken)
    server.bodies["/a"] = media(1000)
    with pytest.raises(CacheBroken, match="the cache is gone"):
        fetch(tmp_path / "cache", *(segment(name, server.url("/a")) for name in "abcdef"))
    assert len(server.requests) <= 2, "each thread was at one"
    assert not threads()


def test_a_stop_before_the_beginning_asks_nobody(server: FileServer, tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    server.bodies["/a"] = media(1000)
    with pytest.raises(Stopped):
        fetch(tmp_path / "cache", segment("a", server.url("/a")), stop=stop)
    assert server.requests == []
    assert not threads()
