"""Files with more in them than one picture and one sound: the picture that the probe chose is the one that is read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from classes import Class, Stream, wrong_pictures
from oddities import odd, wall
from synthetic import Recipe, make

from assembler.findings import Severity
from assembler.mp4.boxes import walk_boxes
from assembler.plan import copying
from assembler.plan.model import Mode
from assembler.recording import StreamKind

WARNED = {"decoy", "decoy mkv", "three", "same"}
CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1500
title=a
[CHAPTER]
TIMEBASE=1/1000
START=1500
END=3000
title=b
"""
SUBTITLES = "1\n00:00:00,200 --> 00:00:01,000\nhello\n\n2\n00:00:01,500 --> 00:00:02,800\nthere\n"
LESSON = wall(
    {
        "decoy": odd("red"),
        "decoy mkv": odd("green", container="mkv"),
        "three": odd("blue", bframes=2),
        "same": odd("yellow"),
        "cover": odd("magenta"),
        "cover png": odd("cyan", container="mkv"),
        "chapters": odd("orange"),
        "subtitles": odd("purple"),
        "timecode": odd("pink"),
    }
)


def test_the_default_picture_is_shown_whatever_else_is_in_the_file(tmp_path: Path, ffmpeg: str) -> None:
    media = tmp_path / "media"
    media.mkdir()
    decoy = make(Recipe(identity="lime", seconds=3, gain=0.06), ffmpeg)
    notes, words = tmp_path / "notes.txt", tmp_path / "words.srt"
    notes.write_text(CHAPTERS)
    words.write_text(SUBTITLES)
    still = tmp_path / "still.png"
    subprocess.run([ffmpeg, "-v", "error", "-i", decoy, "-frames:v", "1", still], check=True)
    first, second = ["-disposition:v:0", "default"], ["-disposition:v:0", "0", "-disposition:v:1", "default"]
    with_decoy = ["-i", str(decoy), "-map", "1:v", "-map", "0", *second]
    cover = ["-i", str(still), "-map", "0", "-map", "1", "-disposition:v:1", "attached_pic"]
    added: dict[str, list[str]] = {
        "decoy": with_decoy,
        "decoy mkv": with_decoy,
        "three": ["-i", str(decoy), "-map", "1:v", "-map", "0:v", "-map", "1:v", "-map", "0:a", *second],
        "same": ["-i", str(decoy), "-map", "0", "-map", "1:v", *first, "-disposition:v:1", "default"],
        "cover": cover,
        "cover png": [*cover[:2], "-map", "1", "-map", "0", "-disposition:v:0", "attached_pic"],
        "chapters": ["-i", str(notes), "-map_chapters", "1"],
        "subtitles": ["-i", str(words), "-map", "1:s", "-map", "0", "-c:s", "mov_text"],
        "timecode": ["-timecode", "10:00:00:00"],
    }
    for stream in LESSON.streams:
        source = make(stream.recipe, ffmpeg)
        target = media / f"{stream.video_id}{source.suffix}"
        argv = [ffmpeg, "-v", "error", "-i", source, *added[stream.video_id], "-c:v", "copy", "-c:a", "copy"]
        subprocess.run([*argv, target], check=True)
    reorder(media / "cover.mp4", lambda kinds: sorted(kinds, key=lambda kind: kind != b"udta"))
    playback = LESSON.assemble(tmp_path, ffmpeg, chunk_seconds=1.5)
    assert wrong_pictures(LESSON, playback, LESSON.rows(playback)) == []
    warned = {f.where: f.sentence for f in playback.manifest.findings if f.severity is Severity.WARNING}
    assert set(warned) == WARNED
    assert "a second picture (stream 0, 320x240, not enabled or not the default): it is not shown" in warned["decoy"]


def reorder(path: Path, order: Callable[[list[bytes]], list[bytes]]) -> None:
    """The boxes of an mp4's index in another order; the pictures stay where they are."""
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        moov = next(box for box in walk_boxes(file, len(data)) if box.name == b"moov")
        inner = [(box.name, bytes(data[box.start : box.end])) for box in walk_boxes(file, moov.end, moov.body)]
    wanted = order([kind for kind, _ in inner])
    data[moov.body : moov.end] = b"".join(
        content for kind, content in sorted(inner, key=lambda box: wanted.index(box[0]))
    )
    path.write_bytes(data)


def test_what_the_muxer_refuses_to_copy_is_encoded(
    tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal stamps that the plan overlooked: the last resort, and the reason says so."""
    media = tmp_path / "media"
    media.mkdir()
    recipe = odd("red")
    doubled = "setts=ts=if(eq(N\\,30)\\,PREV_OUTPTS\\,PTS)"
    argv = [bundled_ffmpeg, "-v", "error", "-i", make(recipe, bundled_ffmpeg), "-c", "copy", "-bsf:v", doubled]
    subprocess.run([*argv, "-f", "matroska", media / "m.mp4"], check=True)
    lesson = Class([Stream("m", StreamKind.MIX, "", 0, recipe, (0, 0, 320, 240))], options={"layout": "auto"})
    assert "several pictures of one stamp" in lesson.assemble(tmp_path, bundled_ffmpeg, "seen.mp4").manifest.mode_reason
    monkeypatch.setattr(copying, "check_exact", lambda *_: None)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg, "refused.mp4")
    assert playback.manifest.mode is Mode.ENCODE
    assert "could not be copied" in playback.manifest.mode_reason
