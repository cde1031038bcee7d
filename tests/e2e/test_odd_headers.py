"""What headers say besides the packets: edits that show nothing, a length that nothing else tells, sizes that change,
and a TS that was cut out of a longer one."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction as F
from pathlib import Path

import imageio_ffmpeg
import pytest
from classes import beep_errors, wrong_pictures
from oddities import FIRST, odd, unseen, wall, warnings
from synthetic import Recipe, make

from assembler.facts import Facts
from assembler.media.probe.child import look
from assembler.media.probe.order import Wanted

BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()
SIZES = ((320, 240), (240, 240), (320, 180))


def number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4])


def with_hole(source: Path, target: Path) -> None:
    """An mp4 whose edit lists show the first second, nothing for a second, and the next two."""
    subprocess.run([BUNDLED, "-v", "error", "-y", "-i", str(source), "-c", "copy", str(target)], check=True)
    data = bytearray(target.read_bytes())
    moov = data.rindex(b"moov")  # behind the samples: their places stay as they are
    movie = number(data, data.index(b"mvhd", moov) + 16)
    trak = data.find(b"trak", moov)
    while trak > 0:
        edits, lists = data.index(b"edts", trak), data.index(b"elst", trak)
        scale = number(data, data.index(b"mdhd", trak) + 16)
        end = lists - 4 + number(data, lists - 4)
        entries = struct.iter_unpack(">IiI", data[lists + 12 : end])
        first = next(media for _, media, _ in entries if media >= 0)
        shown = ((movie, first), (movie, -1), (2 * movie, first + scale))
        new = struct.pack(">II", 0, 3) + b"".join(struct.pack(">IiI", length, at, 1 << 16) for length, at in shown)
        grown = len(new) - (end - lists - 4)
        data[lists + 4 : end] = new
        for box in (lists, edits, trak, moov):
            struct.pack_into(">I", data, box - 4, number(data, box - 4) + grown)
        trak = data.find(b"trak", trak + 4)
    target.write_bytes(data)


def test_a_hole_in_an_edit_list_and_sizes_that_change(tmp_path: Path, ffmpeg: str) -> None:
    changing = odd("pink", sizes=SIZES, container="ts", gop=6)
    lesson = wall(
        {
            "hole": (odd("red", gop=15), 4_000),
            "flv": changing,
            "vp8": odd("purple", sizes=SIZES, container="webm", gop=6),
        }
    )
    media = tmp_path / "media"
    media.mkdir()
    with_hole(make(lesson.streams[0].recipe, ffmpeg), media / "hole.mp4")
    argv = [ffmpeg, "-v", "error", "-i", str(make(changing, ffmpeg)), "-c", "copy", "-bsf:a", "aac_adtstoasc"]
    subprocess.run([*argv, str(media / "flv.flv")], check=True)
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.3)
    pieces = ((FIRST, FIRST + 1000, 0), (FIRST + 2000, FIRST + 4000, 1000))
    measured = lesson.with_pieces("hole", *pieces)
    rows = measured.rows(playback)
    held = [row for row in rows if FIRST + 1000 <= row.stamp * 1000 < FIRST + 2000]
    assert {row.seen["hole"].counter for row in held} == {14}
    # the stamps of an flv are rounded to ms, here just where an output frame changes: some are one output frame off
    wrong = [e for e in wrong_pictures(measured, playback, rows) if "nobody" not in e and "flv shows pink" not in e]
    assert wrong == []
    assert unseen(lesson, rows, "vp8") == set()
    missed = unseen(lesson, rows, "flv")
    assert not any(counter + 1 in missed for counter in missed), missed
    assert max(beep_errors(measured, playback).values()) <= 0.025
    assert warnings(playback) == []


def facts_of(path: Path, size: int | None = None) -> Facts:
    facts, _ = look(Wanted(path.stem, path, keep_stamps=False, size=size))
    return facts


def stating(recipe: Recipe, target: Path, seconds: int) -> Path:
    """A matroska file whose header states another length."""
    data = bytearray(make(recipe, BUNDLED).read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # Duration, 8 bytes
    data[at : at + 8] = struct.pack(">d", seconds * 1000)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("container", ["mkv", "webm"])
def test_a_length_that_only_the_header_states_counts_unless_something_contradicts_it(
    tmp_path: Path, container: str
) -> None:
    one = Recipe(identity="red", frames=1, seconds=F(1), sound=False, container=container)
    path = stating(one, tmp_path / "one.mkv", 8)
    facts = facts_of(path)
    assert (facts.stated, facts.end, facts.is_truncated) == (8000, 8000, False)
    assert facts_of(path, size=path.stat().st_size).stated == 8000

    smaller = facts_of(path, size=path.stat().st_size + 1)
    assert (smaller.stated, smaller.is_truncated) == (None, True)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(stating(Recipe(seconds=F(2), sound=False, container=container), cut, 8).read_bytes()[:-3])
    assert (facts_of(cut).stated, facts_of(cut).is_truncated) == (None, True)
    heard = facts_of(stating(Recipe(seconds=F(2), container=container), tmp_path / "heard.mkv", 8))
    assert (heard.stated, heard.is_truncated) == (None, True)


@pytest.mark.parametrize("start", [1, 4, 77, 187, 188 * 3 + 100, 188 * 7 + 11])
def test_a_ts_may_begin_anywhere(tmp_path: Path, start: int) -> None:
    whole = make(Recipe(identity="red", seconds=F(2), gop=10, container="ts"), BUNDLED)
    part = tmp_path / "part.ts"
    part.write_bytes(whole.read_bytes()[start:])
    before, facts = facts_of(whole), facts_of(part)
    assert facts.container == "mpegts"
    assert before.picture is not None
    assert facts.picture is not None
    assert facts.picture.last == before.picture.last
    assert facts.picture.frames >= 20
    assert len(facts.sounds) == 1
    assert not facts.is_truncated
