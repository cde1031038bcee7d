"""Odd pictures: sizes, pixel shapes, rotations, changes inside a file, and colours of every origin."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from classes import BOARD, Class, Stream, beep_errors, wrong_pictures
from oddities import TILE, odd, tile, unseen, wall
from readers import open_playback

from assembler.demo.identity import IDENTITIES
from assembler.recording import StreamKind

SOUND_TOLERANCE = 0.005
SIZES = ((320, 240), (640, 360), (240, 320))

SHAPES = wall(
    {
        "wide pixels": odd("red", width=240, sar=Fraction(4, 3)),
        "narrow pixels": odd("green", width=480, sar=Fraction(2, 3)),
        "portrait": odd("blue", width=240, height=320),
        "odd size": odd("yellow", width=321, height=239, pixels="yuv444p"),
        "90": odd("magenta", rotation=90),
        "180": odd("cyan", rotation=180, bframes=2),
        "270": odd("orange", rotation=270, width=240, height=320),
        "changing": odd("purple", sizes=SIZES, gop=6),
        "changing ts": odd("pink", sizes=SIZES, container="ts", bframes=2),
        "odd webm": odd("lime", width=321, height=241, container="webm"),
        "tiny": odd("brown", width=64, height=48),
        "very wide": odd("sky", width=640, height=200),
    }
)


def test_every_shape_fits_with_its_shape_kept_and_no_source_frame_lost(tmp_path: Path, ffmpeg: str) -> None:
    playback = SHAPES.assemble(tmp_path, ffmpeg, chunk_seconds=1.2)
    rows = SHAPES.rows(playback)
    readable = [s for s in SHAPES.streams if s.video_id != "very wide"]
    lesson = replace(SHAPES, streams=readable)
    assert wrong_pictures(lesson, playback, rows) == []
    assert max(beep_errors(SHAPES, playback).values()) <= SOUND_TOLERANCE
    assert {s.video_id: unseen(lesson, rows, s.video_id) for s in readable} == {s.video_id: set() for s in readable}


def test_cropped_pictures_stay_in_sync(tmp_path: Path, ffmpeg: str) -> None:
    cropped = replace(
        wall(
            {
                "wide": odd("red", width=640, height=360),
                "tall pixels": odd("green", width=320, height=240, sar=Fraction(5, 4)),
                "turned": odd("blue", width=320, height=256, rotation=90),
                "same": odd("yellow"),
            }
        ),
        fill_mode=1,
    )
    playback = cropped.assemble(tmp_path, ffmpeg, chunk_seconds=1.5)
    assert wrong_pictures(cropped, playback) == []
    x, y, _, _ = tile(0)
    with open_playback(playback.path) as opened:
        corner = opened.colour_at(x + 2, y + 2, Fraction(1))
    assert near(corner, IDENTITIES["red"].colour, 12), "a cropped picture reaches into the corner"


def near(found: tuple[int, int, int], wanted: str, levels: int) -> bool:
    rgb = [int(wanted[i : i + 2], 16) for i in (1, 3, 5)]
    return max(abs(a - b) for a, b in zip(found, rgb, strict=True)) <= levels


@pytest.mark.parametrize(
    ("background", "ffmpeg"),
    [
        ("#34363B", "bundled"), ("#C00000", "bundled"), ("#0060FF", "bundled"),
        pytest.param("#C00000", "debian", marks=pytest.mark.apt_ffmpeg),
    ],
    indirect=["ffmpeg"],
)  # fmt: skip
def test_backgrounds_and_bars_have_their_exact_colour(tmp_path: Path, ffmpeg: str, background: str) -> None:
    whole = wall({"portrait": odd("red", width=120, height=240, seconds=1), "late": odd("blue", seconds=1)})
    lesson = replace(whole, streams=[whole.streams[0], replace(whole.streams[1], play=1_500)], bars=background)
    playback = lesson.assemble(tmp_path, ffmpeg, background=background)
    with open_playback(playback.path) as opened:
        places = {"a slot not taken yet": (8, TILE[0] + 80), "a slot left": (30, 80), "no slot": (8, 3 * TILE[0])}
        for where, (frame, x) in {**places, "a bar": (8, 8)}.items():
            found = opened.colour_at(x, 60, Fraction(frame, 15))
            assert near(found, background, 4), (where, found)


def test_every_kind_of_colour_tag_gives_the_same_colour(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall(
        {
            "untagged small": odd("orange", seconds=1),
            "709": odd("orange", seconds=1, matrix="bt709"),
            "601": odd("orange", seconds=1, matrix="smpte170m"),
            "untagged large": odd("orange", seconds=1, width=960, height=720),
            "601 large": odd("orange", seconds=1, width=960, height=720, matrix="smpte170m"),
            "444": odd("orange", seconds=1, pixels="yuv444p"),
            "709 as it is": odd("orange", seconds=1, matrix="bt709", width=160, height=120),
            "full range": odd("orange", seconds=1, width=322),
        }
    )
    media = lesson.make(tmp_path)
    in_full_range(media / "full range.mp4", ffmpeg)
    playback = lesson.assemble(tmp_path, ffmpeg)
    with open_playback(playback.path) as opened:
        for place, stream in enumerate(lesson.streams):
            x, y, _, _ = tile(place)
            found = opened.colour_at(x + 48, y + 24, Fraction(2, 3))
            with open_playback(media / f"{stream.video_id}.mp4") as source:
                width, height = source.size
                wanted = source.colour_at(width * 3 // 10, height // 5, Fraction(2, 3))
            assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 6, (stream.video_id, found, wanted)


def in_full_range(path: Path, ffmpeg: str) -> None:
    """The same picture with luma from 0 to 255, and tagged so."""
    made = path.with_name("full.mp4")
    words = ["-vf", "scale=in_range=tv:out_range=pc,format=yuvj420p", "-c:v", "libx264", "-preset", "ultrafast"]
    argv = [ffmpeg, "-loglevel", "error", "-y", "-i", str(path), *words, "-c:a", "copy", str(made)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    made.replace(path)


PICTURE_IN_PICTURE = """
{"Canvas": {"LayoutParams": {"Width": 480, "Height": 360}, "BackgroundColor": "#34363B"},
 "InputStreamList": [
  {"InputStreamId": "tic_record_user", "LayoutParams": {"X": 0, "Y": 0, "Width": 480, "Height": 360, "ZOrder": 1}},
  {"InputStreamId": "alice", "LayoutParams": {"X": 380, "Y": 280, "Width": 96, "Height": 72, "ZOrder": 3}},
  {"InputStreamId": "bob", "LayoutParams": {"X": 0, "Y": 0, "Width": 92, "Height": 70, "ZOrder": 2}}]}
"""


def test_pictures_in_pictures_are_in_sync_and_leave_what_is_below(tmp_path: Path, ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("board", StreamKind.WHITEBOARD, "", 0, odd("blue", seconds=5, fps=Fraction(5)), (0, 0, 480, 360)),
            Stream("a", StreamKind.CAMERA, "alice", 633, odd("red"), (380, 280, 96, 72)),
            Stream("b", StreamKind.CAMERA, "bob", 1_217, odd("green", fps=Fraction(30)), (0, 0, 92, 70)),
            Stream("a2", StreamKind.CAMERA, "alice", 4_100, odd("red", seconds=1), (380, 280, 96, 72)),
        ]
    )
    layout = tmp_path / "pip.json"
    layout.write_text(PICTURE_IN_PICTURE)
    for seconds in (1000, 0.8):
        playback = lesson.assemble(tmp_path, ffmpeg, f"{seconds}.mp4", layout=str(layout), chunk_seconds=seconds)
        # only where nobody belongs the board is below, which has a colour of its own there
        wrong = [e for e in wrong_pictures(lesson, playback) if "nobody" not in e]
        assert wrong == []
        with open_playback(playback.path) as opened:
            assert near(opened.colour_at(430, 316, Fraction(2, 5)), IDENTITIES["blue"].colour, 8)
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE


def test_of_several_screen_shares_the_later_is_on_top(tmp_path: Path, bundled_ffmpeg: str) -> None:
    screen = StreamKind.SCREEN
    lesson = Class(
        [
            Stream("board", StreamKind.WHITEBOARD, "", 0, odd("blue", seconds=6, fps=Fraction(5)), BOARD),
            Stream("s1", screen, "x", 517, odd("green", seconds=5), BOARD),
            Stream("s2", screen, "y", 1_431, odd("red", seconds=2), BOARD),
            Stream("s3", screen, "z", 2_208, odd("sky", seconds=2), BOARD),
        ]
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, chunk_seconds=1.3)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
