"""Hidden and anonymous people in a finished playback: its pixels, its sound, and every byte beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classes import BOARD, USER_1, Class, Stream
from oddities import odd
from readers import Planes, open_playback
from sounds import beeps, listen

from assembler.class_card import parse_card
from assembler.demo.identity import IDENTITIES
from assembler.errors import InputError
from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.recording import Interrupt, StreamKind, VendorError

CAMERA, SCREEN, AUDIO = StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO
TEACHER, HIDDEN, SHY = "teacher-wu", "hidden-zoe-77", "shy-abe-88"
WORDS = (HIDDEN, "Zoe Hideous", SHY, "Abe Shyman")
LESSON = Class(
    [
        Stream("board", StreamKind.WHITEBOARD, "", 0, odd("yellow", seconds=4, sound=False), BOARD),
        Stream("cam-t", CAMERA, TEACHER, 0, odd("red", seconds=4, gain=0.2), USER_1),
        Stream(f"{HIDDEN}-cam", CAMERA, HIDDEN, 0, odd("blue", seconds=4, gain=0.2)),
        Stream("share-z", SCREEN, HIDDEN, 1000, odd("purple", seconds=2, gain=0.2)),
        Stream(f"cam-{SHY}", CAMERA, SHY, 0, odd("green", seconds=4, gain=0.2)),
        Stream("gone", CAMERA, SHY, 9_000, odd("lime", seconds=1, gain=0.2)),
    ]
)
CARD = {
    "title": "Algebra with Abe Shyman",
    "people": [
        {"id": TEACHER, "name": "Ms Wu", "role": "teacher"},
        {"id": HIDDEN, "name": "Zoe Hideous", "show": "no"},
        {"id": SHY, "name": "Abe Shyman", "show": "anonymous"},
    ],
    "chapters": [{"at": 2000, "title": "Zoe Hideous asks"}],
}
GONE, HEARD = ("blue", "purple", "green"), ("red", "green")


def made(folder: Path, ffmpeg: str, **options: Any) -> Playback:
    """The class with its card; of one file only a page of the portal is there."""
    media = LESSON.make(folder, ffmpeg)
    (media / "gone.mp4").write_text("<!DOCTYPE html><html>403</html>" * 20)
    lesson = LESSON.recording().model_copy(
        update={
            "interrupts": (Interrupt(user=HIDDEN, count=3), Interrupt(user=SHY, count=2)),
            "error": VendorError(code="", number=None, message=f"the stream of {HIDDEN.upper()} broke", advice=""),
        }
    )
    chosen = load_options(
        **{"layout": "tiw-2", "media_dir": media, "ffmpeg": ffmpeg, "processes": 2, "quality": "draft", **options}
    )
    return assemble(lesson, folder / "out" / "class.mp4", chosen, card=parse_card(json.dumps(CARD).encode()))


def colours(path: Path) -> dict[str, int]:
    """The largest number of pixels of each identity's colour in any frame, wherever they are."""
    most, wanted = np.zeros(len(IDENTITIES), int), np.array([who.rgb for who in IDENTITIES.values()])
    with open_playback(path) as playback:
        for frame in playback.frames:
            rgb, counts = Planes(frame).counted(4)
            near = np.abs(rgb[:, None] - wanted).max(axis=-1) < 20
            most = np.maximum(most, counts @ near)
    return dict(zip(IDENTITIES, most.tolist(), strict=True))


def heard(path: Path) -> set[str]:
    found = beeps(listen(path), [who.pitch for who in IDENTITIES.values()])
    return {name for name, who in IDENTITIES.items() if found[who.pitch]}


@pytest.mark.parametrize(("mute", "voices"), [("yes", set[str]()), ("no", {"blue", "purple"})])
def test_nobody_who_is_hidden_is_seen_heard_or_named(
    tmp_path: Path, bundled_ffmpeg: str, mute: str, voices: set[str]
) -> None:
    packages = ["archive", "otio", "people", "poster"] if mute == "yes" else []
    playback = made(tmp_path, bundled_ffmpeg, mute_hidden=mute, also=packages)
    assert sorted(package.name.value for package in playback.manifest.packages) == packages
    seen = colours(playback.path)
    assert {name for name in GONE if seen[name] > 20} == set()
    assert seen["red"] > 500
    assert seen["yellow"] > 5000
    assert heard(playback.path) == {*HEARD, *voices}
    published = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.name for path in published} >= {"class.mp4", "playback.json", "report.html"}
    for path in published:
        text = path.read_bytes().lower()
        assert [word for word in WORDS if word.lower().encode() in text or word.lower() in str(path).lower()] == []
    manifest = playback.manifest
    assert {(p.user, p.name, p.role.value) for p in manifest.people} == {
        (TEACHER, "Ms Wu", "teacher"), ("Student 1", "Student 1", "student"),
    }  # fmt: skip
    assert manifest.title == "Algebra with Student 1"
    assert [c.title for c in manifest.chapters] == ["Start", "(hidden) asks"]
    assert any(f.where == "gone" for f in manifest.findings), "the file that is lost is told"


def test_without_a_card_they_are_all_there(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Otherwise the test above would not notice."""
    playback = LESSON.assemble(tmp_path, bundled_ffmpeg, layout="tiw-2", quality="draft")
    seen = colours(playback.path)
    assert all(seen[name] > 500 for name in GONE)
    assert heard(playback.path) >= {"red", "blue", "purple", "green"}
    assert HIDDEN.encode() in (tmp_path / "class.assets" / "report.html").read_bytes()


def test_an_error_of_a_file_names_nobody_who_is_hidden(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = Class([Stream(f"cam-{SHY}", CAMERA, SHY, 0, odd("green", seconds=1))])
    media = lesson.make(tmp_path, bundled_ffmpeg)
    (media / f"cam-{SHY}.mp4").write_bytes(b"")
    options = load_options(media_dir=media, ffmpeg=bundled_ffmpeg)
    with pytest.raises(Exception, match="file-1") as caught:
        assemble(lesson.recording(), tmp_path / "class.mp4", options, card=parse_card(json.dumps(CARD).encode()))
    assert SHY not in str(caught.value)


def test_a_recorded_file_of_a_hidden_person_is_never_replaced(tmp_path: Path, bundled_ffmpeg: str) -> None:
    media = LESSON.make(tmp_path, bundled_ffmpeg)
    options = load_options(media_dir=media, ffmpeg=bundled_ffmpeg, overwrite=True)
    card = parse_card(json.dumps(CARD).encode())
    with pytest.raises(InputError, match="is one of the files that the playback is made from"):
        assemble(LESSON.recording(), media / f"{HIDDEN}-cam.mp4", options, card=card)
