"""Classes whose files are declared at wrong times: with --align sound pictures and sound are where they belong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from classes import SMALL, USER_1, USER_2, Class, Stream, wrong_pictures
from e2e.test_sync import recipe
from echoing import RATE, Hears, Room, Sound, voices
from sounds import listen

from assembler.choices import Align
from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.recording import StreamKind

CAMERA, AUDIO = StreamKind.CAMERA, StreamKind.AUDIO
SECONDS = 30
NEAR = 0.010
ROOM = Room(
    {"ann": 0, "bob": 1_240}, SECONDS, codec={"ann": "opus", "bob": "opus"},
    hears=[Hears("bob", "ann", 20, 90), Hears("ann", "bob", 20, 90)], talking=True,
)  # fmt: skip
"""Sound of two who hear each other 90 ms late."""
TRUE = Class(
    [
        Stream("ann-cam", CAMERA, "ann", 180, recipe("red", 6, container="webm", sound=False), USER_1),
        Stream("bob-cam", CAMERA, "bob", 1_393, recipe("green", 5, container="webm", sound=False), USER_2),
    ]
)
"""Pictures where they belong."""


def run(folder: Path, ffmpeg: str, wrong: int, **options: object) -> Playback:
    """Assemble a class whose bob is declared wrong by so many ms."""
    declared = replace(TRUE, streams=[TRUE.streams[0], replace(TRUE.streams[1], play=1_393 + wrong)])
    media = declared.make(folder, ffmpeg)
    if not (media / "bob.ogg").exists():
        ROOM.write(media)
    made = declared.recording()
    mics = [
        made.segments[0].model_copy(
            update={"video_id": user, "kind": AUDIO, "user": user, "play_time": at, "duration": None}
        )
        for user, at in (("ann", 0), ("bob", 1_240 + wrong))
    ]
    given = made.model_copy(update={"segments": (*made.segments, *mics)})
    (folder / "small.json").write_text(SMALL)
    chosen = {"layout": str(folder / "small.json"), "media_dir": media, "home": folder / "home", "ffmpeg": ffmpeg}
    return assemble(given, folder / "class.mp4", load_options(**chosen, processes=2, teacher="ann", **options))


def late(playback: Playback, voice: Sound) -> float:
    """Time in s by which a voice is heard later than it was spoken."""
    heard = listen(playback.path, rate=RATE).mono.astype(np.float32)
    size = 1 << (len(heard) + len(voice)).bit_length()
    crossed = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(voice, size))
    found = np.fft.irfft(crossed / np.maximum(np.abs(crossed), 1e-9), size)
    place = int(found.argmax())
    return (place if place < size // 2 else place - size) / RATE


@pytest.mark.parametrize("wrong", [412, -780])
def test_pictures_and_sound_of_a_person_declared_at_a_wrong_time_are_in_sync(
    wrong: int, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    playback = run(tmp_path, bundled_ffmpeg, wrong, align=Align.SOUND)
    assert wrong_pictures(TRUE, playback) == []
    for user, voice in voices(("ann", "bob"), SECONDS, 1, True).items():
        assert abs(late(playback, voice)) <= NEAR, user
    (one,) = playback.manifest.alignments
    assert (one.video_ids, one.against, one.declared) == (("bob", "bob-cam"), "ann", 1_240 + wrong)
    assert (one.moved, one.measured, one.echo) == (
        pytest.approx(-wrong, abs=2), pytest.approx(1_240, abs=2), pytest.approx(90, abs=2),
    )  # fmt: skip
    assert one.confidence >= 0.5
    said = next(f.sentence for f in playback.manifest.findings if f.where == "bob" and "Moved" in f.sentence)
    assert f"Moved by {one.moved:+} ms together with bob-cam: declared at" in said
    assert "Placed by sound" in playback.report.read_text("utf-8")
    assert run(tmp_path, bundled_ffmpeg, wrong, align=Align.SOUND).was_there


def test_nothing_is_moved_unless_that_is_asked_for(tmp_path: Path, bundled_ffmpeg: str) -> None:
    playback = run(tmp_path, bundled_ffmpeg, 412)
    assert late(playback, voices(("ann", "bob"), SECONDS, 1, True)["bob"]) == pytest.approx(0.412, abs=NEAR)
    assert playback.manifest.alignments == ()
