"""A plain mp4 is probed by its tables: whatever the file is, the facts are those that reading every packet finds."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import pytest
from chirps import chirps, with_tracks
from synthetic import Recipe, make, truncated

from assembler.facts import Facts
from assembler.media.probe import child
from assembler.media.probe.by_sample_table import probe_sample_tables
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.container import sniff
from assembler.media.probe.order import ProbeInput, UnusableFile
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4

SHORT = Recipe(seconds=Fraction(3), gop=10)
PLAIN: dict[str, Recipe] = {
    "as recorders write": SHORT,
    "an hour's clock": Recipe(seconds=Fraction(3), gop=10, origin=Fraction(3600)),
    "picture late": Recipe(seconds=Fraction(3), picture_late=Fraction(7, 10)),
    "picture early": Recipe(seconds=Fraction(3), origin=Fraction(1), picture_late=Fraction(-1, 2)),
    "uneven": Recipe(seconds=Fraction(3), cadence=(Fraction(1, 10), Fraction(1, 30))),
    "shaken": Recipe(seconds=Fraction(3), jitter=Fraction(1, 100)),
    "frames missing": Recipe(seconds=Fraction(9), hole=(Fraction(1), Fraction(15, 2))),
    "sound missing": Recipe(seconds=Fraction(3), sound_hole=(Fraction(1), Fraction(2))),
    "other sound": Recipe(seconds=Fraction(3), rate=44_100, channels=2),
    "turned": Recipe(seconds=Fraction(3), rotation=90),
    "wide pixels": Recipe(seconds=Fraction(3), sar=Fraction(4, 3)),
    "all key frames": Recipe(seconds=Fraction(2), gop=1),
    "without sound": Recipe(seconds=Fraction(3), sound=False),
    "sound alone": Recipe(seconds=Fraction(3), picture=False),
    "one frame": Recipe(seconds=Fraction(1), frames=1),
}
OTHERS: dict[str, Recipe] = {
    "B-frames": Recipe(seconds=Fraction(3), bframes=2),
    "cut by an edit list": Recipe(seconds=Fraction(3), origin=Fraction(-1)),
    "sizes change": Recipe(seconds=Fraction(3), sizes=((320, 240), (160, 120))),
}


def both(path: Path, hole: tuple[int, int] | None = None) -> tuple[object, object]:
    """What is found by tables where they are plain, and by all packets: facts, or what is said against the file."""

    def found(*, may_skip: bool) -> object:
        try:
            return child.probe_file(ProbeInput("x", path, keep_stamps=True, hole=hole), may_skip=may_skip)[0]
        except (av.FFmpegError, UnusableFile) as exc:
            return str(exc)

    return found(may_skip=True), found(may_skip=False)


def by_tables(path: Path, hole: tuple[int, int] | None = None) -> tuple[Facts, Reach]:
    take = partial(probe_sample_tables, path, read_tables(path))
    return child.probe_by(ProbeInput("x", path, keep_stamps=True, hole=hole), sniff(path), take)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_file_is_probed_by_its_tables(name: str, ffmpeg: str) -> None:
    path = make(PLAIN[name], ffmpeg)
    assert by_tables(path)[0] == both(path)[1]


def test_every_sound_track_of_a_plain_file_is_probed_by_its_tables(tmp_path: Path) -> None:
    path = with_tracks(tmp_path / "two.mp4", chirps(2.5, 0.4), chirps(1.3, 0.7))
    assert by_tables(path)[0] == both(path)[1]
    assert [sound.end for sound in by_tables(path)[0].sounds] == [2500, 1300]


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_probed_as_well_as_ever(name: str, bundled_ffmpeg: str) -> None:
    by_any, by_packets = both(make(OTHERS[name], bundled_ffmpeg))
    assert by_any == by_packets


Patch = Callable[[bytearray], None]


def put(mark: bytes, behind: int, value: bytes) -> Patch:
    """Other bytes so far behind the name of a box."""

    def change(data: bytearray) -> None:
        at = data.index(mark) + 4 + behind
        data[at : at + len(value)] = value

    return change


def kind_of_sample(index: int, byte: int) -> Patch:
    """Another NAL unit type for a picture's first unit."""

    def change(data: bytearray) -> None:
        data[PLACES[index] + 4] = byte

    return change


PLACES: list[int] = []
HOSTILE: dict[str, Patch] = {
    "a key frame is not named": put(b"stss", 4, (4).to_bytes(4)),
    "another picture is named": put(b"stss", 12, (12).to_bytes(4)),
    "key frames behind the end": put(b"stss", 12, (1 << 30).to_bytes(4)),
    "a key frame is none": kind_of_sample(10, 0x61),
    "a hidden key frame": kind_of_sample(12, 0x65),
    "hidden parameter sets": kind_of_sample(12, 0x67),
    "no picture in a sample": kind_of_sample(12, 0x06),
    "a huge sample": put(b"stsz", 12 + 4 * 7, b"\x7f\xff\xff\xff"),
    "an empty sample": put(b"stsz", 12 + 4 * 7, bytes(4)),
    "more samples than bytes": put(b"stsz", 4, (1000).to_bytes(4) + b"\x7f\xff\xff\xff"),
    "a chunk behind the end": put(b"stco", 8 + 4 * 5, b"\x7f\xff\xff\xff"),
    "chunks on each other": put(b"stco", 8 + 4 * 5, bytes(4)),
    "endless chunks": put(b"stsc", 12, b"\x7f\xff\xff\xff"),
    "a clock that stands": put(b"stts", 12, bytes(4)),
    "a clock that runs back": put(b"stts", 12, b"\xff\xff\xff\xf0"),
    "fewer times than samples": put(b"stts", 8, (7).to_bytes(4)),
    "a movie without a clock": put(b"mvhd", 12, bytes(4)),
    "an edit of nothing": put(b"elst", 8, bytes(4)),
    "an edit in the middle": put(b"elst", 12, (30_000).to_bytes(4)),
    "an edit at double speed": put(b"elst", 16, b"\0\2\0\0"),
}


@pytest.fixture
def copied(tmp_path: Path, bundled_ffmpeg: str) -> Path:
    source = make(SHORT, bundled_ffmpeg)
    PLACES[:] = read_tables(source).track(b"vide").sample_offsets()
    return Path(shutil.copy(source, tmp_path / "changed.mp4"))


def changed(path: Path, change: Patch) -> Path:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_tables_that_lie_are_found_out(name: str, copied: Path) -> None:
    by_any, by_packets = both(changed(copied, HOSTILE[name]))
    assert by_any == by_packets


def test_a_file_with_any_sample_behind_its_end_is_cut(copied: Path) -> None:
    facts, _ = both(changed(copied, HOSTILE["a chunk behind the end"]))
    assert isinstance(facts, Facts)
    assert facts.is_truncated


def test_damaged_tables_and_pictures_make_no_difference(copied: Path) -> None:
    whole, chance, seen = copied.read_bytes(), random.Random(3), set[bool]()
    index, pictures = whole.index(b"moov"), whole.index(b"mdat")
    assert index < pictures
    for start, end in [(index, pictures), (pictures + 4, len(whole))] * 20:

        def damage(data: bytearray, start: int = start, end: int = end) -> None:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(start, end)] = chance.randrange(256)

        copied.write_bytes(whole)
        by_any, by_packets = both(changed(copied, damage))
        assert by_any == by_packets
        seen.add(isinstance(by_packets, str))
    assert seen == {False, True}, "the damage is too little or too much"


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_a_file_that_was_cut_is_read(part: float, tmp_path: Path, bundled_ffmpeg: str) -> None:
    path = truncated(make(SHORT, bundled_ffmpeg), tmp_path / "cut.mp4", part)
    with pytest.raises(UnsupportedMp4):
        read_tables(path)
    by_any, by_packets = both(path)
    assert by_any == by_packets


def test_a_file_of_which_the_middle_is_missing_tells_how_far_it_reaches(copied: Path) -> None:
    tracks = read_tables(copied).tracks
    hole = (tracks[0].sample_offsets()[3], tracks[0].sample_offsets()[-3])
    changed(copied, lambda data: data.__setitem__(slice(*hole), bytes(hole[1] - hole[0])))
    by_any, by_packets = both(copied, hole)
    assert by_any == by_packets
    facts, reach = by_tables(copied, hole)
    with av.open(str(copied)) as source:
        packets = [(p.dts * p.time_base - facts.origin, p.pos + p.size) for p in source.demux() if p.size]  # type: ignore[operator]
    marks = reach.on_file_axis(facts.origin)
    assert len(marks) == 4
    for ms, there in marks[1:]:
        assert there == max(end for seconds, end in packets if seconds * 1000 < ms)
