"""A re-flowed playback stays in sync at every frame, however it is cut: everybody is where the division has a place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from classes import Class, Stream, allowed_frames
from readers import Row, View, read_all
from synthetic import Recipe

from assembler.choices import Quality
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import Manifest
from assembler.recording import StreamKind

CAMERA, SCREEN, WHITEBOARD, MIX, AUDIO, _ = StreamKind
FPS = 12


def recipe(identity: str, seconds: float, fps: int = FPS, **more: object) -> Recipe:
    return Recipe(identity=identity, seconds=Fraction(str(seconds)), fps=Fraction(fps), **more)  # type: ignore[arg-type]


LESSON = Class(
    [
        Stream("tom", CAMERA, "tom", 0, recipe("red", 14)),
        Stream("ann", CAMERA, "ann", 533, recipe("green", 6)),
        Stream("bob", CAMERA, "bob", 3217, recipe("orange", 7)),
        Stream("cem", CAMERA, "cem", 4450, recipe("purple", 4.5)),
        Stream("w", WHITEBOARD, "", 6100, recipe("blue", 4, 5)),
        Stream("s", SCREEN, "tom", 9900, recipe("pink", 4, 5, width=480, height=270)),
    ],
    # high: places are read in every frame, also where half of another picture lies in them
    options={"layout": "classroom", "size": (640, 360), "teacher": "tom", "quality": Quality.HIGH},
)


def looked_at(playback: Playback, manifest: Manifest) -> list[Row]:
    """What is seen in every frame in every place that the class ever has."""
    recipes = {s.video_id: s.recipe for s in LESSON.streams}
    views = {
        f"{one.video_id} {one.rect}": View(
            (one.rect.x, one.rect.y, one.rect.width, one.rect.height),
            (recipes[one.video_id].width, recipes[one.video_id].height),
        )
        for scene in manifest.scenes
        for one in scene.shown
    }
    return read_all(playback.path, views)


def wrong(rows: list[Row], manifest: Manifest) -> list[str]:
    """Every frame in which somebody who is there is not seen, in their place and in sync."""
    half, found = 1 / (2 * manifest.fps), []
    scenes = {index: scene for scene in manifest.scenes for index in range(scene.first, scene.end)}
    for row in rows:
        shown = {one.video_id: one for one in scenes[row.index].shown}
        for stream in LESSON.streams:
            start, end = (Fraction(ms, 1000) for ms in stream.places[0][:2])
            if not start + half < row.stamp < end - half or (stream.video_id == "w" and "s" in shown):
                continue
            if stream.video_id not in shown:
                found.append(f"frame {row.index}: {stream.video_id} has no place")
                continue
            seen = row.seen[f"{stream.video_id} {shown[stream.video_id].rect}"]
            allowed = allowed_frames(stream.recipe, row.stamp - start, half)
            if (seen.identity, seen.counter in allowed) != (stream.recipe.identity, True):
                found.append(f"frame {row.index}: {stream.video_id} shows {seen}, allowed {sorted(allowed)}")
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> tuple[Playback, list[Row]]:
    return measured(tmp_path_factory.mktemp("whole"), bundled_ffmpeg)


def measured(folder: Path, ffmpeg: str) -> tuple[Playback, list[Row]]:
    playback = LESSON.assemble(folder, ffmpeg)
    return playback, looked_at(playback, playback.manifest)


def test_everybody_is_in_sync_at_every_reflow(
    whole: tuple[Playback, list[Row]], tmp_path: Path, bundled_ffmpeg: str, ffmpeg: str
) -> None:
    playback, rows = whole if ffmpeg == bundled_ffmpeg else measured(tmp_path, ffmpeg)
    assert len({str(one.rect) for scene in playback.manifest.scenes for one in scene.shown}) > 10
    assert wrong(rows, playback.manifest) == []


def test_a_window_shows_what_the_whole_shows(
    whole: tuple[Playback, list[Row]], tmp_path: Path, bundled_ffmpeg: str
) -> None:
    playback, rows = whole
    window = LESSON.assemble(tmp_path, bundled_ffmpeg, start=3000, end=9000)
    first = 3 * FPS
    shown = looked_at(window, playback.manifest)
    assert [row.seen for row in shown] == [row.seen for row in rows[first : first + 6 * FPS]]


def test_chunks_of_any_length_show_the_same(
    whole: tuple[Playback, list[Row]], tmp_path: Path, bundled_ffmpeg: str
) -> None:
    playback, rows = whole
    pieces = LESSON.assemble(tmp_path, bundled_ffmpeg, chunk_seconds=0.7)
    assert [row.seen for row in looked_at(pieces, playback.manifest)] == [row.seen for row in rows]
