"""Facts of one stream from its packets alone: what is counted, what is missing, and where it begins and ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.packet import Packet
from hypothesis import given
from hypothesis import strategies as st
from synthetic import Recipe, make

from assembler.media.probe.audio import AudioProbe
from assembler.media.probe.container import sniff
from assembler.media.probe.video import USUAL_RATES, VideoProbe
from assembler.times import round_ms

RECIPE = Recipe(identity="red", seconds=Fraction(4), fps=Fraction(10), gop=10, width=64, height=48)


@pytest.fixture(scope="module")
def path(bundled_ffmpeg: str) -> Path:
    """Forty frames, each tenth of them a key frame, and sound."""
    return make(RECIPE, bundled_ffmpeg)


@contextmanager
def probed(path: Path, kind: str) -> Iterator[tuple[Any, list[Packet[Any]]]]:
    """A probe without packets, and the packets."""
    container = sniff(path)
    with av.open(str(path)) as opened:
        stream: Any = opened.streams.video[0] if kind == "video" else opened.streams.audio[0]
        packets = [packet for packet in opened.demux(stream) if packet.size]
        yield (VideoProbe if kind == "video" else AudioProbe)(stream, container), packets


@given(st.fractions())
def test_seconds_become_the_nearest_ms_and_halves_the_later_one(seconds: Fraction) -> None:
    ms = round_ms(seconds)
    assert -Fraction(1, 2) < ms - seconds * 1000 <= Fraction(1, 2)


class TestVideo:
    def facts(self, path: Path, **how: Any) -> Any:
        with probed(path, "video") as (probe, packets):
            for n, packet in enumerate(packets):
                if n not in how.get("gone", ()):
                    packet.is_corrupt = n in how.get("corrupt", ())
                    probe.add_packet(packet, n not in how.get("missing", ()))
            if how.get("forget"):
                probe.forget_last()
            shown = probe.presented()
            return probe.facts(shown, Fraction(0), keep_stamps=how.get("keep_stamps", False)) if shown else None

    def test_a_whole_stream(self, path: Path) -> None:
        found = self.facts(path)
        assert (found.frames, found.start, found.end, found.rate) == (40, 0, 4_000, 10)
        assert [stamp * found.time_base for stamp in found.keyframes] == [0, 1, 2, 3]
        assert (found.longest, found.holes, found.lost, found.stamps) == (100, (), (), None)
        assert len(self.facts(path, keep_stamps=True).stamps) == 40

    @pytest.mark.parametrize(("first", "start"), [(0, 1_000), (10, 0)])
    def test_a_key_frame_whose_bytes_are_missing_is_counted_but_begins_nothing(
        self, path: Path, first: int, start: int
    ) -> None:
        found = self.facts(path, missing=[first])
        assert (found.start, found.frames) == (start, 40 - start // 100)
        assert len(found.keyframes) == 4 - (start > 0)
        assert [(lost.start, lost.end) for lost in found.lost] == [(0, 1_000)] * (start > 0)

    def test_without_one_key_frame_nothing_is_presented(self, path: Path) -> None:
        assert self.facts(path, missing=[0, 10, 20, 30]) is None

    def test_packets_lost_before_a_corrupt_one_are_lost_until_the_next_key_frame(self, path: Path) -> None:
        found = self.facts(path, gone=[13, 14, 15], corrupt=[16])
        assert [(lost.start, lost.end) for lost in found.lost] == [(1_300, 2_000)]
        assert self.facts(path, corrupt=[16]).lost == (), "nothing is missing there"
        assert self.facts(path, gone=[13, 14, 15]).lost == (), "a variable rate looks the same"
        assert [(lost.start, lost.end) for lost in self.facts(path, gone=[34, 35], corrupt=[36]).lost] == [
            (3_400, 4_000)
        ]

    @pytest.mark.parametrize("count", [1, 11, 31, 40])
    def test_a_truncated_last_packet_leaves_no_trace(self, path: Path, count: int) -> None:
        short, gone = self.facts(path, gone=range(count, 40), forget=True), range(count - 1, 40)
        assert short == self.facts(path, gone=gone)

    def test_a_long_time_without_a_frame_is_a_hole(self, bundled_ffmpeg: str) -> None:
        slow = make(
            RECIPE.model_copy(update={"fps": Fraction(1), "seconds": Fraction(20), "sound": False}), bundled_ffmpeg
        )
        assert self.facts(slow, gone=range(6, 10)).holes == ()
        assert self.facts(slow, gone=range(6, 11)).holes == ((5_000, 11_000),)

    @pytest.mark.parametrize("step", [1, 2, 3])
    def test_the_rate_is_the_usual_one_nearest_to_most_steps(self, path: Path, step: int) -> None:
        found = self.facts(path, gone=[n for n in range(40) if n % step])
        assert found.rate == min(USUAL_RATES, key=lambda rate: abs(rate - Fraction(10, step)))
        assert self.facts(path, gone=range(30, 36)).rate == 10


class TestAudio:
    def facts(self, path: Path, gone: Collection[int] = (), *, forget: bool = False) -> Any:
        with probed(path, "audio") as (probe, packets):
            for n, packet in enumerate(packets):
                if n not in gone:
                    probe.add_packet(packet)
            if forget:
                probe.forget_last()
            return probe.facts(Fraction(0)) if probe.start is not None else None

    def test_a_whole_stream_is_constant_and_as_long_as_its_samples(self, path: Path) -> None:
        found = self.facts(path)
        assert (found.rate, found.channels, found.is_constant, found.has_holes) == (48_000, 1, True, False)
        assert (found.start, found.end) == (0, 4_000)

    @pytest.mark.parametrize(("gone", "is_hole"), [([50], False), ([50, 51, 52], True)])
    def test_what_is_missing_in_the_middle_is_not_constant_and_more_than_jitter_is_a_hole(
        self, path: Path, gone: list[int], is_hole: bool
    ) -> None:
        found = self.facts(path, gone)
        assert (found.is_constant, found.has_holes) == (False, is_hole)
        assert (found.start, found.end) == (0, 4_000)

    def test_what_is_missing_at_its_ends_moves_them(self, path: Path) -> None:
        found = self.facts(path, [*range(48), *range(100, 200)])
        assert found.is_constant
        assert found.start == pytest.approx(1_003, abs=25)
        assert found.end == pytest.approx((100 * 1024 - 1024) / 48, abs=25)

    def test_a_truncated_last_packet_leaves_no_trace(self, path: Path) -> None:
        assert self.facts(path, range(60, 200), forget=True) == self.facts(path, range(59, 200))

    def test_bytes_that_are_not_there_are_not_decoded(self, path: Path) -> None:
        with probed(path, "audio") as (probe, packets):
            for packet in packets:
                probe.add_packet(packet, False)
            assert (probe.start, probe.has_packets, probe.is_decoding) == (None, True, True)

    def test_a_truncated_last_packet_is_known_as_one_until_it_is_forgotten(self, path: Path) -> None:
        with probed(path, "audio") as (probe, packets):
            packets[-1].is_corrupt = True
            for packet in packets:
                probe.add_packet(packet)
            assert probe.is_last_cut
            probe.forget_last()
            assert not probe.is_last_cut

    @pytest.mark.parametrize(("changed", "is_constant"), [(0, True), (0x40, False)])
    def test_each_packet_of_a_transport_stream_tells_its_own_channels(
        self, bundled_ffmpeg: str, changed: int, is_constant: bool
    ) -> None:
        recipe = RECIPE.model_copy(update={"container": "ts", "picture": False})
        with probed(make(recipe, bundled_ffmpeg), "audio") as (probe, packets):
            for n, packet in enumerate(packets):
                content = bytearray(bytes(packet))
                content[3] ^= changed if n == 50 else 0
                twin: Packet[Any] = Packet(bytes(content))
                twin.pts, twin.dts, twin.duration = packet.pts, packet.dts, packet.duration
                twin.time_base = packet.time_base
                probe.add_packet(twin)
            assert probe.facts(Fraction(0)).is_constant is is_constant
