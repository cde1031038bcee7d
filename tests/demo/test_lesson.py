"""The demo class is a class: its files are what its result says, and the server hands them out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest
import readers
import requests

from assembler.demo import DemoLesson, make_lesson, serve
from assembler.demo.lesson import LENGTH, PAUSE_AT
from assembler.demo.media import Recipe, make_stream
from assembler.errors import MediaError


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> DemoLesson:
    return make_lesson(tmp_path_factory.mktemp("lesson"), bundled_ffmpeg)


@pytest.fixture
def base(lesson: DemoLesson) -> Iterator[str]:
    with serve(lesson.folder) as url:
        yield url


def test_every_file_shows_whose_it_is_in_every_frame(lesson: DemoLesson) -> None:
    for stream in lesson.streams:
        found = readers.read_source(lesson.folder / stream.file_name)
        assert [counter for _, _, counter in found] == list(range(stream.recipe.count)), stream.video_id
        assert {identity for _, identity, _ in found} == {stream.recipe.identity}, stream.video_id


def test_cameras_beep_at_the_seconds_of_the_class_and_boards_are_silent(lesson: DemoLesson) -> None:
    for stream in lesson.streams:
        path = lesson.folder / stream.file_name
        if stream.video_type != 0:
            with pytest.raises(ValueError, match="has no sound"):
                readers.listen(path)
            continue
        heard = readers.beeps(path, [stream.recipe.who.pitch])[stream.recipe.who.pitch]
        start = stream.play_time / 1000
        first = ceil(start)
        assert [start + at for at in heard[:5]] == pytest.approx([first + n for n in range(5)], abs=0.001)


def test_the_files_meet_at_the_pause_and_end_with_the_class(lesson: DemoLesson) -> None:
    ends = {stream.video_id: stream.play_time + stream.recipe.seconds * 1000 for stream in lesson.streams}
    assert ends["demo-teacher-1"] == ends["demo-board-1"] == PAUSE_AT
    assert max(ends.values()) == LENGTH
    assert not any(stream.play_time < PAUSE_AT < ends[stream.video_id] for stream in lesson.streams)


def test_the_result_names_every_file_as_it_is(lesson: DemoLesson, base: str) -> None:
    infos = lesson.result(base)["EventData"]["VideoInfos"]
    assert len(infos) == len(lesson.streams)
    for info in infos:
        body = requests.get(info["VideoUrl"], timeout=10).content
        path = lesson.folder / f"{info['VideoId']}.mp4"
        assert len(body) == info["VideoSize"]
        assert hashlib.sha256(body).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_the_server_goes_on_where_a_download_stopped(lesson: DemoLesson, base: str) -> None:
    url, whole = f"{base}/demo-student-1.mp4", (lesson.folder / "demo-student-1.mp4").read_bytes()
    first = requests.get(url, headers={"Range": "bytes=0-999"}, timeout=10)
    rest = requests.get(url, headers={"Range": "bytes=1000-", "If-Range": first.headers["ETag"]}, timeout=10)
    assert (first.status_code, rest.status_code) == (206, 206)
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert first.content + rest.content == whole
    changed = requests.get(url, headers={"Range": "bytes=1000-", "If-Range": '"other"'}, timeout=10)
    assert (changed.status_code, changed.content) == (200, whole)
    assert requests.get(url, headers={"Range": f"bytes={len(whole)}-"}, timeout=10).status_code == 416


@pytest.mark.parametrize("path", ["nothing.mp4", "../lesson.py", "%2e%2e/secret", "", "%2fetc/passwd"])
def test_the_server_hands_out_nothing_else(lesson: DemoLesson, base: str, path: str) -> None:
    (lesson.folder.parent / "secret").write_text("secret")
    request = requests.Request("GET", base).prepare()
    request.url = f"{base}/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code == 404


def test_a_stream_is_made_in_less_time_than_it_lasts(ffmpeg: str, tmp_path: Path) -> None:
    start = time.monotonic()
    make_stream(Recipe(seconds=10), tmp_path / "quick.mp4", ffmpeg)
    assert time.monotonic() - start < 5


def test_a_stream_that_cannot_be_made_says_why_and_leaves_no_file(ffmpeg: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"could not make odd\.mp4: .+"):
        make_stream(Recipe(width=321, height=241), tmp_path / "odd.mp4", ffmpeg)
    assert list(tmp_path.glob("odd.mp4*")) == []
