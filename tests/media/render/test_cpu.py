"""What an encoder is told about the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assembler.choices import Quality
from assembler.media.encoders import ENCODERS
from assembler.media.render import cpu

X264 = {"c:v": "libx264", "x264-params": "bframes=0"}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    cpu.is_slow_with_avx512.cache_clear()
    yield
    cpu.is_slow_with_avx512.cache_clear()


@pytest.mark.parametrize(
    ("cpuinfo", "params"),
    [
        ("vendor_id : GenuineIntel\nflags : fpu avx2 avx512f avx512vl\n", "bframes=0:asm=avx2"),
        ("vendor_id : AuthenticAMD\nflags : fpu avx2 avx512f avx512vl\n", "bframes=0"),
        ("vendor_id : GenuineIntel\nflags : fpu sse4_2 avx\n", "bframes=0"),
        ("CPU implementer : 0x41\nFeatures : fp asimd\n", "bframes=0"),
    ],
)
def test_only_an_intel_processor_with_avx512_is_told_to_do_without(
    cpuinfo: str, params: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(cpuinfo, "utf-8")

    assert cpu.tune_for_cpu(X264)["x264-params"] == params


def test_where_nothing_is_known_of_the_processor_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "not-there")

    assert cpu.tune_for_cpu(X264) == X264


def test_what_the_processor_is_told_is_no_part_of_the_encoder_row() -> None:
    """Machines of different kinds share the chunks of one class."""
    assert "asm" not in dict(ENCODERS["x264"].at(Quality.STANDARD).options)["x264-params"]
