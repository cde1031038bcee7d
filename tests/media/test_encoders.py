"""Every row of the encoder table does what the chunks rely on, or is refused with a reason."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import av
import pytest
from classes import BOARD, USER_1, Class, Stream, wrong_pictures
from lessons import camera, omission, recording
from synthetic import Recipe

from assembler.choices import EncoderName, Quality
from assembler.media.choose_encoder import SMALL, EncoderRefused, choose_encoder, prove
from assembler.media.encoders import ENCODERS, Encoder
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.verify.verify import verify
from assembler.options import Options
from assembler.pipeline.assemble import Playback
from assembler.pipeline.decide import plan_only
from assembler.plan.model import Imagery
from assembler.recording import StreamKind

ROWS = pytest.mark.parametrize("row", ENCODERS.values(), ids=list(ENCODERS))
ANYWHERE = [row for row in ENCODERS.values() if row.hardware is None]
FPS = Fraction(15)

LESSON = Class(
    [
        Stream("a1", StreamKind.CAMERA, "x", 0, Recipe(identity="red", seconds=Fraction(3, 2), fps=15), USER_1),
        Stream("a2", StreamKind.CAMERA, "x", 1500, Recipe(identity="red", seconds=Fraction(3, 2), fps=15), USER_1),
        Stream("w", StreamKind.WHITEBOARD, "", 300, Recipe(identity="blue", seconds=Fraction(27, 10), fps=5), BOARD),
    ],
    total=3_000,
    stop=5_000,
    omissions=(omission(1_500, 1_500, 3_500),),
    options={"chunk_seconds": 1},
)
KEYS = [0, 15, 23, 30]
"""Its key frames: three chunks, and the pause inside the second."""


MISSING = {
    "nvenc": "libcuda|CUDA|NVENC",
    "qsv": "MFX session",
    "vaapi": "VA display",
    "videotoolbox": "Unknown encoder 'h264_videotoolbox'",
}
"""What is said of a machine without the row's hardware."""


def refusal(row: Encoder, quality: Quality, ffmpeg: str) -> str:
    """Why it does not work here; "" if it does."""
    try:
        prove(row.at(quality), SMALL, FPS, find_ffmpeg(ffmpeg))
    except EncoderRefused as exc:
        return str(exc)
    return ""


class TestEveryRow:
    @ROWS
    def test_it_is_named_as_the_user_types_it(self, row: Encoder) -> None:
        assert ENCODERS[EncoderName(row.name)] is row
        assert EncoderName(row.name).codec == row.codec

    @ROWS
    def test_its_qualities_are_three(self, row: Encoder) -> None:
        assert set(row.qualities) == set(Quality)
        for one, other in combinations(Quality, 2):
            assert row.at(one).identity != row.at(other).identity

    @ROWS
    @pytest.mark.parametrize("quality", Quality)
    def test_it_works_or_says_why_not_and_that_is_not_its_options(
        self, row: Encoder, quality: Quality, bundled_ffmpeg: str
    ) -> None:
        said = refusal(row, quality, bundled_ffmpeg)
        hardware = row.hardware
        may_work = hardware is None or any(list(Path("/").glob(device[1:])) for device in hardware.devices)
        missing = MISSING.get(row.name)
        assert (may_work and not said) or (missing and re.search(missing, said)), said
        assert not re.search(r"option|parse|constant|range|invalid|0x|\[", said, re.IGNORECASE)

    def test_every_name_but_auto_is_a_row(self) -> None:
        assert set(ENCODERS) == set(EncoderName) - {EncoderName.AUTO}


def assert_right(row: Encoder, quality: Quality, playback: Playback) -> None:
    manifest = playback.manifest
    assert (manifest.encoder, manifest.quality, manifest.findings) == (row.name, quality, ())
    verify(playback.path, manifest, decode="all")
    assert wrong_pictures(LESSON, playback) == []
    with av.open(str(playback.path)) as source:
        video = source.streams.video[0]
        assert len(list(source.decode(video))) == manifest.stamps.count == 45
        tags = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}
        assert video.codec_context.codec_tag == tags[row.codec]
    with av.open(str(playback.path)) as source:
        packets = [p for p in source.demux(video=0) if p.size]
        assert [i for i, p in enumerate(sorted(packets, key=lambda p: p.pts or 0)) if p.is_keyframe] == KEYS
    assert_begins_at_every_key_frame(playback.path)


def assert_begins_at_every_key_frame(path: Path) -> None:
    for key in KEYS:
        with av.open(str(path)) as source:
            video = source.streams.video[0]
            assert video.time_base is not None
            source.seek(round(key / FPS / video.time_base), stream=video)
            found = [round((f.pts or 0) * video.time_base * FPS) for f in source.decode(video)]
            assert found == list(range(key, 45))


class TestEveryRowThatNeedsNoHardware:
    @pytest.mark.parametrize("row", ANYWHERE, ids=lambda row: row.name)
    def test_its_playback_is_in_sync_and_whole_and_can_be_entered_at_its_key_frames(
        self, row: Encoder, tmp_path: Path, ffmpeg: str
    ) -> None:
        playback = LESSON.assemble(tmp_path, ffmpeg, encoder=row.name)
        assert_right(row, Quality.STANDARD, playback)

    @pytest.mark.parametrize("quality", [Quality.DRAFT, Quality.HIGH])
    @pytest.mark.parametrize("row", ANYWHERE, ids=lambda row: row.name)
    def test_in_every_quality(self, row: Encoder, quality: Quality, tmp_path: Path, bundled_ffmpeg: str) -> None:
        """The fastest presets of SVT-AV1 do not even show the right frame: that is seen here."""
        playback = LESSON.assemble(tmp_path, bundled_ffmpeg, encoder=row.name, quality=quality)
        assert_right(row, quality, playback)


@pytest.mark.parametrize(("quality", "count"), [("draft", 1), ("standard", 4), ("high", 1)])
def test_standard_quality_alone_follows_the_picture(quality: str, count: int, bundled_ffmpeg: str) -> None:
    options = Options(layout="grid", quality=quality)
    _, plan = plan_only(recording([camera("a", "x", 0, 1_000)]), options)
    pictures = [Imagery(is_stage=stage, is_busy=busy) for stage in (False, True) for busy in (False, True)]
    plans = [plan.model_copy(update={"imagery": picture}) for picture in pictures]
    told = {choose_encoder(one, options, find_ffmpeg(bundled_ffmpeg)).encoding.options for one in plans}
    assert len(told) == count


def test_another_encoder_or_quality_is_another_playback(tmp_path: Path, bundled_ffmpeg: str) -> None:
    digests = []
    for options in ({}, {"quality": "draft"}, {"encoder": "x265"}, {}):
        playback = LESSON.assemble(tmp_path, bundled_ffmpeg, **options)
        assert not playback.was_there
        digests.append(playback.manifest.digest)
    assert len(set(digests)) == 3
    assert LESSON.assemble(tmp_path, bundled_ffmpeg, encoder="x264", quality="standard").was_there


WITH_A_STAMP = """
{"Canvas": {"LayoutParams": {"Width": 492, "Height": 252}, "BackgroundColor": "#34363B"}, "InputStreamList": [
  {"InputStreamId": "tic_record_user", "LayoutParams": {"X": 4, "Y": 4, "Width": 320, "Height": 240, "ZOrder": 1}},
  {"InputStreamId": "hurt", "LayoutParams": {"X": 328, "Y": 4, "Width": 160, "Height": 120, "ZOrder": 3}},
  {"InputStreamId": "small", "LayoutParams": {"X": 328, "Y": 128, "Width": 48, "Height": 32, "ZOrder": 3}}]}
"""


def test_a_picture_too_small_for_the_encoder_alone_is_not_taken_for_a_broken_one(tmp_path: Path, ffmpeg: str) -> None:
    """SVT-AV1 1.4 takes nothing under 64 pixels: where one source is to blame, each is tried alone."""
    second = Fraction(1)
    lesson = Class(
        [
            Stream("w1", StreamKind.WHITEBOARD, "", 0, Recipe(identity="blue", seconds=second, fps=5), BOARD),
            Stream("h1", StreamKind.CAMERA, "hurt", 0, Recipe(identity="green", seconds=second, fps=15)),
            Stream("s1", StreamKind.CAMERA, "small", 0, Recipe(identity="red", seconds=second, fps=15)),
        ]
    )
    (tmp_path / "stamp.json").write_text(WITH_A_STAMP)
    options = {"encoder": "svt-av1", "layout": str(tmp_path / "stamp.json")}
    media = lesson.make(tmp_path)
    lesson.assemble(tmp_path, ffmpeg, "before.mp4", **options)
    hurt = media / "h1.mp4"
    times = hurt.stat()
    with av.open(str(hurt)) as source:
        places = [(p.pos, p.size) for p in source.demux(video=0) if p.size and p.pos is not None]
    data = bytearray(hurt.read_bytes())
    for at, size in places:
        data[at : at + size] = bytes(size)
    hurt.write_bytes(data)
    os.utime(hurt, ns=(times.st_atime_ns, times.st_mtime_ns))  # known as it was: nothing is probed again
    playback = lesson.assemble(tmp_path, ffmpeg, **options)
    assert {f.where for f in playback.manifest.findings} == {"h1"}
    assert wrong_pictures(lesson, playback) == []
