"""Stream files of every odd kind, made once per recipe and kept, and what is TRUE about each of them.

    recipe = Recipe(identity="blue", seconds=6, fps=10, picture_late=Fraction(1, 4), hole=(2, 3))
    path = make(recipe, ffmpeg)             # a shared file: copy it before changing it
    counter_at(recipe, Fraction(5, 2))      # -> the source frame on the screen 2.5 s into the file
    beep_times(recipe)                      # -> [0, 1, 2, 3, 4, 5], seconds on the file axis

The file axis is the project's: its 0 is the first presented sample of any stream.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from bisect import bisect_right
from fractions import Fraction
from math import ceil
from pathlib import Path

import muxed
from pydantic import model_validator

import assembler.demo
from assembler.demo import media
from assembler.demo.identity import BEEP_SECONDS


class Recipe(media.Recipe):
    """A stream file in words, oddities included. All seconds are on one axis: the sound's first beep is at 0."""

    container: str = "mp4"
    """mp4, mkv, mka, ts, webm, ogg or mp3 (mka, ogg and mp3 need ``picture=False``)."""
    codec: str = ""
    """Codec of the picture: vp8, vp9 or av1; "" the container's own."""
    opus: bool = False
    """True if the sound is Opus where the container's own is another codec."""
    dtx: bool = False
    """True if the sound has no packets where nothing sounds."""
    is_live: bool = False
    """True for an mkv or webm that was written as a stream: no duration, no index."""
    origin: Fraction = Fraction(0)
    """Added to every stamp. Negative in an mp4: what lies before 0 is cut off by the edit list (give a
    whole number of frames: libav loses the rest). Negative in a ts: the stamps wrap around inside the file and read
    as negative ones. Never negative in an mkv, which cannot say it."""
    picture_late: Fraction = Fraction(0)
    """Seconds by which the picture starts after the sound (negative: before it)."""
    cadence: tuple[Fraction, ...] = ()
    """Lengths of the frames in seconds, repeated: a variable rate. Empty: 1 / fps each."""
    jitter: Fraction = Fraction(0)
    """Every stamp but the first is off its place by up to this many seconds (always the same ones)."""
    hole: tuple[Fraction, Fraction] | None = None
    """Frames stamped in [start, end) seconds after the picture's start are missing; counters count on."""
    sound_hole: tuple[Fraction, Fraction] | None = None
    """Sound packets that reach into this range of seconds are missing."""
    rotation: int = 0
    """Degrees counter-clockwise (a multiple of 90) by which a player turns the coded picture; then it is upright."""
    sar: Fraction = Fraction(1)
    """Width of a pixel divided by its height."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Picture sizes, each for an equal part of the frames, changing inside the one track. Empty: one size."""
    sounds: tuple[tuple[int, int], ...] = ()
    """(rate, channels), each for an equal part of the seconds; needs container ts. No border may lie on a beep."""

    @model_validator(mode="after")
    def _can_be_made(self) -> Recipe:
        borders = [self.seconds * n / len(self.sounds) for n in range(1, len(self.sounds))]
        if any(border % 1 < Fraction(1, 8) or border % 1 > Fraction(7, 8) for border in borders):
            raise ValueError(f"the sound would change on a beep: {[float(border) for border in borders]}")
        if self.sounds and self.container != "ts":
            raise ValueError("only a ts can change its sound")
        if self.container == "mkv" and self.origin < 0:
            raise ValueError("an mkv cannot start before 0")
        return self

    @property
    def is_plain(self) -> bool:
        """True if ffmpeg alone makes it right: its versions put priming into mkv and webm in different ways."""
        odd = (self.origin, self.picture_late, self.cadence, self.jitter, self.hole, self.sound_hole, self.dtx)
        return self.container in ("mp4", "ts", "mp3") and not (any(odd) or self.rotation or self.sizes or self.sounds)

    @property
    def is_opus(self) -> bool:
        """True if the sound is Opus, whose priming every container knows."""
        return self.opus or self.container in ("webm", "ogg")

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height of the (first) upright picture in square pixels."""
        width, height = self.sizes[0] if self.sizes else (self.width, self.height)
        return round(width * self.sar), height

    def stamps(self) -> list[tuple[int, Fraction]]:
        """Counter and stamp (container axis, before the container's rounding) of every frame in the file."""
        at, planned = Fraction(0), []
        for counter in range(self.count):
            planned.append((counter, at + self._shaken(counter)))
            at += self.cadence[counter % len(self.cadence)] if self.cadence else 1 / self.fps
        start = self.origin + self.picture_late
        lost = self.hole or (0, 0)
        return [(counter, start + at) for counter, at in planned if not lost[0] <= at < lost[1]]

    def _shaken(self, counter: int) -> Fraction:
        part = counter * 7919 % 101 - 50  # a fixed sequence without a visible pattern, in [-50, 50]
        return self.jitter * part / 50 if counter else Fraction(0)

    @property
    def sound_start(self) -> Fraction:
        """Its first presented sample, container axis. The silence of the priming is presented, too, unless an edit
        list takes it away, which ffmpeg writes only for what lies before 0 (and mp3 and Opus have their own ways)."""
        if self.is_opus or self.container == "mp3":
            return self.origin
        rate = self.sounds[0][0] if self.sounds else self.rate
        primed = self.origin - Fraction(muxed.AAC_FRAME, rate)
        return max(primed, Fraction(0)) if self.container == "mp4" else primed


@functools.lru_cache(maxsize=1)
def _makers() -> bytes:
    """Digest of the code that makes the files, so that an edit of it makes new ones."""
    demo = Path(assembler.demo.__file__).parent
    sources = [
        Path(__file__),
        Path(muxed.__file__),
        *(demo / f"{n}.py" for n in ("media", "picture", "scenery", "identity", "font")),
    ]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).digest()


def cache() -> Path:
    """Where made files are kept: shared by all test processes of this user."""
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"assembler-synthetic-{owner}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def make(recipe: Recipe | media.Recipe, ffmpeg: str) -> Path:
    """The recipe's file, made by this ffmpeg unless it is already there. Do not change it: others read it too."""
    odd = recipe if isinstance(recipe, Recipe) else Recipe(**recipe.model_dump())
    program = Path(ffmpeg).stat()
    key = f"{odd.model_dump_json()} {ffmpeg} {program.st_size} {program.st_mtime_ns}".encode()
    target = cache() / f"{hashlib.sha256(_makers() + key).hexdigest()[:24]}.{odd.container}"
    if not target.exists():
        work = Path(tempfile.mkdtemp(dir=cache()))
        try:
            made = work / target.name
            (media.make_stream if odd.is_plain and odd.sar == 1 else muxed.make_odd)(odd, made, ffmpeg)
            os.replace(made, target)
        finally:
            shutil.rmtree(work)
    return target


@functools.cache
def frame_times(recipe: Recipe) -> tuple[tuple[int, Fraction], ...]:
    """Counter and file time, in seconds, of every presented frame; kept, for it is asked at every output frame."""
    start = file_origin(recipe)
    return tuple((counter, at - start) for counter, at in _presented(recipe))


def _presented(recipe: Recipe) -> list[tuple[int, Fraction]]:
    if not recipe.picture:
        return []
    cut = recipe.container == "mp4"
    return [(counter, at) for counter, at in recipe.stamps() if not cut or at >= 0]


def file_origin(recipe: Recipe) -> Fraction:
    """Where file time 0 is on the recipe's container axis."""
    starts = [at for _, at in _presented(recipe)[:1]]
    if recipe.sound:
        starts.append(recipe.sound_start)
    return min(starts)


def counter_at(recipe: Recipe, file_seconds: Fraction | float) -> int | None:
    """The source frame that is due at this file time; None before the first one."""
    times = frame_times(recipe)
    place = bisect_right([at for _, at in times], Fraction(file_seconds))
    return times[place - 1][0] if place else None


def beep_times(recipe: Recipe) -> list[Fraction]:
    """File times, in seconds, at which whole beeps begin."""
    if not recipe.sound:
        return []
    start = file_origin(recipe)
    length = Fraction(BEEP_SECONDS).limit_denominator(1000)
    seconds = range(ceil(recipe.clock_start), ceil(recipe.clock_start + recipe.seconds))
    every = [at for at in (second - recipe.clock_start for second in seconds) if at + length <= recipe.seconds]
    lost = recipe.sound_hole or (0, 0)
    kept = [at for at in every if at + length <= lost[0] or at >= lost[1]]
    return [at + recipe.origin - start for at in kept if recipe.container != "mp4" or at + recipe.origin >= 0]


def truncated(source: Path, target: Path, part: float = 0.5) -> Path:
    """The first part of a file; an mp4 of ours keeps its index, which is in front."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * part)])
    return target


def without_moov(source: Path, target: Path) -> Path:
    """An mp4 whose index was never written."""
    data, at, kept = source.read_bytes(), 0, b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] != b"moov":
            kept += data[at : at + size]
        at += size
    target.write_bytes(kept)
    return target


def empty(target: Path) -> Path:
    """A file of zero bytes."""
    target.write_bytes(b"")
    return target


def web_page(target: Path) -> Path:
    """What a portal or an expired link answers instead of a video."""
    target.write_text("<!DOCTYPE html>\n<html><head><title>403</title></head><body>AccessDenied</body></html>\n" * 20)
    return target
