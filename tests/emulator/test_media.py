"""Files that are made of what happened: which ones, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import readers

from assembler.emulator.lesson import Lesson, Presence
from assembler.emulator.media import AUDIO, CAMERA, SHORTEST, make_file, wanted_files
from assembler.emulator.task import Pause, Phase, Task, Wishes
from assembler.times import WallMs

START = WallMs(1_718_010_000_250)
LESSON = Lesson(
    streams=(
        Presence(user="ann"),
        Presence(user="bob", since=1, until=3),
        Presence(user="bob", since=6, until=20),
        Presence(user="eve", since=2, until=2 + (SHORTEST - 1) / 1000),
    ),
    scale=0.25,
)


def task_of(**more: Any) -> Task:
    """A class of 10 s without the seconds 4 to 6."""
    given = {
        "user": "u",
        "pauses": (Pause(begin=WallMs(START + 4000), end=WallMs(START + 6000)),),
        "phase": Phase.STOPPED,
        **more,
    }
    return Task(
        id="t", api="v3", room=5, group="5", base="", lesson=LESSON, due=START, seen=START, began=START,
        ended=WallMs(START + 10_000), **given,
    )  # fmt: skip


def places(task: Task, *quirks: str) -> list[tuple[int, str, int, int]]:
    return sorted((one.kind, one.user, one.play, one.length) for one in wanted_files(task, frozenset(quirks)))


def test_every_stretch_and_stream_is_a_file() -> None:
    assert places(task_of()) == [
        (CAMERA, "ann", 0, 4000), (CAMERA, "ann", 4000, 4000), (CAMERA, "bob", 1000, 2000), (CAMERA, "bob", 4000, 4000),
    ]  # fmt: skip


def test_with_concat_every_stream_is_a_file() -> None:
    assert places(task_of(wishes=Wishes(concat=True))) == [(CAMERA, "ann", 0, 8000), (CAMERA, "bob", 1000, 7000)]


def test_a_stream_that_is_not_to_be_recorded_or_heard_is_not() -> None:
    only_ann = {"": {"DisableRecord": True}, "ann": {"DisableRecord": False, "DisableAudio": True}}
    task = task_of(wishes=Wishes(streams=only_ann, audio=True))
    assert {user for _, user, *_ in places(task)} == {"ann"}
    sounds = {one.kind: one.recipe.sound for one in wanted_files(task, frozenset())}
    assert sounds == {CAMERA: False}, "there is nothing to hear in a file of sound"


def test_a_recording_of_signals_only_has_no_files_yet() -> None:
    assert places(task_of(wishes=Wishes(later=True))) == []
    assert len(places(task_of(wishes=Wishes(later=True), user="", phase=Phase.PROCESSING))) == 4


def test_an_absence_is_black_and_silent_in_a_joined_file(tmp_path: Path, bundled_ffmpeg: str) -> None:
    (bob,) = [w for w in wanted_files(task_of(wishes=Wishes(concat=True)), frozenset()) if w.user == "bob"]
    file = make_file(bob, tmp_path, bundled_ffmpeg)
    path = tmp_path / file.name
    assert (file.size, file.play, file.length) == (path.stat().st_size, 1000, 7000)
    for stamp, identity, counter in readers.read_source(path):
        is_there = stamp < 2 or stamp >= 3
        assert (identity is not None) is is_there, float(stamp)
        assert not is_there or counter == round(stamp * 15)
    pitch = bob.recipe.who.pitch
    assert [round(at, 2) for at in readers.beeps(path, [pitch])[pitch]] == [0, 1, 3, 4, 5, 6]


def test_a_file_of_sound_is_an_mp3(tmp_path: Path, bundled_ffmpeg: str) -> None:
    (sound, *_) = [w for w in wanted_files(task_of(), frozenset({"mp3"})) if w.kind == AUDIO]
    file = make_file(sound, tmp_path, bundled_ffmpeg)
    assert (file.name.rpartition(".")[2], file.width, file.height) == ("mp3", 0, 0)
    pitch = sound.recipe.who.pitch
    assert len(readers.beeps(tmp_path / file.name, [pitch])[pitch]) == 4
