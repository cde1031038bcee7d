"""Files as other systems record them: every track apart, in containers of their own, cameras that are switched off."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from classes import BOARD, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE, recipe

from assembler.recording import Recording, StreamKind
from assembler.times import Ms

CAMERA, SCREEN, AUDIO, SCREEN_AUDIO = (
    StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO, StreamKind.SCREEN_AUDIO,
)  # fmt: skip
OFF = (Fraction(2), Fraction(9))
LATE = Fraction(5, 4)
"""First stamp of a file whose stamps say where it belongs, in s."""


class Apart(Class):
    """A class whose tracks came apart, with two stamped files."""

    def recording(self) -> Recording:
        made = super().recording()
        segments = (s.model_copy(update={"is_stamped": s.video_id.startswith("stamped")}) for s in made.segments)
        return made.model_copy(update={"segments": tuple(segments), "longest_hold": Ms(2_000)})


def test_tracks_that_came_apart_are_in_sync_and_a_camera_that_was_off_is_not_seen(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    picture, sound = {"sound": False, "container": "webm"}, {"picture": False, "container": "webm"}
    lesson = Apart(
        [
            Stream(
                "cam", CAMERA, "ann", 400, recipe("red", 12, hole=OFF, **picture), USER_1,
                pieces=((400, 4_340, 0), (9_400, 12_400, 9_000)),
            ),
            Stream("mic", AUDIO, "ann", 120, recipe("green", 12, **sound)),
            Stream("film", SCREEN_AUDIO, "ann", 3_050, recipe("blue", 5, **sound)),
            Stream("share", SCREEN, "ann", 3_000, recipe("yellow", 5, 5, **picture), BOARD),
            Stream(
                "stamped_cam", CAMERA, "bob", 1_000, recipe("magenta", 6, origin=LATE, **picture), USER_2,
                pieces=((2_250, 8_250, 0),),
            ),
            Stream(
                "stamped_mic", AUDIO, "bob", 1_000, recipe("cyan", 6, origin=LATE, **sound), pieces=((2_250, 8_250, 0),)
            ),
        ]
    )  # fmt: skip
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert wrong_pictures(lesson, playback) == []
    errors = beep_errors(lesson, playback)
    assert len(errors) == 3
    assert max(errors.values()) <= SOUND_TOLERANCE, errors
    assert [f.sentence for f in playback.manifest.findings if "held" in f.sentence] == []
