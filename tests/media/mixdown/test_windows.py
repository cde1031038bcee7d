"""A long mix is encoded in windows side by side, and sounds as if it had been encoded in one run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chirps import BUNDLED, RATE, Array, chirps, decoded, onsets, probed, write
from hypothesis import given
from hypothesis import strategies as st
from small_disk import SmallDisk

from assembler.errors import DiskFull, MediaError
from assembler.media.mixdown import mixdown, windows
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.mixdown.windows import (
    AAC_FRAME,
    LENGTH,
    NotJoinable,
    Window,
    block_shape,
    cut_windows,
    join_windows,
)
from assembler.media.source_files import SourceFiles
from assembler.mp4.parse import read_tables
from assembler.plan.model import AudioBed, SoundPiece
from assembler.processes import Stop, Stopped
from assembler.times import FileMs, Ms, span

SHORT = 200
"""Frames of a window in most tests: 4.3 s show what 30 s do."""
SECONDS = 14.9
"""Length of the class: three windows, the last one longer than the others, its end inside a frame."""
CHIRPS = [
    0.5,
    *(SHORT * AAC_FRAME / RATE * n + late for n in (1, 2) for late in (-0.43, -0.06, 0.0, 0.2)),
    SECONDS - 0.2,
]
"""Seconds of chirps: at both ends, and around the places where windows meet."""


@given(st.integers(1, 10 * LENGTH * AAC_FRAME))
def test_each_frame_belongs_to_one_window_that_encodes_it_whole(length: int) -> None:
    cut = cut_windows(length)
    assert cut[0].first == cut[0].start == 0
    assert cut[-1].end == length
    for one, other in pairwise(cut):
        assert one.first + LENGTH == other.first
        assert one.start < other.start < other.first * AAC_FRAME < one.end <= length
    assert length - cut[-1].first * AAC_FRAME >= LENGTH * AAC_FRAME // 2 or len(cut) == 1


def noise(seconds: float, channels: int) -> Array:
    """A room with claps in it, so that the encoder changes its blocks all the time."""
    random = np.random.default_rng(7)
    t = np.arange(round(seconds * RATE)) / RATE
    claps = np.exp(-np.mod(t, 0.137) * 90) * random.uniform(-0.2, 0.2, (channels, len(t)))
    return np.asarray(claps + 0.1 * np.sin(2 * np.pi * (200 + 20 * t) * t), np.float32)


class Mixed:
    """One class, mixed by ``render_mixdown`` with so many encoders."""

    def __init__(self, folder: Path, ffmpeg: str, sound: Array) -> None:
        self.folder, self.ffmpeg = folder, ffmpeg
        self.source = write(folder / "source.wav", sound, "-c:a", "pcm_f32le")
        self.facts = probed({"a": self.source}, folder)
        whole = span(0, round(sound.shape[1] / RATE * 1000))
        pieces = (SoundPiece(video_id="a", span=whole, file_start=FileMs(0)),)
        rate = 128_000 if len(sound) == 2 else 64_000
        self.bed = AudioBed(pieces=pieces, reason="test", copied=None, carried=rate)

    def render(self, encoders: int = 2, *, stop: Stop | None = None, loudness: float | None = None) -> Path:
        out, work = self.folder / f"sound-{encoders}.m4a", self.folder / "work"
        work.mkdir(exist_ok=True)
        render_mixdown(
            self.bed, SourceFiles({"a": self.source}), self.facts, length=Ms(self.bed.pieces[0].span.end), out=out,
            work=work, ffmpeg=self.ffmpeg, loudness=loudness, stop=stop or Stop(), on_seconds=None, stall_seconds=60,
            encoders=encoders,
        )  # fmt: skip
        return out


@pytest.fixture
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LENGTH", SHORT)


@pytest.fixture
def in_one_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patch:
        patch.setattr(mixdown, "cut_windows", lambda length: [Window(0, 0, length)])
        yield patch


@pytest.mark.slow
@pytest.mark.usefixtures("_short_windows")
class TestSound:
    @pytest.mark.parametrize("channels", [1, 2])
    def test_windows_sound_as_one_run(
        self, tmp_path: Path, ffmpeg: str, channels: int, in_one_run: pytest.MonkeyPatch
    ) -> None:
        sound = noise(SECONDS + 0.01, channels)
        mixed = Mixed(tmp_path, ffmpeg, sound)
        whole = mixed.render().rename(tmp_path / "whole.m4a")
        in_one_run.undo()
        joined = mixed.render()
        one, other = (read_tables(path).track(b"soun") for path in (whole, joined))
        assert other.durations == one.durations
        assert other.edit is not None
        assert one.edit is not None
        assert other.edit[:2] == one.edit[:2]
        bytes_of = [track.cumulative_sizes[-1] for track in (one, other)]
        assert bytes_of[1] == pytest.approx(bytes_of[0], rel=0.03)  # each window begins with the encoder's first guess
        lost = [_lost(sound, decoded(path)) for path in (whole, joined)]
        meets = [round(window.first * AAC_FRAME / STEP) for window in cut_windows(sound.shape[1])[1:]]
        assert len(meets) == 2
        assert _decibels(lost[1].mean() / lost[0].mean()) < 0.3
        # in steps of 50 ms the one or the other has more bits to spend: where windows meet no more than elsewhere
        differs = _decibels(_smooth(lost[1]) / _smooth(lost[0]))
        assert np.abs(differs[meets]).max() <= np.percentile(np.abs(differs), 99)

    def test_every_chirp_is_in_its_place(self, tmp_path: Path, ffmpeg: str) -> None:
        out = Mixed(tmp_path, ffmpeg, chirps(SECONDS, *CHIRPS)).render()
        heard = onsets(decoded(out)[0])
        assert heard == pytest.approx(CHIRPS, abs=0.0002)

    def test_the_count_of_encoders_changes_no_byte(self, tmp_path: Path) -> None:
        mixed = Mixed(tmp_path, BUNDLED, noise(SECONDS, 1))
        made = [mixed.render(encoders).read_bytes() for encoders in (1, 2, 5)]
        assert made[0] == made[1] == made[2]
        assert not [path for path in (tmp_path / "work").iterdir() if path.suffix in (".pcm", ".m4a")]

    def test_loudness_is_that_of_one_run(self, tmp_path: Path) -> None:
        mixed = Mixed(tmp_path, BUNDLED, noise(SECONDS, 1))
        sound = decoded(mixed.render(loudness=-20.0))
        levels = [float(np.sqrt((sound[:, at : at + RATE] ** 2).mean())) for at in range(RATE, 14 * RATE, RATE)]
        assert max(levels) / min(levels) < 1.1


@pytest.mark.slow
@pytest.mark.usefixtures("_short_windows")
class TestTrouble:
    def test_what_cannot_be_joined_is_encoded_in_one_run(self, tmp_path: Path) -> None:
        program = tmp_path / "ffmpeg"
        # an encoder of another kind: no frame of silence is named at the start of what it makes of a file
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *pipe:0*) exec {BUNDLED} "$@";; esac\n'
            f'for last; do :; done\n{BUNDLED} "$@" -use_editlist 0 "$last"\n'
        )
        program.chmod(0o755)
        out = Mixed(tmp_path, str(program), chirps(SECONDS, *CHIRPS)).render()
        assert onsets(decoded(out)[0]) == pytest.approx(CHIRPS, abs=0.0002)

    def test_windows_of_different_sounds_are_not_joined(self, tmp_path: Path) -> None:
        cut = cut_windows(2 * SHORT * AAC_FRAME)
        for number, window in enumerate(cut):
            clap = chirps((window.end - window.start) / RATE)
            clap[0, number * 512 :: 2048] = 1  # the one has short blocks where the other has long ones
            clap = clap if number else np.zeros_like(clap)
            write(tmp_path / f"{number}.m4a", clap, "-c:a", "aac", "-aac_coder", "fast", "-b:a", "64k")
        with pytest.raises(NotJoinable, match="other blocks"):
            join_windows([(window, tmp_path / f"{number}.m4a") for number, window in enumerate(cut)], tmp_path / "out")

    def test_a_stop_ends_all_encoders(self, tmp_path: Path) -> None:
        program = tmp_path / "ffmpeg"
        program.write_text("#!/bin/sh\nexec sleep 60\n")
        program.chmod(0o755)
        mixed = Mixed(tmp_path, str(program), noise(SECONDS, 1))
        stop = Stop()
        threading.Timer(0.5, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(Stopped):
            mixed.render(stop=stop)
        assert time.monotonic() - begun < 20

    def test_one_encoder_that_fails_is_an_error_with_its_last_words(self, tmp_path: Path) -> None:
        program = tmp_path / "ffmpeg"
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *sound-1.pcm*) echo tired >&2; exit 3;; esac\nexec {BUNDLED} "$@"\n'
        )
        program.chmod(0o755)
        with pytest.raises(MediaError, match="tired"):
            Mixed(tmp_path, str(program), noise(SECONDS, 1)).render()

    def test_a_disk_that_is_full_when_windows_are_joined_is_called_so(self, tmp_path: Path) -> None:
        mixed = Mixed(tmp_path, BUNDLED, noise(SECONDS, 1))
        (tmp_path / "sound-2.m4a.part").symlink_to("/dev/full")
        with pytest.raises(DiskFull):
            mixed.render()
        assert not (tmp_path / "sound-2.m4a").exists()

    def test_a_full_disk_is_called_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "LENGTH", LENGTH)
        mixed = Mixed(tmp_path, BUNDLED, noise(60, 1))
        disk = SmallDisk(tmp_path / "work")
        try:
            disk.fill()
            disk.make_room()  # for the order, not for 30 s of samples
            with pytest.raises(DiskFull):
                mixed.render()
        finally:
            disk.make_room()
            disk.close()


STEP = 2400
"""Samples for which the loss is told at once: 50 ms."""


def _lost(sound: Array, heard: Array) -> Array:
    """Measure the power of what was lost in each step."""
    count = min(sound.shape[1], heard.shape[1]) // STEP
    wrong = (heard[:, : count * STEP] - sound[:, : count * STEP]).reshape(len(sound), count, STEP)
    return np.asarray((wrong.astype(np.float64) ** 2).mean(axis=(0, 2)) + 1e-9, np.float32)


def _decibels(power: Any) -> Any:
    return 10 * np.log10(power)


def _smooth(lost: Array) -> Array:
    return np.convolve(lost, np.ones(5, np.float32), "same")


def test_shapes_of_blocks_are_read_from_the_first_bits() -> None:
    assert block_shape(bytes([0b000_0000_0, 0b1111111_0, 0b10_1_00000, 0])) == 0b101  # one channel, eight short, KBD
    assert block_shape(bytes([0b001_0000_1, 0b0_11_0_0000, 0, 0])) == 0b110  # a pair with common blocks, to stop, sine
    assert block_shape(bytes([0b001_0000_0, 0b0_11_0_0000, 0, 0])) is None  # blocks of their own
    assert block_shape(bytes([0b110_0000_0, 0, 0, 0])) is None  # a fill element
    assert block_shape(b"") == 0  # not a frame: it agrees with none that is
