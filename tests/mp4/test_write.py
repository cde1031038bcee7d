"""A file written from bytes and tables is read by libav as it was meant: each sample, in its place, at its time."""

from __future__ import annotations

import random
import struct
from itertools import accumulate, pairwise
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from strategies import examples

from assembler.errors import MediaError
from assembler.mp4 import write
from assembler.mp4.first_samples import first_samples
from assembler.mp4.moov import TrackLayout, box, build_moov, run_lengths
from assembler.mp4.write import Piece, TrackSamples, write_mp4

SCALE = 1000
ENTRY = box(b"jpeg", struct.pack(">6xH16xHH14x32xHh", 1, 16, 16, 24, -1))
Samples = list[tuple[int, int]]
"""(size in bytes, ticks) of each sample of a track."""


def layout(samples: Samples, first: int = 0, **more: list[int]) -> TrackLayout:
    given = {"keys": None, "offsets": [], "firsts": [], **more}
    return TrackLayout(
        kind=b"vide", scale=SCALE, first=first, durations=run_lengths(ticks for _, ticks in samples),
        sizes=[size for size, _ in samples], description=ENTRY, width=16, height=16, **given,
    )  # fmt: skip


def tracks_in(source: Path, tracks: list[Samples], seed: int) -> list[TrackSamples]:
    """Tracks whose samples lie in pieces of up to four, the tracks mixed at random, with bytes between them."""
    chance, at = random.Random(seed), 0
    pieces: list[list[Piece]] = [[] for _ in tracks]
    while waiting := [n for n, own in enumerate(pieces) if not own or own[-1][3] < len(tracks[n])]:
        number = chance.choice(waiting)
        first = pieces[number][-1][3] if pieces[number] else 0
        end = min(first + chance.randint(1, 4), len(tracks[number]))
        size = sum(size for size, _ in tracks[number][first:end])
        at += chance.choice([0, 7])
        pieces[number].append((at, size, first, end, source, number))
        at += size
    source.write_bytes(chance.randbytes(at))
    stamps = [[0, *accumulate(ticks for _, ticks in samples)][:-1] for samples in tracks]
    return [TrackSamples(layout(own), *rest) for own, *rest in zip(tracks, stamps, pieces, strict=True)]


def content(track: TrackSamples) -> bytes:
    return b"".join(source.read_bytes()[at : at + size] for at, size, _, _, source, _ in track.pieces)


samples = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 900)), min_size=1, max_size=12)


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tracks=st.lists(samples, min_size=1, max_size=3), seed=st.integers(0, 99), is_titled=st.booleans())
def test_every_sample_is_read_back_at_its_time(
    tmp_path: Path, tracks: list[Samples], seed: int, is_titled: bool
) -> None:
    given, out = tracks_in(tmp_path / "source", tracks, seed), tmp_path / "out.mp4"
    write_mp4(out, SCALE, given, [(0, "begin"), (5, "go on")] if is_titled else [], 20)
    read: dict[int, list[tuple[int, bytes]]] = {index: [] for index in range(len(given))}
    with av.open(str(out)) as file:
        for packet in file.demux(*file.streams.video):
            if packet.size:
                read[packet.stream.index].append((packet.pts or 0, bytes(packet)))
    for index, track in enumerate(given):
        assert [pts for pts, _ in read[index]] == list(track.stamps)
        assert [len(data) for _, data in read[index]] == list(track.layout.sizes)
        assert b"".join(data for _, data in read[index]) == content(track)


def test_tracks_that_lie_one_behind_the_other_are_interleaved_second_by_second(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(800))
    tables, stamps = layout([(10, 250)] * 40, keys=[0, 20]), range(0, 10_000, 250)
    tracks = [TrackSamples(tables, stamps, [(400 * n, 400, 0, 40, tmp_path / "source", n)]) for n in (0, 1)]
    write_mp4(tmp_path / "out.mp4", SCALE, tracks, [], 10_000)
    with av.open(str(tmp_path / "out.mp4")) as file:
        found = [(p.pos, p.stream.index, p.pts) for p in file.demux(*file.streams.video) if p.size]
    assert [(track, pts) for _, track, pts in sorted(found)] == [
        (track, second * 1000 + at) for second in range(10) for track in (0, 1) for at in range(0, 1000, 250)
    ]
    sync = (tmp_path / "out.mp4").read_bytes().partition(b"stss")[2]
    assert struct.unpack(">III", sync[4:16]) == (2, 1, 21), "samples are counted from 1"


@pytest.mark.parametrize("first", [0, 48, 4095, *range(300, 330), 1 << 20])
@pytest.mark.parametrize("before", [0, 1000])
def test_what_a_disk_can_share_has_the_same_place_in_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, before: int
) -> None:
    """Behind another range, and whatever is left to a block's end: a box has eight bytes at least."""
    monkeypatch.setattr(write, "MIN_SHARED_BYTES", 20_000)
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(bytes(first) + random.Random(1).randbytes(20_000))
    other.write_bytes(bytes(1000))
    sizes = [before, 20_000] if before else [20_000]
    pieces = (
        [(0, before, 0, 1, other, 0), (first, 20_000, 1, 2, source, 0)]
        if before
        else [(first, 20_000, 0, 1, source, 0)]
    )
    track = TrackSamples(layout([(size, 40) for size in sizes]), range(0, 40 * len(sizes), 40), pieces)
    write_mp4(tmp_path / "out.mp4", SCALE, [track], [], 80)
    with av.open(str(tmp_path / "out.mp4")) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
        assert b"".join(map(bytes, packets)) == content(track)
        assert (packets[-1].pos or 0) % write.BLOCK == first % write.BLOCK
    monkeypatch.setattr(write, "MIN_SHARED_BYTES", 20_001)
    write_mp4(tmp_path / "small.mp4", SCALE, [track], [], 80)
    assert b"free" not in (tmp_path / "small.mp4").read_bytes()[:2000]


def test_a_source_that_got_shorter_is_an_error(tmp_path: Path) -> None:
    given = tracks_in(tmp_path / "source", [[(9, 40), (9, 40)]], 1)
    (tmp_path / "source").write_bytes(b"short")
    with pytest.raises(MediaError, match="source is shorter than it was"):
        write_mp4(tmp_path / "out.mp4", SCALE, given, [], 80)


@given(st.lists(st.integers(0, 3)))
def test_run_lengths_are_the_same_numbers_in_fewer(ticks: list[int]) -> None:
    rows = run_lengths(ticks)
    assert [step for count, step in rows for _ in range(count)] == ticks
    assert all(one[1] != other[1] for one, other in pairwise(rows))


@pytest.mark.parametrize("is_large", [True, False])
def test_the_first_samples_of_all_tracks_end_where_the_last_of_them_does(is_large: bool) -> None:
    tracks = [
        layout([(30, 1), (500, 1)], offsets=[100], firsts=[0, 2]),
        layout([(7, 1), (7, 1)], offsets=[630, 700], firsts=[0, 1, 2]),
    ]
    moov = build_moov(SCALE, tracks, [], at=1000, is_large=is_large)
    assert first_samples(moov) == 1000 + 630 + 7


@given(st.binary(max_size=300))
def test_the_first_samples_of_any_bytes_are_a_position(body: bytes) -> None:
    tables = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", body), box(b"stsz", body[::-1])))))
    assert first_samples(box(b"moov", body)) >= 0
    assert first_samples(box(b"moov", tables)) >= 0
