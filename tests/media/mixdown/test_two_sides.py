"""Whether the mix has one channel or two: one only where nothing is lost by it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from chirps import BUNDLED, RATE, Array, chirps, decibels, decoded, level, onsets, probed, repacked, tone, write

from assembler.facts import Facts
from assembler.findings import Finding, Severity
from assembler.media.mixdown import windows
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.source_files import SourceFiles
from assembler.mp4.parse import read_tables
from assembler.plan.model import AudioBed, SoundPiece
from assembler.processes import Stop, fork_server
from assembler.times import FileMs, Ms, span

pytestmark = pytest.mark.slow

LEVEL = 0.25


def mixed(folder: Path, *paths: Path, seconds: float, ffmpeg: str = BUNDLED, loudness: float | None = None) -> Path:
    """The mix of some files that all begin at 0."""
    files = {path.stem: path for path in paths}
    out, findings = mixed_by(folder, files, probed(files, folder), seconds, ffmpeg, loudness)
    assert not [finding for finding in findings if finding.severity is Severity.WARNING]
    return out


def mixed_by(
    folder: Path,
    files: Mapping[str, Path],
    facts: Mapping[str, Facts],
    seconds: float,
    ffmpeg: str = BUNDLED,
    loudness: float | None = None,
    stall_seconds: float = 60,
) -> tuple[Path, Sequence[Finding]]:
    """The same, with its findings, of files that may have changed since they were probed."""
    end = round(seconds * 1000)
    pieces = tuple(SoundPiece(video_id=name, span=span(0, end), file_start=FileMs(0)) for name in sorted(files))
    bed = AudioBed(pieces=pieces, reason="test", copied=None, carried=64_000)
    out, work = folder / "sound.m4a", folder / "work"
    work.mkdir(exist_ok=True)
    told: list[float] = []
    findings = render_mixdown(
        bed, SourceFiles(files), facts, length=Ms(end), out=out, work=work, ffmpeg=ffmpeg, loudness=loudness,
        stop=Stop(), on_seconds=told.append, stall_seconds=stall_seconds, encoders=2,
    )  # fmt: skip
    assert told == sorted(told)
    assert not [path for path in work.iterdir() if path.suffix in (".pcm", ".m4a")]
    return out, findings


def both(sound: Array) -> Array:
    return np.repeat(sound, 2, 0)


def voice(seconds: float = 3) -> Array:
    """Something like speech: noise that comes and goes, with a pitch."""
    t = np.arange(round(seconds * RATE)) / RATE
    hiss = np.random.default_rng(5).normal(0, 0.03, len(t))
    return np.asarray((hiss + 0.2 * np.sin(2 * np.pi * 180 * t)) * (np.sin(2 * np.pi * 1.5 * t) > 0), np.float32)[None]


TWICE = [
    ("twice.wav", ("-c:a", "pcm_s16le")),
    ("twice.mp4", ("-c:a", "aac", "-b:a", "128k", "-aac_coder", "fast")),
    ("twice.webm", ("-c:a", "libopus", "-b:a", "64k")),
    ("twice.mp3", ("-c:a", "libmp3lame", "-b:a", "128k")),
]


class TestOneSide:
    @pytest.mark.parametrize(("name", "words"), TWICE, ids=[name for name, _ in TWICE])
    def test_the_same_voice_on_both_sides_gets_one_channel(
        self, tmp_path: Path, ffmpeg: str, name: str, words: Sequence[str]
    ) -> None:
        path = write(tmp_path / name, both(voice()), *words)
        assert len(decoded(mixed(tmp_path, path, seconds=3, ffmpeg=ffmpeg))) == 1

    def test_at_full_level_and_at_half_the_bytes(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav", both(tone(20, LEVEL) + voice(20)))
        out = mixed(tmp_path, path, seconds=20)
        sound = decoded(out)
        assert len(sound) == 1
        assert abs(decibels(level(sound[0], 1), LEVEL)) < 0.2
        sizes = read_tables(out).track(b"soun").cumulative_sizes[-1]
        assert sizes * 8 / 20 < 70_000  # two channels have at least 96,000

    def test_a_sound_with_holes_has_one_channel(self, tmp_path: Path) -> None:
        source = write(tmp_path / "whole.mka", voice(6), "-c:a", "libopus")
        path = repacked(source, tmp_path / "a.mka", lambda at: None if 2 < at < 3 else at)
        assert len(decoded(mixed(tmp_path, path, seconds=6))) == 1

    def test_a_codecs_noise_in_the_last_few_ms_is_no_second_side(self, tmp_path: Path) -> None:
        """As Opus and AAC leave it in one of some hundred places of 10 ms, hardly ever in a second."""
        sound = both(voice(3.01))
        sound[:, 3 * RATE :] += [[0.01], [-0.01]] * np.random.default_rng(1).normal(0, 1, RATE // 100).astype("f4")
        assert len(decoded(mixed(tmp_path, write(tmp_path / "a.wav", sound), seconds=3.01))) == 1

    def test_noise_that_nobody_hears_is_no_second_side(self, tmp_path: Path) -> None:
        quiet = np.random.default_rng(1).normal(0, 10 ** (-80 / 20), (2, 3 * RATE)).astype(np.float32)
        assert len(decoded(mixed(tmp_path, write(tmp_path / "a.wav", quiet), seconds=3))) == 1

    def test_silence_has_one_channel(self, tmp_path: Path) -> None:
        out = mixed(tmp_path, write(tmp_path / "a.wav", both(0 * voice())), seconds=3)
        assert decoded(out).shape[0] == 1


class TestTwoSides:
    def test_left_and_right_stay_apart(self, tmp_path: Path, ffmpeg: str) -> None:
        sides = np.concatenate([tone(3, LEVEL, pitch=1000), tone(3, LEVEL, pitch=1500)])
        sound = decoded(mixed(tmp_path, write(tmp_path / "a.wav", sides), seconds=3, ffmpeg=ffmpeg))
        assert len(sound) == 2
        found = [level(side, 1, pitch=pitch) for side in sound for pitch in (1000, 1500)]
        assert found == pytest.approx([LEVEL, 0, 0, LEVEL], abs=0.005)

    def test_what_cancels_in_one_channel_is_not_lost(self, tmp_path: Path) -> None:
        sound = tone(3, LEVEL)
        out = decoded(mixed(tmp_path, write(tmp_path / "a.wav", np.concatenate([sound, -sound])), seconds=3))
        assert [abs(decibels(level(side, 1), LEVEL)) < 0.1 for side in out] == [True, True]

    def test_a_voice_on_one_side_stays_there(self, tmp_path: Path) -> None:
        sound = tone(3, LEVEL)
        out = decoded(mixed(tmp_path, write(tmp_path / "a.wav", np.concatenate([sound, 0 * sound])), seconds=3))
        assert abs(decibels(level(out[0], 1), LEVEL)) < 0.1
        assert level(out[1], 1) < 0.001

    def test_a_quiet_room_has_two_sides(self, tmp_path: Path) -> None:
        room = np.random.default_rng(1).normal(0, 10 ** (-55 / 20), (2, 3 * RATE)).astype(np.float32)
        assert len(decoded(mixed(tmp_path, write(tmp_path / "a.wav", room), seconds=3))) == 2

    def test_a_quiet_film_beside_a_loud_voice_has_two_sides(self, tmp_path: Path) -> None:
        film = np.concatenate([tone(3, LEVEL / 20), 0 * tone(3, LEVEL)])
        paths = [write(tmp_path / "film.wav", film), write(tmp_path / "voice.wav", tone(3, LEVEL, pitch=300))]
        sound = decoded(mixed(tmp_path, *paths, seconds=3))
        assert level(sound[0], 1) == pytest.approx(LEVEL / 20, rel=0.1)
        assert level(sound[1], 1) < LEVEL / 200

    @pytest.mark.usefixtures("_short_windows")
    @pytest.mark.parametrize("seconds", [3.0, 9.5])
    def test_one_click_at_the_end_makes_all_of_it_two_sided(self, tmp_path: Path, ffmpeg: str, seconds: float) -> None:
        """Whether in one run or in windows, some of which are encoded by then."""
        voices = both(chirps(seconds, 0.5, seconds - 1.0))
        voices[0] += chirps(seconds, seconds - 0.2)[0]
        sound = decoded(mixed(tmp_path, write(tmp_path / "a.wav", voices), seconds=seconds, ffmpeg=ffmpeg))
        assert onsets(sound[0]) == pytest.approx([0.5, seconds - 1.0, seconds - 0.2], abs=0.0002)
        assert onsets(sound[1]) == pytest.approx([0.5, seconds - 1.0], abs=0.0002)

    @pytest.mark.usefixtures("_short_windows", "_late_news")
    @pytest.mark.parametrize("seconds", [3.0, 9.5])
    def test_news_of_the_mixers_end_may_be_late(self, tmp_path: Path, ffmpeg: str, seconds: float) -> None:
        """The fork server may be at the imports of another child while the mixer ends."""
        sides = np.concatenate([tone(seconds, LEVEL), 0 * tone(seconds, LEVEL)])
        assert len(decoded(mixed(tmp_path, write(tmp_path / "a.wav", sides), seconds=seconds, ffmpeg=ffmpeg))) == 2

    @pytest.mark.usefixtures("_short_windows")
    @pytest.mark.parametrize("how", ["crashed", "did not come to an end"])
    def test_a_file_that_ends_or_holds_up_the_mixer_is_told_and_waited_for_once(
        self, tmp_path: Path, deadly: Callable[[], Path], how: str
    ) -> None:
        voices = both(chirps(9.5, 0.5))
        voices[0] += chirps(9.5, 9.2)[0]
        bad = write(tmp_path / "killer.wav", tone(9.5, LEVEL))
        files = {"killer": bad, "voice": write(tmp_path / "voice.wav", voices)}
        facts = probed(files, tmp_path)
        if how == "crashed":
            deadly()
        else:
            bad.unlink()
            os.mkfifo(bad)
        begun = time.monotonic()
        out, findings = mixed_by(tmp_path, files, facts, 9.5, stall_seconds=4)
        assert time.monotonic() - begun < 10
        assert [(finding.where, how in finding.sentence) for finding in findings] == [("killer", True)]
        assert [onsets(side) for side in decoded(out)] == [pytest.approx(at, abs=0.0002) for at in ([0.5, 9.2], [0.5])]

    def test_a_wanted_loudness_is_that_of_two_channels(self, tmp_path: Path) -> None:
        out = mixed(tmp_path, write(tmp_path / "a.wav", both(tone(5, LEVEL))), seconds=5, loudness=-20)
        assert len(decoded(out)) == 2


@pytest.fixture
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LENGTH", 200)


@pytest.fixture
def _late_news(tmp_path: Path) -> Iterator[None]:
    """Holds the fork server for 2 s from the moment at which the first mixer begins."""
    is_over = threading.Event()

    def hold() -> None:
        while not (tmp_path / "work" / "sound-state").exists():
            if is_over.wait(0.001):
                return
        server = fork_server.pid()
        assert server is not None
        os.kill(server, signal.SIGSTOP)
        time.sleep(2)
        os.kill(server, signal.SIGCONT)

    holding = threading.Thread(target=hold)
    holding.start()
    yield
    is_over.set()
    holding.join()
