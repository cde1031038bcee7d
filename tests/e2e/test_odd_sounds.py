"""Odd sound: channels, rates, changes and holes inside a file, and files with only one of sound and picture."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from classes import Stream, beep_errors, wrong_pictures
from oddities import odd, wall
from sounds import listen, tone_level
from synthetic import beep_times

from assembler.demo.identity import IDENTITIES
from assembler.pipeline.assemble import Playback
from assembler.recording import StreamKind

SOUND_TOLERANCE = 0.005
AUDIO, CAMERA = StreamKind.AUDIO, StreamKind.CAMERA
CHANGING = ((44100, 1), (48000, 2), (48000, 1))

BASE = wall(
    {
        "5.1": odd("red", channels=6, seconds=4),
        "stereo 44.1": odd("green", channels=2, rate=44100),
        "mono 44.1": odd("blue", rate=44100, container="mkv"),
        "changing": odd("yellow", sounds=CHANGING, container="ts", seconds=Fraction("4.8")),
        "hole": odd("magenta", sound_hole=(Fraction("0.5"), Fraction("2.5")), seconds=4),
        "webm": odd("cyan", container="webm"),
        "silent": odd("orange", sound=False),
        "16 kHz": odd("brown", rate=16000),
    },
    fps=Fraction(15),
)
SOUNDS = replace(
    BASE,
    streams=[
        *BASE.streams,
        Stream("mp3 of the silent", AUDIO, "silent", 400, odd("purple", picture=False, container="mp3")),
        Stream("mp3 alone", AUDIO, "nobody", 650, odd("pink", picture=False, container="mp3")),
        Stream("blind", CAMERA, "blind", 777, odd("lime", picture=False)),
    ],
)


@pytest.fixture(scope="module")
def playback(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> Playback:
    folder = tmp_path_factory.mktemp("sounds")
    return SOUNDS.assemble(folder, bundled_ffmpeg, home=folder / "home")


def test_every_kind_of_sound_is_in_time(playback: Playback) -> None:
    assert wrong_pictures(SOUNDS, playback) == []
    errors = beep_errors(SOUNDS, playback)
    assert len(errors) == 10
    assert max(errors.values()) <= SOUND_TOLERANCE, errors


def test_every_source_is_as_loud_as_it_was(playback: Playback) -> None:
    heard = listen(playback.path)
    for stream in SOUNDS.streams:
        if not stream.recipe.sound or stream.video_id in ("5.1", "changing"):
            continue
        begin = stream.play / 1000 + float(beep_times(stream.recipe)[0])
        level = tone_level(heard, IDENTITIES[stream.recipe.identity].pitch, begin + 0.005, 0.07)
        assert 0.05 < level < 0.07, (stream.video_id, level)


def test_loudness_reaches_what_was_asked_for(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = wall({"quiet": odd("red", seconds=6, gain=0.02), "other": odd("blue", seconds=6, gain=0.02)})
    before = lesson.assemble(tmp_path, bundled_ffmpeg, "before.mp4")
    after = lesson.assemble(tmp_path, bundled_ffmpeg, "after.mp4", loudness=-30.0)
    assert max(beep_errors(lesson, after).values()) <= SOUND_TOLERANCE
    said = next(f.sentence for f in after.manifest.findings if "LUFS" in f.sentence)
    measured, gain = float(said.split("measured ")[1].split()[0]), float(said.split("by ")[1].split()[0])
    assert abs(measured + gain + 30) < 0.2
    pitch = IDENTITIES["red"].pitch
    levels = [tone_level(p.path, pitch, 2.1 + 0.005, 0.07) for p in (before, after)]
    assert abs(levels[1] / levels[0] - 10 ** (gain / 20)) < 0.03 * levels[1] / levels[0]
