"""A stream that alone fills the canvas: its packets are copied, whatever kind of stream it is, and where they cannot be
all of it is encoded. Measured like everything else: every picture, every beep."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from classes import Class, Stream, beep_errors, wrong_pictures
from lessons import omission
from oddities import odd
from readers import stamps
from sounds import listen
from synthetic import Recipe

from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.plan.model import Mode
from assembler.recording import StreamKind
from assembler.times import PlayMs
from assembler.workspace import Workspace

SCREEN, CAMERA, BOARD = StreamKind.SCREEN, StreamKind.CAMERA, StreamKind.WHITEBOARD
SOUND_TOLERANCE = 0.005
WHOLE = (0, 0, 320, 240)
STAGE = {"layout": "stage"}
ONE_PLACE = """
{"Canvas": {"LayoutParams": {"Width": 320, "Height": 240}},
 "InputStreamList": [{"InputStreamId": "", "LayoutParams": {"X": 0, "Y": 0, "Width": 320, "Height": 240}}]}
"""


def in_sync(lesson: Class, playback: Playback) -> bool:
    assert wrong_pictures(lesson, playback) == []
    heard = beep_errors(lesson, playback)
    assert max(heard.values(), default=0) <= SOUND_TOLERANCE, heard
    return True


def why(playback: Playback) -> tuple[Mode, str | None]:
    print(playback.manifest.mode_reason)
    return playback.manifest.mode, playback.manifest.sound_copied


@pytest.mark.parametrize(
    ("kind", "user", "more"),
    [
        (SCREEN, "x", {"bframes": 2, "gop": 40}),
        (BOARD, "", {"sound": False, "fps": Fraction(5)}),
        (CAMERA, "x", {"jitter": Fraction(1, 50), "picture_late": Fraction(1, 3)}),
        (CAMERA, "x", {"container": "ts", "origin": Fraction(7, 3), "bframes": 2}),
        (CAMERA, "x", {"container": "mkv", "cadence": (Fraction(1, 15), Fraction(1, 30))}),
    ],
    ids=["screen share", "silent board", "camera whose picture is late", "ts", "mkv of odd cadence"],
)
def test_a_lone_stream_is_copied_in_its_own_size(
    tmp_path: Path, bundled_ffmpeg: str, kind: StreamKind, user: str, more: dict[str, object]
) -> None:
    lesson = Class([Stream("s", kind, user, 0, odd("red", seconds=4, gain=0.2, **more), WHOLE)], options=STAGE)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, None if kind is BOARD or more.get("container") == "mkv" else "s")
    assert (playback.manifest.canvas.width, playback.manifest.canvas.height) == (320, 240)
    assert in_sync(lesson, playback)
    assert lesson.assemble(tmp_path, bundled_ffmpeg).was_there


@pytest.mark.parametrize("container", ["mp4", "ts"])
def test_sound_as_it_is_where_the_file_rules_the_length(tmp_path: Path, bundled_ffmpeg: str, container: str) -> None:
    recipe = odd("red", gain=0.2, container=container, rate=44100)
    lesson = Class([Stream("s", CAMERA, "x", 0, recipe, WHOLE, duration=None)], options=STAGE)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, "s")
    assert in_sync(lesson, playback)


def test_sound_behind_the_declared_end_is_left_out_of_a_copy(tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe = odd("red", gain=0.2, gop=15)
    lesson = Class([Stream("s", CAMERA, "x", 0, recipe, WHOLE, duration=2_000)], options=STAGE)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, "s")
    assert in_sync(lesson, playback)
    sound = listen(playback.path)
    assert abs(float(sound.start) + sound.samples.shape[1] / sound.rate - 2) <= 1025 / 48000


def test_no_ffmpeg_works_for_a_lone_file(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """This one only says its version."""
    idle = tmp_path / "ffmpeg"
    idle.write_text(f'#!/bin/sh\ncase "$*" in *-version*) exec "{bundled_ffmpeg}" "$@";; esac\nexit 1\n')
    idle.chmod(0o755)
    lesson = Class([Stream("s", SCREEN, "x", 0, odd("red", gain=0.2), WHOLE)], options=STAGE)
    made = lesson.assemble(tmp_path, bundled_ffmpeg, "made.mp4")
    chosen = {"home": tmp_path / "home", "media_dir": tmp_path / "media", "ffmpeg": str(idle), **STAGE}
    playback = assemble(lesson.recording(), tmp_path / "other.mp4", load_options(**chosen))
    assert not playback.was_there
    assert playback.path.read_bytes() == made.path.read_bytes()


def test_every_stamp_of_a_copy_is_its_source_s_plus_its_place(tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe = odd("red", seconds=3, gain=0.2, jitter=Fraction(1, 50), bframes=2)
    playback = Class([Stream("s", SCREEN, "x", 317, recipe, WHOLE)], options=STAGE).assemble(tmp_path, bundled_ffmpeg)
    found = sorted(stamps(playback.path))
    wanted = [Fraction(317, 1000) + stamp for _, stamp in recipe.stamps()]
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < Fraction(1, 2000)


def test_a_place_of_a_layout_file_that_fills_the_canvas_is_as_good(tmp_path: Path, bundled_ffmpeg: str) -> None:
    (tmp_path / "one.json").write_text(ONE_PLACE)
    lesson = Class([Stream("a", CAMERA, "x", 0, odd("red", gain=0.2), WHOLE)])
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, layout=str(tmp_path / "one.json"))
    assert why(playback) == (Mode.COPY, "a")
    assert in_sync(lesson, playback)


def test_users_who_are_not_seen_are_heard_beside_a_copied_share(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("s", SCREEN, "x", 0, odd("red", seconds=4, gain=0.2), WHOLE),
            Stream("a", CAMERA, "y", 1_100, odd("blue", seconds=2, gain=0.2)),
        ],
        options=STAGE,
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, None)
    assert in_sync(lesson, playback)


def test_a_share_over_another_is_copied_where_it_begins_and_ends_at_key_frames(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    lesson = Class(
        [
            Stream("s", SCREEN, "x", 0, odd("red", seconds=6, gop=15, gain=0.2), WHOLE),
            Stream("t", SCREEN, "y", 2_000, odd("blue", seconds=2, gop=15, gain=0.2), WHOLE),
        ],
        options=STAGE,
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, None)
    assert in_sync(lesson, playback)
    other = Class([lesson.streams[0], Stream("t", SCREEN, "y", 2_400, lesson.streams[1].recipe, WHOLE)], options=STAGE)
    playback = other.assemble(tmp_path, bundled_ffmpeg)
    assert "s has no key frame where its clip starts (0:04" in playback.manifest.mode_reason
    assert in_sync(other, playback)


def test_a_window_at_a_key_frame_is_copied(tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe = odd("red", seconds=6, gop=15, gain=0.2)
    streams = [Stream("s", SCREEN, "x", 0, recipe, WHOLE, pieces=((0, 3_000, 2_000),))]
    lesson = Class(streams, options=STAGE)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, start=PlayMs(2_000), end=PlayMs(5_000))
    assert why(playback) == (Mode.COPY, None)
    assert in_sync(lesson, playback)
    elsewhere = Class([Stream("s", SCREEN, "x", 0, recipe, WHOLE, pieces=((0, 3_000, 2_100),))], options=STAGE)
    playback = elsewhere.assemble(tmp_path, bundled_ffmpeg, start=PlayMs(2_100), end=PlayMs(5_100))
    assert "s has no key frame where its clip starts (0:00" in playback.manifest.mode_reason
    assert in_sync(elsewhere, playback)


@pytest.mark.parametrize("gop", [15, 1000])
def test_a_share_cut_at_an_omission(tmp_path: Path, bundled_ffmpeg: str, gop: int) -> None:
    recipe = odd("red", seconds=9, gop=gop, gain=0.2)
    lesson = Class(
        [Stream("s", SCREEN, "x", 0, recipe, WHOLE, pieces=((0, 3_000, 0), (3_000, 7_000, 5_000)))],
        total=7_000,
        stop=9_000,
        omissions=(omission(3_000, 3_000, 5_000),),
        options=STAGE,
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY if gop == 15 else Mode.ENCODE, None)
    assert in_sync(lesson, playback)


SECOND = odd("red", seconds=2, gain=0.2)


@pytest.mark.parametrize(
    ("second", "at", "reason"),
    [
        (odd("red", seconds=2, gain=0.2, bframes=2), 3_000, "t has other parameter sets than"),
        (odd("red", seconds=2, gain=0.2, rotation=90), 3_000, "t is rotated"),
        (odd("red", seconds=2, gain=0.2, sizes=((320, 240), (160, 120))), 3_000, "the picture of t changes"),
        (SECOND, 4_500, "nothing is there for 0:01.500 before t"),
    ],
    ids=["other parameter sets", "rotated", "changing size", "a gap"],
)
def test_what_cannot_be_copied_is_encoded_and_named(
    tmp_path: Path, bundled_ffmpeg: str, second: Recipe, at: int, reason: str
) -> None:
    lesson = Class(
        [
            Stream("s", SCREEN, "x", 0, odd("red", gain=0.2), WHOLE),
            Stream("t", SCREEN, "x", at, second, WHOLE),
        ]
    )
    layout = tmp_path / "share.json"
    layout.write_text(ONE_PLACE.replace('""', '"tic_substream"'))
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, layout=str(layout))
    assert playback.manifest.mode is Mode.ENCODE
    assert reason in playback.manifest.mode_reason
    if "rotated" not in reason:  # its picture is narrower than its place then
        assert in_sync(lesson, playback)


def test_stamps_are_learned_later_where_the_declared_facts_did_not_promise_a_copy(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    """The board has no picture, as only its file tells: the share is alone."""
    lesson = Class(
        [
            Stream("s", SCREEN, "x", 0, odd("red", gain=0.2), WHOLE),
            Stream("w", BOARD, "", 0, odd("blue", gain=0.2, picture=False)),
        ],
        options=STAGE,
    )
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert why(playback) == (Mode.COPY, None)
    assert in_sync(lesson, playback)


def test_stamps_are_kept_only_where_packets_may_be_copied(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class(
        [
            Stream("s", SCREEN, "x", 0, odd("red", gain=0.2), WHOLE),
            Stream("a", CAMERA, "y", 0, odd("blue", gain=0.2)),
        ],
        options={"home": tmp_path / "home"},
    )
    facts = Workspace(load_options(home=tmp_path / "home").home).facts

    def kept() -> list[bool]:
        return sorted('"stamps":null' not in path.read_text() for path in facts.iterdir())

    lesson.assemble(tmp_path, bundled_ffmpeg)
    assert kept() == [False, False]
    lesson.assemble(tmp_path, bundled_ffmpeg, "stage.mp4", **STAGE)
    assert kept() == [False, False, True]


def test_libav_joins_the_same_playback_when_it_is_asked_to(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class([Stream("s", CAMERA, "x", 0, odd("red", seconds=2, gain=0.2), WHOLE)], options=STAGE)
    own = lesson.assemble(tmp_path, bundled_ffmpeg, "own.mp4")
    libav = lesson.assemble(tmp_path, bundled_ffmpeg, "libav.mp4", muxer="libav")
    assert not libav.was_there
    assert own.path.read_bytes() != libav.path.read_bytes()  # the tables are written in another order
    assert packets_of(own.path) == packets_of(libav.path)


def packets_of(path: Path) -> list[tuple[str, int | None, int | None, bytes]]:
    with av.open(str(path)) as source:
        return [(p.stream.type, p.pts, p.dts, bytes(p)) for p in source.demux() if p.size]
