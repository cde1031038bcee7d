"""Where every sound is, how loud, and what happens to files that are not good: chirps in, chirps out."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from chirps import (
    BUNDLED,
    MAKERS,
    RATE,
    Array,
    Library,
    build_library,
    chirps,
    decibels,
    decoded,
    level,
    loudness_of,
    onsets,
    probed,
    tone,
    write,
)  # fmt: skip

from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts
from assembler.findings import Finding, Severity
from assembler.media.mixdown.mixdown import LIMIT, render_mixdown
from assembler.media.source_files import SourceFiles
from assembler.plan.model import AudioBed, SoundPiece
from assembler.processes import Stalled, Stop, Stopped
from assembler.times import FileMs, Ms, span

pytestmark = pytest.mark.slow

SPACE = 4000
"""Ms of playback for each clip of the class in ``played``."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return build_library(tmp_path_factory.mktemp("sounds"))


def piece(video_id: str, start: int, end: int, file_start: int = 0) -> SoundPiece:
    return SoundPiece(video_id=video_id, span=span(start, end), file_start=FileMs(file_start))


def bed_of(*pieces: SoundPiece) -> AudioBed:
    return AudioBed(pieces=tuple(sorted(pieces, key=lambda p: (p.span.start, p.video_id))), reason="test", copied=None)


@dataclass
class Renders:
    """Calls ``render_mixdown`` in a folder of its own."""

    folder: Path
    ffmpeg: str = BUNDLED
    seconds: list[float] = field(default_factory=list)

    def __call__(
        self,
        bed: AudioBed,
        files: Mapping[str, Path],
        facts: Mapping[str, Facts],
        length: int,
        *,
        loudness: float | None = None,
        stop: Stop | None = None,
        stall_seconds: float = 60,
    ) -> tuple[Path, tuple[Finding, ...]]:
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        out = self.folder / "sound.m4a"
        findings = render_mixdown(
            bed, SourceFiles(files), facts, length=Ms(length), out=out, work=work, ffmpeg=self.ffmpeg,
            loudness=loudness, stop=stop or Stop(), on_seconds=self.seconds.append, stall_seconds=stall_seconds,
        )  # fmt: skip
        return out, findings


@pytest.fixture
def renders(tmp_path: Path) -> Iterator[Renders]:
    renders = Renders(tmp_path)
    yield renders
    assert not list(tmp_path.rglob("*.part"))


@dataclass(frozen=True)
class Played:
    """All files of the library one after the other, each at its own 4 seconds."""

    sound: Array
    findings: tuple[Finding, ...]
    length: int

    def start(self, name: str) -> int:
        return PLACES[name] * SPACE

    def heard(self, name: str) -> list[float]:
        """Ms of the chirps within a file's 4 seconds."""
        first = self.start(name) * RATE // 1000
        return [at * 1000 for at in onsets(self.sound[0, first : first + SPACE * RATE // 1000])]

    def said(self, name: str) -> list[str]:
        return [finding.sentence for finding in self.findings if finding.where == name]


PLACES = {name: number for number, name in enumerate(MAKERS)}


@pytest.fixture(scope="module")
def played(library: Library, bundled_ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Played:
    starts = {name: place * SPACE for name, place in PLACES.items()}
    ends = {name: facts.heard[1] if facts.heard else 2000 for name, facts in library.facts.items()}
    pieces = [
        piece(name, at + 137, at + 137 + ends[name]) for name, at in starts.items() if name not in ("plain", "cut")
    ]
    at = starts["plain"]
    pieces.append(piece("plain", at + 137, at + 1500, 213))
    at = starts["cut"]
    pieces += [piece("cut", at + 101, at + 1101), piece("cut", at + 1101, at + 2101, 2000)]
    length = len(PLACES) * SPACE + 17
    renders = Renders(tmp_path_factory.mktemp("played"), bundled_ffmpeg)
    out, findings = renders(bed_of(*pieces), library.files, library.facts, length)
    return Played(decoded(out), findings, length)


def near(*wanted: float) -> Any:
    """Within a millisecond."""
    return pytest.approx(list(wanted), abs=1.0)


class TestPlaces:
    def test_the_sound_is_as_long_as_planned_to_within_one_aac_frame(self, played: Played) -> None:
        assert abs(played.sound.shape[1] - played.length * 48) <= 1024

    def test_a_piece_that_begins_inside_its_file_at_an_odd_millisecond_is_in_its_place(self, played: Played) -> None:
        assert played.heard("plain") == near(137 + 500 - 213)

    def test_sound_that_starts_later_than_its_picture_stays_later(self, played: Played, library: Library) -> None:
        sound = library.facts["picture_first"].sounds[0]
        assert sound.start > 400
        assert played.heard("picture_first") == near(137 + 500 + 437)

    def test_sound_that_starts_before_its_picture_starts_the_file(self, played: Played, library: Library) -> None:
        picture = library.facts["sound_first"].picture
        assert picture is not None
        assert picture.start >= 200
        assert played.heard("sound_first") == near(137 + 500)

    def test_lost_packets_leave_silence_and_later_sound_keeps_its_place(self, played: Played) -> None:
        assert played.heard("hole") == near(137 + 500, 137 + 1800)
        assert "hole" in played.said("hole")[0]

    def test_a_jump_in_the_stamps_moves_what_follows(self, played: Played) -> None:
        assert played.heard("paused") == near(137 + 500, 137 + 1800 + 700)

    def test_stamps_that_run_back_leave_out_what_was_already_heard(self, played: Played, library: Library) -> None:
        first, gone, second = stamped_chirps(library, "overlap")
        assert gone < 1.2  # it lies under the end of the first part
        assert played.heard("overlap") == near(137 + 1000 * first, 137 + 1000 * second)
        assert "left out" in played.said("overlap")[0]

    def test_one_wild_stamp_neither_moves_nor_silences_anything(self, played: Played) -> None:
        delay = 1024 / 48
        assert played.heard("wild") == near(137 + delay + 500, 137 + delay + 1800)

    def test_stamps_rounded_to_milliseconds_do_not_tear_the_sound(self, played: Played) -> None:
        delay = 1024 / 44.1
        assert played.heard("jitter") == near(137 + delay + 500, 137 + delay + 2400)
        assert played.said("jitter") == []

    def test_a_change_of_rate_and_channels_inside_a_file_loses_nothing(self, played: Played, library: Library) -> None:
        first, second = stamped_chirps(library, "rates")
        assert second - first == pytest.approx(1.05, abs=0.03)
        assert played.heard("rates") == near(137 + 1000 * first, 137 + 1000 * second)

    def test_a_change_of_rate_in_a_file_without_stamps_is_counted(self, played: Played) -> None:
        frames = -(-(44_100 + 1024) // 1024)
        second = 1000 * frames * 1024 / 44_100 + 1024 / 48 + 500
        assert played.heard("raw") == near(137 + 1024 / 44.1 + 500, 137 + second)

    def test_the_priming_of_an_mp3_is_not_heard(self, played: Played) -> None:
        assert played.heard("mp3") == near(137 + 500)

    def test_two_pieces_around_a_cut_meet_and_what_was_cut_is_not_heard(self, played: Played) -> None:
        assert played.heard("cut") == near(101 + 500, 1101 + 500)

    def test_a_file_without_sound_is_silence_and_is_told(self, played: Played) -> None:
        first = played.start("silent") * 48
        assert not np.abs(played.sound[:, first : first + 190_000]).max() > 1e-3
        assert "it holds no sound" in played.said("silent")[0]


def stamped_chirps(library: Library, name: str) -> list[float]:
    """File time of the chirps, by the stamp of the first frame of each stretch: the others libav may only guess, and
    a transport stream keeps the encoder's delay of 1024 samples."""
    with av.open(str(library.files[name])) as file:
        frames: list[Any] = list(file.decode(audio=0))
    found: list[float] = []
    run: list[Any] = []
    for frame, following in zip(frames, [*frames[1:], None], strict=True):
        run.append(frame)
        end = frame.time + frame.samples / frame.sample_rate
        if following is None or abs(following.time - end) > 0.1 or following.sample_rate != frame.sample_rate:
            sound = np.concatenate([one.to_ndarray()[0] for one in run])
            found += [run[0].time + at for at in onsets(sound, run[0].sample_rate)]
            run = []
    return [at - float(library.facts[name].origin) for at in found]


class TestLevels:
    def test_mono_comes_at_full_level_from_both_sides(self, played: Played) -> None:
        at = played.start("mono") / 1000 + 0.5
        assert [abs(decibels(level(side, at), 0.25)) < 0.1 for side in played.sound] == [True, True]

    def test_stereo_stays_where_it_is(self, played: Played) -> None:
        at = played.start("stereo") / 1000 + 0.5
        assert abs(decibels(level(played.sound[0], at), 0.25)) < 0.1
        assert level(played.sound[1], at) < 0.001

    def test_surround_is_mixed_down_with_the_centre_3_db_lower_on_both_sides(self, played: Played) -> None:
        at = played.start("surround") / 1000 + 0.5
        assert abs(decibels(level(played.sound[0], at), 0.25)) < 0.1
        assert level(played.sound[1], at) < 0.001
        for side in played.sound:
            assert abs(decibels(level(side, at, pitch=2000), 0.25 / 2**0.5)) < 0.1

    def test_one_speaker_among_ten_is_as_loud_as_alone(self, library: Library, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        speakers = {"mono": library.files["mono"]} | {f"silent {n}": library.files["plain"] for n in range(9)}
        facts = {name: library.facts["mono" if name == "mono" else "plain"] for name in speakers}
        out, findings = renders(bed_of(*(piece(name, 0, 450) for name in speakers)), speakers, facts, 1000)
        assert abs(decibels(level(decoded(out)[0], 0.1, 0.3), 0.25)) < 0.1
        assert findings == ()

    def test_ten_loud_speakers_are_limited(self, library: Library, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        files = {f"user {n}": library.files["mono"] for n in range(10)}
        facts = dict.fromkeys(files, library.facts["mono"])
        out, _ = renders(bed_of(*(piece(name, 0, 1400) for name in files)), files, facts, 1400)
        sound = np.abs(decoded(out))
        assert sound[:, 9600:57_600].max() > LIMIT * 0.8
        assert sound.max() < 1.1  # the sum is 2.5; AAC adds a little at the hard beginning


class TestLoudness:
    def test_the_loudness_asked_for_is_reached(self, tmp_path: Path, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(6 * RATE) / RATE)
        speech = np.asarray(swell * sum(tone(6, 0.02, pitch=pitch) for pitch in (210, 730, 1900)), np.float32)
        path = write(tmp_path / "speech.wav", speech)
        facts = probed({"a": path}, tmp_path)
        out, findings = renders(bed_of(piece("a", 0, 6000)), {"a": path}, facts, 6000, loudness=-16)
        assert loudness_of(out) == pytest.approx(-16, abs=0.5)
        assert findings[0].severity is Severity.NOTE
        assert "LUFS" in findings[0].sentence
        assert renders.seconds == sorted(renders.seconds)
        assert renders.seconds[-1] == pytest.approx(6)

    def test_what_the_gain_makes_too_loud_is_limited(self, tmp_path: Path, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        path = write(tmp_path / "knock.wav", tone(6, 0.08) + chirps(6, 0))
        facts = probed({"a": path}, tmp_path)
        out, _ = renders(bed_of(piece("a", 0, 6000)), {"a": path}, facts, 6000, loudness=-10)
        sound = decoded(out)
        assert level(sound[0], 1) > 0.2
        assert np.abs(sound).max() < 1.1

    def test_a_lone_voice_keeps_its_high_tones(self, tmp_path: Path, renders: Renders) -> None:
        path = write(tmp_path / "voice.wav", tone(3, 0.1, pitch=9000))
        facts = probed({"a": path}, tmp_path)
        bed = bed_of(piece("a", 0, 3000)).model_copy(update={"carried": 48_000})
        out, findings = renders(bed, {"a": path}, facts, 3000, loudness=-20)
        assert loudness_of(out) == pytest.approx(-20, abs=0.5), findings

    def test_silence_is_not_amplified(self, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        out, findings = renders(bed_of(), {}, {}, 1234, loudness=-16)
        assert not decoded(out).any()
        assert "too quiet" in findings[0].sentence


class TestBadFiles:
    def test_damaged_packets_are_skipped_and_the_rest_stays_in_place(self, tmp_path: Path, renders: Renders) -> None:
        path = write(tmp_path / "damaged.mp4", chirps(3, 0.5, 2.2), "-c:a", "aac")
        facts = probed({"a": path}, tmp_path)
        with av.open(str(path)) as file:
            packets: list[Any] = [packet for packet in file.demux(audio=0) if packet.size]
            hurt = [packet.pos for packet in packets if 1 < packet.pts * packet.time_base < 1.3]
        raw = bytearray(path.read_bytes())
        for place in hurt:
            raw[place : place + 3] = b"\xff\xff\xff"
        path.write_bytes(raw)
        out, findings = renders(bed_of(piece("a", 0, 3000)), {"a": path}, facts, 3000)
        assert [1000 * at for at in onsets(decoded(out)[0])] == near(500, 2200)
        assert [f.where for f in findings if f.severity is Severity.WARNING and "damaged" in f.sentence] == ["a"]

    def test_a_file_cut_off_after_probing_is_heard_as_far_as_it_goes(self, tmp_path: Path, renders: Renders) -> None:
        path = write(tmp_path / "cut.wav", chirps(3, 0.5, 2.5))
        facts = probed({"a": path}, tmp_path)
        path.write_bytes(path.read_bytes()[: 96_000 * 2])
        out, findings = renders(bed_of(piece("a", 0, 3000)), {"a": path}, facts, 3000)
        assert [1000 * at for at in onsets(decoded(out)[0])] == near(500)
        assert any("too early" in f.sentence for f in findings)

    def test_files_that_cannot_be_opened_are_silent_and_told(self, library: Library, renders: Renders) -> None:
        junk = renders.folder / "junk.mp4"
        junk.write_bytes(b"<html>expired</html>" * 100)
        files = {"junk": junk, "gone": renders.folder / "gone.mp4", "plain": library.files["plain"]}
        facts = dict.fromkeys([*files, "unfetched"], library.facts["plain"])
        bed = bed_of(*(piece(name, 0, 2000) for name in facts))
        out, findings = renders(bed, files, facts, 2000)
        assert [1000 * at for at in onsets(decoded(out)[0])] == near(500)
        assert sorted(f.where for f in findings) == ["gone", "junk", "unfetched"]
        assert not any(str(renders.folder) in f.sentence for f in findings)

    def test_a_playlist_under_a_media_name_reads_no_other_file(self, library: Library, renders: Renders) -> None:
        path = renders.folder / "list.mp4"
        path.write_text(f"#EXTM3U\n#EXTINF:2,\n{library.files['plain']}\n#EXT-X-ENDLIST\n")
        facts = {"list": library.facts["plain"]}
        out, findings = renders(bed_of(piece("list", 0, 2000)), {"list": path}, facts, 2000)
        assert not decoded(out).any()
        assert "cannot be read" in findings[0].sentence

    def test_a_file_that_kills_the_mixer_is_left_out(
        self, library: Library, renders: Renders, deadly: Callable[[], Path]
    ) -> None:
        deadly()
        bad = renders.folder / "killer.mp4"
        shutil.copy(library.files["plain"], bad)
        files = {"a": bad, "b": library.files["mono"]}
        facts = {"a": library.facts["plain"], "b": library.facts["mono"]}
        out, findings = renders(bed_of(piece("a", 0, 1000), piece("b", 0, 1000)), files, facts, 1000)
        assert level(decoded(out)[0], 0.2) > 0.2
        assert [(f.where, f.severity) for f in findings] == [("a", Severity.WARNING)]
        assert f"signal {signal.SIGSEGV.value}" in findings[0].sentence


def fake(folder: Path, script: str) -> str:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


class TestTrouble:
    def test_no_piece_at_all_gives_silence_of_the_right_length(self, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        out, findings = renders(bed_of(), {}, {}, 4321)
        sound = decoded(out)
        assert sound.shape[0] == 1
        assert abs(sound.shape[1] - 4321 * 48) <= 1024
        assert not sound.any()
        assert findings == ()

    def test_the_same_sound_is_written_to_the_same_bytes(self, library: Library, renders: Renders) -> None:
        made = []
        for _ in range(2):
            out, _ = renders(bed_of(piece("plain", 0, 2000)), library.files, library.facts, 2000)
            made.append(out.read_bytes())
        assert made[0] == made[1]

    def test_a_failing_ffmpeg_is_an_error_with_its_last_words(self, renders: Renders) -> None:
        renders.ffmpeg = fake(renders.folder, "echo no such encoder >&2; exit 7")
        with pytest.raises(MediaError, match="no such encoder"):
            renders(bed_of(), {}, {}, 60_000)
        assert not (renders.folder / "sound.m4a").exists()

    def test_a_full_disk_is_called_a_full_disk(self, renders: Renders, ffmpeg: str) -> None:
        renders.ffmpeg = ffmpeg
        (renders.folder / "sound.m4a.part").symlink_to("/dev/full")
        with pytest.raises(DiskFull):
            renders(bed_of(), {}, {}, 2000)

    def test_an_ffmpeg_that_takes_nothing_is_no_success(self, renders: Renders) -> None:
        renders.ffmpeg = fake(renders.folder, "exit 0")
        with pytest.raises(MediaError, match="before the end"):
            renders(bed_of(), {}, {}, 60_000)

    def test_sound_that_is_too_short_gets_no_name(self, renders: Renders) -> None:
        """Every later run would take it up."""
        half = f'head -c 192000 > half; cat > rest; exec {BUNDLED} "$@" < half'
        renders.ffmpeg = fake(renders.folder, half)
        with pytest.raises(MediaError, match=r"only 0:01\.\d+ of the sound were encoded"):
            renders(bed_of(), {}, {}, 2000)
        assert not (renders.folder / "sound.m4a").exists()

    def test_an_ffmpeg_that_hangs_is_killed(self, renders: Renders) -> None:
        renders.ffmpeg = fake(renders.folder, "exec sleep 60")
        with pytest.raises(Stalled):
            renders(bed_of(), {}, {}, 600_000, stall_seconds=1.5)

    def test_a_stop_ends_both_children_at_once(self, renders: Renders) -> None:
        renders.ffmpeg = fake(renders.folder, f"echo $$ > {renders.folder}/pid; exec sleep 60")
        stop = Stop()
        threading.Timer(1.0, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(Stopped):
            renders(bed_of(), {}, {}, 600_000, stop=stop)
        assert time.monotonic() - begun < 10
        with pytest.raises(ProcessLookupError):
            os.kill(int((renders.folder / "pid").read_text()), 0)
