"""Files that end too early or too late, are cut off, or are damaged in the middle: the rest stays in sync."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from classes import Class, Stream, beep_errors, wrong_pictures
from oddities import FIRST, is_warning, odd, packets, spoiled, wall, warnings, wiped
from synthetic import truncated

from assembler.findings import Fate, Verdict
from assembler.pipeline.assemble import Playback
from assembler.plan.model import Disposition, Mode
from assembler.recording import StreamKind

SOUND_TOLERANCE = 0.005
CAMERA = StreamKind.CAMERA


def fate(playback: Playback, video_id: str) -> Fate:
    return next(o.fate for o in playback.manifest.outcomes if o.video_id == video_id)


def test_a_file_shorter_than_declared_is_held_for_a_second(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall(
        {
            "short": (odd("red"), 6_000),
            "long": (odd("green", seconds=5), 4_000),
            "whole": odd("blue", seconds=6),
            "undeclared": (odd("yellow", seconds=2), None),
        }
    )
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.2)  # one begins in what is held
    held = (FIRST, FIRST + 3_000 + 1_000, 0)  # its own length, and a second of its last frame
    measured = lesson.with_pieces("short", held)
    assert wrong_pictures(measured, playback, measured.rows(playback)) == []
    assert max(beep_errors(measured, playback).values()) <= SOUND_TOLERANCE
    assert playback.manifest.verdict is Verdict.DEGRADED
    assert len(warnings(playback, "short")) == 1
    assert warnings(playback, "long") == []
    assert fate(playback, "short") is Fate.REPAIRED


def test_a_truncated_file_is_used_until_its_end(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall({"cut": (odd("red", seconds=6, gop=15), 6_000), "whole": odd("blue", seconds=6)})
    media = lesson.make(tmp_path)
    truncated(media / "cut.mp4", media / "cut.mp4", 0.5)
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.1)
    rows = lesson.rows(playback)
    last = max(row.seen["cut"].counter or 0 for row in rows)
    assert 20 < last < 80
    end = FIRST + round(1000 * (last + 1) / 15) + 1_000
    measured = lesson.with_pieces("cut", (FIRST, FIRST + round(1000 * last / 15), 0))
    assert [e for e in wrong_pictures(measured, playback, rows) if "nobody" not in e] == []
    behind = [row.seen["cut"].identity for row in rows if row.stamp * 1000 > end + 100]
    assert len(behind) > 5
    assert set(behind) == {None}
    assert any("cut off" in sentence for sentence in warnings(playback, "cut"))
    assert fate(playback, "cut") is Fate.REPAIRED
    assert playback.manifest.verdict is Verdict.DEGRADED


def test_damage_in_the_middle_leaves_both_sides_in_sync(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall({"hurt": odd("red", seconds=8, gop=15, bframes=2), "whole": odd("blue", seconds=8)})
    media = lesson.make(tmp_path)
    hurt = media / "hurt.mp4"
    spoiled(hurt, packets(hurt, 3.3, 3.9))
    spoiled(hurt, packets(hurt, 3.2, 3.9, "audio"), keep=0)
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=2.5)
    rows = lesson.rows(playback)
    wrong = wrong_pictures(lesson, playback, rows)
    # damaged from 3.3 s to the key frame at 4 s; B-frames are packed up to three frames before their reference
    frames = {int(error.split(":")[0].split()[1]) for error in wrong}
    assert frames <= set(range(int((0.1 + 3.0) * 15), int((0.1 + 4.0) * 15) + 2)), wrong
    assert wrong_pictures(replace(lesson, streams=lesson.streams[1:]), playback, rows) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    assert playback.manifest.verdict is Verdict.DEGRADED
    assert fate(playback, "hurt") is Fate.REPAIRED
    assert fate(playback, "whole") is Fate.USED
    assert any(f"Between 0:03.{digit}" in s for s in warnings(playback, "hurt") for digit in "34"), warnings(playback)
    assert any("its sound is damaged" in s for s in warnings(playback, "hurt"))
    assert all(f.where == "hurt" for f in playback.manifest.findings if is_warning(f)), warnings(playback)


def test_a_chunk_without_one_decodable_picture_shows_background(tmp_path: Path, ffmpeg: str) -> None:
    """The file is spoiled behind the probe's back: what was known to be there does not decode."""
    lesson = wall({"hurt": odd("red"), "whole": odd("blue")})
    media = lesson.make(tmp_path)
    lesson.assemble(tmp_path, ffmpeg, "before.mp4")
    hurt = media / "hurt.mp4"
    times = hurt.stat()
    wiped(hurt, packets(hurt, -1, 100))
    os.utime(hurt, ns=(times.st_atime_ns, times.st_mtime_ns))
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.0)
    rows = lesson.rows(playback)
    assert len(rows) == round(playback.manifest.length * 15 / 1000)
    assert {row.seen["hurt"].identity for row in rows} == {None}
    whole = replace(lesson, streams=lesson.streams[1:])
    assert wrong_pictures(whole, playback, rows) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    said = "Between 0:00.133 and 0:03.133 of the playback its picture cannot be decoded: background in its place."
    assert warnings(playback) == [said]
    assert fate(playback, "hurt") is Fate.REPAIRED
    picture = next(a for a in playback.manifest.accounts if a.video_id == "hurt").picture
    assert picture.length == sum(picture.lengths.values())
    assert picture.length - picture.lengths[Disposition.LOST] < 40, picture  # less than a frame counts as shown


def test_a_wiped_part_of_a_file_holds_the_picture_before_it(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall({"hurt": odd("red", seconds=5, gop=15), "whole": odd("blue", seconds=5)})
    media = lesson.make(tmp_path)
    wiped(media / "hurt.mp4", packets(media / "hurt.mp4", 1, 4))
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.0)
    rows = lesson.rows(playback)
    frames = {int(error.split(":")[0].split()[1]) for error in wrong_pictures(lesson, playback, rows)}
    assert frames <= set(range(int(1.1 * 15), int(4.1 * 15) + 2))
    assert {row.seen["hurt"].counter for row in rows if 1.2 < row.stamp < 4} == {14}
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    said = warnings(playback, "hurt")
    assert len(said) == 1
    assert said[0].startswith("Between 0:01.110 and 0:04.110 of the playback a decoder complained")


def test_a_file_with_one_picture_that_decodes_holds_it(tmp_path: Path, ffmpeg: str) -> None:
    lesson = wall({"dead": odd("red", gop=1000), "whole": odd("blue")})
    media = lesson.make(tmp_path)
    dead = media / "dead.mp4"
    spoiled(dead, packets(dead, 0, 100)[1:])
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=0.9)
    rows = lesson.rows(playback)
    assert len(rows) == round(playback.manifest.length * 15 / 1000)
    assert {row.seen["dead"].counter for row in rows if 0.2 < row.stamp < 3} == {0}
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    assert warnings(playback, "dead")


def test_a_damaged_mixed_stream_is_encoded_instead_of_copied(tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe = odd("red", seconds=4, gop=30, gain=0.2)
    lesson = Class([Stream("m", StreamKind.MIX, "", 0, recipe, (0, 0, 320, 240))], options={"layout": "auto"})
    media = lesson.make(tmp_path)
    spoiled(media / "m.mp4", packets(media / "m.mp4", 0.3, 0.8))
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.mode is Mode.ENCODE
    assert playback.manifest.verdict is Verdict.DEGRADED
    assert "encoded instead" in " ".join(f.sentence for f in playback.manifest.findings)
    rows = [row for row in lesson.rows(playback) if row.stamp >= 2]
    assert wrong_pictures(lesson, playback, rows) == []
    assert lesson.assemble(tmp_path, bundled_ffmpeg).was_there
