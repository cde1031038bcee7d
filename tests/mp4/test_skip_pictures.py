"""Skip pictures between the pictures of x264: what a decoder makes of them, bit by bit."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from assembler.choices import Quality
from assembler.media.encoders import X264
from assembler.mp4.skip_pictures import SkipCoder, UnsupportedStream, is_idr

PICTURES = 12
SIZES = {"320x240": 40, "66x50": 40, "1624x1000": 5}
"""Width and height, and how many of them at most are put behind a picture; they are numbered from 0 to 15."""
SMALL, _, LARGE = SIZES


@functools.cache
def encoded(ffmpeg: str, size: str, quality: Quality) -> tuple[bytes, tuple[bytes, ...]]:
    """The avcC and the samples of a moving picture, a key frame each 7."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moving.mp4"
        words = [word for name, value in X264.at(quality).options for word in (f"-{name}", value)]
        source = ["-f", "lavfi", "-i", f"mandelbrot=s={size}:r=5", "-frames:v", str(PICTURES)]
        argv = [ffmpeg, "-v", "error", "-nostdin", *source, *words, "-threads", "1", "-g", "7", str(path)]
        subprocess.run(argv, check=True)
        with av.open(str(path)) as file:
            video = file.streams.video[0]
            return bytes(video.codec_context.extradata or b""), tuple(bytes(p) for p in file.demux(video) if p.size)


def decoded(avcc: bytes, samples: Sequence[bytes]) -> list[bytes]:
    context = av.CodecContext.create("h264", "r")
    context.extradata, context.thread_count = avcc, 1
    context.options = {"err_detect": "explode"}
    frames = [frame for sample in samples for frame in context.decode(av.Packet(sample))]
    frames += context.decode(None)
    return [frame.to_ndarray().tobytes() for frame in frames]


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("size", SIZES)
@examples(6)
@given(st.data())
def test_any_number_of_them_repeats_the_picture_before_and_changes_none_behind(
    bundled_ffmpeg: str, size: str, quality: Quality, data: st.DataObject
) -> None:
    counts = data.draw(st.lists(st.integers(0, SIZES[size]), min_size=PICTURES, max_size=PICTURES))
    avcc, samples = encoded(bundled_ffmpeg, size, quality)
    coder, number = SkipCoder.of(avcc), 0
    pictures = decoded(avcc, samples)
    filled, wanted = [], []
    for sample, picture, count in zip(samples, pictures, counts, strict=True):
        number = 0 if is_idr(sample) else (number + 1) % coder.numbers
        filled.append(sample if is_idr(sample) else coder.numbered(sample, number))
        for _ in range(count):
            number = (number + 1) % coder.numbers
            filled.append(coder.skips[number])
        wanted += [picture] * (1 + count)
    assert decoded(avcc, filled) == wanted


def test_a_number_that_stays_changes_no_byte(bundled_ffmpeg: str) -> None:
    avcc, samples = encoded(bundled_ffmpeg, SMALL, Quality.STANDARD)
    coder, number = SkipCoder.of(avcc), 0
    for sample in samples:
        number = 0 if is_idr(sample) else number + 1
        if number:
            assert coder.numbered(sample, number) == sample
            assert coder.numbered(coder.numbered(sample, 15), number) == sample


def test_hundreds_of_them_are_small_and_drift_by_nothing(bundled_ffmpeg: str) -> None:
    large = SkipCoder.of(encoded(bundled_ffmpeg, LARGE, Quality.STANDARD)[0])
    assert {len(skip) for skip in large.skips} <= set(range(40, 70))
    avcc, samples = encoded(bundled_ffmpeg, SMALL, Quality.STANDARD)
    coder = SkipCoder.of(avcc)
    filled = [samples[0], *(coder.skips[n % coder.numbers] for n in range(1, 600))]
    assert len(set(decoded(avcc, filled))) == 1


@pytest.mark.parametrize("words", [("-bf", "2"), ("-refs", "3"), ("-pix_fmt", "yuv444p"), ("-flags", "+ildct+ilme")])
def test_streams_with_other_references_or_formats_are_refused(
    bundled_ffmpeg: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "other.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=64x64:r=5", "-frames:v", "8", "-pix_fmt", "yuv420p"]
    argv = [bundled_ffmpeg, "-v", "error", *source, "-c:v", "libx264", "-bf", "0", "-refs", "1", *words, str(path)]
    subprocess.run(argv, check=True)
    with av.open(str(path)) as file:
        avcc = bytes(file.streams.video[0].codec_context.extradata or b"")
    with pytest.raises(UnsupportedStream):
        SkipCoder.of(avcc)
    with pytest.raises(UnsupportedStream):
        SkipCoder.of(avcc[:20])
