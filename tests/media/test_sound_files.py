"""Sound files that recorders and tools really write, heard whole and in place, without a false word."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from chirps import PICTURE, chirps, write
from hearing import hear

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
