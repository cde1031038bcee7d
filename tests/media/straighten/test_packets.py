"""Stamps of packets as libav gives them, on one rising line for each stream."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from synthetic import Recipe, make

from assembler.media.straighten.breaks import SECOND
from assembler.media.straighten.packets import INSTANT, TS_WRAP, StampCollector, StreamStamps, wrap_of
from assembler.times import Ms

RECIPE = Recipe(identity="red", seconds=Fraction(2), fps=Fraction(10), width=64, height=48, bframes=2)


def collected(path: Path, container: str, kind: str = "video", hidden: frozenset[int] = frozenset()) -> StreamStamps:
    stamps = StreamStamps(container)
    with av.open(str(path)) as opened:
        ours = (packet for packet in opened.demux() if packet.size and packet.stream.type == kind)
        for n, packet in enumerate(ours):
            stamps.add_packet(packet, n, n not in hidden)
    return stamps


@pytest.fixture(scope="module")
def mkv(bundled_ffmpeg: str) -> Path:
    return make(RECIPE.model_copy(update={"container": "mkv"}), bundled_ffmpeg)


@pytest.fixture(scope="module")
def mp4(bundled_ffmpeg: str) -> Path:
    return make(RECIPE, bundled_ffmpeg)


def test_pts_alone_of_reordered_frames_are_made_to_rise(mkv: Path) -> None:
    stamps = collected(mkv, "matroska")
    assert sorted(stamps.pts) != list(stamps.pts), "there are B-frames"
    assert all(a <= b for a, b in pairwise(stamps.stamps))
    assert max(stamps.stamps) == max(stamps.pts)
    assert all(stamp >= pts for stamp, pts in zip(stamps.stamps, stamps.pts, strict=True))


def test_where_there_are_dts_they_are_the_line(mp4: Path) -> None:
    stamps = collected(mp4, "mov")
    steps = {b - a for a, b in pairwise(stamps.stamps)}
    assert steps == {SECOND // 10}
    assert sorted(b - a for a, b in pairwise(sorted(stamps.pts)))[0] == SECOND // 10
    assert (stamps.line().step, stamps.line().is_video, list(stamps.places)) == (SECOND // 10, True, list(range(20)))


def test_groups_count_key_frames(bundled_ffmpeg: str) -> None:
    path = make(RECIPE.model_copy(update={"gop": 5, "bframes": 0}), bundled_ffmpeg)
    assert list(collected(path, "mov").groups) == [1 + n // 5 for n in range(20)]


def test_hidden_frames_come_just_before_the_next_one_that_is_presented(bundled_ffmpeg: str) -> None:
    path = make(RECIPE.model_copy(update={"gop": 5, "bframes": 0}), bundled_ffmpeg)
    plain = collected(path, "mov").pts
    stamps = collected(path, "mov", hidden=frozenset({0, 5, 6, 18, 19}))
    stamps.hide()
    step = SECOND // 10
    wanted = {n: plain[n] for n in range(20)}
    wanted |= {0: plain[1] - INSTANT, 6: plain[7] - INSTANT, 5: plain[7] - 2 * INSTANT}
    end = plain[17] + step
    wanted |= {19: end - INSTANT, 18: end - 2 * INSTANT}
    assert list(stamps.pts) == [wanted[n] for n in range(20)]


def test_hidden_frames_stay_in_front_of_the_group_behind_them_though_its_stamps_are_lower() -> None:
    stamps = StreamStamps("mov")
    stamps.groups, stamps.pts = array("q", [1, 1, 2, 2]), array("q", [500, 600, 100, 200])
    stamps.discarded = [1]
    stamps.hide()
    assert list(stamps.pts) == [500, 100 - INSTANT, 100, 200]


def test_what_is_cut_off_audio_is_known_at_both_ends(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = make(RECIPE.model_copy(update={"picture": False, "container": "webm"}), bundled_ffmpeg)
    stamps = collected(path, "matroska", "audio")
    assert stamps.ahead == 312 * SECOND // 48_000
    assert 0 < stamps.cut < SECOND // 50
    assert not stamps.line().is_video


def test_a_packet_without_stamps_has_that_of_the_one_before(mp4: Path) -> None:
    stamps = StreamStamps("mov")
    with av.open(str(mp4)) as opened:
        for n, packet in zip(range(3), opened.demux(video=0), strict=False):
            if n == 2:
                packet.pts = packet.dts = None
            stamps.add_packet(packet, 2 * n)
    assert stamps.stamps[2] == stamps.stamps[1] == stamps.pts[2]
    assert list(stamps.places) == [0, 2, 4]


def test_a_transport_stream_alone_wraps() -> None:
    assert wrap_of("mpegts") == TS_WRAP == round(2**33 * SECOND / 90_000)
    assert wrap_of("mov") is None


@pytest.mark.parametrize("falls", [0, 1, 2])
def test_the_stamps_of_a_whole_file_are_arranged_where_they_break(mp4: Path, falls: int) -> None:
    collector = StampCollector("mov")
    for _ in range(1 + falls):
        with av.open(str(mp4)) as opened:
            for packet in opened.demux():
                if packet.size and packet.pts is not None and packet.dts is not None:
                    collector.add_packet(packet)
    found = collector.arrange(Ms(2000 * (1 + falls)))
    assert (found is None) is (falls == 0)
    if found is not None:
        assert "fall back" in found.sentence
        firsts = [[move.first for move in moves] for moves in found.moves]
        # of 95 packets of audio the first is priming, which is not presented: it stays with the part before
        assert firsts == [[0, 20, 40][: 1 + falls], [0, 96, 191][: 1 + falls]]
