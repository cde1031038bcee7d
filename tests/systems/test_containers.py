"""Containers and codecs of other systems: pictures and sound of each are where an mp4's are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from classes import Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE
from oddities import Wall, odd, unseen, wall
from ogg import write_pages
from synthetic import Recipe, make

from assembler.recording import StreamKind

F = Fraction
SIZES = ((320, 240), (640, 360), (160, 120))

PICTURES: dict[str, Recipe] = {
    "h264 in ts": odd("red", container="ts", origin=F(7), bframes=2),
    "h264 and opus in mkv": odd("green", container="mkv", opus=True, bframes=2, origin=F("0.3")),
    "vp8": odd("blue", container="webm", codec="vp8", origin=F("0.633")),
    "vp9": odd("yellow", container="webm", codec="vp9"),
    "av1": odd("magenta", container="webm", codec="av1"),
    "vp9 in mkv, live": odd("cyan", container="mkv", codec="vp9", opus=True, is_live=True),
    "vp8 that changes its size": odd("orange", container="webm", codec="vp8", sizes=SIZES, gop=6),
    "vp9 that changes its size": odd("purple", container="webm", codec="vp9", sizes=SIZES, gop=6),
    "av1 that changes its size": odd("pink", container="webm", codec="av1", sizes=SIZES, gop=6),
    "muted for a while": odd("lime", container="webm", sound_hole=(F("0.6"), F("1.7"))),
    "dtx": odd("brown", container="webm", dtx=True, is_live=True, origin=F("0.25")),
    "dtx, and picture late": odd("sky", container="webm", codec="vp9", dtx=True, picture_late=F("0.4")),
}
"""Files with pictures, each in one place of a wall."""

SOUNDS: dict[str, Recipe] = {
    "opus in ogg": odd("red", container="ogg", picture=False),
    "opus in mka": odd("green", container="mka", picture=False, opus=True),
    "aac in mka": odd("blue", container="mka", picture=False, origin=F("0.5")),
    "opus in webm": odd("yellow", container="webm", picture=False, origin=F("1.5")),
    "opus with dtx in mka": odd("cyan", container="mka", picture=False, opus=True, dtx=True, is_live=True),
    "aac in ts": odd("purple", container="ts", picture=False, origin=F(100)),
}
"""Files with sound alone."""

HOLES: dict[str, dict[str, Any]] = {
    "dtx": {"dtx": True},
    "muted for a while": {"sound_hole": (F("0.6"), F("1.7"))},
}
"""Sound of which packets were not sent."""


def test_pictures_of_every_container_and_codec_are_where_those_of_an_mp4_are(tmp_path: Path, ffmpeg: str) -> None:
    lesson: Wall = wall(PICTURES)
    playback = lesson.assemble(tmp_path, ffmpeg, chunk_seconds=1.2)
    rows = lesson.rows(playback)
    assert wrong_pictures(lesson, playback, rows) == []
    assert {s.video_id: unseen(lesson, rows, s.video_id) for s in lesson.streams if not s.recipe.picture_late} == {
        s.video_id: set() for s in lesson.streams if not s.recipe.picture_late
    }
    errors = beep_errors(lesson, playback)
    assert max(errors.values()) <= SOUND_TOLERANCE, errors


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_of_every_container_and_codec_is_where_that_of_an_mp4_is(
    name: str, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    lesson = Class([Stream("a", StreamKind.AUDIO, "ann", 613, SOUNDS[name])])
    errors = beep_errors(lesson, lesson.assemble(tmp_path, bundled_ffmpeg))
    assert max(errors.values()) <= SOUND_TOLERANCE, errors


@pytest.mark.parametrize("most", [1, 25], ids=["a packet a page", "half a second a page"])
@pytest.mark.parametrize("hole", HOLES)
def test_sound_of_ogg_behind_packets_that_were_not_sent_is_in_its_place(
    hole: str, most: int, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    recipe = odd("magenta", container="webm", picture=False, **HOLES[hole])
    lesson = Class([Stream("a", StreamKind.AUDIO, "ann", 613, recipe)])
    (tmp_path / "media").mkdir()
    write_pages(make(recipe, bundled_ffmpeg), tmp_path / "media" / "a.ogg", most)
    errors = beep_errors(lesson, lesson.assemble(tmp_path, bundled_ffmpeg))
    assert max(errors.values()) <= SOUND_TOLERANCE, errors
