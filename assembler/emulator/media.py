"""Real files of what happened in a room: what is to be made is decided first, then made by the demo's painters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from assembler.demo.identity import IDENTITIES
from assembler.demo.media import Pictures, Recipe, Sound, beeping, encode, make_stream, painter_of
from assembler.demo.media import picture_options as pictures_by
from assembler.demo.media import sound_options as sound_by
from assembler.emulator.lesson import Presence, in_ms
from assembler.emulator.state import stretches
from assembler.emulator.task import File, Phase, Task
from assembler.times import Ms
from assembler.values import Value

CAMERA, SCREEN, BOARD, MIX, AUDIO = 0, 1, 2, 3, 4
"""The vendor's VideoType."""
SHORTEST = Ms(200)
"""Minimum length of a file, in ms: a camera seen for less leaves none."""
_KINDS = {"camera": CAMERA, "screen": SCREEN, "board": BOARD}
_SECOND_MIX = "3"


class Wanted(Value):
    """One file that is to be made."""

    kind: int
    """The vendor's VideoType."""
    user: str
    """Person whose stream it is; of a mixed stream its layout."""
    play: Ms
    """Begin on the playback axis."""
    length: Ms
    """Length."""
    shown: tuple[tuple[Ms, Ms], ...]
    """Stretches in which the stream is there, on the playback axis; between them lies a black picture and silence."""
    recipe: Recipe
    """Contents."""


def wanted_files(task: Task, quirks: frozenset[str]) -> tuple[Wanted, ...]:
    """List the files of a recording: one per stretch and stream, with Concat one per stream."""
    made_now = task.is_offline or not task.wishes.later
    if not made_now or task.failure is not None or "recording-fails" in quirks:
        return ()
    parts: dict[tuple[int, str], list[tuple[Ms, Ms]]] = {}
    for stream in (*task.lesson.streams, *_mixed(task, quirks)):
        kind = _KINDS[stream.shows] if not stream.user.startswith("\0") else MIX
        if not task.wishes.control(_stream_id(kind, stream.user), "DisableRecord"):
            there = _parts(task, stream)
            parts.setdefault((kind, stream.user.lstrip("\0")), []).extend(there)
            is_heard = kind == CAMERA and not task.wishes.control(stream.user, "DisableAudio")
            if is_heard and (task.wishes.audio or "mp3" in quirks):
                parts.setdefault((AUDIO, stream.user), []).extend(there)
    files: list[Wanted] = []
    users = sorted({stream.user for stream in task.lesson.streams if stream.shows == "camera"})
    for (kind, user), there in parts.items():
        there.sort()
        joined = task.wishes.concat and "wall-axis" not in quirks and there
        for shown in [tuple(there)] if joined else [(one,) for one in there]:
            play, end = shown[0][0], max(end for _, end in shown)
            if end - play >= SHORTEST:
                files.append(_wanted(task, kind, user, Ms(play), Ms(end - play), shown, users))
    return tuple(files)


def _stream_id(kind: int, user: str) -> str:
    return {SCREEN: f"tic_substream_{user}", BOARD: "tic_record_user"}.get(kind, user)


def _mixed(task: Task, quirks: frozenset[str]) -> list[Presence]:
    """Mixed streams as streams of the room; their user is a layout behind a NUL."""
    layouts = [task.wishes.mix] if task.wishes.mix else []
    if "several-mixed-streams" in quirks:
        layouts = [task.wishes.mix or "101", _SECOND_MIX]
    return [Presence(user=f"\0{layout}") for layout in layouts]


def _parts(task: Task, stream: Presence) -> list[tuple[Ms, Ms]]:
    """Find where a stream was recorded, on the playback axis."""
    assert task.began is not None
    begin = task.began + in_ms(stream.since)
    end = task.began + in_ms(stream.until) if stream.until is not None else None
    found, play = [], 0
    for first, last in stretches(task):
        a, b = max(begin, first), min(last, end if end is not None else last)
        if b > a:
            found.append((Ms(play + a - first), Ms(play + b - first)))
        play += last - first
    return found


def _wanted(
    task: Task, kind: int, user: str, play: Ms, length: Ms, shown: tuple[tuple[Ms, Ms], ...], users: list[str]
) -> Wanted:
    board_width, board_height = task.wishes.board
    sizes = {CAMERA: (640, 480), SCREEN: (1280, 720), BOARD: (board_width, board_height), MIX: (1624, 1000)}
    width, height = (max(64, round(side * task.lesson.scale) // 2 * 2) for side in sizes.get(kind, (320, 240)))
    scene, fps = {SCREEN: ("share", 10), BOARD: ("slide", 5), MIX: ("slide", 15)}.get(kind, ("person", 15))
    identity = {SCREEN: "purple", BOARD: "green", MIX: "red" if user != _SECOND_MIX else "pink"}.get(kind, "")
    recipe = Recipe(
        identity=identity or _colour(user, users),
        label={BOARD: "whiteboard", MIX: f"mixed {user}", SCREEN: "screen"}.get(kind, user) or "nobody",
        scene=scene, width=width, height=height, fps=Fraction(fps), gop=2 * fps,
        seconds=Fraction(length, 1000), clock_start=Fraction(play, 1000), picture=kind != AUDIO,
        sound=kind in (CAMERA, MIX, AUDIO) and not task.wishes.control(user, "DisableAudio"),
    )  # fmt: skip
    return Wanted(kind=kind, user=user, play=play, length=length, shown=shown, recipe=recipe)


def _colour(user: str, users: list[str]) -> str:
    """The teacher's and the student's colours are the demo's; others take what is left."""
    known = {"teacher": "blue", "student": "orange"}
    free = [name for name in IDENTITIES if name not in {*known.values(), "green", "purple", "red", "pink"}]
    return known.get(user) or free[users.index(user) % len(free)]


def make_file(wanted: Wanted, folder: Path, ffmpeg: str) -> File:
    """Make one file in ``folder``. Raises MediaError where ffmpeg fails."""
    recipe = wanted.recipe
    told = f"{folder.name}:{wanted.kind}:{wanted.user}:{wanted.play}"
    video_id = hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()
    path = folder / f"{video_id}.{'mp3' if wanted.kind == AUDIO else 'mp4'}"
    if len(wanted.shown) == 1:
        make_stream(recipe, path, ffmpeg)
    else:
        _make_padded(wanted, path, ffmpeg)
    return File(
        video_id=video_id, name=path.name, kind=wanted.kind, user=wanted.user, play=wanted.play, length=wanted.length,
        size=path.stat().st_size, width=recipe.width if recipe.picture else 0,
        height=recipe.height if recipe.picture else 0,
    )  # fmt: skip


def _make_padded(wanted: Wanted, path: Path, ffmpeg: str) -> None:
    """One file over absences, as Concat makes it."""
    recipe, size, suffix = wanted.recipe, (wanted.recipe.width, wanted.recipe.height), path.suffix[1:]
    painter = painter_of(recipe, size)
    area = size[0] * size[1]
    black = bytes([16]) * area + bytes([128]) * (area // 2)

    def frames() -> Iterator[bytes]:
        for number in range(recipe.count):
            at = wanted.play + number * 1000 / recipe.fps
            yield painter.frame(number) if any(a <= at < b for a, b in wanted.shown) else black

    heard = "+".join(f"gte(t,{(a - wanted.play) / 1000})*lt(t,{(b - wanted.play) / 1000})" for a, b in wanted.shown)
    silenced = f"{beeping(recipe)},asetnsamples=n=240,volume=volume='{heard}':eval=frame"
    pictures = Pictures(*size, recipe.fps, recipe.pixels, frames(), pictures_by(recipe, suffix))
    sound = Sound(silenced, sound_by(suffix)) if recipe.sound else None
    encode(ffmpeg, path, pictures=pictures if recipe.picture else None, sound=sound)


def is_to_be_made(task: Task) -> bool:
    """Tell whether the time has come to make a task's files."""
    return task.phase in (Phase.STOPPED, Phase.PROCESSING)
