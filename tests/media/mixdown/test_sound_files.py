"""Sound files that recorders and tools really write, heard whole and in place, without a false word."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from chirps import PICTURE, RATE, chirps, tone, write
from hearing import hear

from assembler.media.mixdown.damaged_places import DamagedPlaces
from assembler.media.probe.container import sniff

pytestmark = pytest.mark.slow


def rewritten(path: Path, change: Callable[[bytearray], None]) -> Path:
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    return path


def sized(riff: int, data: int) -> Callable[[bytearray], None]:
    def change(raw: bytearray) -> None:
        struct.pack_into("<I", raw, 4, riff)
        struct.pack_into("<I", raw, raw.index(b"data") + 4, data)

    return change


SOUND = 2.5, 0.4, 2.1
"""Seconds, and where the chirps are."""


@pytest.mark.parametrize("suffix", ["flac", "w64", "aiff", "caf", "au"])
def test_a_file_of_plain_sound_is_heard(suffix: str, tmp_path: Path) -> None:
    heard = hear(write(tmp_path / f"sound.{suffix}", chirps(*SOUND)), tmp_path)
    assert heard.chirps == pytest.approx(SOUND[1:], abs=0.001)
    assert heard.facts.end == 2500
    assert not heard.facts.is_truncated


@pytest.mark.parametrize("sizes", [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0, 0xFFFFFFFF), (0xFFFFFFFF, 0)])
def test_a_wav_whose_sizes_were_never_filled_in_is_whole(sizes: tuple[int, int], tmp_path: Path) -> None:
    heard = hear(rewritten(write(tmp_path / "live.wav", chirps(*SOUND), "-c:a", "pcm_s16le"), sized(*sizes)), tmp_path)
    assert heard.chirps == pytest.approx(SOUND[1:], abs=0.001)
    assert (heard.facts.end, heard.facts.is_truncated) == (2500, False)


def test_an_rf64_is_heard_and_one_that_is_cut_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", chirps(*SOUND), "-rf64", "always")
    assert hear(path, tmp_path).chirps == pytest.approx(SOUND[1:], abs=0.001)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert sniff(path).is_cut
    facts = hear(path, tmp_path).facts
    assert facts.is_truncated
    assert facts.end == pytest.approx(1250, abs=2)


@pytest.mark.parametrize(("scale", "rate", "size"), [(1, 8000, 1), (1, 1000, 0), (1152, 48_000, 0), (1, 16_000, 1)])
def test_mp3_in_an_avi_is_heard_whole_however_its_ticks_are_counted(
    scale: int, rate: int, size: int, tmp_path: Path
) -> None:
    words = ("-c:v", "mpeg4", "-c:a", "libmp3lame")
    path = write(tmp_path / "ticks.avi", chirps(*SOUND), "-map", "0:v", "-map", "1:a", *words, before=PICTURE)

    def change(raw: bytearray) -> None:
        at = raw.index(b"auds")
        struct.pack_into("<II", raw, at + 20, scale, rate)
        struct.pack_into("<I", raw, at + 44, size)

    heard = hear(rewritten(path, change), tmp_path)
    delay = 1105 / 48_000  # an avi keeps the encoder's
    assert heard.chirps == pytest.approx([at + delay for at in SOUND[1:]], abs=0.001)
    assert heard.facts.sounds[0].end == pytest.approx(2500, abs=75)


def test_a_chained_ogg_whose_stamps_go_on_is_heard_to_its_end(tmp_path: Path) -> None:
    first = write(tmp_path / "first.ogg", chirps(1.2, 0.4), "-c:a", "libopus")
    second = write(tmp_path / "second.ogg", chirps(1.2, 0.5), "-c:a", "libopus", "-output_ts_offset", "1.2")
    path = tmp_path / "chain.ogg"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    heard = hear(path, tmp_path)
    assert heard.chirps == pytest.approx([0.4, 1.7], abs=0.02)
    assert not [sentence for sentence in heard.told if "already" in sentence]


def bursts(path: Path, start: int, end: int, change: Callable[[bytearray], None] | None) -> Path:
    """Change the sound's transport packets from one per cent of them to another, or with None leave them out."""
    raw = path.read_bytes()
    packets = [bytearray(raw[at : at + 188]) for at in range(0, len(raw), 188)]
    sound = [n for n, packet in enumerate(packets) if packet[1] & 0x1F == 1 and packet[2] == 0]  # PID 0x100
    hit = set(sound[len(sound) * start // 100 : len(sound) * end // 100])
    assert hit
    for n in hit if change is not None else ():
        change(packets[n])
    path.write_bytes(b"".join(packet for n, packet in enumerate(packets) if change is not None or n not in hit))
    return path


def zeros(packet: bytearray) -> None:
    packet[20:] = bytes(168)


@pytest.mark.parametrize("change", [None, zeros], ids=["lost", "zeros"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_lost_transport_packets_of_sound_are_named_with_their_times(
    codec: str, change: Callable[[bytearray], None] | None, tmp_path: Path
) -> None:
    samples = chirps(4, 0.4, 3.3) + tone(4, 0.02, pitch=3000)
    path = bursts(write(tmp_path / "hurt.ts", samples, "-c:a", codec, "-b:a", "64k"), 45, 55, change)
    heard = hear(path, tmp_path, 4000)
    assert heard.chirps == pytest.approx([0.4, 3.3], abs=0.03)
    (told,) = [sentence for sentence in heard.told if "damaged" in sentence]
    found = re.match(r"Between 0:0(\d\.\d{3}) and 0:0(\d\.\d{3}) of the playback its sound is damaged", told)
    assert found, told
    assert 1.5 < float(found[1]) < 2.0, told
    assert 2.0 < float(found[2]) < 3.3, told  # a parser finds its way back a few packets later
    assert "hole" not in " ".join(heard.told)


def test_transport_streams_that_are_joined_have_no_damage(tmp_path: Path) -> None:
    """At a join the counters jump, and libav calls the last packet damaged: it is whole."""
    one = write(tmp_path / "one.ts", chirps(1.2, 0.4), "-c:a", "aac")
    two = write(tmp_path / "two.ts", chirps(1.2, 0.5), "-c:a", "aac", "-output_ts_offset", "1.2")
    one.write_bytes(one.read_bytes() + two.read_bytes())
    assert not [sentence for sentence in hear(one, tmp_path).told if "damaged" in sentence]


class TestDamagedPlaces:
    def test_a_hole_near_damage_is_part_of_it_and_another_is_not(self) -> None:
        places = DamagedPlaces()
        places.add_marked(10 * RATE, 10 * RATE + 1024)
        places.add_hole(10 * RATE + 9000, 11 * RATE)
        places.add_hole(30 * RATE, 31 * RATE)
        places.add_undecodable(20 * RATE, 20 * RATE + 1024)
        places.add_undecodable(20 * RATE + 1024, 20 * RATE + 2048)
        assert places.classify() == (
            ((10 * RATE + 9000, 11 * RATE), (20 * RATE, 20 * RATE + 2048)),
            ((30 * RATE, 31 * RATE),),
        )

    def test_a_marked_packet_alone_is_whole(self) -> None:
        places = DamagedPlaces()
        places.add_marked(0, 1024)
        assert places.classify() == ((), ())
