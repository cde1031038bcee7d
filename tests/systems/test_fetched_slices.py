"""Playlists on a server: their parts are fetched like files, and what a server does to them is a hole at most."""

from __future__ import annotations

import json
import re
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from classes import SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE, recipe
from lessons import camera
from pytest_httpserver import HTTPServer
from sliced import cut
from synthetic import make
from terminal import Desk, until
from werkzeug import Request, Response

from assembler.errors import DownloadError
from assembler.network.download import fetch, limits
from assembler.network.download.download import fetch_all
from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.pipeline.read_results import read_recordings
from assembler.plan.manifest import load_manifest
from assembler.processes import Stop, Stopped
from assembler.progress import Silent
from assembler.recording import StreamKind
from assembler.segment_files import SegmentFiles

pytestmark = pytest.mark.slow

CAMERA, AUDIO = StreamKind.CAMERA, StreamKind.AUDIO
BEGUN = 1_790_000_007_700
"""Instant at which the first file begins."""


def tracks(container: str = "ts") -> list[Stream]:
    """Sound and picture in slices of their own, as Agora writes them; a key frame begins each."""
    picture = {"sound": False, "gop": 15, "container": container}
    sound = {"picture": False, "container": container}
    return [
        Stream("ann_video", CAMERA, "ann", 400, recipe("red", 6, **picture), USER_1),
        Stream("ann_audio", AUDIO, "ann", 0, recipe("green", 6, **sound)),
        Stream("bob_video", CAMERA, "bob", 1_250, recipe("magenta", 4, **picture), USER_2),
        Stream("bob_audio", AUDIO, "bob", 1_100, recipe("cyan", 4, **sound)),
    ]


@dataclass
class Bucket:
    """A folder of a server that can be told to misbehave."""

    folder: Path
    url: str
    names: dict[str, list[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    status: int = 404
    cut: set[str] = field(default_factory=set)
    held: threading.Event | None = None
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    heard: Callable[[], object] = int

    def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        self.asked.append(name)
        self.heard()
        if name in self.gone:
            return Response(status=self.status)
        if self.held is not None and sum(not one.endswith("m3u8") for one in self.asked) > 6:
            self.held.wait(30)
        data = (self.folder / name).read_bytes()
        headers = {"ETag": f'"{len(data)}"', "Content-Length": str(len(data))}
        if (wanted := request.headers.get("Range")) is not None:
            self.ranges.append(name)
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            headers |= {"Content-Length": str(len(data) - start)}
            return Response(data[start:], 206, headers)
        if name in self.cut:
            self.cut.discard(name)
            return Response(iter([data[: len(data) // 2]]), 200, headers)
        return Response(data, 200, headers)


@pytest.fixture
def bucket(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr(fetch, "WAIT_SECONDS", 0.005)
    (tmp_path / "bucket").mkdir()
    made = Bucket(tmp_path / "bucket", httpserver.url_for("/rec"))
    httpserver.expect_request(re.compile("/rec/.*")).respond_with_handler(made.answer)
    return made


def filled(bucket: Bucket, streams: Sequence[Stream], ffmpeg: str, **how: Any) -> bytes:
    """Put the slices of a class on the server; the answer of Agora's stop."""
    for s in streams:
        bucket.names[s.video_id] = cut(make(s.recipe, ffmpeg), bucket.folder, s.video_id, BEGUN + s.play, ffmpeg, **how)
    files = [
        {"fileName": f"{s.video_id}.m3u8", "trackType": "audio" if s.kind.is_sound else "video", "uid": s.user,
         "mixedAllUser": False, "isPlayable": True, "sliceStartTime": BEGUN + s.play}
        for s in streams
    ]  # fmt: skip
    server = {"fileList": files, "uploadingStatus": "uploaded"}
    return json.dumps({"sid": "t", "cname": "r", "serverResponse": server}).encode()


@dataclass
class Maker:
    """What all classes of this page share."""

    folder: Path
    bucket: Bucket
    ffmpeg: str

    def __call__(self, body: bytes, name: str = "class.mp4", **options: Any) -> Playback:
        (self.folder / "small.json").write_text(SMALL)
        chosen = {
            "layout": str(self.folder / "small.json"), "ffmpeg": self.ffmpeg, "processes": 2,
            "allow_hosts": "localhost", "media_base": self.bucket.url, "home": self.folder / "home", **options,
        }  # fmt: skip
        return assemble(read_recordings(["-"], BytesIO(body)), self.folder / name, load_options(**chosen))


@pytest.fixture
def class_of(tmp_path: Path, bucket: Bucket, bundled_ffmpeg: str) -> Maker:
    return Maker(tmp_path, bucket, bundled_ffmpeg)


def assert_in_sync(streams: list[Stream], playback: Playback) -> None:
    lesson = Class(streams)
    assert wrong_pictures(lesson, playback) == []
    errors = beep_errors(lesson, playback)
    assert max(errors.values()) <= SOUND_TOLERANCE, errors


def warnings(playback: Playback) -> list[str]:
    return [f.sentence for f in playback.manifest.findings if f.severity.value == "warning"]


@pytest.mark.parametrize(("container", "restarts"), [("ts", False), ("ts", True), ("webm", False), ("webm", True)])
def test_a_class_in_slices_is_in_sync(container: str, restarts: bool, class_of: Maker, bundled_ffmpeg: str) -> None:
    streams = tracks(container)
    body = filled(class_of.bucket, streams, bundled_ffmpeg, restarts=restarts)
    playback = class_of(body)
    assert_in_sync(streams, playback)
    assert warnings(playback) == []
    asked = len(class_of.bucket.asked)
    assert asked == len({*class_of.bucket.asked}) == 4 + sum(map(len, class_of.bucket.names.values()))
    assert class_of(body).was_there
    assert len(class_of.bucket.asked) == asked, "asked a moment ago"


@pytest.mark.parametrize("restarts", [False, True])
def test_a_part_that_is_gone_is_a_hole_in_its_place_until_it_is_there(
    restarts: bool, class_of: Maker, bundled_ffmpeg: str
) -> None:
    streams, bucket = tracks(), class_of.bucket
    body = filled(bucket, streams, bundled_ffmpeg, restarts=restarts)
    lost, silent = bucket.names["ann_video"][2], bucket.names["ann_audio"][3]
    bucket.gone = {lost, silent}
    playback = class_of(body)
    holed = [replace(streams[0], pieces=((400, 2_400, 0), (3_400, 6_400, 3_000))), *streams[1:]]
    assert wrong_pictures(Class(holed), playback) == []
    heard = [s for s in streams if s.video_id != "ann_audio"]
    assert max(beep_errors(Class(heard), playback).values()) <= SOUND_TOLERANCE
    told = [f'{lost}" cannot be had: localhost answered 404', "Nothing is there from 0:02 to 0:03 of its playlist"]
    assert all(any(piece in sentence for sentence in warnings(playback)) for piece in told), warnings(playback)
    assert any(silent in sentence for sentence in warnings(playback))
    bucket.gone.clear()
    bucket.asked.clear()
    again = class_of(body)
    assert_in_sync(streams, again)
    assert warnings(again) == []
    assert sorted(bucket.asked) == sorted([lost, silent]), "only what was lacking is asked for again"
    stray = [path for path in (class_of.folder / "home").rglob("cache/*") if "." not in path.name]
    assert len(stray) == 8, "a playlist and a whole file of each track"


def test_a_link_that_expired_is_told_with_the_part_and_its_answer(class_of: Maker, bundled_ffmpeg: str) -> None:
    streams, bucket = tracks(), class_of.bucket
    body = filled(bucket, streams, bundled_ffmpeg)
    bucket.gone, bucket.status = {*bucket.names["ann_video"], "bob_video.m3u8"}, 403
    playback = class_of(body)
    said = " ".join(warnings(playback))
    assert f'Left out: its part "{bucket.names["ann_video"][0]}": localhost answered 403: the file is gone' in said
    assert "Left out: its playlist: localhost answered 403" in said
    bucket.gone |= {path.name for path in bucket.folder.iterdir()}
    with pytest.raises(DownloadError, match=r"its playlist: localhost answered 403.*none usable"):
        class_of(body, home=class_of.folder / "other")


def test_a_connection_that_is_cut_goes_on_where_it_was(class_of: Maker, bundled_ffmpeg: str) -> None:
    streams, bucket = tracks(), class_of.bucket
    body = filled(bucket, streams, bundled_ffmpeg)
    bucket.cut = {"bob_video.m3u8", bucket.names["ann_video"][1], bucket.names["bob_audio"][2]}
    expected = set(bucket.cut)
    playback = class_of(body)
    assert set(bucket.ranges) == expected
    assert warnings(playback) == []
    assert_in_sync(streams, playback)


def test_a_killed_run_keeps_the_parts_that_were_there(tmp_path: Path, class_of: Maker, bundled_ffmpeg: str) -> None:
    streams, bucket = tracks(), class_of.bucket
    (tmp_path / "stop.json").write_bytes(filled(bucket, streams, bundled_ffmpeg))
    (tmp_path / "small.json").write_text(SMALL)
    desk, bucket.held = Desk(tmp_path, Class(streams)), threading.Event()
    words = ["run", "stop.json", "--media-base", bucket.url, "--allow-host", "localhost", "--layout", "small.json"]
    words += ["-o", "class.mp4"]
    process = desk.start(words)
    until(lambda: len(bucket.asked) >= 4 + 7)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    bucket.held.set()
    first, bucket.held = list(bucket.asked), None
    bucket.asked.clear()
    process = desk.start(words)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert "Files come in slices" in err
    assert_in_sync(streams, Playback(desk.out, load_manifest(desk.out), was_there=False))
    assert len({*first} - {*bucket.asked}) >= 4 + 5, "those that were whole are not asked for again"


PLAYLISTS = {
    "a name that leads out": ("#EXTINF:1\n../0.ts", "line 3 is no plain name of a file in its folder"),
    "an address": ("#EXTINF:1\nhttp://169.254.169.254/0.ts", "line 3 is no plain name of a file in its folder"),
    "a slash": ("#EXTINF:1\na/0.ts", "line 3 is no plain name of a file in its folder"),
    "a key": ('#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1\n0.ts', "tells of encrypted parts"),
    "a part twice": ("#EXTINF:1\n0.ts\n#EXTINF:1\n0.ts", "line 5 names a part again"),
    "a million lines": ("#\n" * 1_000_000 + "#EXTINF:1\n", "it names no part"),
    "a million parts": ("".join(f"#EXTINF:1\n{n}.ts\n" for n in range(300_000)), "more than 20,000 parts"),
    "too many bytes": ("#" * (9 << 20), "the file is larger than its cap of 8.0 MiB"),
    "a page": ("", "does not begin with #EXTM3U"),
}


@pytest.mark.parametrize("what", PLAYLISTS)
def test_a_playlist_that_is_not_read_is_left_out_with_a_sentence(what: str, bucket: Bucket, tmp_path: Path) -> None:
    lines, sentence = PLAYLISTS[what]
    (bucket.folder / "ann.m3u8").write_text("What\n" if what == "a page" else f"#EXTM3U\n{lines}")
    (bucket.folder / "bob.ts").write_bytes(b"G" * 188)
    fetched = fetch_named(bucket, tmp_path, "ann.m3u8", "bob.ts")
    assert sentence in fetched.failures["ann"].sentence
    assert set(fetched.files) == {"bob"}
    assert {*bucket.asked} == {"ann.m3u8", "bob.ts"}


def fetch_named(bucket: Bucket, folder: Path, *names: str, **options: Any) -> SegmentFiles:
    named = [camera(name.partition(".")[0], "u", 0, 1000) for name in names]
    segments = [
        s.model_copy(update={"url": f"{bucket.url}/{name}?sign=s3cret", "format": name.partition(".")[2]})
        for s, name in zip(named, names, strict=True)
    ]
    chosen = load_options(allow_hosts="localhost", **options)
    return fetch_all(segments, cache=folder / "cache", options=chosen, progress=Silent())


def test_the_sum_of_the_parts_has_a_limit(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HARD_CAP", 3000)
    names = [f"{n}.ts" for n in range(20)]
    (bucket.folder / "ann.m3u8").write_text("#EXTM3U\n" + "".join(f"#EXTINF:1\n{name}\n" for name in names))
    for name in names:
        (bucket.folder / name).write_bytes(b"G" * 1000)
    fetched = fetch_named(bucket, tmp_path, "ann.m3u8", parallel=1)
    assert "come to more than the file's cap of 2.9 KiB" in fetched.failures["ann"].sentence
    assert len(bucket.asked) == 1 + 4
    assert [piece.parts for piece in fetched.slices["ann"]] == [tuple(names[:4])]


def test_more_parts_than_files_may_be_open_are_fetched(bucket: Bucket, tmp_path: Path) -> None:
    names = [f"{n}.ts" for n in range(400)]
    (bucket.folder / "ann.m3u8").write_text("#EXTM3U\n" + "".join(f"#EXTINF:1\n{name}\n" for name in names))
    for number, name in enumerate(names):
        (bucket.folder / name).write_bytes(b"G" + number.to_bytes(4, "big") * 47)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        fetched = fetch_named(bucket, tmp_path, "ann.m3u8")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert fetched.failures == {}
    assert fetched.files["ann"].read_bytes() == b"".join((bucket.folder / name).read_bytes() for name in names)
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock") == [
        "", "", ".json", ".json",
    ]  # fmt: skip


def test_a_playlist_without_a_place_is_told_what_names_one(bucket: Bucket, tmp_path: Path) -> None:
    named = camera("ann", "u", 0, 1000).model_copy(update={"url": None, "format": "m3u8"})
    fetched = fetch_all([named], cache=tmp_path, options=load_options(), progress=Silent())
    assert fetched.failures["ann"].sentence == "its playlist: it has no URL"
    assert "--media-base" in fetched.failures["ann"].hint


@pytest.mark.leaves_parts
def test_a_stop_ends_the_fetching_of_parts(bucket: Bucket, tmp_path: Path) -> None:
    names, stop = [f"{n}.ts" for n in range(40)], Stop()
    (bucket.folder / "ann.m3u8").write_text("#EXTM3U\n" + "".join(f"#EXTINF:1\n{name}\n" for name in names))
    for name in names:
        (bucket.folder / name).write_bytes(b"G" * 188)
    named = camera("ann", "u", 0, 1000).model_copy(update={"url": f"{bucket.url}/ann.m3u8", "format": "m3u8"})
    bucket.heard = lambda: stop.set() if len(bucket.asked) == 10 else None
    with pytest.raises(Stopped):
        fetch_all(
            [named], cache=tmp_path / "cache", options=load_options(allow_hosts="localhost"), progress=Silent(),
            stop=stop,
        )  # fmt: skip
    assert len(bucket.asked) < 30
