"""Odd stamps, starts and containers: whatever a file's own axis looks like, its frames are on time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from classes import beep_errors, wrong_pictures
from oddities import Wall, odd, unseen, wall

SOUND_TOLERANCE = 0.005
F = Fraction

STARTS = wall(
    {
        "late": (odd("red", picture_late=F("0.41")), 3_000),
        "early": (odd("green", picture_late=F("-0.4"), bframes=2), 3_000),
        "after zero": odd("blue", origin=F(5)),
        "edit list": (odd("yellow", origin=F("-1.6"), gop=5), 1_400),
        "mkv": odd("magenta", container="mkv", origin=F("0.5"), bframes=2),
        "ts": odd("cyan", container="ts", origin=F(100)),
        "wrapped ts": odd("orange", container="ts", origin=F("-1.5")),
        "webm": odd("purple", container="webm", origin=F("0.25")),
        "one frame": (odd("pink", frames=1, container="webm"), 1_000),
        "long gop": odd("lime", gop=1000, bframes=3),
        "late in mkv": odd("brown", container="mkv", picture_late=F("0.7")),
        "late in ts": odd("sky", container="ts", picture_late=F("0.3"), bframes=2),
    }
)

STAMPS = wall(
    {
        "cadence": odd("red", cadence=(F(1, 30), F(1, 10), F(1, 2)), frames=14),
        "jitter": odd("green", jitter=F("0.02"), bframes=2),
        "ntsc": odd("blue", fps=F(30000, 1001), bframes=1),
        "hole": (odd("yellow", hole=(F(1), F("2.5"))), 3_000),
        "hole in mkv": odd("magenta", hole=(F("0.5"), F("2.2")), container="mkv", bframes=2),
        "sound hole": odd("cyan", sound_hole=(F("0.6"), F("1.7"))),
        "slow": odd("orange", fps=F(2)),
        "cadence in webm": odd("purple", cadence=(F(1, 15), F(1, 5)), container="webm", frames=20),
    },
    fps=Fraction(15),
)


def assert_in_sync(lesson: Wall, folder: Path, ffmpeg: str, **options: object) -> list[set[int]]:
    """Also says which source frames each stream never showed."""
    playback = lesson.assemble(folder, ffmpeg, **options)
    rows = lesson.rows(playback)
    assert wrong_pictures(lesson, playback, rows) == []
    errors = beep_errors(lesson, playback)
    assert max(errors.values()) <= SOUND_TOLERANCE, errors
    return [unseen(lesson, rows, stream.video_id) for stream in lesson.streams]


def test_any_start_of_a_file_and_any_container(tmp_path: Path, ffmpeg: str) -> None:
    assert_in_sync(STARTS, tmp_path, ffmpeg, chunk_seconds=1000, processes=1)


def test_many_small_chunks_of_any_container(tmp_path: Path, ffmpeg: str) -> None:
    assert_in_sync(STARTS, tmp_path, ffmpeg, chunk_seconds=0.7)


def test_any_rhythm_of_stamps_and_holes_in_them(tmp_path: Path, ffmpeg: str) -> None:
    assert_in_sync(STAMPS, tmp_path, ffmpeg, chunk_seconds=1.3)
