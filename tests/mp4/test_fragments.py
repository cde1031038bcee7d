"""Tables of a fragmented mp4: those that the same packets have in a plain one."""

from __future__ import annotations

import random
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from synthetic import Recipe, make

from assembler.mp4.fragments import read_fragment_tables
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import Mp4Track, UnsupportedMp4

WRITTEN = {
    "as we render": ["-frag_duration", "1000000", "-movflags", "+empty_moov+default_base_moof", "-flush_packets", "1"],
    "a fragment each key frame": ["-movflags", "+empty_moov+default_base_moof+frag_keyframe"],
    "a fragment each frame": ["-movflags", "+empty_moov+default_base_moof+frag_every_frame"],
}


def fragmented(path: Path, source: Path, ffmpeg: str, words: list[str]) -> Path:
    argv = [ffmpeg, "-loglevel", "error", "-i", str(source), "-an", "-c", "copy", *words, "-f", "mp4", str(path)]
    subprocess.run(argv, check=True)
    return path


def samples(path: Path, track: Mp4Track) -> list[bytes]:
    data = path.read_bytes()
    return [data[at : at + size] for at, size in zip(track.sample_offsets(), track.sizes, strict=True)]


@pytest.mark.parametrize("words", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(seconds=Fraction(3), gop=7, sound=False),
        Recipe(seconds=Fraction(1, 15), sound=False),
        Recipe(seconds=Fraction(3), sound=False, cadence=(Fraction(1, 20), Fraction(1, 10), Fraction(1, 15))),
    ],
    ids=["steady", "a single frame", "uneven"],
)
def test_the_tables_are_those_of_the_same_packets_in_a_plain_file(
    recipe: Recipe, words: list[str], tmp_path: Path, bundled_ffmpeg: str
) -> None:
    source = make(recipe, bundled_ffmpeg)
    path = fragmented(tmp_path / "x.mp4", source, bundled_ffmpeg, words)
    with pytest.raises(UnsupportedMp4):
        read_tables(path)
    found = read_fragment_tables(path).track(b"vide")
    plain = read_tables(source).track(b"vide")
    assert samples(path, found) == samples(source, plain)
    assert list(found.keys or ()) == list(range(plain.count) if plain.keys is None else plain.keys)
    ticks = [Fraction(at, found.scale) for at in found.decode_times()[:-1]]
    assert ticks == [Fraction(at, plain.scale) for at in plain.decode_times()[:-1]]


def test_a_plain_file_has_no_fragments(bundled_ffmpeg: str) -> None:
    with pytest.raises(UnsupportedMp4):
        read_fragment_tables(make(Recipe(seconds=Fraction(1)), bundled_ffmpeg))


def test_frames_in_another_order_are_left_to_libav(tmp_path: Path, bundled_ffmpeg: str) -> None:
    source = make(Recipe(seconds=Fraction(2), bframes=2, sound=False), bundled_ffmpeg)
    path = fragmented(tmp_path / "x.mp4", source, bundled_ffmpeg, WRITTEN["as we render"])
    with pytest.raises(UnsupportedMp4, match="B-frames"):
        read_fragment_tables(path)


def test_a_file_that_is_cut_or_damaged_is_refused_or_read_within_itself(tmp_path: Path, bundled_ffmpeg: str) -> None:
    source = make(Recipe(seconds=Fraction(3), sound=False), bundled_ffmpeg)
    whole = fragmented(tmp_path / "x.mp4", source, bundled_ffmpeg, WRITTEN["as we render"]).read_bytes()
    path, chance, refused = tmp_path / "y.mp4", random.Random(5), 0
    for turn in range(400):
        data = bytearray(whole[: chance.randrange(len(whole))] if turn % 2 else whole)
        tables = data.find(b"moof") + 80  # what is damaged lies in the moov, or in the first moof
        for _ in range(0 if turn % 2 else 3):
            data[chance.randrange(tables)] = chance.randrange(256)
        path.write_bytes(data)
        try:
            track = read_fragment_tables(path).track(b"vide")
        except UnsupportedMp4:
            refused += 1
        else:
            assert track.end <= len(data)
    assert refused > 150
