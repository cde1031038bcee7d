"""A small class to look at: a teacher, a student who comes late, leaves and returns, a board, a screen share, a pause.

seconds   0    3.2  5.5        9   11.5 12   14.5           20.7 22
teacher   [---------------------------][--------------------------]     two files around the pause
student        [---------------]             [---------------]
board     [---------------------------][--------------------------]
screen              [--------------]

All clocks in the pictures show playback time, and all beeps fall on its seconds: what is not in step is seen and heard.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

from assembler.demo.media import Recipe, make_stream
from assembler.times import Ms, PlayMs, WallMs
from assembler.values import Value

START = WallMs(1_718_010_000_250)
"""Start of the recording, Unix ms."""
PAUSE_AT = PlayMs(12_000)
"""Place of the pause, playback axis."""
PAUSE_LENGTH = Ms(95_000)
"""Length of the pause, ms."""
LENGTH = Ms(22_000)
"""Length of the playback, ms."""

CAMERA, SCREEN, BOARD = 0, 1, 2
"""The vendor's VideoType."""


class DemoStream(Value):
    """One file of the class."""

    video_id: str
    """The vendor's file id, and the file's base name."""
    video_type: int
    """The vendor's VideoType."""
    user: str
    """The vendor's UserId."""
    play_time: PlayMs
    """Start of the file on the playback axis."""
    recipe: Recipe
    """Contents of the file."""

    @property
    def file_name(self) -> str:
        """Name of the file in the class's folder."""
        return f"{self.video_id}.mp4"


class DemoLesson(Value):
    """The class on disk."""

    folder: Path
    """Folder of the files."""
    streams: tuple[DemoStream, ...]
    """All of them."""

    def result(self, base_url: str) -> dict[str, Any]:
        """The vendor's OnlineRecordFinished event (2020) about this class; the files are fetched below ``base_url``."""
        pause = START + PAUSE_AT
        return {
            "EventType": "OnlineRecordFinished",
            "SdkAppId": 1400000001,
            "Timestamp": (START + LENGTH + PAUSE_LENGTH) // 1000 + 30,
            "EventData": {
                "TaskId": "demo-lesson",
                "RoomId": 880528,
                "GroupId": "880528",
                "RecordUserId": "tic_record_user_880528_demo",
                "FinishReason": "USER_CALL",
                "RecordStartTime": START // 1000,
                "RecordStopTime": (START + LENGTH + PAUSE_LENGTH) // 1000,
                "TotalTime": LENGTH,
                "ExceptionCnt": 0,
                "OmittedDurations": [
                    {"VideoTime": PAUSE_AT, "PauseTime": pause, "ResumeTime": pause + PAUSE_LENGTH},
                ],
                "VideoInfos": [self._info(stream, base_url) for stream in self.streams],
            },
        }

    def _info(self, stream: DemoStream, base_url: str) -> dict[str, Any]:
        return {
            "UserId": stream.user,
            "VideoType": stream.video_type,
            "VideoId": stream.video_id,
            "VideoFormat": "mp4",
            "VideoPlayTime": stream.play_time,
            "VideoDuration": int(stream.recipe.seconds * 1000),
            "VideoSize": (self.folder / stream.file_name).stat().st_size,
            "VideoUrl": f"{base_url.rstrip('/')}/{stream.file_name}",
        }

    def write_result(self, path: Path, base_url: str) -> Path:
        """Write the event as a JSON file."""
        path.write_text(json.dumps(self.result(base_url), indent=2) + "\n", encoding="utf-8")
        return path


def _streams() -> tuple[DemoStream, ...]:
    teacher = Recipe(identity="blue", label="teacher", scene="person", width=640, height=480, fps=Fraction(15))
    student = Recipe(identity="orange", label="student", scene="person", width=320, height=240, fps=Fraction(15))
    board = Recipe(
        identity="green",
        label="whiteboard",
        scene="slide",
        width=1280,
        height=960,
        fps=Fraction(5),
        gop=10,
        sound=False,
    )
    screen = Recipe(
        identity="purple", label="screen", scene="share", width=1280, height=720, fps=Fraction(10), gop=20, sound=False
    )
    table: list[tuple[str, int, str, int, int, Recipe]] = [
        ("demo-teacher-1", CAMERA, "teacher", 0, 12_000, teacher),
        ("demo-teacher-2", CAMERA, "teacher", 12_000, 22_000, teacher),
        ("demo-student-1", CAMERA, "student", 3_200, 9_000, student),
        ("demo-student-2", CAMERA, "student", 14_500, 20_700, student),
        ("demo-board-1", BOARD, "", 0, 12_000, board),
        ("demo-board-2", BOARD, "", 12_000, 22_000, board),
        ("demo-screen-1", SCREEN, "tic_substream_teacher", 5_500, 11_500, screen),
    ]
    return tuple(
        DemoStream(
            video_id=video_id,
            video_type=video_type,
            user=user,
            play_time=PlayMs(start),
            recipe=recipe.model_copy(
                update={"seconds": Fraction(end - start, 1000), "clock_start": Fraction(start, 1000)}
            ),
        )
        for video_id, video_type, user, start, end, recipe in table
    )


def make_lesson(folder: Path, ffmpeg: str) -> DemoLesson:
    """Make the files of the class in ``folder`` (created where missing) with this ffmpeg.

    Raises MediaError where ffmpeg fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lesson = DemoLesson(folder=folder, streams=_streams())
    with ThreadPoolExecutor(max_workers=2) as pool:  # each waits for its own ffmpeg in the thread that started it
        for made in [
            pool.submit(make_stream, stream.recipe, folder / stream.file_name, ffmpeg) for stream in lesson.streams
        ]:
            made.result()
    return lesson
