"""The long and the crowded classes, made of repeated packets instead of hours of encoding."""

from __future__ import annotations

import subprocess
from pathlib import Path

from contenders import graph_command
from courses import SEATS, STAGE, Course, Stream, lesson, write_course
from material import FPS, TAGGED, Material

WALL = 1_600_000_000_000
"""When a mixed class began, Unix ms."""
MIXED_ENCODER = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-bf", "0", *TAGGED)
USERS, TURNS, CHAIRS, STAY_SECONDS = 40, 15, 4, 4
"""40 users with 15 turns each are 600 joins and 600 leaves; four are there at a time, each for 4 s."""
CROWD_SECONDS = USERS * TURNS * STAY_SECONDS // CHAIRS


def long(material: Material, folder: Path, seconds: int, times: int) -> Course:
    """A lesson so many times one behind the other."""
    one = lesson(material, folder, seconds)
    placed = [
        (Stream(f"{s.id}-{n:02}", s.kind, s.user, s.start + n * one.length, s.length, s.rect, s.has_sound), one.path(s))
        for n in range(times)
        for s in one.streams
    ]
    return write_course(folder, f"long-{seconds}x{times}", placed, times * one.length)


def mixed(material: Material, folder: Path, minutes: int, files: int) -> Course:
    """A mixed stream in so many files, a pause at each border."""
    minute = _mixed_minute(material, folder)
    each = minutes // files
    parts: list[tuple[Stream, Path]] = []
    for number in range(files):
        sound = _voices(material, each * 60, 30 + number)
        path = material.looped(minute, each, sound=sound)
        stream = Stream(f"mix-{number}", "mix", "", number * each * 60_000, each * 60_000, STAGE, True)
        parts.append((stream, path))
    paused = [
        {
            "at": number * each * 60_000,
            "pause": WALL + number * each * 60_000 + (number - 1) * 90_000,
            "resume": WALL + number * each * 60_000 + number * 90_000,
        }
        for number in range(1, files)
    ]
    name = f"mixed-{minutes}in{files}"
    return write_course(folder, name, parts, minutes * 60_000, "auto", start=WALL, omissions=paused)


def _mixed_minute(material: Material, folder: Path) -> Path:
    """A minute of a lesson as the vendor's mixing would write it, picture only, without B-frames."""
    source = lesson(material, folder, 60)

    def make(part: Path) -> None:
        whole = part.with_name(f"whole-{part.name}")
        subprocess.run(graph_command(source, whole, material.ffmpeg, MIXED_ENCODER), check=True)
        material.run(["-i", str(whole), "-an", "-c", "copy", str(part)])
        whole.unlink()

    return material.made(".mp4", ["mixed minute", *MIXED_ENCODER], make)


def _voices(material: Material, seconds: int, seed: int) -> Path:
    """Stereo AAC of one speaker, five minutes repeated."""
    voice = material.voice(300, seed)

    def make(part: Path) -> None:
        words = ["-stream_loop", "-1", "-i", str(voice), "-t", str(seconds), "-ac", "2"]
        material.run([*words, "-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k", str(part)])

    return material.made(".m4a", ["voices", seconds, seed], make)


def crowd(material: Material, folder: Path) -> tuple[Course, Course]:
    """The class with 600 joins and leaves, and the very same pictures and sounds as four users who stay.

    Who sits on a chair leaves when the next one comes, and no two chairs change at the same time: so the seats of
    both classes show the same packets.
    """
    board = (Stream("board", "whiteboard", "", 0, CROWD_SECONDS * 1000, STAGE, False), material.board(CROWD_SECONDS))
    crowded, steady = [board], [board]
    clips = ("bigbuckbunny", "bikes", "carphone_pristine", "bigbuckbunny")
    per_chair = USERS // CHAIRS
    for chair in range(CHAIRS):
        seconds = CROWD_SECONDS - chair
        camera = material.camera(seconds, clips[chair], (320, 240), 180, 50 + chair, key_seconds=1)
        stayed = Stream(f"chair{chair}", "camera", f"chair{chair}", chair * 1000, seconds * 1000, SEATS[chair], True)
        steady.append((stayed, camera))
        for turn, path in enumerate(_turns(material, camera, seconds)):
            length = min(STAY_SECONDS, seconds - turn * STAY_SECONDS) * 1000
            user = f"user{chair * per_chair + turn % per_chair:02}"
            start = chair * 1000 + turn * STAY_SECONDS * 1000
            crowded.append((Stream(f"{user}-{turn:03}", "camera", user, start, length, SEATS[chair], True), path))
    end = CROWD_SECONDS * 1000
    return write_course(folder, "crowd", crowded, end), write_course(folder, "crowd-steady", steady, end)


def _turns(material: Material, camera: Path, seconds: int) -> list[Path]:
    """A camera's packets cut into files of 4 s."""

    def make(part: Path) -> None:
        part.mkdir()
        cut = ["-f", "segment", "-segment_time", str(STAY_SECONDS), "-reset_timestamps", "1"]
        exact = ["-segment_time_delta", str(0.5 / FPS)]
        material.run(["-i", str(camera), "-c", "copy", *cut, *exact, str(part / "%03d.mp4")])

    folder = material.made("", ["turns", camera.name, STAY_SECONDS], make)
    found = sorted(folder.glob("*.mp4"))
    assert len(found) == -(-seconds // STAY_SECONDS), "the camera was cut at other places than its key frames"
    return found
