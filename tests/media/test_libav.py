"""Streams as the packet-reading children choose them, and packets as they copy them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from synthetic import Recipe, make

from assembler.media.libav import (
    InBandSets,
    choose_streams,
    describe_further_video,
    discard_others,
    has_counted_stamps,
    time_base_of,
    video_streams,
    without_discard,
)
from assembler.media.probe.parameter_sets import prefixed_sets

Added = tuple[str, Disposition]
PLAIN = Disposition(0)


@contextmanager
def opened(path: Path, *added: Added) -> Iterator[Any]:
    """A file of two frames in each of these streams, of this codec and disposition; "pcm" is sound."""
    with av.open(str(path), "w", format="nut") as out:
        streams: list[Any] = []
        for codec, disposition in added:
            stream: Any = out.add_stream(
                "pcm_s16le" if codec == "pcm" else codec, rate=48_000 if codec == "pcm" else 10
            )
            if codec != "pcm":
                stream.width, stream.height = 32, 16
                stream.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
            stream.disposition = disposition
            streams.append(stream)
        for stream in streams:
            for number in range(2):
                if stream.type == "audio":
                    frame: Any = av.AudioFrame.from_ndarray(np.zeros((1, 4800), "<i2"), format="s16", layout="mono")
                    frame.rate, frame.pts = 48_000, 4800 * number
                else:
                    frame = av.VideoFrame.from_ndarray(np.zeros((16, 32, 3), np.uint8)).reformat(format=stream.pix_fmt)
                    frame.pts = number
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    with av.open(str(path)) as source:
        yield source


def chosen(path: Path, *added: Added, bad: tuple[int, ...] = ()) -> tuple[int | None, list[int]]:
    with opened(path, *added) as source:
        video, audios = choose_streams(source, bad)
        return None if video is None else video.index, [audio.index for audio in audios]


def test_the_first_default_video_stream_is_shown_and_all_sound_heard(tmp_path: Path) -> None:
    path = tmp_path / "f.nut"
    default = Disposition.default
    assert chosen(path, ("mpeg4", PLAIN), ("pcm", PLAIN), ("mpeg4", default), ("pcm", default)) == (2, [1, 3])
    assert chosen(path, ("mpeg4", PLAIN), ("mpeg4", PLAIN)) == (0, [])
    assert chosen(path, ("pcm", PLAIN)) == (None, [0])
    assert chosen(path, ("mpeg4", default), ("pcm", PLAIN), ("mpeg4", PLAIN), ("pcm", PLAIN), bad=(0, 1)) == (2, [3])


def test_a_still_is_shown_only_where_nothing_moves(tmp_path: Path) -> None:
    path = tmp_path / "f.nut"
    assert chosen(path, ("png", Disposition.default), ("mpeg4", PLAIN)) == (1, [])
    assert chosen(path, ("png", PLAIN)) == (0, [])


def test_cover_art_is_never_shown(bundled_ffmpeg: str, tmp_path: Path) -> None:
    sound = make(Recipe(identity="red", seconds=Fraction(1), picture=False), bundled_ffmpeg)
    cover = tmp_path / "cover.mp4"
    with av.open(str(sound)) as source, av.open(str(cover), "w") as out:
        template: Any = source.streams.audio[0]
        audio = out.add_stream_from_template(template)
        picture: Any = out.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt, picture.disposition = (
            32,
            16,
            "yuvj420p",
            Disposition.attached_pic,
        )
        still = av.VideoFrame.from_ndarray(np.zeros((16, 32, 3), np.uint8)).reformat(format="yuvj420p")
        still.pts = 0
        out.mux([*picture.encode(still), *picture.encode(None)])
        for packet in source.demux(template):
            if packet.size:
                packet.stream = audio
                out.mux(packet)
    with av.open(str(cover)) as source:
        assert [stream.type for stream in source.streams] == ["audio", "video"]
        assert video_streams(source) == []


def test_further_video_is_told_with_its_size_and_state(tmp_path: Path) -> None:
    with opened(tmp_path / "f.nut", ("mpeg4", Disposition.default), ("mpeg4", PLAIN), ("mpeg4", PLAIN)) as source:
        told = ["a second picture (stream 1, 32x16, not enabled or not the default): it is not shown."]
        assert describe_further_video(source, 0, known=[2]) == told
        assert [text[:26] for text in describe_further_video(source, 1)] == [
            "a second picture (stream 0", "a second picture (stream 2",
        ]  # fmt: skip


def test_only_the_wanted_stream_is_demuxed(tmp_path: Path) -> None:
    with opened(tmp_path / "f.nut", ("mpeg4", PLAIN), ("pcm", PLAIN), ("mpeg4", PLAIN)) as source:
        discard_others(source, source.streams[1])
        source.seek(0)  # what libav read to open the file is gone
        assert {packet.stream_index for packet in source.demux() if packet.size} == {1}
        discard_others(source, source.streams[2])
        source.seek(0)
        assert {packet.stream_index for packet in source.demux() if packet.size} == {2}
        assert time_base_of(source.streams[2]) == source.streams[2].time_base


@pytest.mark.parametrize(
    ("container", "codec", "is_counted"),
    [("avi", "mp3", True), ("avi", "pcm_s16le", False), ("mov", "mp3", False), ("matroska", "mp3", False)],
)
def test_an_avi_counts_its_packets_but_for_raw_sound(container: str, codec: str, is_counted: bool) -> None:
    assert has_counted_stamps(container, codec) is is_counted


@pytest.fixture(scope="module")
def path(bundled_ffmpeg: str) -> Path:
    """Twenty frames with a key frame each second."""
    recipe = Recipe(identity="red", seconds=Fraction(2), fps=Fraction(10), width=64, height=48, gop=10, sound=False)
    return make(recipe, bundled_ffmpeg)


class TestPackets:
    def test_a_copy_without_its_discard_flag_has_all_else(
        self, path: Path, tmp_path: Path, bundled_ffmpeg: str
    ) -> None:
        late = tmp_path / "late.mp4"
        words = [bundled_ffmpeg, "-v", "error", "-ss", "0.3", "-i", str(path), "-c", "copy", str(late)]
        subprocess.run(words, check=True)
        with av.open(str(late)) as source:
            source.seek(0)
            packet = next(source.demux(video=0))
            assert packet.is_discard, "the edit list begins behind it"
            twin = without_discard(packet)
            assert (twin.is_discard, twin.is_keyframe, bytes(twin)) == (False, True, bytes(packet))
            assert (twin.pts, twin.dts, twin.time_base) == (packet.pts, packet.dts, packet.stream.time_base)

    def test_sets_go_before_key_frames_that_are_not_the_headers(self, path: Path, bundled_ffmpeg: str) -> None:
        other = make(Recipe(identity="red", seconds=Fraction(1), fps=Fraction(10), width=96, height=48), bundled_ffmpeg)
        with av.open(str(path)) as source, av.open(str(other)) as head:
            stream: Any = source.streams.video[0]
            packets = [packet for packet in source.demux(stream) if packet.size]
            same, unlike = InBandSets(stream, stream), InBandSets(stream, head.streams.video[0])
            assert all(same.with_sets(packet) is packet for packet in packets)
            sets = prefixed_sets("h264", bytes(stream.codec_context.extradata))
            for packet in packets:
                found = unlike.with_sets(packet)
                assert bytes(found) == (sets if packet.is_keyframe else b"") + bytes(packet)
                assert found.is_keyframe == packet.is_keyframe
