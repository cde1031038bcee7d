"""What headers say besides the packets: edits that show nothing, a length that nothing else tells, sizes that change,
and a TS that was cut out of a longer one."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from classes import Class, Stream, beep_errors, wrong_pictures
from oddities import FIRST, odd, unseen, wall, warnings
from synthetic import Recipe, make

from assembler.facts import Facts
from assembler.findings import Verdict
from assembler.media.probe.child import probe_file
from assembler.media.probe.order import ProbeInput
from assembler.plan.model import Mode
from assembler.recording import StreamKind

BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()
SIZES = ((320, 240), (240, 240), (320, 180))


def number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4])


Edits = Sequence[tuple[float, float | None]]
"""(seconds, from which second of the source on; None: nothing)."""
TWICE: Edits = ((3, 0), (3, 5))
THRICE: Edits = ((2, 0), (1.5, 3.5), (1, None), (1.75, 6.25))
BACK: Edits = ((2, 3.3), (2, 1.01), (2, 6.17))
BEHIND: Edits = ((1, None), (2, 1.03), (2, 5.19))


def edited(source: Path, target: Path, edits: Edits, kind: bytes = b"", sound: str = "copy") -> None:
    """An mp4 with these edit lists; ``kind``: only for tracks of this handler; ``sound``: its coder."""
    argv = [BUNDLED, "-v", "error", "-y", "-i", str(source), "-c:v", "copy", "-c:a", sound, str(target)]
    subprocess.run(argv, check=True)
    data = bytearray(target.read_bytes())
    moov = data.rindex(b"moov")  # behind the samples: their places stay as they are
    movie = number(data, data.index(b"mvhd", moov) + 16)
    trak = data.find(b"trak", moov)
    while trak > 0:
        boxes, lists = data.index(b"edts", trak), data.index(b"elst", trak)
        scale, handler = number(data, data.index(b"mdhd", trak) + 16), data.index(b"hdlr", trak) + 12
        end = lists - 4 + number(data, lists - 4)
        entries = struct.iter_unpack(">IiI", data[lists + 12 : end])
        first = next(media for _, media, _ in entries if media >= 0)
        shown = [(round(s * movie), -1 if at is None else first + round(at * scale)) for s, at in edits]
        new = struct.pack(">II", 0, len(shown)) + b"".join(struct.pack(">IiI", *edit, 1 << 16) for edit in shown)
        if data[handler : handler + 4].startswith(kind):
            grown = len(new) - (end - lists - 4)
            data[lists + 4 : end] = new
            for box in (lists, boxes, trak, moov):
                struct.pack_into(">I", data, box - 4, number(data, box - 4) + grown)
        trak = data.find(b"trak", trak + 4)
    target.write_bytes(data)


def test_a_hole_in_an_edit_list_and_sizes_that_change(tmp_path: Path, bundled_ffmpeg: str) -> None:
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
    edited(make(lesson.streams[0].recipe, bundled_ffmpeg), media / "hole.mp4", ((1, 0), (1, None), (2, 1)))
    argv = [
        bundled_ffmpeg,
        "-v",
        "error",
        "-i",
        str(make(changing, bundled_ffmpeg)),
        "-c",
        "copy",
        "-bsf:a",
        "aac_adtstoasc",
    ]
    subprocess.run([*argv, str(media / "flv.flv")], check=True)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, chunk_seconds=1.3)
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


def in_place(edits: Edits, play: int = 0) -> list[tuple[int, int, int]]:
    """Where the parts of an edited file belong, as pieces of a stream; what is empty in front is not of the file."""
    pieces, at = [], play - round(edits[0][0] * 1000) * (edits[0][1] is None)
    for seconds, begin in edits:
        end = at + round(seconds * 1000)
        if begin is not None:
            pieces.append((at, end, round(begin * 1000)))
        at = end
    return pieces


def test_every_part_that_an_edit_list_shows_is_where_the_list_says(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """libav puts the first whole frame of a part at the part's start, and pictures with B-frames anywhere."""
    made: dict[str, tuple[str, Edits, dict[str, Any]]] = {
        "twice": ("red", TWICE, {"gop": 15}),
        "twice 44100": ("purple", TWICE, {"gop": 100, "rate": 44100}),
        "thrice": ("pink", THRICE, {"gop": 15}),
        "thrice 44100": ("cyan", THRICE, {"bframes": 2, "rate": 44100}),
        "back": ("orange", BACK, {"bframes": 2, "gop": 40}),
        "back alac": ("green", BACK, {"fps": 10}),
        "behind": ("yellow", BEHIND, {"gop": 15, "rate": 44100}),
        "sound": ("blue", ((3, 0), (7, 3.03)), {}),
    }
    lesson = wall(
        {
            name: (odd(identity, seconds=10, **more), in_place(edits)[-1][1])
            for name, (identity, edits, more) in made.items()
        }
    )
    media, seen, heard = tmp_path / "media", lesson, lesson
    media.mkdir()
    for stream, (_, edits, _) in zip(lesson.streams, made.values(), strict=True):
        name, source = stream.video_id, make(stream.recipe, bundled_ffmpeg)
        kind, coder = b"soun" if name == "sound" else b"", "alac" if name == "back alac" else "copy"
        edited(source, media / f"{name}.mp4", edits, kind, coder)
        heard = heard.with_pieces(name, *in_place(edits, stream.play))
        seen = heard if name != "sound" else seen
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, chunk_seconds=2.7)
    assert max(beep_errors(heard, playback).values()) <= 0.005
    rows = seen.rows(playback)
    assert [e for e in wrong_pictures(seen, playback, rows) if "nobody" not in e] == []
    empty = lesson.streams[2].play + 3500
    held = [row.seen["thrice"].counter for row in rows if empty <= row.stamp * 1000 < empty + 950]
    assert set(held) == {74}
    assert (warnings(playback), playback.manifest.verdict) == ([], Verdict.OK)


def test_a_part_that_begins_inside_a_frame_shows_the_rest_of_it(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """As a phone trims: libav shows the next frame at once, and all that follow early by what is left of the first."""
    made: dict[str, tuple[str, Edits, dict[str, Any]]] = {
        "start": ("red", ((3, 0.05),), {"fps": 10}),
        "bframes": ("purple", ((3, 1.33),), {"fps": 10, "bframes": 2, "gop": 40}),
        "end": ("pink", ((3, 1.19),), {"fps": 5, "gop": 15}),
        "late": ("cyan", ((1, None), (2, 1.11)), {"fps": 5}),
        "whole": ("blue", ((3, 0.5),), {"fps": 10}),
    }
    lesson = wall(
        {
            name: (odd(identity, seconds=5, **more), in_place(edits)[-1][1])
            for name, (identity, edits, more) in made.items()
        }
    )
    measured = lesson
    (tmp_path / "media").mkdir()
    for stream, (_, edits, _) in zip(lesson.streams, made.values(), strict=True):
        edited(make(stream.recipe, bundled_ffmpeg), tmp_path / "media" / f"{stream.video_id}.mp4", edits)
        measured = measured.with_pieces(stream.video_id, *in_place(edits, stream.play))
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert [e for e in wrong_pictures(measured, playback) if "nobody" not in e] == []
    assert max(beep_errors(measured, playback).values()) <= 0.005
    assert (warnings(playback), playback.manifest.verdict) == ([], Verdict.OK)


@pytest.mark.parametrize("declared", [4_000, None])
def test_a_lone_file_of_several_edits_is_whole_and_no_copy(
    tmp_path: Path, bundled_ffmpeg: str, declared: int | None
) -> None:
    """Its stamps in the order of its packets fall back: that cuts nothing."""
    edits: Edits = ((2, 0), (2, 4.3))
    recipe = odd("red", seconds=8, gain=0.2, gop=15)
    alone = Stream("s", StreamKind.SCREEN, "x", 0, recipe, (0, 0, 320, 240), declared, tuple(in_place(edits)))
    (tmp_path / "media").mkdir()
    edited(make(recipe, bundled_ffmpeg), tmp_path / "media" / "s.mp4", edits)
    lesson = Class([alone], options={"layout": "stage"})
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert (playback.manifest.mode, playback.manifest.sound_copied) == (Mode.ENCODE, None)
    assert wrong_pictures(lesson, playback) == []
    assert beep_errors(lesson, playback)["red"] <= 0.005
    assert (warnings(playback), playback.manifest.verdict) == ([], Verdict.OK)


def facts_of(path: Path, size: int | None = None) -> Facts:
    facts, _ = probe_file(ProbeInput(path.stem, path, keep_stamps=False, size=size))
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
