"""The mixing child: which sample is where, whatever the block size, the number of files, or what is in them."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from chirps import MAKERS, RATE, Array, Library, build_library, tone, write
from synthetic import Recipe, make

from assembler.media.mixdown.child import build_chains
from assembler.media.mixdown.order import MixInput, Order, Part, Report
from assembler.times import samples_at


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return build_library(tmp_path_factory.mktemp("sounds"))


def source_of(name: str, library: Library) -> MixInput:
    known = library.facts[name]
    tracks = tuple((sound.index, samples_at(sound.end)) for sound in known.sounds)
    return MixInput(name, library.files[name], known.container, known.origin, Fraction(1), tracks)


def part(name: str, start: int, end: int, shift: int = 0) -> Part:
    return Part(video_id=name, start=start, end=end, shift=shift)


def mixed(order: Order, folder: Path, *, descriptors: int | None = None) -> tuple[Array, Report]:
    """What the mixing child writes: (channels, samples)."""
    path = folder / "order.json"
    path.write_text(order.to_json())
    argv = [sys.executable, "-P", "-m", "assembler.media.mixdown.child", str(path)]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, before[1]))
        done = subprocess.run(argv, capture_output=True, check=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, "<f4").reshape(-1, order.channels).T, Report.from_json(order.report.read_bytes())


def order_of(
    sources: list[MixInput], parts: list[Part], length: int, folder: Path, block: int = RATE, channels: int = 2
) -> Order:
    return Order(
        sources=tuple(sources), parts=tuple(sorted(parts, key=lambda p: (p.start, p.video_id, p.end))), length=length,
        channels=channels, block=block, state=folder / "state", report=folder / "report",
    )  # fmt: skip


@pytest.mark.slow
class TestMixing:
    def test_the_size_of_the_blocks_changes_no_sample(self, library: Library, tmp_path: Path) -> None:
        names = [name for name in MAKERS if name != "silent"]
        sources = [source_of(name, library) for name in names]
        parts = [part(name, 4800 * n, 4800 * n + 100_001, 4800 * n - 7) for n, name in enumerate(names)]
        parts += [part("cut", 150_000, 170_000, 130_000), part("plain", 50_000, 99_000, 48_000)]
        results = [
            mixed(order_of(sources, parts, 180_123, tmp_path, block), tmp_path)[0] for block in (997, 48_000, 480_000)
        ]
        assert results[0].shape == (2, 180_123)
        assert np.abs(results[0]).max() > 0.4
        assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()

    def test_one_channel_is_the_mean_of_two(self, library: Library, tmp_path: Path) -> None:
        sources = [source_of(name, library) for name in MAKERS if name not in ("silent", "stereo", "surround")]
        parts = [part(source.video_id, 0, 100_001, -7) for source in sources]
        two, one = (mixed(order_of(sources, parts, 90_000, tmp_path, channels=n), tmp_path)[0] for n in (2, 1))
        assert np.abs(two[0] - two[1]).max() == 0, "some sources have the same sound on both sides"
        assert one.shape == (1, 90_000)
        assert np.abs(one[0] - two.mean(axis=0)).max() < 1e-6

    def test_what_lies_over_a_join_is_added_whatever_the_size_of_the_blocks(
        self, tmp_path: Path, bundled_ffmpeg: str
    ) -> None:
        """The second part of a TS begins where the picture of the first one ends, 5 ms before its sound does."""
        recipes = (Recipe(seconds=Fraction(2), container="ts", origin=Fraction(at)) for at in (100, 102))
        path = tmp_path / "joined.ts"
        path.write_bytes(b"".join(make(recipe, bundled_ffmpeg).read_bytes() for recipe in recipes))
        source = MixInput("joined", path, "mpegts", Fraction(100), Fraction(1), ((1, 4 * RATE),))
        found = [
            mixed(order_of([source], [part("joined", 0, 4 * RATE)], 4 * RATE, tmp_path, block), tmp_path)
            for block in (997, 24_000, 95_500)
        ]
        assert found[0][0].tobytes() == found[1][0].tobytes() == found[2][0].tobytes()
        first, second = (found[0][0][0, second * RATE :][:4000] for second in (1, 2))
        assert np.abs(first - second).max() < 0.05 * np.abs(first).max()
        assert found[0][1].accounts[0].dropped_samples == 0

    def test_uncompressed_sound_is_placed_to_the_sample_and_nothing_leaks_out_of_its_span(
        self, library: Library, tmp_path: Path
    ) -> None:
        order = order_of([source_of("stereo", library)], [part("stereo", 1001, 30_000, 501)], 40_000, tmp_path)
        sound, _ = mixed(order, tmp_path)
        expected = np.zeros(40_000, np.float32)
        expected[1001:30_000] = tone(1.5, 0.25)[0, 500 : 500 + 28_999]
        assert np.array_equal(sound[0], expected)

    def test_another_rate_is_converted_in_place_and_to_its_last_sample(self, tmp_path: Path) -> None:
        path = write(tmp_path / "tone.wav", tone(0.5, 0.5, rate=44_100), "-c:a", "pcm_f32le", rate=44_100)
        source = MixInput("a", path, "wav", Fraction(0), Fraction(1), tracks=((0, RATE),))
        sound, _ = mixed(order_of([source], [part("a", 0, 48_000)], 48_000, tmp_path), tmp_path)
        assert np.abs(sound[0] - sound[1]).max() == 0
        assert np.abs(sound[0, 100:23_900] - tone(0.5, 0.5)[0, 100:23_900]).max() < 0.002
        assert np.abs(sound[0, 23_990:23_999]).max() > 0.4
        assert not sound[0, 24_002:].any()

    def test_300_clips_sound_at_once_within_128_descriptors(self, library: Library, tmp_path: Path) -> None:
        original = source_of("mono", library)
        sources = []
        for number in range(300):
            path = tmp_path / f"{number}.mp4"
            path.hardlink_to(original.path)
            sources.append(replace(original, video_id=str(number), path=path))
        parts = [part(source.video_id, 0, 24_000) for source in sources]
        alone, _ = mixed(order_of(sources[:1], parts[:1], 24_000, tmp_path), tmp_path)
        sound, report = mixed(order_of(sources, parts, 24_000, tmp_path), tmp_path, descriptors=128)
        assert all(account.is_opened for account in report.accounts)
        assert np.abs(sound - 300 * alone).max() < 0.01

    def test_values_that_are_no_sound_do_not_poison_the_mix(self, library: Library, tmp_path: Path) -> None:
        samples = tone(1, 0.25)
        samples[0, 1000], samples[0, 2000] = np.nan, 1e30
        path = write(tmp_path / "poison.wav", samples, "-c:a", "pcm_f32le")
        source = MixInput("a", path, "wav", Fraction(0), Fraction(1), tracks=((0, RATE),))
        sound, _ = mixed(order_of([source], [part("a", 0, 48_000)], 48_000, tmp_path), tmp_path)
        assert np.abs(sound).max() <= 8
        assert np.allclose(sound[0, 3000:], samples[0, 3000:], atol=1e-6)

    def test_pieces_that_follow_each_other_share_one_decoder_and_others_do_not(self) -> None:
        parts = (part("a", 0, 10), part("a", 5, 9), part("b", 5, 9), part("a", 10, 20, -5), part("a", 20, 25, 10))
        assert [[(p.start, p.end) for p in chain.parts] for chain in build_chains(parts)] == [
            [(0, 10), (10, 20)],
            [(5, 9), (20, 25)],
            [(5, 9)],
        ]
