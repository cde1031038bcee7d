"""What counts as synchronised (DESIGN, Synchronised), measured on finished files at every frame and every beep."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from classes import BOARD, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from lessons import omission
from readers import colour_tags, has_faststart, stamps
from synthetic import Recipe

from assembler.pipeline.assemble import Playback
from assembler.plan.model import Mode
from assembler.recording import StreamKind

CAMERA, SCREEN, WHITEBOARD, MIX, AUDIO, _ = StreamKind
SOUND_TOLERANCE = 0.005


def recipe(identity: str, seconds: float, fps: int | Fraction = 15, **more: object) -> Recipe:
    return Recipe(identity=identity, seconds=Fraction(str(seconds)), fps=Fraction(fps), **more)  # type: ignore[arg-type]


def assert_in_sync(lesson: Class, playback: Playback) -> None:
    assert wrong_pictures(lesson, playback) == []
    errors = beep_errors(lesson, playback)
    assert max(errors.values(), default=0) <= SOUND_TOLERANCE, errors


def assert_exact_grid(playback: Playback) -> None:
    fps = playback.manifest.fps
    found = sorted(stamps(playback.path))
    assert found == [n / fps for n in range(len(found))]
    length = Fraction(playback.manifest.length, 1000)
    assert len(found) == (length * fps + Fraction(1, 2)).__floor__()
    assert has_faststart(playback.path)
    assert colour_tags(playback.path) == {"matrix": 1, "primaries": 1, "transfer": 1, "range": 1}


SIX_FILES = Class(
    [
        Stream("a1", CAMERA, "ios", 0, recipe("red", 9), USER_1),
        Stream("b1", CAMERA, "pc", 3_000, recipe("green", 6), USER_2),
        Stream("w1", WHITEBOARD, "", 1_200, recipe("blue", 7.8, 5), BOARD),
        Stream("a2", CAMERA, "ios", 9_000, recipe("red", 3), USER_1),
        Stream("b2", CAMERA, "pc", 9_000, recipe("green", 2.1), USER_2),
        Stream("w2", WHITEBOARD, "", 9_000, recipe("blue", 5.4, 5), BOARD),
    ],
    total=14_400,
    stop=20_400,
)


def test_the_six_file_example_is_in_sync(tmp_path: Path, bundled_ffmpeg: str) -> None:
    playback = SIX_FILES.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.length == 14_400
    assert [(j.at, j.length) for j in playback.manifest.clock.jumps] == [(9_000, 6_000)]
    assert_in_sync(SIX_FILES, playback)
    assert_exact_grid(playback)


def test_offsets_that_are_no_whole_frame_stay_in_sync(tmp_path: Path, ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("w", WHITEBOARD, "", 17, recipe("blue", 6, 5), BOARD),
            Stream("a", CAMERA, "x", 623, recipe("red", 5.1), USER_1),
            Stream("b", CAMERA, "y", 1_033, recipe("green", 4.3, Fraction(30000, 1001)), USER_2),
        ]
    )
    assert_in_sync(lesson, lesson.assemble(tmp_path, ffmpeg))


@pytest.mark.parametrize(
    ("fps", "ffmpeg"),
    [
        (Fraction(15), "bundled"), (Fraction(30), "bundled"), (Fraction(30000, 1001), "bundled"),
        pytest.param(Fraction(30000, 1001), "debian", marks=pytest.mark.apt_ffmpeg), (Fraction(12), "bundled"),
    ],
    indirect=["ffmpeg"],
)  # fmt: skip
def test_several_rates_in_one_class(tmp_path: Path, ffmpeg: str, fps: Fraction) -> None:
    lesson = Class(
        [
            Stream("w", WHITEBOARD, "", 0, recipe("blue", 4, 5), BOARD),
            Stream("a", CAMERA, "x", 0, recipe("red", 4, 30), USER_1),
            Stream("b", CAMERA, "y", 500, recipe("green", 3, 24), USER_2),
        ],
        options={"fps": fps},
    )
    playback = lesson.assemble(tmp_path, ffmpeg)
    assert playback.manifest.fps == fps
    assert_in_sync(lesson, playback)
    assert_exact_grid(playback)


def test_a_user_who_leaves_and_returns(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("w", WHITEBOARD, "", 0, recipe("blue", 10, 5), BOARD),
            Stream("a1", CAMERA, "x", 1_000, recipe("red", 2.5), USER_1),
            Stream("b", CAMERA, "y", 2_000, recipe("green", 6), USER_2),
            Stream("a2", CAMERA, "x", 6_345, recipe("red", 3), USER_1),
        ]
    )
    assert_in_sync(lesson, lesson.assemble(tmp_path, bundled_ffmpeg))


WALL = Class(
    [
        Stream("a", CAMERA, "x", 0, recipe("red", 12), USER_1, pieces=((0, 4_000, 0), (4_000, 8_000, 8_000))),
        Stream("w1", WHITEBOARD, "", 1_000, recipe("blue", 3, 5), BOARD),
        Stream("w2", WHITEBOARD, "", 9_500, recipe("sky", 2.5, 5), BOARD, pieces=((5_500, 8_000, 0),)),
    ],
    total=8_000,
    stop=12_000,
    omissions=(omission(4_000, 4_000, 8_000),),
)


def test_play_times_on_the_wall_clock_with_an_omission(tmp_path: Path, bundled_ffmpeg: str) -> None:
    playback = WALL.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.play_times.startswith("wall")
    assert playback.manifest.length == 8_000
    assert_in_sync(WALL, playback)


@pytest.mark.parametrize(
    ("fps", "ffmpeg"),
    [(10, "bundled"), pytest.param(10, "debian", marks=pytest.mark.apt_ffmpeg), (15, "bundled")],
    indirect=["ffmpeg"],
)
def test_a_class_cut_twelve_times_is_read_in_one_go(tmp_path: Path, ffmpeg: str, fps: int) -> None:
    """Every 700 ms a pause of 370 is cut out of a board, a camera, and one that begins in a pause."""
    cuts = tuple((n * 700, (n + 1) * 700, n * 1070) for n in range(13))
    late = tuple((start, end, at - 2000) for start, end, at in cuts[2:])
    lesson = Class(
        [
            Stream("w", WHITEBOARD, "", 0, recipe("blue", 13.54, 5), BOARD, pieces=cuts),
            Stream("a", CAMERA, "x", 0, recipe("red", 13.54), USER_1, pieces=cuts),
            Stream("b", CAMERA, "y", 2000, recipe("green", 11.54), USER_2, pieces=late),
        ],
        total=9_100,
        stop=13_540,
        omissions=tuple(omission((n + 1) * 700, (n + 1) * 700 + n * 370, (n + 1) * 1070) for n in range(12)),
        options={"fps": fps},
    )
    playback = lesson.assemble(tmp_path, ffmpeg)
    assert playback.manifest.play_times.startswith("wall")
    assert_in_sync(lesson, playback)


def mixed_class(gop: int, second: int = 5_000) -> Class:
    whole = (0, 0, 320, 240)
    return Class(
        [
            Stream("m1", MIX, "", 3, recipe("red", 5, gop=gop, bframes=2), whole),
            Stream("m2", MIX, "", second, recipe("red", 4, gop=gop, bframes=2), whole),
        ],
        options={"layout": "auto"},
    )


def test_a_copied_mixed_stream_in_two_files_keeps_every_stamp(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = mixed_class(30, second=5_003)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.mode is Mode.COPY, playback.manifest.mode_reason
    assert_in_sync(lesson, playback)
    wanted = [Fraction(3, 1000) + Fraction(n, 15) for n in range(75)]
    wanted += [Fraction(5_003, 1000) + Fraction(n, 15) for n in range(60)]
    assert sorted(stamps(playback.path)) == wanted
    assert has_faststart(playback.path)


def test_chunks_do_not_change_which_frame_is_shown(tmp_path: Path, ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("w", WHITEBOARD, "", 33, recipe("blue", 8, 5), BOARD),
            Stream("a", CAMERA, "x", 621, recipe("red", 7, 30, bframes=2, gop=50), USER_1),
            Stream("b", CAMERA, "y", 1_033, recipe("green", 6.3, Fraction(30000, 1001)), USER_2),
        ],
        options={"fps": Fraction(15)},
    )
    one = lesson.rows(lesson.assemble(tmp_path, ffmpeg, "one.mp4", chunk_seconds=1000, processes=1))
    many = lesson.assemble(tmp_path, ffmpeg, "many.mp4", chunk_seconds=0.41)
    assert len(many.manifest.joins) >= 19
    assert [r.seen for r in lesson.rows(many)] == [r.seen for r in one]
    assert_in_sync(lesson, many)
