"""A run that is killed at any moment goes on where it was; nothing half done ever has a final name."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from classes import wrong_pictures
from pytest_httpserver import HTTPServer
from terminal import Desk, busy_in, three_streams, until
from werkzeug import Request, Response

from assembler.media.verify.verify import verify
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest
from assembler.processes import fork_server

PIECES = {"chunk_seconds": "0.4"}


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, three_streams(3), bundled_ffmpeg)


@pytest.fixture
def served(desk: Desk, httpserver: HTTPServer) -> list[str]:
    """The words of a run that has to download; the server sends a little at a time."""
    asked: list[str] = []

    def answer(request: Request) -> Response:
        data = (desk.folder / "media" / request.path.removeprefix("/")).read_bytes()

        def slowly() -> Iterator[bytes]:
            for at in range(0, len(data), 4096):
                yield data[at : at + 4096]
                time.sleep(0.03)

        asked.append(request.path)
        return Response(slowly(), headers={"Content-Length": str(len(data)), "ETag": '"1"'}, content_type="video/mp4")

    body = json.loads((desk.folder / "result.json").read_text())
    for segment in body["segments"]:
        path = f"/{segment['video_id']}.mp4"
        httpserver.expect_request(path).respond_with_handler(answer)
        segment["url"] = httpserver.url_for(path)
    (desk.folder / "result.json").write_text(json.dumps(body))
    return ["run", "result.json", "--allow-host", httpserver.host, "--layout", "small.json", "-o", "class.mp4"]


@contextmanager
def watched(out: Path) -> Iterator[set[int]]:
    """Every size the finished file is ever seen with."""
    sizes: set[int] = set()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            if out.exists():
                sizes.add(out.stat().st_size)
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        is_over.set()
        thread.join()


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def chunks(desk: Desk) -> dict[str, tuple[int, int]]:
    """Which file every finished piece is."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in desk.home.glob("work/*/chunks/*.mp4")}


def assert_right(desk: Desk) -> None:
    manifest = load_manifest(desk.out)
    verify(desk.out, manifest, decode="all")
    assert wrong_pictures(desk.lesson, Playback(desk.out, manifest, was_there=False)) == []


@pytest.mark.leaves_parts
@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_again_and_again(desk: Desk, served: list[str], seed: int) -> None:
    chance = random.Random(seed)
    patience, kills = 0.4, 0
    with watched(desk.out) as sizes:
        while True:
            process = desk.start(served, **PIECES)
            try:
                _, err = process.communicate(timeout=chance.uniform(0.2, 1) * patience)
                break
            except subprocess.TimeoutExpired:
                killed(process)
                kills += 1
                patience += 0.4
            assert busy_in(desk.folder) == []
    assert process.returncode == 0, err
    assert kills >= 2
    assert sizes <= {desk.out.stat().st_size}
    assert_right(desk)
    assert list(desk.home.glob("work/*")) == []


@pytest.mark.leaves_parts
@pytest.mark.parametrize("moment", ["download", "render", "joining", "verifying"])
def test_killed_in_every_step(desk: Desk, served: list[str], moment: str) -> None:
    process = desk.start([*served, "--progress", "json", "--keep-work"], processes="1", **PIECES)
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if moment in (event.get("text"), event.get("task")):
            break
    if moment == "render":
        until(lambda: len(chunks(desk)) >= 3)
    killed(process)
    assert not desk.out.exists()
    assert busy_in(desk.folder) == []
    before = chunks(desk)
    with watched(desk.out) as sizes:
        said = desk.say(*served, "--keep-work", **PIECES)
    assert said.code == 0, said.err
    assert sizes <= {desk.out.stat().st_size}
    after = chunks(desk)
    assert {name: after[name] for name in before} == before
    assert len(before) >= {"download": 0, "render": 3}.get(moment, len(after))
    verify(desk.out, load_manifest(desk.out), decode="all")


@pytest.mark.parametrize("moment", ["joining", "verifying"])
def test_stopped_at_the_end_it_takes_the_unfinished_file_along(desk: Desk, moment: str) -> None:
    process = desk.start([*desk.run, "--progress", "json"], **PIECES)
    assert process.stderr is not None
    next(line for line in process.stderr if json.loads(line).get("text") == moment)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not desk.out.exists()
    assert not list(desk.folder.glob("*.part"))
    assert desk.say(*desk.run, **PIECES).code == 0
    assert_right(desk)


def stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def spent() -> float:
    """Seconds of work of this process and its children so far: not what else the machine does meanwhile."""
    fork_server.close()  # with it comes what its children took
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class TestTheSecondRun:
    def test_does_nothing_where_nothing_changed(self, desk: Desk, served: list[str], httpserver: HTTPServer) -> None:
        assert desk.say(*served).code == 0
        before, bodies = stamp(desk.out), len(httpserver.log)
        begun = spent()
        said = desk.say(*served)
        assert spent() - begun < 2
        assert said.code == 0
        assert "was there already" in said.out
        assert stamp(desk.out) == before
        assert list(desk.home.glob("work/*")) == []
        assert bodies == 3

    def test_makes_anew_what_changed(self, desk: Desk) -> None:
        """Another option, a finished file that was damaged, another source file: each is noticed."""
        assert desk.say(*desk.run).code == 0
        first = load_manifest(desk.out).digest
        words = [*desk.run, "--background", "#ff0000"]
        assert "was there" not in desk.say(*words).out
        assert load_manifest(desk.out).digest != first
        whole = desk.out.read_bytes()
        desk.out.write_bytes(whole[:-1000])
        assert "was there" not in desk.say(*words).out
        assert desk.out.read_bytes() == whole
        second = load_manifest(desk.out).digest
        shutil.copyfile(desk.folder / "media/b1.mp4", desk.folder / "media/a1.mp4")
        assert "was there" not in desk.say(*words).out
        assert load_manifest(desk.out).digest not in (first, second)


class TestWorkFolder:
    def test_it_goes_unless_it_is_to_be_kept(self, desk: Desk) -> None:
        assert desk.say(*desk.run).code == 0
        assert list(desk.home.glob("work/*")) == []
        assert list(desk.home.glob("scratch/*")) == []
        assert desk.say(*desk.run, "--fps", "10", "--keep-work").code == 0
        kept = {p.name for p in desk.home.glob("work/*/*")}
        assert {"recording-1.json", "timeline.json", "plan.json", "chunks"} <= kept


class TestTwoAtOnce:
    PIECES: Mapping[str, str] = {"chunk_seconds": "1"}

    def both(self, first: subprocess.Popen[str], second: subprocess.Popen[str]) -> list[str]:
        ends = [process.communicate(timeout=60) for process in (first, second)]
        assert [first.returncode, second.returncode] == [0, 0], ends
        return [err for _, err in ends]

    def test_the_same_class_to_the_same_file(self, desk: Desk, served: list[str]) -> None:
        with watched(desk.out) as sizes:
            self.both(desk.start(served, **self.PIECES), desk.start(served, **self.PIECES))
        assert sizes == {desk.out.stat().st_size}
        assert_right(desk)

    def test_the_same_class_to_two_files(self, desk: Desk) -> None:
        other = desk.folder / "other.mp4"
        said = self.both(desk.start(desk.run, **self.PIECES), desk.start([*desk.run, "-o", "other.mp4"], **self.PIECES))
        assert sum("waiting for it" in err for err in said) == 1
        assert other.read_bytes() == desk.out.read_bytes()
        assert_right(desk)

    def test_two_wishes_for_one_file(self, desk: Desk) -> None:
        with watched(desk.out) as sizes:
            self.both(desk.start(desk.run, **self.PIECES), desk.start([*desk.run, "--fps", "10"], **self.PIECES))
        manifest = load_manifest(desk.out)
        verify(desk.out, manifest)
        assert len(sizes) <= 2
        assert desk.out.stat().st_size in sizes
        assert not list(desk.folder.glob("*.part"))
