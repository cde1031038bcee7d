"""Boxes and NAL units that anybody may have written are walked to their end, and no further."""

from __future__ import annotations

import io
import struct

from hypothesis import given
from hypothesis import strategies as st

from assembler.mp4.boxes import find_box, inner_boxes, walk_boxes
from assembler.mp4.nal_units import walk_units

FREE = struct.pack(">I4s", 8, b"free")


def walked(data: bytes, *, is_file: bool = False) -> list[tuple[bytes, int, int, int]]:
    return [tuple(box) for box in walk_boxes(io.BytesIO(data), len(data), is_file=is_file)]


def test_a_size_may_have_64_bits() -> None:
    data = struct.pack(">I4sQ", 1, b"mdat", 20) + b"data" + FREE
    assert walked(data) == [(b"mdat", 0, 16, 20), (b"free", 20, 28, 28)]


def test_a_size_of_zero_reaches_to_the_end_of_a_file_only() -> None:
    data = FREE + struct.pack(">I4s", 0, b"mdat") + b"data"
    assert walked(data, is_file=True)[1:] == [(b"mdat", 8, 16, 20)]
    assert walked(data) == [(b"free", 0, 8, 8)]


def test_a_cut_box_ends_where_its_size_says_and_a_cut_header_is_none() -> None:
    huge = struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1)
    assert walked(FREE + huge)[1:] == [(b"mdat", 8, 24, 8 + 2**64 - 1)]
    assert walked(FREE + huge[:15]) == [(b"free", 0, 8, 8)]
    assert inner_boxes(struct.pack(">I4s", 99, b"trak") + b"rest") == [(b"trak", b"rest")]


def test_a_box_is_found_by_its_path() -> None:
    inner = struct.pack(">I4s", 12, b"stsz") + b"size"
    track = FREE + struct.pack(">I4s", 8 + len(inner), b"stbl") + inner
    assert find_box(track, b"stbl", b"stsz") == b"size"
    assert find_box(track, b"stbl", b"stco") is None


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_walked_forward(data: bytes, is_file: bool) -> None:
    boxes = list(walk_boxes(io.BytesIO(data), len(data), is_file=is_file))
    assert all(box.start + 8 <= box.body <= box.end for box in boxes)
    assert [box.start for box in boxes[1:]] == [box.end for box in boxes[:-1]]
    assert all(box.body <= len(data) for box in boxes)


def test_nal_units_are_walked_by_their_lengths() -> None:
    data = b"\0\3\x65ab" + b"\0\0" + b"\0\x09\x41c"
    units = list(walk_units(lambda size, at: data[at : at + size], 0, len(data), 2))
    assert units == [(0x65, 2, 5), (0, 7, 7), (0x41, 9, 18)], "an empty one, and one that is cut"
    assert not list(walk_units(lambda size, at: data[at : at + size], 0, 2, 2))
