"""The benchmark's classes: which files, where each belongs in time and on the canvas, and the result that says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from material import FPS, Material

from assembler.layout import builtin
from assembler.layout.row import Needs

CANVAS = (1624, 1000)
BACKGROUND = "#34363B"
"""The vendor's layout tiw-2."""
STAGE = (8, 8, 1280, 960)
SEATS = tuple((1296, 8 + 248 * n, 320, 240) for n in range(4))
CROWD = 12
STEP = 200
"""Starts are whole multiples of this many ms (3 frames): so every contender shows the same source frame at each
output frame, and pictures can be compared."""


@dataclass(frozen=True)
class Stream:
    """One file of a class."""

    id: str
    """Video id; the file is ``<id>.mp4`` in the class's folder."""
    kind: str
    user: str
    start: int
    """Playback ms."""
    length: int
    """ms."""
    rect: tuple[int, int, int, int]
    """Where tiw-2 shows it: x, y, width, height."""
    has_sound: bool
    has_bars: bool = False
    """True if its picture has another shape than the rectangle: what is left of it is black."""


@dataclass(frozen=True)
class Course:
    """One class of the benchmark, on disk."""

    name: str
    folder: Path
    """Holds the files under their ids."""
    result: Path
    """The neutral JSON."""
    streams: tuple[Stream, ...]
    """Lowest first."""
    length: int
    """Playback ms."""
    layout: str = "tiw-2"
    canvas: tuple[int, int] = CANVAS
    """Width and height of the picture."""

    def path(self, stream: Stream) -> Path:
        return self.folder / f"{stream.id}.mp4"

    @property
    def frames(self) -> int:
        return self.length * FPS // 1000


def write_course(
    folder: Path, name: str, placed: list[tuple[Stream, Path]], length: int, layout: str = "tiw-2", **more: object
) -> Course:
    """A class's folder: links to its files under their ids, and its result beside it."""
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).mkdir(parents=True)
    for stream, path in placed:
        (folder / name / f"{stream.id}.mp4").symlink_to(path.resolve())
    streams = tuple(stream for stream, _ in placed)
    segments = [
        {"kind": s.kind, "user": s.user, "video_id": s.id, "play_time": s.start, "duration": s.length, "format": "mp4"}
        for s in streams
    ]
    result = folder / f"{name}.json"
    result.write_text(json.dumps({"segments": segments, "total": length, **more}, indent=1), "utf-8")
    return Course(name=name, folder=folder / name, result=result, streams=streams, length=length, layout=layout)


def lesson(material: Material, folder: Path, seconds: int) -> Course:
    """Board, teacher, three students who come and go, a third of the time a screen share."""

    def at(share: float) -> int:
        return round(share * seconds * 1000 / STEP) * STEP

    placed = _board_and_teacher(material, seconds)
    stays = [
        ("ann", 0, 0.03, 0.43),
        ("ann", 0, 0.53, 0.97),
        ("bob", 1, 0.1, 0.67),
        ("eve", 2, 0.2, 0.37),
        ("eve", 2, 0.5, 1.0),
    ]
    clips = ("bigbuckbunny", "bikes", "carphone_pristine")
    for number, (user, seat, first, last) in enumerate(stays):
        length = at(last) - at(first)
        file = material.camera(-(-length // 1000), clips[seat], (320, 240), 180, 11 + number)
        stream = Stream(f"{user}-{number}", "camera", user, at(first), length, SEATS[seat + 1], True)
        placed.append((stream, file))
    start, length = at(1 / 3), at(2 / 3) - at(1 / 3)
    share = Stream("share", "screen", "teacher", start, length, STAGE, False, True)
    placed.insert(1, (share, material.screen(-(-length // 1000))))
    return write_course(folder, f"lesson-{seconds}", placed, seconds * 1000)


def moving(material: Material, folder: Path, seconds: int) -> Course:
    """A share that moves all the time, and a teacher."""
    return _share(material, folder, "moving", seconds, "screen", material.moving_screen(seconds))


def text(material: Material, folder: Path, seconds: int) -> Course:
    """A board of small text, and a teacher."""
    return _share(material, folder, "text", seconds, "whiteboard", material.small_text(seconds))


def noisy_lesson(material: Material, folder: Path, seconds: int) -> Course:
    """The lesson's board and share, with five cameras in bad light that stay."""
    placed = [
        (Stream("board", "whiteboard", "", 0, seconds * 1000, STAGE, False), material.board(seconds)),
        (
            Stream("share", "screen", "teacher", seconds * 400, seconds * 400, STAGE, False, True),
            material.screen(seconds * 2 // 5),
        ),
    ]
    for n, clip in enumerate(("carphone_pristine", "bigbuckbunny", "bikes", "carphone_pristine")):
        camera = material.noisy_camera(seconds, clip, (640, 480) if n == 0 else (320, 240), 71 + n, 12, "21")
        placed.append((Stream(f"user{n}", "camera", f"user{n}", 0, seconds * 1000, SEATS[n], True), camera))
    return write_course(folder, f"noisy-lesson-{seconds}", placed, seconds * 1000)


def grid(material: Material, folder: Path, seconds: int) -> Course:
    """Twelve cameras, a third of them in bad light."""
    clips = ("carphone_pristine", "bigbuckbunny", "bikes")
    layout = builtin.grid(Needs(users=CROWD, has_stage=False))
    placed = []
    for n, slot in enumerate(layout.slots):
        if n % 3 == 0:
            file = material.noisy_camera(seconds, clips[n // 3 % 3], (640, 480), 81 + n, 10, "22")
        else:
            file = material.camera(seconds, clips[n % 3], (640, 480), 350, 81 + n)
        seat = (slot.rect.x, slot.rect.y, slot.rect.width, slot.rect.height)
        placed.append((Stream(f"user{n:02}", "camera", f"user{n:02}", 0, seconds * 1000, seat, True), file))
    made = write_course(folder, f"grid-{seconds}", placed, seconds * 1000, "grid")
    return replace(made, canvas=(layout.canvas.width, layout.canvas.height))


def film(material: Material, folder: Path, seconds: int) -> Course:
    """A film shared in full screen, and a teacher."""
    return _share(material, folder, "film", seconds, "screen", material.film(seconds))


HARD = {"noisy": noisy_lesson, "moving": moving, "film": film, "grid": grid, "text": text}
"""Classes unlike the lesson: the row of the encoder has to serve each."""


def quiet(material: Material, folder: Path, seconds: int) -> Course:
    """Board and teacher."""
    return write_course(folder, f"quiet-{seconds}", _board_and_teacher(material, seconds), seconds * 1000)


def _share(material: Material, folder: Path, name: str, seconds: int, kind: str, file: Path) -> Course:
    stage = Stream("stage", kind, "" if kind == "whiteboard" else "teacher", 0, seconds * 1000, STAGE, False)
    camera = material.camera(seconds, "carphone_pristine", (640, 480), 500, 10)
    placed = [(stage, file), (Stream("teacher", "camera", "teacher", 0, seconds * 1000, SEATS[0], True), camera)]
    return write_course(folder, f"{name}-{seconds}", placed, seconds * 1000)


def _board_and_teacher(material: Material, seconds: int) -> list[tuple[Stream, Path]]:
    board = Stream("board", "whiteboard", "", 0, seconds * 1000, STAGE, False)
    teacher = Stream("teacher", "camera", "teacher", 0, seconds * 1000, SEATS[0], True)
    camera = material.camera(seconds, "carphone_pristine", (640, 480), 500, 10)
    return [(board, material.board(seconds)), (teacher, camera)]
