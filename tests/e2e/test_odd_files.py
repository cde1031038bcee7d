"""Files that were put together from several, whose stamps break, or whose streams nobody announced: by the counters on
the screen and the beeps of the finished playback."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction as F
from pathlib import Path

import pytest
from classes import USER_1, Class, Stream, beep_errors, wrong_pictures
from oddities import odd
from synthetic import Recipe, make

from assembler.findings import Severity, judge
from assembler.pipeline.assemble import Playback
from assembler.recording import StreamKind

CAMERA, AUDIO = StreamKind.CAMERA, StreamKind.AUDIO
SOUND_TOLERANCE = 0.025
START = 1000


def glued(parts: Sequence[Recipe], media: Path, ffmpeg: str, suffix: str) -> None:
    """One file from the bytes of several; containers that ``synthetic`` does not know are remuxed to."""
    media.mkdir(parents=True)
    content = b""
    for recipe in parts:
        source = make(recipe, ffmpeg)
        if source.suffix != suffix:
            other = media.parent / f"part{suffix}"
            sound = {".wav": "pcm_s16le"}.get(suffix, "copy")
            command = [ffmpeg, "-v", "error", "-y", "-i", str(source), "-c:v", "copy", "-c:a", sound, str(other)]
            subprocess.run(command, check=True)
            source = other
        content += source.read_bytes()
    (media / f"cam{suffix}").write_bytes(content)


class Odd(Class):
    """A class whose files are in the media folder already."""

    def make(self, folder: Path, ffmpeg: str) -> Path:
        return folder / "media"


def assembled(stream: Stream, folder: Path, ffmpeg: str) -> tuple[Class, Playback]:
    """A playback of a lone stream."""
    lesson = Odd([stream])
    return lesson, lesson.assemble(folder, ffmpeg)


def following(recipe: Recipe, count: int, kind: StreamKind = CAMERA) -> Stream:
    """Parts that are all alike, one behind the other."""
    each = round(recipe.seconds * 1000)
    places = tuple((START + each * n, START + each * (n + 1), 0) for n in range(count))
    rect = USER_1 if kind is CAMERA else None
    return Stream("cam", kind, "ann", START, recipe, rect, duration=each * count, pieces=places)


@pytest.mark.parametrize(
    ("suffix", "container", "count"),
    [(".webm", "webm", 2), (".mkv", "mkv", 3), (".mp4", "mp4", 2), (".flv", "mp4", 2)],
)
def test_files_put_together_byte_by_byte_follow_each_other(
    tmp_path: Path, bundled_ffmpeg: str, suffix: str, container: str, count: int
) -> None:
    recipe = odd("blue", seconds=2, container=container, gop=10)
    glued([recipe] * count, tmp_path / "media", bundled_ffmpeg, suffix)
    lesson, playback = assembled(following(recipe, count), tmp_path, bundled_ffmpeg)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    assert [f for f in playback.manifest.findings if f.severity is Severity.WARNING] == []


@pytest.mark.parametrize(("suffix", "container"), [(".ogg", "webm"), (".mp3", "mp3"), (".wav", "mp4")])
def test_sounds_put_together_are_all_heard(tmp_path: Path, bundled_ffmpeg: str, suffix: str, container: str) -> None:
    recipe = odd("blue", seconds=3, container=container, picture=False)
    glued([recipe] * 2, tmp_path / "media", bundled_ffmpeg, suffix)
    lesson, playback = assembled(following(recipe, 2, AUDIO), tmp_path, bundled_ffmpeg)
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE


@pytest.mark.parametrize(("origin", "rate"), [(F(100), 48_000), (F(70), 44_100), (F(162), 44_100)])
def test_stamps_that_fall_back_or_jump_ahead_in_a_ts_are_put_right(
    tmp_path: Path, bundled_ffmpeg: str, origin: F, rate: int
) -> None:
    """The last packet of sound reaches over the join, the first one behind it lies in front: both are heard."""
    first, second = (odd("blue", seconds=2, container="ts", gop=10, origin=at, rate=rate) for at in (F(100), origin))
    glued([first, second], tmp_path / "media", bundled_ffmpeg, ".ts")
    lesson, playback = assembled(following(first, 2), tmp_path, bundled_ffmpeg)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= 0.001


def test_where_the_declared_length_is_not_the_sum_the_first_part_is_kept_and_the_rest_is_told(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    recipe = odd("blue", seconds=2, container="webm", gop=10)
    glued([recipe] * 2, tmp_path / "media", bundled_ffmpeg, ".webm")
    stream = Stream("cam", CAMERA, "ann", START, recipe, USER_1, duration=9000, pieces=((START, START + 2000, 0),))
    lesson, playback = assembled(stream, tmp_path, bundled_ffmpeg)
    assert wrong_pictures(lesson, playback, [r for r in lesson.rows(playback) if r.stamp < 3]) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    told = [f.sentence for f in playback.manifest.findings if f.where == "cam"]
    assert any("0:02" in sentence and "left out" in sentence for sentence in told), told
    assert judge(playback.manifest.findings) == "degraded"


def test_a_sound_that_appears_late_in_an_flv_is_heard(tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe = odd("blue", seconds=6, gop=10, sound_hole=(F(0), F(7, 2)))
    glued([recipe], tmp_path / "media", bundled_ffmpeg, ".flv")
    stream = Stream("cam", CAMERA, "ann", START, recipe, USER_1)
    lesson, playback = assembled(stream, tmp_path, bundled_ffmpeg)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE


def test_what_a_straightened_file_leaves_out_is_named_with_its_times(tmp_path: Path, bundled_ffmpeg: str) -> None:
    first, second = odd("blue", seconds=2, container="mkv", gop=10), odd("blue", seconds=2, container="webm", gop=10)
    decoy = make(odd("red", seconds=2), bundled_ffmpeg)
    both = tmp_path / "both.mkv"
    tracks = ("-map", "0", "-map", "1:v", "-disposition:v:0", "default", "-disposition:v:1", "0", "-c", "copy")
    subprocess.run(
        [bundled_ffmpeg, "-v", "error", "-i", make(first, bundled_ffmpeg), "-i", decoy, *tracks, both], check=True
    )
    media = tmp_path / "media"
    media.mkdir()
    (media / "cam.mkv").write_bytes(both.read_bytes() + make(second, bundled_ffmpeg).read_bytes())
    stream = following(first, 2)
    lesson, playback = assembled(stream, tmp_path, bundled_ffmpeg)
    rows = [row for row in lesson.rows(playback) if row.stamp < 3]
    assert wrong_pictures(lesson, playback, rows) == []
    told = [f.sentence for f in playback.manifest.findings if f.severity is Severity.WARNING and f.where == "cam"]
    assert any("a second picture (stream " in sentence for sentence in told), told
    later = [sentence for sentence in told if "another codec (vp8 behind h264)" in sentence]
    assert len(later) == 1, told
    places = re.search(r"From 0:0([\d.]+) to 0:0([\d.]+) of the file its picture", later[0])
    assert places is not None, later
    assert [float(at) for at in places.groups()] == [pytest.approx(at, abs=0.05) for at in (2, 4)]
