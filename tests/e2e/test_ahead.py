"""Rendering while the files are still coming: the same file as ever, most of it made before the last byte is here."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from classes import BOARD, SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from synthetic import Recipe
from terminal import Desk, busy_in, until

from assembler.media.run import Run
from assembler.media.verify.verify import verify
from assembler.network.download import ranges as pieces
from assembler.network.download.download import fetch_all
from assembler.options import load_options
from assembler.people import RecordedClass
from assembler.pipeline import render_ahead as ahead
from assembler.pipeline.assemble import Playback, assemble
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind

CAMERA, WHITEBOARD, SCREEN = StreamKind.CAMERA, StreamKind.WHITEBOARD, StreamKind.SCREEN
LESSON = Class(
    [
        Stream("w1", WHITEBOARD, "", 0, Recipe(identity="blue", seconds=12, fps=5), BOARD),
        Stream("a1", CAMERA, "ann", 500, Recipe(identity="red", seconds=11, fps=15), USER_1),
        Stream("b1", CAMERA, "bob", 2000, Recipe(identity="green", seconds=10, fps=15), USER_2),
    ],
    total=12_000,
)
SMALL_HEADS = {
    "HEAD_BYTES": 4_000,
    "END_BYTES": 1_000,
    "SOUND_BYTES": 2_000,
    "WORTH_BYTES": 8_000,
    "PIECE_SECONDS": 1.0,
}
"""Test files are small: their heads and pieces too."""
SMALL_START = (
    sys.executable,
    "-c",
    "from assembler.pipeline import render_ahead; render_ahead.AHEAD_MS = 1500; "
    "from assembler.network.download import ranges as pieces; "
    f"vars(pieces).update({SMALL_HEADS}, PIECE_BYTES=range(1000, 1 << 20)); "
    "from assembler.cli.main import main; main()",
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL_HEADS.items():
        monkeypatch.setattr(pieces, name, value)
    monkeypatch.setattr(pieces, "PIECE_BYTES", range(1_000, 1 << 20))
    monkeypatch.setattr(ahead, "AHEAD_MS", 1500)


class Slow(ThreadingHTTPServer):
    """Sends ranges of files, but what lies behind two thirds of each only when enough was made of the rest."""

    daemon_threads = True

    def __init__(self, folder: Path, is_enough: Callable[[], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder, self.is_enough = folder, is_enough
        self.sent = 0
        self.gone: set[str] = set()
        """Files that are not there any more by then."""
        self.was_in_time = True

    def wait(self) -> None:
        end = time.monotonic() + 60
        while not self.is_enough():
            time.sleep(0.01)
            if time.monotonic() > end:
                self.was_in_time = False
                return

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Slow

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        data = (self.server.folder / name).read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        end = min(int(match[2]) + 1, len(data)) if match and match[2] else len(data)
        if start >= len(data) * 2 / 3 and end < len(data):  # what is peeked at reaches to the last byte
            self.server.wait()
            if name in self.server.gone:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        for header, value in (("ETag", '"1"'), ("Content-Type", "video/mp4"), ("Content-Length", str(end - start))):
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(data[start:end])
        self.server.sent += end - start

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Made:
    """A playback made from a slow server."""

    playback: Playback
    server: Slow


@pytest.fixture
def slowly(tmp_path: Path) -> Iterator[Callable[..., Made]]:
    servers: list[Slow] = []

    def make(lesson: Class, ffmpeg: str, gone: str = "", **options: object) -> Made:
        folder = lesson.make(tmp_path, ffmpeg)
        server = Slow(folder, lambda: len(list((tmp_path / "home").glob("work/*/chunks/*.mp4"))) >= 2)
        server.gone = {gone} if gone else set()
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        recording = lesson.recording()
        urls = {s.video_id: f"http://127.0.0.1:{server.server_port}/{s.video_id}.mp4" for s in recording.segments}
        segments = tuple(s.model_copy(update={"url": urls[s.video_id]}) for s in recording.segments)
        (tmp_path / "small.json").write_text(SMALL)
        chosen = load_options(
            home=tmp_path / "home", ffmpeg=ffmpeg, layout=str(tmp_path / "small.json"), keep_work=True, processes=2,
            allow_hosts=("127.0.0.1",), chunk_seconds=2.0, **options,
        )  # fmt: skip
        playback = assemble(recording.model_copy(update={"segments": segments}), tmp_path / "class.mp4", chosen)
        assert server.was_in_time, "nothing was rendered before the files were whole"
        return Made(playback, server)

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def from_whole_files(tmp_path: Path, ffmpeg: str, **options: object) -> Playback:
    """Playback of the same class with another home, from files that are there."""
    (tmp_path / "whole").mkdir()
    return LESSON.assemble(
        tmp_path / "whole", ffmpeg, home=tmp_path / "other", layout=str(tmp_path / "small.json"), chunk_seconds=2.0,
        **options,
    )  # fmt: skip


def assert_in_sync(lesson: Class, playback: Playback) -> None:
    verify(playback.path, playback.manifest, decode="all")
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) < 0.005


def test_rendering_begins_before_the_files_are_whole_and_all_is_in_sync(
    slowly: Callable[..., Made], bundled_ffmpeg: str
) -> None:
    made = slowly(LESSON, bundled_ffmpeg)
    assert made.playback.manifest.findings == ()
    assert_in_sync(LESSON, made.playback)


def test_the_file_is_the_same_as_from_whole_files(
    slowly: Callable[..., Made], bundled_ffmpeg: str, tmp_path: Path
) -> None:
    made = slowly(LESSON, bundled_ffmpeg)
    local = from_whole_files(tmp_path, bundled_ffmpeg)
    assert made.playback.path.read_bytes() == local.path.read_bytes()


@pytest.mark.leaves_parts  # a chunk that was begun early may be given up halfway
def test_a_picture_that_changes_in_the_middle_of_a_file_is_found_before_anything_is_used(
    slowly: Callable[..., Made], bundled_ffmpeg: str
) -> None:
    """Tables do not tell of parameter sets inside of packets: what was made early is then made anew."""
    changing = Recipe(identity="red", seconds=11, fps=15, sizes=((320, 240), (160, 120)))
    lesson = Class([LESSON.streams[0], Stream("a1", CAMERA, "ann", 500, changing, USER_1)], total=12_000)
    assert_in_sync(lesson, slowly(lesson, bundled_ffmpeg).playback)


@pytest.mark.leaves_parts
def test_a_file_that_goes_away_midway_is_left_out_and_told(slowly: Callable[..., Made], bundled_ffmpeg: str) -> None:
    made = slowly(LESSON, bundled_ffmpeg, gone="b1.mp4")
    told = [f for f in made.playback.manifest.findings if f.where == "b1"]
    assert "404" in told[0].sentence
    rest = Class([s for s in LESSON.streams if s.video_id != "b1"], total=12_000)
    assert_in_sync(rest, made.playback)


def test_damage_in_the_middle_of_a_file_is_told_as_from_a_whole_file(
    slowly: Callable[..., Made], bundled_ffmpeg: str, tmp_path: Path
) -> None:
    media = LESSON.make(tmp_path, bundled_ffmpeg)
    data = bytearray((media / "a1.mp4").read_bytes())
    middle = len(data) * 4 // 5
    data[middle : middle + 1000] = bytes(1000)
    (media / "a1.mp4").write_bytes(data)
    made = slowly(LESSON, bundled_ffmpeg)
    local = from_whole_files(tmp_path, bundled_ffmpeg, media_dir=media)
    assert made.playback.manifest.findings == local.manifest.findings
    assert made.playback.manifest.findings, "the damage was not noticed at all"


@pytest.mark.leaves_parts
def test_killed_while_rendering_ahead_it_goes_on_where_it_was(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
    made: set[tuple[str, int]] = set()
    server = Slow(tmp_path / "media", lambda: len(made) >= 2)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    result = json.loads((tmp_path / "result.json").read_text())
    for segment in result["segments"]:
        segment["url"] = f"http://127.0.0.1:{server.server_port}/{segment['video_id']}.mp4"
    (tmp_path / "result.json").write_text(json.dumps(result))
    words = ["run", "result.json", "--allow-host", "127.0.0.1", "--layout", "small.json", "-o", "class.mp4"]
    for wanted in (1, 2):
        process = desk.start(words, start=SMALL_START, chunk_seconds="2")
        until(lambda least=wanted: len(chunks(desk)) >= least)  # type: ignore[misc]  # bound early
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert made <= chunks(desk), "a chunk of a killed run was made again"
        made |= chunks(desk)
        assert busy_in(tmp_path) == []
    process = desk.start(words, start=SMALL_START, chunk_seconds="2")
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    # a kill loses what four connections were at: here that is a tenth of everything each time
    assert server.sent < 1.5 * sum(p.stat().st_size for p in (tmp_path / "media").iterdir())
    server.shutdown()
    server.server_close()
    assert server.was_in_time
    assert_in_sync(LESSON, Playback(desk.out, load_manifest(desk.out), was_there=False))


def chunks(desk: Desk) -> set[tuple[str, int]]:
    """Name and number of every finished chunk."""
    return {(p.name, p.stat().st_ino) for p in desk.home.glob("work/*/chunks/*.mp4")}


@pytest.mark.parametrize("is_ahead", [True, False])
def test_nothing_is_rendered_ahead_where_the_options_say_so(tmp_path: Path, is_ahead: bool) -> None:
    with ahead.rendering_ahead(
        RecordedClass(recordings=()), Run(load_options(home=tmp_path, render_ahead=is_ahead))
    ) as fetching:
        assert (fetching.fetch is fetch_all) is not is_ahead
        assert any(thread.name.startswith("ahead") for thread in threading.enumerate()) is is_ahead
