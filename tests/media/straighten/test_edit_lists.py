"""Which edit lists libav applies wrongly, read from the boxes alone; and nothing from what is no mp4."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.media.straighten.edit_lists import EMPTY, Edit, read_edit_lists
from assembler.mp4.moov import box, full_box

Rows = list[tuple[int, int]]
"""(ticks of the movie, media time) of each edit."""
MOVIE, MEDIA = 1000, 15_000


def track(rows: Rows, *, kind: bytes = b"vide", wide: bool = False) -> bytes:
    """Track 7, of frames that last 1,000 of its 15,000 ticks per second."""
    table = b"".join(struct.pack(">Qqi" if wide else ">Iii", *row, 1 << 16) for row in rows)
    elst = full_box(b"elst", int(wide), 0, struct.pack(">I", len(rows)), table)
    stts = full_box(b"stts", 0, 0, struct.pack(">III", 1, 60, 1000))
    mdia = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">IIII", 0, 0, MEDIA, 60_000)),
        full_box(b"hdlr", 0, 0, bytes(4), kind, bytes(13)),
        box(b"minf", box(b"stbl", stts)),
    )
    tkhd = full_box(b"tkhd", 0, 0, struct.pack(">IIII", 0, 0, 7, 0))
    return box(b"trak", tkhd, *([box(b"edts", elst)] if rows else []), mdia)


def read(*tracks: bytes) -> dict[int, tuple[Edit, ...]]:
    mvhd = full_box(b"mvhd", 0, 0, struct.pack(">IIII", 0, 0, MOVIE, 4000))
    return read_edit_lists(io.BytesIO(box(b"ftyp", b"isom") + box(b"moov", mvhd, *tracks)))


@pytest.mark.parametrize("wide", [True, False])
def test_several_edits_are_placed_one_behind_the_other(wide: bool) -> None:
    assert read(track([(1000, 0), (500, EMPTY), (2000, 30_000)], wide=wide)) == {
        7: (Edit(0, 0, 15_000), Edit(15_000, EMPTY, EMPTY + 7_500), Edit(22_500, 30_000, 60_000))
    }
    assert read(track([(1000, 0), (2000, 30_000)], wide=wide)) == {
        7: (Edit(0, 0, 15_000), Edit(15_000, 30_000, 60_000))
    }


@pytest.mark.parametrize("rows", [[], [(4000, 0)], [(500, EMPTY), (4000, 0)], [(4000, 3000)]])
def test_what_libav_applies_right_is_left_to_it(rows: Rows) -> None:
    assert read(track(rows)) == {}


def test_an_edit_that_begins_inside_a_frame_counts_for_pictures_only() -> None:
    assert read(track([(2000, 3_500)])) == {7: (Edit(0, 3_500, 33_500),)}
    assert read(track([(2000, 3_500)], kind=b"soun")) == {}
    assert read(track([(2000, 3_990)])) == {}, "the frame goes on for less than a ms"


def test_fragments_have_no_edits_of_ours() -> None:
    assert read(track([(1000, 0), (1000, 30_000)]), box(b"mvex")) == {}


@given(st.binary(max_size=200))
def test_any_bytes_have_none_or_some(data: bytes) -> None:
    assert read_edit_lists(io.BytesIO(data)) == {}
    moov = box(b"moov", box(b"mvhd", data), box(b"trak", box(b"edts", box(b"elst", data)), data))
    assert isinstance(read_edit_lists(io.BytesIO(moov)), dict)
