"""Slices that are long together: any of their pictures is read without decoding from the beginning."""

from __future__ import annotations

import json
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from classes import BOARD, SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE
from sliced import cut
from synthetic import Recipe, make

from assembler.facts import Facts
from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.pipeline.read_results import read_recordings
from assembler.recording import StreamKind
from assembler.workspace import STRAIGHT

BEGUN = 1_790_000_007_700
"""Instant at which each track begins."""


def track(identity: str, **changes: object) -> Recipe:
    words = {"seconds": Fraction(48), "fps": Fraction(10), "gop": 20, "width": 160, "height": 120, "container": "ts"}
    return Recipe.model_validate({"identity": identity, **words, **changes})


def test_chunks_of_long_tracks_start_in_their_middle_and_show_each_picture_in_its_place(
    tmp_path: Path, ffmpeg: str
) -> None:
    camera, lost = StreamKind.CAMERA, 24_000
    sizes = ((320, 240), (240, 180), (320, 240))
    board = track("blue", width=320, height=240, sound=False, sizes=sizes)
    streams = [
        Stream("board", StreamKind.SCREEN, "ann", 0, board, BOARD),
        Stream("holed", camera, "ann", 0, track("red", sound=False), USER_1,
               pieces=((0, lost, 0), (lost + 4_000, 48_000, lost + 4_000))),
        Stream("both", camera, "bob", 0, track("green"), USER_2),
    ]  # fmt: skip
    media = tmp_path / "media"
    media.mkdir()
    for stream in streams:
        names = cut(make(stream.recipe, ffmpeg), media, stream.video_id, BEGUN, ffmpeg, seconds=4)
        if stream.video_id == "holed":
            (media / names[lost // 4_000]).unlink()
    segments = [
        {"video_id": s.video_id, "kind": s.kind.value, "user": s.user, "play_time": s.play, "format": "m3u8"}
        for s in streams
    ]
    (tmp_path / "small.json").write_text(SMALL)
    options = load_options(
        layout=str(tmp_path / "small.json"), media_dir=media, ffmpeg=ffmpeg, home=tmp_path / "home", processes=2,
        chunk_seconds=9,
    )  # fmt: skip
    given = read_recordings(["-"], BytesIO(json.dumps({"segments": segments}).encode()))
    playback = assemble(given, tmp_path / "class.mp4", options)
    lesson = Class(streams)
    assert wrong_pictures(lesson, playback) == []
    assert max(beep_errors(lesson, playback).values()) <= SOUND_TOLERANCE
    answers = [json.loads(path.read_text())["facts"] for path in (tmp_path / "home/facts").iterdir()]
    starts = {one.video_id: len(one.starts) for one in (Facts.from_json(json.dumps(one)) for one in answers)}
    assert starts == {"board": 6, "holed-1": 3, "holed-2": 2, "both": 5}
    assert not list((tmp_path / "home").rglob(f"*{STRAIGHT}")), "none was copied"
