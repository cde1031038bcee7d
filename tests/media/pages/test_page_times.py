"""A new page is told at the first frame that shows it, whatever the order of frames in the file."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import lcm
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from assembler.media.mux.order import PacketRun
from assembler.media.pages.child import find_turns
from assembler.media.pages.order import PageRule, PagesOrder, View
from assembler.media.probe import child as probing
from assembler.media.probe.order import ProbeInput
from assembler.media.verify.order import Pictures
from assembler.media.verify.pictures import take_pictures
from assembler.plan import stage

FPS, FRAMES, WIDTH, HEIGHT = 15, 240, 160, 120
TURNED = (37, 83, 121, 170, 201)
"""Frames from which on another page is shown. Key frames are one each 15 frames, and these where they are forced."""
RULE = PageRule(stage.CHANGED, stage.CHANGED_LITTLE, stage.VANISHED, nearest=0, most_frames=stage.MOST_FRAMES)
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "15")
QUIET = "log-level=error:scenecut=0"
DEEP = "scenecut=0:b-adapt=0:bframes=3:b-pyramid=normal"
FLAT = "scenecut=0:b-adapt=0:bframes=2:b-pyramid=none"
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-g", "15", "-x265-params")
"""Frames that are decoded before others that are shown earlier."""
WAYS = {
    "two B-frames": (".mp4", (*X264, "-x264-params", FLAT)),
    "a pyramid of B-frames": (".mp4", (*X264, "-x264-params", DEEP)),
    "open GOPs": (".mp4", (*X264, "-x264-params", DEEP + ":open-gop=1")),
    "fragments": (".mp4", (*X264, "-x264-params", DEEP, "-movflags", "frag_keyframe+empty_moov")),
    "no edit list": (".mp4", (*X264, "-x264-params", DEEP, "-use_editlist", "0")),
    "negative composition offsets": (".mp4", (*X264, "-x264-params", DEEP, "-movflags", "negative_cts_offsets")),
    "a late start": (".mp4", (*X264, "-x264-params", DEEP, "-output_ts_offset", "0.4")),
    "ts": (".ts", (*X264, "-x264-params", DEEP)),
    "ts with open GOPs": (".ts", (*X264, "-x264-params", DEEP + ":open-gop=1")),
    "mkv": (".mkv", (*X264, "-x264-params", DEEP)),
    "mkv with open GOPs": (".mkv", (*X264, "-x264-params", DEEP + ":open-gop=1")),
    "HEVC": (".mp4", (*X265, f"{QUIET}:open-gop=0:bframes=3:b-adapt=0:b-pyramid=1")),
    "HEVC with open GOPs": (".mp4", (*X265, f"{QUIET}:open-gop=1:bframes=3:b-adapt=0:b-pyramid=1")),
    "HEVC with open GOPs in a ts": (".ts", (*X265, f"{QUIET}:open-gop=1:bframes=3:b-adapt=0:b-pyramid=1")),
}  # fmt: skip


def draw(number: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A page of its own ink, and a pointer that moves with every frame."""
    picture = np.full((HEIGHT, WIDTH), 240, np.uint8)
    ink = np.random.default_rng(sum(number >= turned for turned in TURNED))
    picture[8:112] = np.repeat(np.repeat(ink.choice(np.array([20, 240], np.uint8), (13, 20)), 8, 0), 8, 1)
    left = number * 3 % (WIDTH - 6)
    picture[2:6, left : left + 4] = 60
    return picture


@cache
def frames() -> bytes:
    return b"".join(draw(number).tobytes() for number in range(FRAMES))


def write(path: Path, ffmpeg: str, words: Sequence[str], *, is_forced: bool = True, pictures: bytes = b"") -> Path:
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"]
    keys = "+".join(f"eq(n,{number})" for number in TURNED)
    forced = ["-pix_fmt", "yuv420p", *(["-force_key_frames", f"expr:{keys}"] if is_forced else [])]
    subprocess.run([ffmpeg, "-v", "error", *raw, *words, *forced, str(path)], input=pictures or frames(), check=True)
    return path


def ms(frame: int) -> int:
    """First whole ms at which a frame is shown."""
    return -(-frame * 1000 // FPS)


def copied(path: Path, first: int = 0, end: int | None = None, at: int = 0) -> tuple[PacketRun, int]:
    """Copy the frames [first, end) from key frames on, shown from frame ``at`` on; and ticks per second."""
    known = probing.probe_file(ProbeInput("x", path, keep_stamps=True))[0]
    picture = known.picture
    assert picture is not None
    assert picture.stamps is not None
    shown = sorted(set(picture.stamps) - {picture.stamps[index] for index in picture.hidden})
    behind = len(shown) if end is None else end
    kept = set(shown[first:behind])
    places = [index for index, stamp in enumerate(picture.stamps) if stamp in kept]
    assert places == list(range(places[0], places[-1] + 1)), "it cannot be cut there"
    scale = lcm(90_000, picture.time_base.denominator)
    up = int(picture.time_base * scale)
    later = at * scale // FPS - shown[first] * up
    ticks = tuple(picture.stamps[index] * up + later for index in places)
    run = PacketRun(
        name=str(path), container=known.container, first_packet=places[0], end_packet=places[-1] + 1, start=min(ticks),
        stamps=ticks, frames=len(ticks), stream=picture.stream,
    )  # fmt: skip
    return run, scale


def pages(scale: int, *runs: PacketRun, rule: PageRule = RULE) -> list[int]:
    """Instants of new pages, in the order in which they are told."""
    view = View(0, 10**9, 0, 0, WIDTH, HEIGHT)
    order = PagesOrder(time_scale=scale, frame_ticks=scale // FPS, runs=runs, views=(view,), rule=rule, answer="")
    return find_turns(order)


@pytest.mark.parametrize("is_forced", [True, False], ids=["key frames", "between key frames"])
@pytest.mark.parametrize("way", WAYS)
def test_a_page_is_told_when_it_is_shown(tmp_path: Path, bundled_ffmpeg: str, way: str, is_forced: bool) -> None:
    suffix, words = WAYS[way]
    run, scale = copied(write(tmp_path / f"a{suffix}", bundled_ffmpeg, words, is_forced=is_forced))
    assert run.stamps is not None
    assert list(run.stamps) != sorted(run.stamps), "there are no B-frames"
    found = pages(scale, run)
    # the stamps of mkv are whole ms, rounded
    expected = [ms(turned) for turned in TURNED]
    assert found == (expected if suffix != ".mkv" else [round(turned * 1000 / FPS) for turned in TURNED])


@pytest.mark.parametrize(
    ("suffix", "words"),
    [(".webm", ("libvpx-vp9", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-deadline", "realtime", "-cpu-used", "8")),
     (".webm", ("libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-deadline", "realtime", "-cpu-used", "8")),
     (".mp4", ("libsvtav1", "-preset", "12"))],
    ids=["VP9", "VP8", "AV1"],
)  # fmt: skip
def test_frames_that_are_never_shown_do_not_matter(
    tmp_path: Path, bundled_ffmpeg: str, suffix: str, words: Sequence[str]
) -> None:
    path = write(tmp_path / f"a{suffix}", bundled_ffmpeg, ("-c:v", *words, "-g", "60"), is_forced=False)
    run, scale = copied(path)
    found = [round(at * FPS / 1000) for at in pages(scale, run)]
    assert found == [37, 83, 170], "121 is gone before the next key frame, and 201 has none behind it"


def test_a_menu_that_opens_before_is_no_new_page(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Frames 20 to 29 show a menu on the old page, and it is turned at frame 37."""
    raw = np.frombuffer(frames(), np.uint8).reshape(-1, HEIGHT, WIDTH)[:75].copy()
    raw[20:30, 8:72, 16:72] = 128
    path = write(tmp_path / "a.mp4", bundled_ffmpeg, (*X264, "-x264-params", DEEP, "-g", "60"), is_forced=False,
                 pictures=raw.tobytes())  # fmt: skip
    run, scale = copied(path)
    assert pages(scale, run) == [ms(37)]


def test_no_more_frames_are_decoded_than_may_be(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Groups have 15 frames each; the page of frame 121 stays longest, then those of 37 and 170 ... of key frames."""
    words = WAYS["a pyramid of B-frames"][1]
    run, scale = copied(write(tmp_path / "a.mp4", bundled_ffmpeg, words, is_forced=False))
    late = [ms(frame) for frame in (45, 90, 135, 180, 210)]
    assert pages(scale, run, rule=replace(RULE, most_frames=0)) == late
    some = pages(scale, run, rule=replace(RULE, most_frames=30))
    assert sum(at in late for at in some) == 3
    assert all(at in (of, key) for at, of, key in zip(some, map(ms, TURNED), late, strict=True))


def test_what_is_leafed_over_is_not_decoded(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """A page is the first of those that follow each other within 5 s, or the last one, or none needs to know."""
    words = WAYS["a pyramid of B-frames"][1]
    run, scale = copied(write(tmp_path / "a.mp4", bundled_ffmpeg, words, is_forced=False))
    assert pages(scale, run, rule=replace(RULE, nearest=5000)) == [ms(at) for at in (37, 90, 135, 180, 201)]


def test_behind_a_cut_it_is_told_when_it_is_shown_too(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Frames 0 to 82 are shown, then those from 121 on."""
    path = write(tmp_path / "a.mp4", bundled_ffmpeg, WAYS["a pyramid of B-frames"][1])
    (one, scale), (other, _) = copied(path, 0, 83), copied(path, 121, None, 83)
    assert pages(scale, one, other) == [ms(frame) for frame in (37, 83, 170 - 38, 201 - 38)]


def test_frames_that_an_edit_list_hides_count_for_nothing(tmp_path: Path, bundled_ffmpeg: str) -> None:
    whole = write(tmp_path / "a.mp4", bundled_ffmpeg, WAYS["a pyramid of B-frames"][1])
    cut = tmp_path / "b.mp4"
    subprocess.run([bundled_ffmpeg, "-v", "error", "-ss", "1.4", "-i", whole, "-c", "copy", cut], check=True)
    with av.open(str(cut)) as file:
        hidden = [packet.is_discard for packet in file.demux(file.streams.video[0])]
    assert sum(hidden) == 6, "it begins with the key frame at 1 s, and shows what is from 1.4 s on"
    # from the next key frame on, which is forced
    run, scale = copied(cut, 37 - 21, None, 37 - 21)
    assert pages(scale, run) == [ms(turned - 21) for turned in TURNED[1:]]


@pytest.mark.parametrize("is_forced", [True, False], ids=["key frames", "between key frames"])
@pytest.mark.parametrize("way", ["a pyramid of B-frames", "HEVC", "HEVC with open GOPs"])
def test_a_page_in_an_encoded_chunk_is_told_at_its_frame(
    tmp_path: Path, bundled_ffmpeg: str, way: str, is_forced: bool
) -> None:
    """Encoders of hardware may use B-frames whatever they are asked for."""
    path = write(tmp_path / "a.mp4", bundled_ffmpeg, WAYS[way][1], is_forced=is_forced)
    ticks = 6_000
    chunks = [
        PacketRun(
            name=str(path), container="mov", first_packet=0, end_packet=None, start=start * ticks, stamps=None,
            frames=FRAMES,
        )
        for start in (0, FRAMES)
    ]  # fmt: skip
    assert pages(ticks * FPS, *chunks) == [ms(at) for at in (*TURNED, FRAMES, *(FRAMES + turned for turned in TURNED))]


def test_what_is_refreshed_line_by_line_is_no_new_page(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Its recovery points are called key frames, and show nothing when decoded alone."""
    words = (*X264, "-x264-params", "scenecut=0:bframes=3:b-adapt=0:intra-refresh=1")
    run, scale = copied(write(tmp_path / "a.mp4", bundled_ffmpeg, words))
    assert pages(scale, run) == [ms(turned) for turned in TURNED]


@pytest.mark.parametrize("is_forced", [True, False], ids=["key frames", "between key frames"])
@pytest.mark.parametrize("way", ["two B-frames", "a pyramid of B-frames", "open GOPs"])
def test_the_picture_of_a_page_shows_that_page(tmp_path: Path, bundled_ffmpeg: str, way: str, is_forced: bool) -> None:
    """The list of chapters has the key frame that is shown at each, or the next one."""
    path = write(tmp_path / "a.mp4", bundled_ffmpeg, WAYS[way][1], is_forced=is_forced)
    instants = tuple(ms(turned) for turned in (0, *TURNED))
    wanted = Pictures(instants, str(tmp_path / "sheet.jpg"), instants[2], str(tmp_path / "cover.jpg"))
    take_pictures(str(path), wanted, ms(FRAMES))
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert shows(cover, TURNED[1])
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        high = sheet.height // len(instants)
        for number, turned in enumerate((0, *TURNED)):
            assert shows(sheet.crop((0, number * high, sheet.width, (number + 1) * high)), turned), number


def test_it_does_so_where_key_frames_are_far_from_each_other(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Frames 37 on show another page, and the next key frame comes 13 s later: many recorders have one each 17 s."""
    pictures = b"".join(draw(0 if number < TURNED[0] else TURNED[0]).tobytes() for number in range(FRAMES))
    words = (*X264, "-x264-params", DEEP, "-g", "232")
    path = write(tmp_path / "a.mp4", bundled_ffmpeg, words, is_forced=False, pictures=pictures)
    wanted = Pictures((0, ms(TURNED[0])), str(tmp_path / "sheet.jpg"), ms(TURNED[0]), str(tmp_path / "cover.jpg"))
    take_pictures(str(path), wanted, ms(FRAMES))
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert shows(cover, TURNED[0])


def shows(picture: Image.Image, frame: int) -> bool:
    """True if the page is the one of this frame."""
    seen = np.asarray(picture.convert("L").resize((WIDTH, HEIGHT)), np.float32)[8:112]
    return bool(np.abs(seen - draw(frame)[8:112]).mean() < 30)
