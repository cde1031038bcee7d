"""Pieces of concatenated files, and of files whose header does not announce all streams, that libav can read each by
itself; found by their bytes alone."""

from __future__ import annotations

import io
import mmap
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

from assembler.media.probe.container import HEAD_BYTES, TS_PACKETS, find_packets
from assembler.media.probe.entry_points import read_section
from assembler.mp4.boxes import walk_boxes

Piece = tuple[bytes | tuple[int, int], ...]
"""Piece of a file: bytes and ranges of the file to read in order, as one file."""

MAX_PIECES = 1000
"""Maximum count of pieces."""
EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18\x53\x80\x67"
"""Ids of matroska's EBML header and segment (RFC 9559)."""
FLV = b"FLV\x01"
"""First bytes of an FLV."""
FLV_HEADER_BYTES = 13
"""Size of an FLV header with its first back pointer, in bytes."""
MPEG_TAGS = (b"Xing", b"Info")
"""Marks of an mp3's tag frame."""
MPEG_TAG_OFFSETS = (36, 21, 13)
"""Offsets of a tag's mark in its frame, by version and channels."""
PRIVATE = b"\x06"
"""Stream type of private data: its codec is named by descriptors (ISO/IEC 13818-1, 2.4.4.9)."""
UNIT_START = re.compile(rb"[\x40-\x7f\xc0-\xff]")
"""Second byte of a TS packet in which a section or a frame begins (ISO/IEC 13818-1, 2.4.3.2)."""


class Spliced(io.RawIOBase):
    """File object of one piece."""

    def __init__(self, path: Path, piece: Piece) -> None:
        self._file = path.open("rb")
        self._parts = piece
        sizes = [len(part) if isinstance(part, bytes) else part[1] - part[0] for part in piece]
        self._starts = [0, *accumulate(sizes)]
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, as ``io.IOBase.seek``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or all."""
        size = self._starts[-1] if size < 0 else size
        found = b""
        while len(found) < size and self._at < self._starts[-1]:
            number = bisect_right(self._starts, self._at) - 1
            part, offset = self._parts[number], self._at - self._starts[number]
            wanted = min(size - len(found), self._starts[number + 1] - self._at)
            if isinstance(part, bytes):
                got = part[offset : offset + wanted]
            else:
                self._file.seek(part[0] + offset)
                got = self._file.read(wanted)
            if not got:
                break
            found += got
            self._at += len(got)
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def find_pieces(path: Path, container: str) -> list[Piece]:
    """Find the concatenated files in this one, in order; ``is_plain`` is True for one that can be read as it is."""
    if container not in _BORDERS:
        return [((0, path.stat().st_size),)]
    with _mapped(path) as data:
        borders = [0]
        for border in _BORDERS[container](data):
            if border > borders[-1]:
                borders.append(border)
            if len(borders) == MAX_PIECES:
                break
        found: list[Piece] = [((a, b),) for a, b in pairwise([*borders, len(data)])]
    return found


def is_plain(found: list[Piece], path: Path) -> bool:
    """True for a single piece that is the whole file."""
    return found == [((0, path.stat().st_size),)]


def announce_streams(path: Path, container: str, piece: Piece) -> list[Piece]:
    """Change a piece so that libav sees all of its streams from the beginning: an FLV gets the first tags of each
    stream at its front, a TS is cut where its program map changes."""
    span = piece[0]
    if len(piece) > 1 or isinstance(span, bytes):
        return [piece]
    with _mapped(path) as data:
        if container == "flv":
            return [_flv_announced(data, span)]
        if container == "mpegts":
            return [((a, b),) for a, b in pairwise([span[0], *_table_changes(data, span), span[1]])]
    return [piece]


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _all_of(data: mmap.mmap, mark: bytes) -> Iterator[int]:
    at = data.find(mark, 1)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _matroska(data: mmap.mmap) -> Iterator[int]:
    for at in _all_of(data, EBML):
        head = data[at : at + 128]
        if (b"matroska" in head or b"webm" in head) and SEGMENT in head:
            yield at


def _flv(data: mmap.mmap) -> Iterator[int]:
    for at in _all_of(data, FLV):
        head = data[at : at + FLV_HEADER_BYTES]
        if head[4:5] in b"\0\1\4\5" and head[5:] == b"\0\0\0\x09\0\0\0\0":
            yield at


def _ogg(data: mmap.mmap) -> Iterator[int]:
    """Find the first pages of further chains: those of a stream behind another page."""
    at, is_heading = 0, True
    while at >= 0 and at + 27 <= len(data):
        if data[at : at + 4] != b"OggS":
            at = data.find(b"OggS", at + 1)
            continue
        is_first = bool(data[at + 5] & 2)
        if is_first and not is_heading:
            yield at
        is_heading = is_first
        count = data[at + 26]
        at += 27 + count + sum(data[at + 27 : at + 27 + count])


def _riff(data: mmap.mmap) -> Iterator[int]:
    at = 0
    while True:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
        if size == 0 or data[at : at + 4] != b"RIFF" or data[at + 8 : at + 12] not in (b"WAVE", b"AVI "):
            return
        yield at


def _mpeg(data: mmap.mmap) -> Iterator[int]:
    found = {at for at in _all_of(data, b"ID3") if data[at + 3] in b"\2\3\4" and max(data[at + 6 : at + 10]) < 0x80}
    for tag in MPEG_TAGS:
        for at in _all_of(data, tag):
            frames = [at - place for place in MPEG_TAG_OFFSETS if at >= place]
            found |= {f for f in frames if f and data[f] == 0xFF and data[f + 1] & 0xE6 == 0xE2}
    borders: list[int] = []
    for at in sorted(found):
        # a tag right behind an ID3, or at the head of the file, does not begin a further file
        head = borders[-1] if borders else 0
        if at != head + _id3_length(data, head):
            borders.append(at)
    return iter(borders)


def _id3_length(data: mmap.mmap, at: int) -> int:
    if data[at : at + 3] != b"ID3":
        return 0
    length = 0
    for byte in data[at + 6 : at + 10]:
        length = length << 7 | byte & 0x7F
    return 10 + length


def _mp4(data: mmap.mmap) -> Iterator[int]:
    """Find an ftyp behind a moov, if another moov follows it."""
    has_moov, candidate = False, None
    for box in walk_boxes(data, len(data), is_file=True):
        if box.name == b"ftyp" and has_moov and candidate is None:
            candidate = box.start
        elif box.name == b"moov":
            if candidate is not None:
                yield candidate
                candidate = None
            has_moov = True


def _flv_announced(data: mmap.mmap, span: tuple[int, int]) -> Piece:
    """Build a piece of the header, the first audio and the first video tag, and then the whole file."""
    start, end = span
    at, firsts = start + FLV_HEADER_BYTES, dict[int, tuple[int, int]]()
    while at + 11 <= end and len(firsts) < 2:
        kind, size = data[at] & 0x1F, int.from_bytes(data[at + 1 : at + 4], "big")
        if kind in (8, 9) and size:
            firsts.setdefault(kind, (at, min(end, at + 15 + size)))
        at += 15 + size
    return ((start, start + FLV_HEADER_BYTES), *firsts.values(), (start + FLV_HEADER_BYTES, end))


def _table_changes(data: mmap.mmap, span: tuple[int, int]) -> Iterator[int]:
    """Find the places where a program map names other streams than before."""
    tables: dict[int, bytes] = {}
    for at, pid, named in _program_maps(data, span):
        if tables.setdefault(pid, named) != named:
            tables[pid] = named
            yield at


def _ts(data: mmap.mmap) -> Iterator[int]:
    """Find the places where a program map gives a stream's pid to another codec: libav would take all for one codec."""
    codecs: dict[int, bytes] = {}
    for at, _, named in _program_maps(data, (0, len(data))):
        streams = dict(_streams(named))
        if any(codecs.get(pid, codec) != codec for pid, codec in streams.items()):
            yield at
        codecs |= streams


def _streams(named: bytes) -> Iterator[tuple[int, bytes]]:
    """List the streams of a program map as (pid, stream type; of private data with its descriptors)."""
    at = 4 + (int.from_bytes(named[2:4], "big") & 0xFFF)
    while at + 5 <= len(named):
        behind = at + 5 + (int.from_bytes(named[at + 3 : at + 5], "big") & 0xFFF)
        kind = named[at : at + 1]
        yield int.from_bytes(named[at + 1 : at + 3], "big") & 0x1FFF, kind + named[at + 5 : behind] * (kind == PRIVATE)
        at = behind


def _program_maps(data: mmap.mmap, span: tuple[int, int]) -> Iterator[tuple[int, int, bytes]]:
    """List the program maps as (place, pid, content); the place is that of the association table just before it, which
    a reader that begins there needs."""
    first, step = find_packets(data[span[0] : span[0] + HEAD_BYTES]) or (0, TS_PACKETS[0])
    start, end = span[0] + first, span[1]
    maps: set[int] = set()
    seen: dict[bool, bytes] = {}
    table = None
    for found in UNIT_START.finditer(data[start + 1 : max(start, end - TS_PACKETS[0]) + 2 : step]):
        at = start + found.start() * step
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        if pid and pid not in maps:
            continue
        packet = data[at : at + TS_PACKETS[0]]
        told = packet[:3] + packet[4:]
        if seen.get(pid == 0) == told:  # as nearly always: they come ten times a second
            table = at if pid == 0 else None
            continue
        seen[pid == 0] = told
        section = read_section(packet)
        if pid == 0:
            table = at
            maps |= {int.from_bytes(section[n + 2 : n + 4], "big") & 0x1FFF for n in range(8, len(section) - 3, 4)}
        else:
            yield at if table is None else table, pid, section[8:]
            table = None


_BORDERS = {
    "matroska": _matroska, "flv": _flv, "ogg": _ogg, "wav": _riff, "avi": _riff, "mp3": _mpeg, "mov": _mp4,
    "mpegts": _ts,
}  # fmt: skip
