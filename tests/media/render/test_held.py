"""Classes that stand still: nothing is encoded there, and every frame is at its place (DESIGN, Held frames)."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from browser import browsing
from classes import BOARD, USER_1, Class, Stream
from e2e.test_salvage import assert_right, hanging, parts, run
from e2e.test_sync import assert_exact_grid, assert_in_sync
from pytest_httpserver import HTTPServer
from readers import read_all
from synthetic import Recipe
from terminal import Desk, busy_in, until
from video_page import open_video, seek, take_picture

from assembler.media.encoders import ENCODERS
from assembler.media.verify.verify import verify
from assembler.mp4.fragments import count_frames_in_either
from assembler.pipeline.assemble import Playback
from assembler.plan.held import MAX_GOP_SECONDS
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind
from assembler.workspace import assets_of

CADENCE = tuple(Fraction(n) for n in ("1/5", "1/15", "37/16", "1/15", "13", "2/5"))
"""Seconds that the board's pictures are seen: some for one frame, one for longer than key frames lie apart."""
WRITTEN = Recipe(identity="blue", seconds=Fraction(12, 5), fps=5, cadence=CADENCE, sound=False)
LENGTH = 32_000
STILL = Class(
    [
        Stream("w", StreamKind.WHITEBOARD, "", 33, WRITTEN, BOARD, duration=LENGTH),
        Stream("a", StreamKind.CAMERA, "ann", 20_621, Recipe(identity="red", seconds=4, fps=15, gop=40), USER_1),
    ],
    options={"fps": 15},
)
SMALL_BYTES = 20
"""Maximum size of a skip picture on this canvas."""


def sizes(path: Path) -> list[int]:
    with av.open(str(path)) as file:
        return [packet.size for packet in file.demux(video=0) if packet.size]


def durations(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
    return [(p.duration or 0) * (p.time_base or Fraction(0)) for p in packets]


def idr_ids(path: Path, ffmpeg: str) -> list[int | None]:
    """The idr_pic_id of each picture, which differ in a row (ITU-T H.264, 7.4.3); None for those that are not IDR."""
    argv = [ffmpeg, "-nostdin", "-i", str(path), "-map", "0:v", "-c", "copy", "-bsf:v", "trace_headers"]
    log = subprocess.run([*argv, "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    units = re.findall(
        r"nal_unit_type .*= ([15])\n(?:(?!nal_unit_type)[\s\S])*?frame_num.*(?:\n.*idr_pic_id.*= (\d+))?", log
    )
    return [int(number) if kind == "5" else None for kind, number in units]


def keys(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        packets = list(file.demux(video=0))
    return [p.pts * p.time_base for p in packets if p.is_keyframe and p.pts is not None and p.time_base is not None]


@pytest.mark.parametrize(
    ("seconds", "ffmpeg"),
    [
        (1000, "bundled"), (5, "bundled"), (1.3, "bundled"),
        pytest.param(5, "debian", marks=pytest.mark.apt_ffmpeg),
    ],
    indirect=["ffmpeg"],
)  # fmt: skip
def test_a_still_class_is_in_sync_at_every_frame_however_it_is_cut(tmp_path: Path, ffmpeg: str, seconds: float) -> None:
    playback = STILL.assemble(tmp_path, ffmpeg, chunk_seconds=seconds)
    assert_in_sync(STILL, playback)
    assert_exact_grid(playback)
    verify(playback.path, playback.manifest, decode="all")
    found = keys(playback.path)
    assert max(b - a for a, b in zip(found, [*found[1:], Fraction(LENGTH, 1000)], strict=True)) <= MAX_GOP_SECONDS
    assert sum(size <= SMALL_BYTES for size in sizes(playback.path)) > 15 * 22


def test_it_shows_what_a_rendering_of_every_frame_shows(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """x265 encodes them all."""
    assert not ENCODERS["x265"].takes_skips
    every = STILL.assemble(tmp_path / "every", bundled_ffmpeg, encoder="x265", chunk_seconds=1000, processes=1)
    assert every.manifest.encoder == "x265"
    held = STILL.assemble(tmp_path / "held", bundled_ffmpeg, chunk_seconds=1000)
    assert [row.seen for row in STILL.rows(held)] == [row.seen for row in STILL.rows(every)]


@pytest.mark.parametrize(("seconds", "muxer"), [(1000, "own"), (5, "own"), (1.3, "libav")])
def test_at_a_variable_rate_the_frames_on_the_same_grid_last_longer(
    tmp_path: Path, bundled_ffmpeg: str, seconds: float, muxer: str
) -> None:
    constant = STILL.assemble(tmp_path / "constant", bundled_ffmpeg, chunk_seconds=seconds)
    playback = STILL.assemble(
        tmp_path / "variable", bundled_ffmpeg, chunk_seconds=seconds, variable_rate=True, muxer=muxer
    )
    assert constant.manifest.digest != playback.manifest.digest
    assert_in_sync(STILL, playback)
    verify(playback.path, playback.manifest, decode="all")
    rows = {row.stamp * 15: row.seen for row in STILL.rows(playback)}
    assert len(rows) < 15 * 32 // 3
    shown: list[object] = []
    for frame in range(15 * 32):
        shown.append(rows.get(Fraction(frame), shown[-1] if shown else None))
    assert shown == [row.seen for row in STILL.rows(constant)]
    lasting = [b - a for a, b in pairwise([*sorted(rows), Fraction(15 * 32)])]
    assert lasting[-1] == 1
    assert max(lasting) <= MAX_GOP_SECONDS * 15
    assert durations(playback.path) == [step / 15 for step in lasting]


def test_at_a_variable_rate_no_two_key_frames_in_a_row_have_one_number_and_packages_can_be_made(
    tmp_path: Path, bundled_ffmpeg: str, ffmpeg: str
) -> None:
    playback = STILL.assemble(tmp_path, ffmpeg, chunk_seconds=1.3, variable_rate=True, also=("hls", "people"))
    assert [package.name for package in playback.manifest.packages] == ["hls", "people"]
    for path in (playback.path, assets_of(playback.path) / "people" / "01-ann.mp4"):
        found = idr_ids(path, bundled_ffmpeg)
        assert len(found) < 15 * 32 // 3
        assert sum(number is not None for number in found) > 3
        assert not any(a == b is not None for a, b in pairwise(found))


def test_a_playback_of_another_choice_of_rate_is_made_anew(tmp_path: Path, bundled_ffmpeg: str) -> None:
    counts = [STILL.assemble(tmp_path, bundled_ffmpeg, variable_rate=rate) for rate in (False, True, True, False)]
    assert not any("left out no frame" in f.sentence for made in counts for f in made.manifest.findings)
    assert [playback.was_there for playback in counts] == [False, False, True, False]
    assert counts[1].manifest.stamps.count < counts[0].manifest.stamps.count == counts[3].manifest.stamps.count


@pytest.mark.parametrize("rate", [False, True])
def test_a_class_that_always_moves_is_made_byte_for_byte_as_if_nothing_could_be_held(
    tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch, rate: bool
) -> None:
    moving = Recipe(identity="red", seconds=3, fps=15, gop=40)
    lesson = Class([Stream("a", StreamKind.CAMERA, "ann", 0, moving, USER_1)], options={"fps": 15})
    made = lesson.assemble(tmp_path / "one", bundled_ffmpeg, chunk_seconds=1, variable_rate=rate)
    assert any("left out no frame" in finding.sentence for finding in made.manifest.findings) == rate
    monkeypatch.setitem(ENCODERS, "x264", replace(ENCODERS["x264"], takes_skips=False))
    other = lesson.assemble(tmp_path / "other", bundled_ffmpeg, chunk_seconds=1)
    assert made.path.read_bytes() == other.path.read_bytes()


def test_an_encoder_that_gives_every_frame_says_that_it_left_none_out(tmp_path: Path, bundled_ffmpeg: str) -> None:
    playback = STILL.assemble(
        tmp_path, bundled_ffmpeg, encoder="x265", variable_rate=True, chunk_seconds=1000, processes=1
    )
    assert_exact_grid(playback)
    assert [f.sentence for f in playback.manifest.findings if "constant rate only" in f.sentence]


@pytest.mark.leaves_parts
@pytest.mark.parametrize("rate", ["false", "true"])
def test_a_run_killed_in_the_middle_of_it_goes_on_with_the_frames_that_it_had(
    tmp_path: Path, bundled_ffmpeg: str, rate: str
) -> None:
    desk = Desk.laid(tmp_path, STILL, bundled_ffmpeg)
    whole = {"chunk_seconds": "1000", "processes": "1", "fps": "15", "variable_rate": rate}
    process = desk.start(run(desk, fake := hanging(tmp_path, bundled_ffmpeg, [45])), **whole)
    until(lambda: any(count_frames_in_either(part) == 45 for part in parts(desk)))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)
    assert busy_in(desk.folder) == []
    said = desk.say(*run(desk, fake), **whole)
    assert said.code == 0, said.err
    stamps = load_manifest(desk.out).stamps
    (join,) = load_manifest(desk.out).joins
    assert join / stamps.time_scale > 20, "45 frames were encoded, and all that they are held for is there"
    assert_right(desk, [15 * join // stamps.time_scale])
    assert_in_sync(STILL, Playback(desk.out, load_manifest(desk.out), was_there=False))


@pytest.mark.parametrize("is_variable", [False, True])
def test_a_browser_shows_it_wherever_it_is_sought_and_as_it_plays(
    tmp_path: Path, bundled_ffmpeg: str, httpserver: HTTPServer, is_variable: bool
) -> None:
    constant = STILL.assemble(tmp_path / "constant", bundled_ffmpeg)
    truth = {row.index: row.seen["w"].counter for row in STILL.rows(constant)}
    STILL.assemble(tmp_path, bundled_ffmpeg, variable_rate=is_variable)
    with browsing() as browser:
        open_video(browser, httpserver, tmp_path, 'video.src = "class.mp4";')
        browser.wait_for("video.readyState >= 3")

        def shown() -> int | None:
            return read_all(take_picture(browser, tmp_path / "seen.png"), {"w": BOARD})[0].seen["w"].counter

        for frame in (470, 400, 240, 225, 41, 38, 6, 4, 3):
            seek(browser, (frame + 0.5) / 15)
            assert shown() == truth[frame], frame
        seek(browser, 14.9)
        browser.ask("void (video.playbackRate = 4, video.play())")
        browser.wait_for("video.ended", seconds=30)
        assert browser.ask("video.error") is None
        assert shown() == truth[max(truth)]
