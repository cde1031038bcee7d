"""The straightened copy: every kept packet is there, with its new stamps, whatever the container."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples
from synthetic import Recipe, make

from assembler.media.probe.container import sniff
from assembler.media.straighten.scan import Scan, scan_file
from assembler.media.straighten.write import write

SUFFIXES = ("mp4", "ts", "mkv")
TICK = {"mp4": Fraction(1, 90_000), "ts": Fraction(1, 90_000), "mkv": Fraction(1, 1000)}


@pytest.fixture(scope="module")
def files(bundled_ffmpeg: str) -> dict[str, Path]:
    """Two seconds with B-frames and sound."""
    recipe = Recipe(identity="red", seconds=Fraction(2), fps=Fraction(10), width=64, height=48, bframes=2)
    return {suffix: make(recipe.model_copy(update={"container": suffix}), bundled_ffmpeg) for suffix in SUFFIXES}


def read(path: Path) -> dict[str, list[tuple[int, int, bytes]]]:
    """(pts, dts, bytes) of every packet in µs, by kind of stream, as they are in the file."""
    with av.open(str(path), options={"correct_ts_overflow": "0"}) as opened:
        found: dict[str, list[tuple[int, int, bytes]]] = {"video": [], "audio": []}
        for packet in opened.demux():
            if packet.size and packet.pts is not None and packet.time_base is not None:
                pts, dts = (round((at or 0) * packet.time_base * 1_000_000) for at in (packet.pts, packet.dts))
                found[packet.stream.type].append((pts, dts, bytes(packet)))
    return found


def scanned(path: Path, moved: int = 0, dropped: frozenset[int] = frozenset()) -> Scan:
    """All packets, moved from the middle of each stream on, but for those dropped (indices of the video stream)."""
    scan = scan_file(path, sniff(path))
    for source in scan.sources:
        count, source.primed = len(source.stamps.pts), source.stamps.ahead
        for n, (pts, dts) in enumerate(zip(source.stamps.pts, source.stamps.stamps, strict=True)):
            source.kept.append(not (source.is_video and n in dropped))
            if source.kept[-1]:
                by = moved if 2 * n >= count else 0
                source.pts.append(pts + by)
                source.dts.append(dts + by)
    return scan


@pytest.mark.parametrize("is_sorted", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
@examples(4)
@given(st.integers(0, 3_000_000), st.sets(st.integers(12, 19), max_size=2))
def test_the_kept_packets_are_all_there_at_their_new_places(
    files: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    is_sorted: bool,
    moved: int,
    dropped: set[int],
) -> None:
    scan = scanned(files[suffix], moved, frozenset(dropped))
    part = tmp_path_factory.mktemp("write") / "copy"
    write(scan, part, is_sorted=is_sorted)
    copy, source = read(part), read(files[suffix])
    tick = TICK[suffix] * 1_000_000
    shifts = set()
    for one in scan.sources:
        kind = "video" if one.is_video else "audio"
        contents = [content for (*_, content), kept in zip(source[kind], one.kept, strict=True) if kept]
        assert [content for *_, content in copy[kind]] == contents
        shifts |= {round((new - old) / tick) for (new, *_), old in zip(copy[kind], one.pts, strict=True)}
        times = [dts for _, dts, _ in copy[kind]]
        assert suffix == "mkv" or all(a < b for a, b in pairwise(times)), "a matroska holds pts alone"
        assert suffix == "mkv" or all(dts <= pts for pts, dts, _ in copy[kind])
    assert max(shifts) - min(shifts) <= (3 if suffix == "mkv" else 2), "all streams are moved by one length"
    assert suffix != "mp4" or max(map(abs, shifts)) <= 1, "the edit list cuts off the priming as before"


def test_sorting_brings_packets_into_the_order_of_their_new_stamps(files: dict[str, Path], tmp_path: Path) -> None:
    scan = scan_file(files["mkv"], sniff(files["mkv"]))
    for source in scan.sources:
        order = Random(7)
        source.kept = [True] * len(source.stamps.pts)
        jumbled = [n + order.choice([0, 0, 5]) for n in range(len(source.stamps.pts))]
        source.dts = array("q", [1_000 * n for n in jumbled])
        source.pts = array("q", source.dts)
    write(scan, tmp_path / "copy", is_sorted=True)
    for kind, packets in read(tmp_path / "copy").items():
        video = kind == "video"
        (source,) = (one for one in scan.sources if one.is_video is video)
        contents = [content for *_, content in read(files["mkv"])[kind]]
        ranked = sorted(range(len(contents)), key=lambda n: (source.dts[n], n))
        assert [content for *_, content in packets] == [contents[n] for n in ranked]


def video_of(path: Path) -> list[tuple[int, int]]:
    """(pts, dts) of every frame of a ts, in ticks."""
    with av.open(str(path), format="mpegts") as opened:
        return [(p.pts or 0, p.dts or 0) for p in opened.demux(video=0) if p.size]


def test_frames_are_decoded_no_earlier_than_they_have_to_be(files: dict[str, Path], tmp_path: Path) -> None:
    write(scanned(files["ts"]), tmp_path / "copy", is_sorted=False)
    copy, source = video_of(tmp_path / "copy"), video_of(files["ts"])
    assert len({new - old for (new, _), (old, _) in zip(copy, source, strict=True)}) == 1
    assert min(pts - dts for pts, dts in copy) == 0


@pytest.mark.parametrize("is_sorted", [False, True])
def test_frames_out_of_order_keep_their_pts_and_sorted_ones_are_decoded_when_shown(
    files: dict[str, Path], tmp_path: Path, is_sorted: bool
) -> None:
    scan = scan_file(files["ts"], sniff(files["ts"]))
    (video,) = scan.sources = [source for source in scan.sources if source.is_video]
    video.kept = [True] * len(video.stamps.pts)
    video.pts = array("q", [100_000 * (n ^ 3) for n in range(len(video.kept))])
    video.dts = array("q", video.pts)
    write(scan, tmp_path / "copy", is_sorted=is_sorted)
    found = video_of(tmp_path / "copy")
    first = min(pts for pts, _ in found)
    wanted = sorted(video.pts) if is_sorted else list(video.pts)
    assert [(pts - first) * 100 // 9 for pts, _ in found] == wanted
    assert not is_sorted or all(pts == dts for pts, dts in found)


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_frames_of_one_instant_are_all_written(files: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    scan = scanned(files[suffix])
    for source in scan.sources:
        if source.is_video:
            source.pts[4:8] = source.dts[4:8] = array("q", [source.pts[4]] * 4)
    write(scan, tmp_path / "copy", is_sorted=False)
    assert {kind: len(found) for kind, found in read(tmp_path / "copy").items()} == {
        kind: len(found) for kind, found in read(files[suffix]).items()
    }


@pytest.mark.parametrize(("pieces", "tracks"), [(2, 2), (3, 1)])
def test_few_pieces_have_audio_tracks_of_their_own_and_many_share_one(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int, tracks: int
) -> None:
    monkeypatch.setattr("assembler.media.straighten.write.MAX_OWN_TRACKS", 2)
    whole = tmp_path / "whole.mkv"
    whole.write_bytes(files["mkv"].read_bytes() * pieces)
    scan = scanned(whole)
    for source in scan.sources:
        for stamps in (source.pts, source.dts):
            stamps[:] = array("q", [at + 2_100_000 * source.piece for at in stamps])
    write(scan, tmp_path / "copy", is_sorted=False)
    with av.open(str(tmp_path / "copy")) as opened:
        assert (len(opened.streams.video), len(opened.streams.audio)) == (1, tracks)
    assert {kind: len(found) for kind, found in read(tmp_path / "copy").items()} == {
        kind: pieces * len(found) for kind, found in read(files["mkv"]).items()
    }
