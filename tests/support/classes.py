"""Whole classes of synthetic streams: made, assembled, and measured on the finished file.

A class knows the truth about every stream (its recipe), so the finished file is asked, at EVERY output frame, which
stream is in a rectangle and which source frame it shows, and at every beep when it sounds.
"""

from __future__ import annotations

import shutil
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from lessons import recording, segment
from readers import Row, View, read_all
from sounds import beeps, listen
from synthetic import Recipe, beep_times, frame_times, make

from assembler.demo.identity import IDENTITIES
from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.recording import Omission, Recording, Segment, StreamKind

Rectangle = tuple[int, int, int, int]
BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()

SMALL = """
{"Canvas": {"LayoutParams": {"Width": 492, "Height": 252}, "BackgroundColor": "#34363B"},
 "InputStreamList": [
  {"InputStreamId": "tic_record_user", "LayoutParams": {"X": 4, "Y": 4, "Width": 320, "Height": 240, "ZOrder": 1}},
  {"InputStreamId": "tic_substream", "LayoutParams": {"X": 4, "Y": 4, "Width": 320, "Height": 240, "ZOrder": 2}},
  {"InputStreamId": "", "LayoutParams": {"X": 328, "Y": 4, "Width": 160, "Height": 120, "ZOrder": 3}},
  {"InputStreamId": "", "LayoutParams": {"X": 328, "Y": 128, "Width": 160, "Height": 120, "ZOrder": 3}}]}
"""
"""A quarter of a tiw-2, cheap to encode."""
BOARD: Rectangle = (4, 4, 320, 240)
USER_1: Rectangle = (328, 4, 160, 120)
USER_2: Rectangle = (328, 128, 160, 120)


@dataclass(frozen=True)
class Stream:
    """One segment of a class."""

    video_id: str
    kind: StreamKind
    user: str
    play: int
    """Declared play time, ms."""
    recipe: Recipe
    rect: Rectangle | None = None
    """Where it must be seen; None: nowhere."""
    duration: int | None = -1
    """Declared duration, ms; -1: as long as the recipe; None: not declared."""
    pieces: tuple[tuple[int, int, int], ...] | None = None
    """(playback start, playback end, file time at the start) in ms where it must be; None: one piece at ``play``."""

    @property
    def declared(self) -> int | None:
        return round(self.recipe.seconds * 1000) if self.duration == -1 else self.duration

    @property
    def places(self) -> tuple[tuple[int, int, int], ...]:
        if self.pieces is not None:
            return self.pieces
        return ((self.play, self.play + (self.declared or round(self.recipe.seconds * 1000)), 0),)


@dataclass(frozen=True)
class Class:
    """A class on disk."""

    streams: Sequence[Stream]
    total: int | None = None
    stop: int | None = None
    omissions: tuple[Omission, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def recording(self) -> Recording:
        segments: list[Segment] = [
            segment(s.video_id, s.kind, s.user, s.play, s.declared, stream=s.user) for s in self.streams
        ]
        return recording(segments, total=self.total, stop=self.stop, omissions=self.omissions)

    def make(self, folder: Path, ffmpeg: str = BUNDLED) -> Path:
        """The media folder, its files made by this ffmpeg."""
        media = folder / "media"
        media.mkdir(parents=True, exist_ok=True)
        for stream in self.streams:
            if not any(media.glob(f"{stream.video_id}.*")):
                source = make(stream.recipe, ffmpeg)
                shutil.copyfile(source, media / f"{stream.video_id}{source.suffix}")
        return media

    def assemble(self, folder: Path, ffmpeg: str, name: str = "class.mp4", **options: Any) -> Playback:
        """Made, laid out in a small canvas unless a layout is given, and assembled with this ffmpeg. The files are made
        by the bundled one: for each other one they would be made once more."""
        media = self.make(folder, BUNDLED)
        layout = folder / "small.json"
        layout.write_text(SMALL)
        chosen = {
            "layout": str(layout),
            "media_dir": media,
            "ffmpeg": ffmpeg,
            "processes": 2,
            **self.options,
            **options,
        }
        return assemble(self.recording(), folder / name, load_options(**chosen))

    def rows(self, playback: Playback) -> list[Row]:
        views = {
            s.video_id: View(s.rect, (s.recipe.width, s.recipe.height)) for s in self.streams if s.rect is not None
        }
        return read_all(playback.path, views)


def wrong_pictures(lesson: Class, playback: Playback, rows: Sequence[Row] | None = None) -> list[str]:
    """Every output frame at which a stream is not where and when it belongs; none if all is in sync.

    The source frame on the screen may be off by half an output frame (and a microsecond of arithmetic); nobody is to
    be seen where no stream belongs.
    """
    half = 1 / (2 * playback.manifest.fps)
    found = []
    rects: dict[Rectangle, list[Stream]] = {}
    for stream in lesson.streams:
        if stream.rect is not None:
            rects.setdefault(stream.rect, []).append(stream)
    for row in rows if rows is not None else lesson.rows(playback):
        for streams in rects.values():
            found += [f"frame {row.index}: {e}" for e in _wrong_at(row, streams, half)]
    return found


def _wrong_at(row: Row, streams: Sequence[Stream], half: Fraction) -> list[str]:
    """The last of ``streams`` that is there at this instant is the one to be seen (lists name lower ones first)."""
    now, seen, is_border = row.stamp, row.seen, False
    for stream in reversed(streams):
        for start, end, file_start in stream.places:
            if not Fraction(start, 1000) - half <= now < Fraction(end, 1000) + half:
                continue
            shown = seen[stream.video_id]
            at = now - Fraction(start - file_start, 1000)
            allowed = allowed_frames(stream.recipe, at, half)
            if shown.identity == stream.recipe.identity and shown.counter in allowed:
                return []
            if Fraction(start, 1000) + half < now < Fraction(end, 1000) - half and allowed:
                who = f"{shown.identity} {shown.counter}"
                return [f"{stream.video_id} shows {who}, allowed {sorted(allowed)} at file {float(at):.4f} s"]
            is_border = True
    shown = seen[streams[0].video_id]
    if shown.identity and not is_border:
        return [f"{shown.identity} {shown.counter} is seen where nobody belongs"]
    return []


def allowed_frames(recipe: Recipe, at: Fraction, half: Fraction) -> set[int]:
    """The source frame that must be on the screen at this file time: every frame appears on the output frame nearest
    to its stamp, so at most half an output frame early or late (both neighbours of an exact tie are right)."""
    times = frame_times(recipe)
    tiny = Fraction(1, 10_000)
    first, last = (bisect_right(times, at + half + by, key=lambda time: time[1]) - 1 for by in (-tiny, tiny))
    return {times[i][0] for i in range(max(first, 0), last + 1)}


def beep_errors(lesson: Class, playback: Playback, heard: Mapping[str, bool] | None = None) -> dict[str, float]:
    """The largest distance in seconds between a beep and its place, by identity; infinite where one is missing.

    ``heard``: by video id, False for streams that must be silent (then any beep is infinite).
    """
    sound = listen(playback.path)
    by_identity: dict[str, list[Stream]] = {}
    for stream in lesson.streams:
        if stream.recipe.sound:
            by_identity.setdefault(stream.recipe.identity, []).append(stream)
    pitches = [IDENTITIES[name].pitch for name in by_identity]
    found = beeps(sound, pitches)
    worst: dict[str, float] = {}
    for identity, streams in by_identity.items():
        wanted = sorted(
            float(Fraction(start - file_start, 1000) + beep)
            for s in streams
            if heard is None or heard.get(s.video_id, True)
            for start, end, file_start in s.places
            for beep in beep_times(s.recipe)
            if file_start <= beep * 1000 and start - file_start + beep * 1000 + 90 <= end
        )
        worst[identity] = max(_distances(found[IDENTITIES[identity].pitch], wanted), default=0.0)
    return worst


def _distances(found: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """From every wanted beep to the nearest found one; an extra one more than 0.1 s from all is infinite too."""
    if not wanted:
        return [float("inf")] if found else []
    missing = [min((abs(f - w) for f in found), default=float("inf")) for w in wanted]
    extra = [float("inf") for f in found if min(abs(f - w) for w in wanted) > 0.1]
    return [m if m < 0.1 else float("inf") for m in missing] + extra
