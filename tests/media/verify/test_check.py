"""A finished file against its plan: what no mp4 of ours can be, and a damaged one can."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from browser import browsing
from hypothesis import given
from hypothesis import strategies as st
from oddities import packets, spoiled
from pytest_httpserver import HTTPServer
from synthetic import Recipe, make
from video_page import open_video

from assembler.media.verify.child import check
from assembler.media.verify.decode import GROUPS_BEFORE_JOINS, decode_video, wanted_groups
from assembler.media.verify.order import Check
from assembler.plan.stamps import folded


def test_a_sound_track_without_a_packet_is_empty(bundled_ffmpeg: str, tmp_path: Path) -> None:
    source = make(Recipe(identity="red", seconds=Fraction(1), fps=Fraction(10), width=64, height=48), bundled_ffmpeg)
    path = tmp_path / "empty.mp4"
    options = {"movflags": "empty_moov+frag_keyframe"}  # an index of tracks comes before any packet
    with av.open(str(source)) as opened, av.open(str(path), "w", format="mp4", options=options) as out:
        video: Any = opened.streams.video[0]
        target: Any = out.add_stream_from_template(video)
        out.add_stream_from_template(opened.streams.audio[0])
        for packet in opened.demux(video):
            if packet.size:
                packet.stream = target
                out.mux(packet)
    with av.open(str(path)) as opened:
        base = opened.streams.video[0].time_base
        assert base is not None
        pts = sorted(packet.pts or 0 for packet in opened.demux(video=0) if packet.size)
    order = Check(
        path=str(path), size=None, stamps=folded(pts, int(1 / base)), joins=(), width=64, height=48, length=1000,
        has_encoded_video=True, has_encoded_audio=True, decode="all", answer="",
    )  # fmt: skip
    assert check(order) == ["the sound track is empty"]


def open_gops(path: Path, pyramid: str) -> Check:
    """Make a file of open GOPs of 15 pictures, and the order to check it as a copy."""
    params = f"open-gop=1:bframes=4:b-adapt=0:scenecut=0:b-pyramid={pyramid}"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=15, options={"g": "15", "x264-params": params})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            noise = np.random.default_rng(number).integers(0, 255, (48, 64), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="gray").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        base = video.time_base
        assert base is not None
        found = [(p.pts or 0, p.is_keyframe) for p in opened.demux(video) if p.size]
    last = max(number for number, (_, is_key) in enumerate(found) if is_key)
    assert found[last][0] > found[last + 1][0], "what is decoded behind the key frame is shown before it"
    return Check(
        path=str(path), size=None, stamps=folded(sorted(at for at, _ in found), int(1 / base)), joins=(), width=64,
        height=48, length=4000, has_encoded_video=False, has_encoded_audio=False, decode="joins", answer="",
    )  # fmt: skip


@pytest.mark.parametrize("decode", ["joins", "all"])
def test_open_gops_are_whole_unless_they_are_damaged(tmp_path: Path, decode: str) -> None:
    path = tmp_path / "open.mp4"
    order = replace(open_gops(path, "none"), decode=decode)
    assert list(decode_video(order, False, None)) == []
    with av.open(str(path)) as opened:
        ends = [float((p.pts or 0) * (p.time_base or 0)) for p in opened.demux(video=0) if p.size][-2:]
    spoiled(path, packets(path, ends[0] - 0.01, 4))
    (told,) = decode_video(order, False, None)
    assert "pictures from" in told


@pytest.mark.parametrize(("pyramid", "error"), [("none", ""), ("normal", "PIPELINE_ERROR_DECODE")])
def test_open_gops_to_which_a_browser_cannot_seek_are_told(
    tmp_path: Path, httpserver: HTTPServer, pyramid: str, error: str
) -> None:
    """The browser is asked itself: its playback ends with an error where somebody seeks there, not so in the others."""
    told = list(decode_video(open_gops(tmp_path / "open.mp4", pyramid), False, None))
    assert [sentence.partition(" gets")[0] for sentence in told] == (["who seeks to 1.000 s"] if error else [])
    with browsing() as browser:
        open_video(browser, httpserver, tmp_path, 'video.src = "open.mp4";')
        browser.wait_for("video.readyState >= 2")
        ends = "video.onseeked = () => done(''); video.onerror = () => done(video.error.message)"
        said = browser.ask(f"new Promise(done => {{ {ends}; video.currentTime = 2.5 }})")
    assert error in said if error else said == ""


@given(
    starts=st.lists(st.integers(1, 100_000), min_size=1, max_size=200, unique=True).map(lambda s: [0, *sorted(s)]),
    data=st.data(),
)
def test_each_join_is_decoded_behind_and_each_cut_before_as_well(starts: list[int], data: st.DataObject) -> None:
    joins = sorted(data.draw(st.sets(st.sampled_from(starts[1:]))))
    cuts = sorted(data.draw(st.sets(st.sampled_from(joins)))) if joins else []
    order = Check(
        path="", size=None, stamps=folded([*range(50)], 90_000), joins=tuple(joins), width=64, height=48, length=1000,
        has_encoded_video=True, has_encoded_audio=True, decode="joins", answer="", cuts=tuple(cuts),
    )  # fmt: skip
    walked = wanted_groups(order, starts, set())
    wanted = wanted_groups(order, starts, None)
    behind = {starts.index(join) for join in joins}
    before = {starts.index(cut) - 1 for cut in cuts}
    assert {0, len(starts) - 1} | behind | before <= walked.keys() <= wanted.keys()
    assert {group for group, count in walked.items() if count == order.stamps.count} <= before | {len(starts) - 1}
    whole = {group for group, count in wanted.items() if count == order.stamps.count}
    assert before <= whole
    assert len(whole - before) <= 2 + GROUPS_BEFORE_JOINS
    assert len(joins) > GROUPS_BEFORE_JOINS or {group - 1 for group in behind} <= whole
