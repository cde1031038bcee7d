"""What is said becomes captions: real faster-whisper, with a model that tells low sound from high sound."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import pytest
from classes import BOARD, Class, Stream
from lessons import omission
from synthetic import Recipe, make
from terminal import Desk, busy_in, until

from assembler.recording import StreamKind

pytest.importorskip("faster_whisper")
from speech_model import make_model

pytestmark = pytest.mark.slow
LOW, HIGH = 300, 2500
"""Pitches, Hz."""
SECONDS = 16
Words = Sequence[tuple[float, float]]
SPOKEN: Mapping[str, tuple[int, Words]] = {
    "a1": (LOW, [(1, 2.5), (7, 8.2), (12, 13.2)]),
    "b1": (HIGH, [(4, 5)]),
    "z1": (HIGH, [(14, 15)]),
}
"""Pitch and spans of each audio file, in s; a pause of the class is from 6 to 10."""
LESSON = Class(
    [
        Stream("w1", StreamKind.WHITEBOARD, "", 0, Recipe(identity="blue", seconds=SECONDS, fps=5, sound=False), BOARD),
        *(
            Stream(name, StreamKind.AUDIO, user, 0, Recipe(picture=False, container="mp3", seconds=SECONDS))
            for name, user in (("a1", "ann"), ("b1", "shy-abe-88"), ("z1", "hidden-zoe-77"))
        ),
    ],
    total=12_000,
    omissions=(omission(6000, 6000, 10_000),),
)
CARD = {
    "people": [
        {"id": "ann", "name": "Ms <Wu>", "role": "teacher"},
        {"id": "shy-abe-88", "name": "Abe Shyman", "show": "anonymous"},
        {"id": "hidden-zoe-77", "name": "Zoe Hideous", "show": "no"},
    ]
}
RUN = ["run", "result.json", "--media-dir", "media", "--layout", "small.json", "-o", "class.mp4"]
WALL = ["--play-times", "wall", "--class", "card.json", "--transcribe", "model"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str, model: Path) -> Desk:
    (tmp_path / "media").mkdir()
    for name, (pitch, words) in SPOKEN.items():
        speak(tmp_path / "media" / f"{name}.mp3", pitch, words)
    (tmp_path / "card.json").write_text(json.dumps(CARD))
    shutil.copytree(model, tmp_path / "model")
    return Desk.laid(tmp_path, LESSON, bundled_ffmpeg)


def speak(path: Path, pitch: int, words: Words) -> None:
    """Write a file in which a tone sounds at these times, in a room that is not quite silent."""
    import numpy as np

    time = np.arange(SECONDS * 48_000) / 48_000
    sounds = sum((time >= start) & (time < end) for start, end in words)
    samples = 0.2 * np.sin(2 * np.pi * pitch * time) * sounds + np.random.default_rng(1).normal(0, 1e-3, time.size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mp3", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        out.mux([*stream.encode(frame), *stream.encode(None)])


def cues(vtt: Path) -> list[tuple[int, str]]:
    """Start in ms and text of each cue."""
    stamp = r"(\d+):(\d+):(\d+)\.(\d+) --> .*\n(.*)\n"
    found = re.findall(stamp, vtt.read_text("utf-8"))
    return [(((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms), text) for h, m, s, ms, text in found]


def test_who_is_shown_is_named_at_the_right_time_and_who_is_hidden_is_not_heard(desk: Desk) -> None:
    said = desk.say(*RUN, *WALL, "--json")
    assert said.code == 0, said.err
    told: dict[str, Any] = json.loads(said.out)
    assets = desk.folder / "class.assets"
    found = cues(assets / "captions.vtt")
    assert [text for _, text in found] == ["<v Ms &lt;Wu&gt;>low", "<v Student 1>high", "<v Ms &lt;Wu&gt;>low"]
    for (at, _), spoken in zip(found, (1000, 4000, 8000), strict=True):  # the last one is 4 s earlier by the pause
        assert -450 <= at - spoken <= 0, "a stretch begins at most 400 ms before the voice"
    assert told["captions"] == [{"path": "captions.vtt", "title": "Captions (automatic)", "cues": 3}]
    with av.open(str(desk.out)) as opened:
        (track,) = opened.streams.subtitles
        assert track.metadata["handler_name"] == "Captions (automatic)"
        texts = [bytes(packet)[2:].decode() for packet in opened.demux(track) if packet.size]
    assert [text for text in texts if text] == ["Ms <Wu>: low", "Student 1: high", "Ms <Wu>: low"]
    assert "Student 1" in (assets / "index.html").read_text("utf-8")
    assert "Written by the speech model model" in (assets / "playback.json").read_text("utf-8")
    for path in (desk.out, *(one for one in assets.rglob("*") if one.is_file())):
        assert not re.search(rb"hidden-zoe|hideous|shy-abe|shyman", path.read_bytes(), re.IGNORECASE), path
    again = desk.say(*RUN, *WALL)
    assert " (was there already)" in again.out
    assert "transcribe" not in again.err
    german = desk.say(*RUN, *WALL, "--transcribe-language", "de")
    assert german.code == 0, german.err
    assert [text.partition(">")[2] for _, text in cues(assets / "captions.vtt")] == ["tief", "tief", "tief"]
    without = desk.say(*RUN, *WALL[:4])
    assert without.code == 0, without.err
    assert not (assets / "captions.vtt").exists()


def test_a_killed_run_goes_on_behind_the_last_stretch_and_what_the_model_is_not_sure_of_is_left_out(
    desk: Desk,
) -> None:
    shutil.rmtree(desk.folder / "model")
    make_model(desk.folder / "model", is_sure=False)
    kept = desk.home / "transcripts"
    with desk.start([*RUN, *WALL]) as run:
        until(lambda: bool(lines(kept)) or run.poll() is not None)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert not busy_in(desk.folder)
    assert len(lines(kept)) == 1
    (torn,) = kept.glob("*.jsonl")
    with torn.open("a") as file:
        file.write('{"stretch":[7')
    old = kept / "old.jsonl"
    old.touch()
    os.utime(old, (0, 0))
    said = desk.say(*RUN, *WALL)
    assert said.code == 0, said.err
    assert "The speech model understood nothing of" in said.out
    stretches = [(name, *line["stretch"]) for name, line in lines(kept)]
    assert len(stretches) == len(set(stretches)) == 3
    assert not old.exists(), "what people said is not kept for good"
    assert not (desk.folder / "class.assets" / "captions.vtt").exists()


def test_two_runs_of_one_class_transcribe_it_once(desk: Desk) -> None:
    with desk.start([*RUN, *WALL]) as one, desk.start([*RUN[:-1], "other.mp4", *WALL]) as other:
        said = [run.communicate(timeout=120)[1] for run in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    stretches = [(name, *line["stretch"]) for name, line in lines(desk.home / "transcripts")]
    assert len(stretches) == len(set(stretches)) == 3
    (found, same) = (cues(desk.folder / f"{name}.assets" / "captions.vtt") for name in ("class", "other"))
    assert len(found) == 3
    assert found == same
    assert sum("another run transcribes the same speech: waiting for it" in err for err in said) == 1
    assert {path.suffix for path in (desk.home / "transcripts").iterdir()} == {".jsonl"}, "no lock is left"


def lines(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """File and value of each whole line of the transcripts."""
    return [
        (path.name, json.loads(line))
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines(keepends=True)
        if line.endswith("\n")
    ]


def test_a_model_that_fails_is_a_warning_and_the_playback_is_made(desk: Desk) -> None:
    (desk.folder / "model" / "tokenizer.json").write_text('{"<|en|>": 1}')
    said = desk.say(*RUN, *WALL)
    assert said.code == 0, said.err
    assert "Nothing could be transcribed: the speech model failed: Exception: " in said.out
    assert "Traceback" not in said.out
    assert not (desk.folder / "class.assets" / "captions.vtt").exists()
    assert desk.say(*RUN, *WALL, "--strict").code == 2


def test_what_a_mixed_stream_has_alone_gets_no_name(tmp_path: Path, bundled_ffmpeg: str, model: Path) -> None:
    recipe = Recipe(identity="red", seconds=SECONDS, fps=5, gop=5, sound=False)
    lesson = Class([Stream("m1", StreamKind.MIX, "", 0, recipe), *LESSON.streams[1:2]], total=SECONDS * 1000)
    (tmp_path / "media").mkdir()
    speak(tmp_path / "media" / "a1.mp3", *SPOKEN["a1"])
    speak(tmp_path / "sound.mp3", HIGH, [(1, 2.5), (4, 5.5), (7, 8.2), (12, 13.2)])
    picture = make(recipe, bundled_ffmpeg)
    join = ["-i", picture, "-i", tmp_path / "sound.mp3", "-c:v", "copy", "-c:a", "aac", tmp_path / "media" / "m1.mp4"]
    subprocess.run([bundled_ffmpeg, "-v", "error", *join], check=True)
    desk = Desk.laid(tmp_path, lesson, bundled_ffmpeg)
    run = ["run", "result.json", "--media-dir", "media", "--layout", "mix", "-o", "class.mp4"]
    said = desk.say(*run, "--transcribe", str(model))
    assert said.code == 0, said.err
    found = cues(desk.folder / "class.assets" / "captions.vtt")
    assert [text for _, text in found] == ["<v ann>low", "high", "<v ann>low", "<v ann>low"]


def test_captions_that_are_given_are_taken(desk: Desk) -> None:
    (desk.folder / "own.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nmine\n")
    said = desk.say(*RUN, *WALL, "--captions", "own.vtt")
    assert said.code == 0, said.err
    assert cues(desk.folder / "class.assets" / "captions.vtt") == [(1000, "mine")]
    assert not (desk.home / "transcripts").exists()
