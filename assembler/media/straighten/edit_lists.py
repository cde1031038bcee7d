"""Edit lists of an mp4 that show several parts of a track, or nothing for a while. libav puts the first whole frame
of a part where the part begins, pictures with B-frames elsewhere, and for nothing it shows the track's beginning once
more: here every packet gets the stamps that the list means."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from io import RawIOBase
from itertools import accumulate, dropwhile, pairwise
from typing import IO, Any, NamedTuple

from av.packet import Packet

from assembler.mp4.boxes import outer_boxes

MAX_MOOV_BYTES = 64 << 20
EMPTY = -1


class Edit(NamedTuple):
    """In ticks of the track's clock."""

    at: int
    """Where it begins on the container's axis."""
    begin: int
    """What it shows first; ``EMPTY``: it shows nothing."""
    end: int
    """Behind what it shows last."""


def edit_lists(file: IO[bytes] | RawIOBase) -> dict[int, tuple[Edit, ...]]:
    """By track number, for tracks of more than one edit; an empty one in front is none (libav reads it rightly)."""
    size = file.seek(0, os.SEEK_END)
    box = next(((start, end) for kind, start, end in outer_boxes(file, size) if kind == b"moov"), None)
    if box is None or box[1] > size or box[1] - box[0] > MAX_MOOV_BYTES:
        return {}
    file.seek(box[0])
    moov = file.read(box[1] - box[0]) or b""
    found: dict[int, tuple[Edit, ...]] = {}
    try:
        if next(_each(moov, 0, len(moov), b"mvex"), None) is not None:
            return {}  # libav applies none to fragments but the first
        movie = _scale(moov, *_one(moov, 0, len(moov), b"mvhd"))
        for start, end in _each(moov, 0, len(moov), b"trak"):
            edits = _edits(moov, start, end, movie)
            if len(edits) > 1:
                head = _one(moov, start, end, b"tkhd")[0]
                (number,) = struct.unpack_from(">I", moov, head + (20 if moov[head] else 12))
                found[number] = edits
    except (LookupError, struct.error, ZeroDivisionError):
        return {}
    return found


class Edited:
    """The packets of one track, in the order in which libav reads them: edit by edit, each from a key frame on."""

    def __init__(self, edits: tuple[Edit, ...], media: Mapping[int | None, tuple[int, int]]) -> None:
        """``media``: number of each sample, and when it is decoded without any edit, by its place in the file."""
        self._edits, self._media = edits, media
        self._before, self._number, self._least = -1, -1, 0
        self._is_ahead = False
        self._last = -1 << 62

    def put_right(self, packet: Packet[Any]) -> bool:
        """Give a packet its true stamps; False if it is not shown."""
        if packet.pos not in self._media or packet.dts is None or packet.pts is None:
            return not packet.is_discard
        sample, decode = self._media[packet.pos]
        shown = decode + packet.pts - packet.dts
        end = shown + (packet.duration or 1)
        edit = self._edits[self._part(packet, sample, shown, end)]
        is_spanning = packet.stream.type == "video" and not self._is_ahead and shown < edit.begin < end
        is_shown = edit.begin != EMPTY and (is_spanning or not packet.is_discard)
        packet.pts = edit.at if is_spanning else edit.at + shown - edit.begin
        if is_shown or self._number < 0:  # in this order they are decoded, whatever an edit begins with
            self._last = max(self._last, edit.at + decode - edit.begin)
        packet.dts = self._last
        return is_shown

    def _part(self, packet: Packet[Any], sample: int, shown: int, end: int) -> int:
        """Number of the edit for which this packet is read."""
        edits, last = self._edits, len(self._edits) - 1
        if sample != self._before + 1:
            self._least, self._is_ahead = min(self._number + 1, last), False
        self._before = sample
        if packet.is_discard:  # behind the end of an edit, or already in front of the next one
            self._is_ahead |= packet.is_keyframe and shown >= edits[self._least].end
            return min(self._least + self._is_ahead, last)
        found = (n for n in range(self._least, last + 1) if edits[n].begin < end and shown < edits[n].end)
        self._number = self._least = next(found, self._least)
        self._is_ahead = False
        return self._number


def _edits(moov: bytes, start: int, end: int, movie: int) -> tuple[Edit, ...]:
    """Of a track that begins and ends there, without what is empty in front."""
    if next(_each(moov, start, end, b"edts"), None) is None:
        return ()
    at, stop = _one(moov, start, end, b"edts", b"elst")
    row = struct.Struct(">Qqi" if moov[at] else ">Iii")
    (count,) = struct.unpack_from(">I", moov, at + 4)
    rows = [row.unpack_from(moov, at + 8 + n * row.size) for n in range(min(count, (stop - at - 8) // row.size))]
    media = _scale(moov, *_one(moov, start, end, b"mdia", b"mdhd"))
    places = [round(Fraction(ticks * media, movie)) for ticks in accumulate((length for length, *_ in rows), initial=0)]
    found = [
        Edit(place, begin, begin + behind - place)
        for (place, behind), (_, begin, _) in zip(pairwise(places), rows, strict=True)
    ]
    return tuple(dropwhile(lambda edit: edit.begin == EMPTY, found))


def _each(data: bytes, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """Where the content of every box of this name lies."""
    while start + 8 <= end:
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8:
            return
        if data[start + 4 : start + 8] == name:
            yield start + 8, min(end, start + length)
        start += length


def _one(data: bytes, start: int, end: int, *names: bytes) -> tuple[int, int]:
    for name in names:
        found = next(_each(data, start, end, name), None)
        if found is None:
            raise LookupError(name)
        start, end = found
    return start, end


def _scale(data: bytes, start: int, _: int) -> int:
    """Ticks per second, of an mvhd or mdhd."""
    (scale,) = struct.unpack_from(">I", data, start + (20 if data[start] else 12))
    return int(scale)
