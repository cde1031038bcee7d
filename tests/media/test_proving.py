"""Hardware that is not here: a stand-in ffmpeg claims to have it, so that refusal, trust and failure are seen whole.

What the stand-in makes, libx264 makes: nothing is learnt here about real hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from classes import BOARD, USER_1, Class, Stream, wrong_pictures
from synthetic import Recipe

from assembler.errors import InputError
from assembler.findings import Severity, Verdict
from assembler.media.encoders import ENCODERS
from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.progress import ProgressTask
from assembler.recording import StreamKind

LESSON = Class(
    [
        Stream("w", StreamKind.WHITEBOARD, "", 0, Recipe(identity="blue", seconds=3, fps=5), BOARD),
        Stream("a", StreamKind.CAMERA, "x", 400, Recipe(identity="red", seconds=2, fps=15), USER_1),
    ],
    options={"chunk_seconds": 1, "processes": 1},
)
CHUNKS = 3
MISSING = 'echo "[h264_nvenc @ 0x55aa] [error] Cannot load libcuda.so.1" >&2; exit 1'
AS_X264 = """
set -- "$@" END
while [ "$1" != END ]; do case "$1" in
  -preset|-tune|-rc|-cq|-forced-idr|-b:v) shift 2;;
  h264_nvenc) set -- "$@" libx264; shift;;
  *) set -- "$@" "$1"; shift;;
esac; done; shift
exec "$real" "$@"
"""
# good for its trials and one chunk
THEN_MISSING = f"""case "$*" in *trial.mp4*) ;; *) [ $tries -le 2 ] || {{ {MISSING}; }};; esac
{AS_X264}"""


@dataclass(frozen=True)
class StandIn:
    """An ffmpeg that says it has an encoder."""

    path: Path

    @classmethod
    def made(cls, folder: Path, real: str, behaviour: str, library: str = "h264_nvenc") -> StandIn:
        """``behaviour`` is what it does where it is asked for this encoder; ``$tries`` counts that."""
        path = folder / "stand-in"
        path.write_text(
            f"""#!/bin/sh
real={real}
case "$*" in *{library}*) ;; *) exec $real "$@";; esac
echo "$*" >> {folder}/tries
tries=$(wc -l < {folder}/tries)
{behaviour}
"""
        )
        path.chmod(0o755)
        return cls(path)

    @property
    def tries(self) -> list[str]:
        """The commands that asked for it."""
        file = self.path.with_name("tries")
        return file.read_text().splitlines() if file.exists() else []


class Counting:
    """How far the rendering says it is."""

    def __init__(self) -> None:
        self.done = 0.0

    def say(self, sentence: str) -> None:
        pass

    @contextmanager
    def task(self, name: str, total: float | None, unit: str) -> Iterator[ProgressTask]:
        counter = Counting()
        yield counter
        if name == "render":
            self.done = counter.done

    def advance(self, amount: float) -> None:
        self.done += amount


@pytest.fixture
def with_nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device file that looks as if there were such hardware."""
    (tmp_path / "nvidia0").write_text("")
    row = ENCODERS["nvenc"]
    assert row.hardware is not None
    there = replace(row.hardware, devices=(str(tmp_path / "nvidia*"),))
    monkeypatch.setitem(ENCODERS, "nvenc", replace(row, hardware=there))


class TestHardwareThatDoesNotWork:
    def test_asked_for_it_is_replaced_with_a_warning(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, MISSING)
        playback = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc")
        manifest = playback.manifest
        assert (manifest.encoder, manifest.verdict) == ("x264", Verdict.DEGRADED)
        said = "The encoder nvenc does not work here (Cannot load libcuda.so.1): x264 was used instead."
        assert [(f.severity, f.sentence) for f in manifest.findings] == [(Severity.WARNING, said)]
        assert wrong_pictures(LESSON, playback) == []
        assert not any("sources/" in command for command in fake.tries)
        assert LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc").was_there
        assert not LESSON.assemble(tmp_path, str(fake.path)).was_there, "its playback.json would warn of nothing asked"

    def test_asked_for_strictly_it_is_an_error(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, MISSING)
        with pytest.raises(InputError, match="nvenc does not work here"):
            LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc", strict=True)
        assert not (tmp_path / "class.mp4").exists()

    def test_one_that_hangs_is_not_waited_for(
        self, tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assembler.media.choose_encoder.TRIAL_SECONDS", 0.3)
        fake = StandIn.made(tmp_path, bundled_ffmpeg, "exec sleep 1000")
        manifest = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc").manifest
        assert manifest.encoder == "x264"
        assert "made no progress" in manifest.findings[0].sentence

    @pytest.mark.usefixtures("with_nvidia")
    def test_auto_notes_why_it_was_not_taken(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, MISSING)
        manifest = LESSON.assemble(tmp_path, str(fake.path), encoder="auto", strict=True).manifest
        assert (manifest.encoder, manifest.verdict) == ("x264", Verdict.OK)
        assert [f.severity for f in manifest.findings] == [Severity.NOTE]
        sentence = manifest.findings[0].sentence
        assert sentence.startswith("Of all encoders auto took x264; refused were nvenc: Cannot load libcuda.so.1; qsv:")

    def test_vaapi_is_given_its_device_and_pictures_it_can_take(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        behaviour = f"cp chunks/trial.graph {tmp_path}/graph; {MISSING}"
        fake = StandIn.made(tmp_path, bundled_ffmpeg, behaviour, "h264_vaapi")
        assert LESSON.assemble(tmp_path, str(fake.path), encoder="vaapi").manifest.encoder == "x264"
        before, _, behind = fake.tries[0].partition(" -i ")
        assert "-vaapi_device /dev/dri/renderD128" in before
        assert "-pix_fmt" not in behind
        assert "format=pix_fmts=nv12" in (tmp_path / "graph").read_text().split(";")[-2]
        assert "hwupload" in (tmp_path / "graph").read_text().split(";")[-1]

    def test_auto_tries_nothing_that_cannot_be_here(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, AS_X264)
        manifest = LESSON.assemble(tmp_path, str(fake.path), encoder="auto").manifest
        assert manifest.encoder == "x264"
        assert "nvenc: no such hardware" in manifest.findings[0].sentence
        assert fake.tries == []


class TestHardwareThatWorks:
    def test_it_is_proven_once_and_then_makes_every_chunk(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, AS_X264)
        playback = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc")
        assert (playback.manifest.encoder, playback.manifest.findings) == ("nvenc", ())
        assert wrong_pictures(LESSON, playback) == []
        assert len(fake.tries) == 1 + CHUNKS
        assert "-i color=c=0x34363B:s=492x252:r=15" in fake.tries[0], "the trial has the playback's size"
        assert all("-forced-idr 1" in command for command in fake.tries)
        assert LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc").was_there

    @pytest.mark.usefixtures("with_nvidia")
    def test_auto_takes_it_without_a_word(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, AS_X264)
        manifest = LESSON.assemble(tmp_path, str(fake.path), encoder="auto", quality="high").manifest
        assert (manifest.encoder, manifest.quality, manifest.findings) == ("nvenc", "high", ())
        assert all("-preset p6" in command for command in fake.tries)

    def test_another_driver_is_another_playback(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        """Chunks of two drivers may differ in their parameter sets: what the trial came out with is in their names."""
        fake = StandIn.made(tmp_path, bundled_ffmpeg, AS_X264)
        first = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc")
        StandIn.made(tmp_path, bundled_ffmpeg, AS_X264.replace("libx264;", "libx264 -refs:v 2;"))
        second = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc")
        assert not second.was_there
        assert second.manifest.digest != first.manifest.digest


class TestHardwareThatFailsInTheMiddle:
    def test_once_the_chunk_is_tried_again(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, f"[ $tries != 3 ] || {{ {MISSING}; }}\n{AS_X264}")
        manifest = LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc").manifest
        assert (manifest.encoder, manifest.findings) == ("nvenc", ())
        assert len(fake.tries) == 1 + CHUNKS + 1

    def test_for_good_all_of_it_is_made_by_x264(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, THEN_MISSING)
        media, progress = LESSON.make(tmp_path, bundled_ffmpeg), Counting()
        LESSON.assemble(tmp_path, bundled_ffmpeg, "plain.mp4")
        plain = (tmp_path / "plain.mp4").read_bytes()
        options = load_options(
            layout=str(tmp_path / "small.json"), media_dir=media, ffmpeg=str(fake.path), encoder="nvenc",
            **LESSON.options,
        )  # fmt: skip
        playback = assemble(LESSON.recording(), tmp_path / "class.mp4", options, progress)
        assert playback.manifest.encoder == "x264"
        assert playback.path.read_bytes() == plain
        assert [f.severity for f in playback.manifest.findings] == [Severity.WARNING]
        said = playback.manifest.findings[0].sentence
        assert said.startswith("The encoder nvenc failed in the middle (ffmpeg failed on the picture from 0:")
        assert "Cannot load libcuda.so.1" in said
        assert progress.done == pytest.approx(playback.manifest.length / 1000)
        assert LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc").was_there

    def test_strictly_it_is_an_error(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        fake = StandIn.made(tmp_path, bundled_ffmpeg, THEN_MISSING)
        with pytest.raises(InputError, match="failed in the middle"):
            LESSON.assemble(tmp_path, str(fake.path), encoder="nvenc", strict=True)
        assert not (tmp_path / "class.mp4").exists()
