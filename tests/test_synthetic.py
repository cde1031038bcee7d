"""The measuring instruments measured: synthetic files say what their recipe says, and the readers read it."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import readers
import synthetic
from synthetic import Recipe

from assembler.demo.identity import BEEP_SECONDS, IDENTITIES

PITCHES = [who.pitch for who in IDENTITIES.values()]
TICK_OF_MKV = 0.001

RECIPES = {
    "plain": Recipe(),
    "b-frames": Recipe(bframes=2, gop=7),
    "mkv": Recipe(container="mkv"),
    "ts": Recipe(container="ts"),
    "odd size": Recipe(pixels="yuv444p", width=321, height=241),
    "odd size, webm": Recipe(container="webm", width=321, height=241),
    "mp3": Recipe(container="mp3", picture=False),
    "picture later": Recipe(picture_late=Fraction("0.4"), bframes=2),
    "picture earlier, cut": Recipe(picture_late=Fraction("-0.4")),
    "starts at 5 s": Recipe(origin=Fraction(5)),
    "starts before 0, cut": Recipe(origin=Fraction("-1.6"), gop=5),
    "starts before 0": Recipe(origin=Fraction("-1.5"), container="ts"),
    "variable rate": Recipe(cadence=(Fraction(1, 30), Fraction(1, 10), Fraction(1, 2)), bframes=2),
    "jitter": Recipe(jitter=Fraction("0.02")),
    "hole in the picture": Recipe(hole=(Fraction(1), Fraction(3))),
    "hole in the sound": Recipe(sound_hole=(Fraction("1.5"), Fraction("2.5"))),
    "turned 90": Recipe(rotation=90),
    "turned 180": Recipe(rotation=180),
    "turned 270": Recipe(rotation=270),
    "wide pixels": Recipe(sar=Fraction(4, 3), width=240),
    "sizes change": Recipe(sizes=((320, 240), (640, 360), (240, 320))),
    "sizes change, ts": Recipe(sizes=((320, 240), (640, 360)), container="ts"),
    "sound changes": Recipe(sounds=((44_100, 1), (48_000, 2), (48_000, 1)), container="ts", seconds=Fraction("4.2")),
    "5.1": Recipe(channels=6),
    "stereo at 44.1 kHz": Recipe(channels=2, rate=44_100),
    "clock ahead": Recipe(clock_start=Fraction("3.2"), label="clock"),
    "no sound": Recipe(sound=False),
    "no picture": Recipe(picture=False),
    "one frame": Recipe(frames=1, sound=False),
    "picture longer": Recipe(frames=90, seconds=Fraction(2)),
}


def shown_by(ffmpeg: str, path: Path, target: Path, graph: str) -> Path:
    """What this ffmpeg itself makes of a file, losslessly and with the stamps it had."""
    argv = [ffmpeg, "-v", "error", "-nostdin", "-y", "-i", str(path), "-vf", graph, "-an"]
    subprocess.run([*argv, "-fps_mode", "passthrough", "-c:v", "libx264", "-qp", "0", str(target)], check=True)
    return target


@pytest.mark.parametrize("name", RECIPES)
def test_a_file_is_what_its_recipe_says(name: str, bundled_ffmpeg: str) -> None:
    assert_as_told(RECIPES[name], bundled_ffmpeg)


@pytest.mark.apt_ffmpeg
@pytest.mark.parametrize("ffmpeg", ["debian"], indirect=True)
@pytest.mark.parametrize("name", ["plain", "b-frames", "ts", "odd size", "odd size, webm", "mp3", "jitter", "no sound"])
def test_of_another_ffmpeg_too(name: str, ffmpeg: str) -> None:
    """Where it writes the file by itself, and one of each codec where it does not: the rest is not its work."""
    assert_as_told(RECIPES[name], ffmpeg)


def assert_as_told(recipe: Recipe, ffmpeg: str) -> None:
    path = synthetic.make(recipe, ffmpeg)
    start = readers.file_origin(path)
    if recipe.picture and not recipe.rotation:
        found = readers.read_source(path)
        expected = synthetic.frame_times(recipe)
        assert [counter for _, _, counter in found] == [counter for counter, _ in expected]
        assert {identity for _, identity, _ in found} == {recipe.identity}
        for (stamp, _, _), (_, at) in zip(found, expected, strict=True):
            assert abs(stamp - start - at) < TICK_OF_MKV
    if recipe.sound:
        heard = readers.beeps(path, PITCHES)
        onsets = [at - float(start) for at in heard.pop(recipe.who.pitch)]
        assert onsets == pytest.approx([float(at) for at in synthetic.beep_times(recipe)], abs=0.001)
        assert len(onsets) > 1
        assert not any(heard.values()), "no other stream is heard"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_file_is_upright_in_a_player(rotation: int, bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(rotation=rotation, seconds=1), bundled_ffmpeg)
    upright = shown_by(bundled_ffmpeg, path, tmp_path / "upright.mp4", "null")
    assert [counter for _, _, counter in readers.read_source(upright)] == list(range(15))


@pytest.mark.parametrize(
    ("source", "slot", "fill"),
    [
        ((640, 480), (320, 240), "fit"),
        ((1280, 720), (320, 240), "fit"),
        ((1280, 720), (320, 240), "crop"),
        ((320, 240), (160, 120), "fit"),
        ((240, 320), (320, 240), "fit"),
        ((640, 480), (640, 360), "crop"),
    ],
)
def test_a_counter_is_read_in_every_frame_of_a_slot(
    source: tuple[int, int], slot: tuple[int, int], fill: str, bundled_ffmpeg: str, tmp_path: Path
) -> None:
    recipe = Recipe(identity="sky", width=source[0], height=source[1], seconds=2)
    how = "decrease" if fill == "fit" else "increase"
    graph = f"scale={slot[0]}:{slot[1]}:force_original_aspect_ratio={how},crop='min(iw,{slot[0]})':'min(ih,{slot[1]})'"
    graph += f",pad={slot[0]}:{slot[1]}:-1:-1,pad={slot[0] + 100}:{slot[1] + 60}:40:20:color=#34363B"
    made = shown_by(bundled_ffmpeg, synthetic.make(recipe, bundled_ffmpeg), tmp_path / "slot.mp4", graph)
    rows = readers.read_all(made, {"slot": readers.View((40, 20, *slot), source, fill)})
    assert [row.seen["slot"] for row in rows] == [readers.Seen("sky", counter) for counter in range(30)]


def test_background_is_nobody(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(seconds=1), bundled_ffmpeg)
    made = shown_by(bundled_ffmpeg, path, tmp_path / "wide.mp4", "pad=960:240:320:0:color=#34363B")
    views = {"left": (0, 0, 320, 240), "middle": (320, 0, 320, 240), "between": (160, 0, 320, 240)}
    with readers.open_playback(made) as playback:
        assert playback.seen(views["left"], Fraction(1, 2)) == readers.NOBODY
        assert playback.seen(views["between"], Fraction(1, 2)) == readers.NOBODY
        assert playback.seen(views["middle"], Fraction(1, 2)) == readers.Seen("red", 7)
        assert playback.counter_at(views["middle"], 3) == 3
        assert playback.colour_at(10, 10, 0) == pytest.approx((0x34, 0x36, 0x3B), abs=3)


def test_two_frames_mixed_are_unreadable(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(seconds=1), bundled_ffmpeg)
    made = shown_by(bundled_ffmpeg, path, tmp_path / "mixed.mp4", "tblend=all_mode=average")
    counters = readers.counters(readers.read_all(made, {"all": (0, 0, 320, 240)}), "all")
    assert set(counters[1:]) == {None}


def test_every_identity_is_told_from_every_other(bundled_ffmpeg: str) -> None:
    for name in IDENTITIES:
        path = synthetic.make(Recipe(identity=name, frames=1, sound=False), bundled_ffmpeg)
        assert readers.read_source(path) == [(Fraction(0), name, 0)]
    for colour in ("#34363B", "#000000", "#FFFFFF"):
        assert readers.nearest([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) is None


def test_beeps_that_overlap_are_heard_to_the_sample() -> None:
    rate, length = 48_000, round(BEEP_SECONDS * 48_000)
    signal = np.zeros(rate * 3)
    starts = {PITCHES[0]: 500, PITCHES[1]: 1700, PITCHES[2]: 1801, PITCHES[7]: 3000}
    for pitch, start in starts.items():
        for at in (start, start + rate):
            signal[at : at + length] += 0.2 * np.sin(2 * np.pi * pitch * np.arange(length) / rate)
    heard = readers.Heard(rate, Fraction(10), signal[np.newaxis].astype(np.float32))
    found = readers.beeps(heard, PITCHES)
    assert {pitch: at for pitch, at in found.items() if at} == {
        pitch: pytest.approx([10 + start / rate, 11 + start / rate], abs=0.0001) for pitch, start in starts.items()
    }


@pytest.mark.parametrize("lost", [0.01, 0.04, 0.07])
@pytest.mark.parametrize("side", ["start", "end"])
def test_a_beep_cut_short_is_no_beep(lost: float, side: str) -> None:
    rate, length = 48_000, round(BEEP_SECONDS * 48_000)
    signal = np.zeros(rate)
    signal[9600 : 9600 + length] = 0.2 * np.sin(2 * np.pi * PITCHES[0] * np.arange(length) / rate)
    cut = round(lost * rate)
    silent = slice(9600, 9600 + cut) if side == "start" else slice(9600 + length - cut, 9600 + length)
    heard = readers.Heard(rate, Fraction(0), signal[np.newaxis].astype(np.float32))
    assert readers.beeps(heard, PITCHES[:1])[PITCHES[0]] == [0.2]
    heard.samples[0, silent] = 0
    assert readers.beeps(heard, PITCHES[:1])[PITCHES[0]] == []


def test_the_level_of_a_beep_is_its_recipes_gain(bundled_ffmpeg: str) -> None:
    recipe = Recipe(gain=0.3, channels=2)
    path = synthetic.make(recipe, bundled_ffmpeg)
    assert readers.tone_level(path, recipe.who.pitch, 1.0) == pytest.approx(0.3, rel=0.05)
    assert readers.tone_level(path, recipe.who.pitch, 1.0, channel=1) == pytest.approx(0.3, rel=0.05)
    assert readers.tone_level(path, recipe.who.pitch, 1.5) < 0.005
    assert readers.tone_level(path, PITCHES[5], 1.0) < 0.01


def test_an_index_in_front_is_told_from_one_behind(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(seconds=1), bundled_ffmpeg)
    behind = tmp_path / "behind.mp4"
    subprocess.run([bundled_ffmpeg, "-v", "error", "-i", str(path), "-c", "copy", str(behind)], check=True)
    assert readers.has_faststart(path)
    assert not readers.has_faststart(behind)


def test_a_truncated_file_keeps_its_index_and_loses_frames(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(), bundled_ffmpeg)
    short = synthetic.truncated(path, tmp_path / "short.mp4", 0.6)
    with av.open(str(short)) as container:
        assert container.duration == 4_000_000
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert 5 < len(packets) < 55


def test_files_that_are_no_media_cannot_be_opened(bundled_ffmpeg: str, tmp_path: Path) -> None:
    path = synthetic.make(Recipe(), bundled_ffmpeg)
    for broken in (
        synthetic.without_moov(path, tmp_path / "no-moov.mp4"),
        synthetic.empty(tmp_path / "empty.mp4"),
        synthetic.web_page(tmp_path / "page.mp4"),
    ):
        with pytest.raises(av.FFmpegError):
            av.open(str(broken))


def test_a_recipe_is_made_once(bundled_ffmpeg: str) -> None:
    recipe = Recipe(identity="brown", seconds=1)
    first = synthetic.make(recipe, bundled_ffmpeg)
    made = first.stat().st_mtime_ns
    assert synthetic.make(recipe, bundled_ffmpeg) == first
    assert first.stat().st_mtime_ns == made


def test_what_is_due_at_a_time_follows_the_recipe() -> None:
    recipe = Recipe(picture_late=Fraction("0.5"), hole=(Fraction(1), Fraction(2)))
    assert synthetic.counter_at(recipe, 0.4) is None
    assert synthetic.counter_at(recipe, 0.5) == 0
    assert synthetic.counter_at(recipe, 2.4) == 14
    assert synthetic.counter_at(recipe, 2.5) == 30
