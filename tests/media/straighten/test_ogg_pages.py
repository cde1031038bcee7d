"""Pages of Ogg: whole ones tell their packets' stamps, and whatever else a file holds tells nothing or less."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from oddities import odd
from ogg import FRAME, write_pages
from synthetic import make

from assembler.media.straighten.ogg_pages import read_stamps

PRIMING = 312


@pytest.fixture
def paged(tmp_path: Path, bundled_ffmpeg: str) -> Path:
    source = make(odd("magenta", container="webm", picture=False, dtx=True), bundled_ffmpeg)
    return write_pages(source, tmp_path / "a.ogg", 25)


def test_each_packet_has_the_stamp_of_its_page_counted_back_from_its_end(paged: Path) -> None:
    numbers = [(start + PRIMING) / FRAME for start in read_stamps(paged)]
    assert numbers == sorted({int(number) for number in numbers})
    assert {50, 100} <= set(numbers)
    assert 30 not in numbers, "nothing was sent there"


def test_a_damaged_or_cut_file_raises_nothing(paged: Path) -> None:
    whole, chance = paged.read_bytes(), random.Random(3)
    for _ in range(300):
        data = bytearray(whole[: chance.randrange(1, len(whole))])
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        paged.write_bytes(data)
        found = read_stamps(paged)
        assert found == sorted(found)


def test_two_files_put_together_are_not_one_stream(paged: Path) -> None:
    paged.write_bytes(2 * paged.read_bytes())
    assert read_stamps(paged) == []
