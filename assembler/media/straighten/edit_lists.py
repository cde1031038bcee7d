"""Edit lists of an mp4 with several edits, empty ones, or one that begins inside a frame. libav puts the first whole
frame of an edit where the edit begins, B-frames elsewhere, and presents the track's beginning again for an empty edit:
here every packet gets the stamps that the list means."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from io import RawIOBase
from itertools import accumulate, chain, dropwhile, islice, pairwise, repeat
from typing import IO, Any, NamedTuple

from av.packet import Packet

from assembler.mp4.boxes import find_box, inner_boxes, read_box, walk_boxes

MAX_MOOV_BYTES = 64 << 20
"""Maximum size of a moov that is read, in bytes."""
MAX_SAMPLES = 2_000_000
"""Maximum count of samples before an edit, 9 h of 60 fps; hostile tables have billions."""
EMPTY = -1
"""Media time of an empty edit."""


class Edit(NamedTuple):
    """Edit of a track, in ticks of the track."""

    at: int
    """Start on the container's axis."""
    begin: int
    """Media time at its start; ``EMPTY``: it presents nothing."""
    end: int
    """Media time at its end."""


def read_edit_lists(file: IO[bytes] | RawIOBase) -> dict[int, tuple[Edit, ...]]:
    """Read the edits that libav applies wrongly, by track number: several, or one that begins inside a video frame.

    An empty edit at the front does not count: libav applies it correctly.
    """
    size = file.seek(0, os.SEEK_END)
    box = next((box for box in walk_boxes(file, size, is_file=True) if box.name == b"moov"), None)
    if box is None or box.end > size or box.end - box.body > MAX_MOOV_BYTES:
        return {}
    moov = read_box(file, box)
    if find_box(moov, b"mvex") is not None:
        return {}  # libav applies edits to the first fragment only
    found: dict[int, tuple[Edit, ...]] = {}
    try:
        movie = _number(_one(moov, b"mvhd"))
        for track in (content for name, content in inner_boxes(moov) if name == b"trak"):
            edits = _edits(track, movie)
            if len(edits) > 1 or (edits and _begins_inside_a_frame(track, edits[0].begin)):
                found[_number(_one(track, b"tkhd"))] = edits
    except (LookupError, struct.error, ZeroDivisionError):
        return {}
    return found


class EditedTrack:
    """Track whose packets libav reads edit by edit, each from a key frame on."""

    def __init__(self, edits: tuple[Edit, ...], media: Mapping[int | None, tuple[int, int]]) -> None:
        """``media``: number of each sample, and its dts without edits, by its position in the file."""
        self._edits, self._media = edits, media
        self._before, self._number, self._least = -1, -1, 0
        self._is_ahead = False
        self._last = -1 << 62

    def correct(self, packet: Packet[Any]) -> bool:
        """Give a packet its true stamps; False if it is not presented."""
        if packet.pos not in self._media or packet.dts is None or packet.pts is None:
            return not packet.is_discard
        sample, dts = self._media[packet.pos]
        pts = dts + packet.pts - packet.dts
        end = pts + (packet.duration or 1)
        edit = self._edits[self._part(packet, sample, pts, end)]
        is_spanning = packet.stream.type == "video" and not self._is_ahead and pts < edit.begin < end
        is_shown = edit.begin != EMPTY and (is_spanning or not packet.is_discard)
        packet.pts = edit.at if is_spanning else edit.at + pts - edit.begin
        if is_shown or self._number < 0:  # the decode order, whatever an edit begins with
            self._last = max(self._last, edit.at + dts - edit.begin)
        packet.dts = self._last
        return is_shown

    def _part(self, packet: Packet[Any], sample: int, pts: int, end: int) -> int:
        """Find the number of the edit for which this packet is read."""
        edits, last = self._edits, len(self._edits) - 1
        if sample != self._before + 1:
            self._least, self._is_ahead = min(self._number + 1, last), False
        self._before = sample
        if packet.is_discard:  # behind the end of an edit, or already before the next one
            self._is_ahead |= packet.is_keyframe and pts >= edits[self._least].end
            return min(self._least + self._is_ahead, last)
        found = (n for n in range(self._least, last + 1) if edits[n].begin < end and pts < edits[n].end)
        self._number = self._least = next(found, self._least)
        self._is_ahead = False
        return self._number


def _edits(track: bytes, movie: int) -> tuple[Edit, ...]:
    """Read the edits of a track, without empty ones at the front."""
    if find_box(track, b"edts") is None:
        return ()
    elst = _one(track, b"edts", b"elst")
    row = struct.Struct(">Qqi" if elst[0] else ">Iii")
    (count,) = struct.unpack_from(">I", elst, 4)
    rows = [row.unpack_from(elst, 8 + n * row.size) for n in range(min(count, (len(elst) - 8) // row.size))]
    media = _number(_one(track, b"mdia", b"mdhd"))
    places = [round(Fraction(ticks * media, movie)) for ticks in accumulate((length for length, *_ in rows), initial=0)]
    found = [
        Edit(place, begin, begin + behind - place)
        for (place, behind), (_, begin, _) in zip(pairwise(places), rows, strict=True)
    ]
    return tuple(dropwhile(lambda edit: edit.begin == EMPTY, found))


def _begins_inside_a_frame(track: bytes, begin: int) -> bool:
    """Return True if the video frame shown at ``begin`` starts before it, and goes on for over a ms."""
    if begin <= 0 or _one(track, b"mdia", b"hdlr")[8:12] != b"vide":
        return False
    table = _one(track, b"mdia", b"minf", b"stbl")
    second = _number(_one(track, b"mdia", b"mdhd"))
    decoded = accumulate(_runs(find_box(table, b"stts") or b""), initial=0)
    before, behind = -1, begin + second
    offsets = chain(_runs(find_box(table, b"ctts") or b""), repeat(0))
    for at, offset in islice(zip(decoded, offsets, strict=False), MAX_SAMPLES):
        shown = at + offset
        if shown <= begin:
            before = max(before, shown)
        else:
            behind = min(behind, shown)
        if before == begin or at > begin + second:  # a frame is never decoded a second behind its place
            break
    return 0 <= before < begin and (behind - begin) * 1000 > second


def _runs(table: bytes) -> Iterator[int]:
    """Expand the (count, value) rows of an stts or ctts."""
    rows = struct.iter_unpack(">Ii", table[8 : 8 + (len(table) - 8) // 8 * 8]) if len(table) > 8 else ()
    return chain.from_iterable(repeat(value, count) for count, value in rows)


def _one(content: bytes, *names: bytes) -> bytes:
    """Find a box as ``find_box`` does; raises LookupError where there is none."""
    found = find_box(content, *names)
    if found is None:
        raise LookupError(names)
    return found


def _number(header: bytes) -> int:
    """Read the ticks per second of an mvhd or mdhd, or the track number of a tkhd: behind the two dates."""
    (number,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
    return int(number)
