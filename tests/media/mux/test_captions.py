"""Soft captions in the finished mp4, by either muxer: every reader gets the same texts at the same times."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import av
import pytest
from media.mux.test_muxing_plain import CHAPTERS, known, run_of, scale_of
from synthetic import Recipe, make

from assembler.media.mux.by_packets import join_by_packets
from assembler.media.mux.by_sample_table import join_by_sample_table
from assembler.media.mux.order import AudioTrack, Join

CAPTIONS = (
    ("Captions", ((0, "first"), (1500, ""), (2000, "second"))),
    ("Chat", ((0, ""), (500, "ann: <b>1 < 2</b> &amp;\nשלום 👩‍🏫"), (2500, ""))),
)


@pytest.mark.parametrize("join", [join_by_sample_table, join_by_packets])
@pytest.mark.parametrize("chapters", [(), CHAPTERS])
def test_every_text_is_read_at_its_time(
    tmp_path: Path, bundled_ffmpeg: str, join: Callable[[Join], None], chapters: tuple[tuple[int, str], ...]
) -> None:
    source = make(Recipe(seconds=3, fps=15), bundled_ffmpeg)
    scale, out = scale_of(source), tmp_path / "out.mp4"
    order = Join(
        out=str(out), time_scale=scale, frame_ticks=1, runs=(run_of(source, 0, scale),),
        audio=AudioTrack(str(source), "mov", 0, None, index=1), chapters=chapters, length=3000, captions=CAPTIONS,
    )  # fmt: skip
    with chdir(tmp_path):
        join(order)
    with av.open(str(out)) as opened:
        assert [stream.type for stream in opened.streams][:2] == ["video", "audio"]
        assert [s.metadata["handler_name"] for s in opened.streams.subtitles] == ["Captions", "Chat"]
        assert len(opened.chapters()) == len(chapters)
        assert sum(packet.pts is not None for packet in opened.demux(video=0)) == known(source).frames
    for number, due in enumerate(("00:00.000 --> 00:01.500\nfirst\n\n00:02.000 --> 00:03.000\nsecond\n",
                                  "00:00.500 --> 00:02.500\nann: <b>1 < 2</b> &amp;\nשלום 👩‍🏫\n")):  # fmt: skip
        words = ["-v", "error", "-i", str(out), "-map", f"0:s:{number}", "-f", "webvtt", "-"]
        done = subprocess.run([bundled_ffmpeg, *words], capture_output=True, check=True)
        assert done.stdout.decode() == f"WEBVTT\n\n{due}"
