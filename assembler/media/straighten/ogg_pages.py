"""Pages of an Ogg file of Opus by hand: libav counts packets on from the page before, so that behind a hole (silence
that was not sent, a microphone switched off) all of a page is where the hole begins. A page tells when its last packet
ends: counted back from there, its packets are behind the hole.

    #   pages       |a a a|     hole     |b b b|c c c|
    #   libav       |a a a|b b b|              |c c c|
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

from av.packet import Packet

SECOND = 48_000
"""Ticks of Opus in a second."""
HOLE = SECOND // 50
"""Minimum length of a hole, in ticks; less is rounding."""
HEAD = struct.Struct("<4sBBqIIIB")
"""Head of a page: capture pattern, version, flags, end, serial number, number, checksum, count of segments."""
CONTINUED, FIRST, LAST = 1, 2, 4
"""Flags of a page: it begins within a packet; the stream begins, or ends with it."""
HEADERS = 2
"""Number of packets before the first with sound."""
LENGTHS = (480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 480, 960,
           *(120, 240, 480, 960) * 4)  # fmt: skip
"""Length of a frame, in ticks, by the first five bits of a packet (RFC 6716, 3.1)."""


def read_stamps(path: Path) -> list[int]:
    """Read the true stamp of each packet of a file, in ticks of 48 kHz; empty where libav's own are right, as without
    a hole, and where it is not one stream of Opus from end to end."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _read(data)


def _read(data: mmap.mmap) -> list[int]:
    at, serial, skipped, end, has_holes = 0, None, 0, 0, False
    starts: list[int] = []
    waiting, count, is_open = list[int](), 0, False
    while at + HEAD.size <= len(data):
        pattern, _, flags, granule, own, _, _, segments = HEAD.unpack_from(data, at)
        lacing = data[at + HEAD.size : at + HEAD.size + segments]
        at += HEAD.size + segments
        is_other = serial is not None and (own != serial or flags & FIRST)
        if pattern != b"OggS" or is_other or bool(flags & CONTINUED) != is_open:
            return []
        serial = own
        for size in lacing:
            if not is_open:
                if count == 0 and data[at : at + 8] != b"OpusHead":
                    return []
                skipped = int.from_bytes(data[at + 10 : at + 12], "little") if count == 0 else skipped
                count += 1
                if count > HEADERS:
                    waiting.append(_length(data[at : at + 2]))
            is_open = size == 255
            at += size
        whole = waiting[:-1] if is_open else waiting
        if granule < 0 or not whole:
            continue
        begin = granule - sum(whole)
        if not starts and not flags & LAST:
            end = begin
        has_holes |= begin - end > HOLE
        begin = max(begin, end)
        starts += [start - skipped for start in accumulate(whole[:-1], initial=begin)]
        end = begin + sum(whole)
        waiting = waiting[len(whole) :]
    return starts if has_holes else []


def _length(packet: bytes) -> int:
    """Read the length of a packet, in ticks."""
    if not packet:
        return 0
    frames = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[packet[0] & 3]
    return LENGTHS[packet[0] >> 3] * frames


class PagedTrack:
    """Track whose packets get the stamps of their pages, in the order of the file."""

    def __init__(self, stamps: Iterable[int]) -> None:
        self._left = iter(stamps)

    def correct(self, packet: Packet[Any]) -> bool:
        """Give the next packet its true stamp; False if it is not presented."""
        start = next(self._left, None)
        if start is not None and packet.time_base:
            packet.pts = packet.dts = round(start / SECOND / packet.time_base)
        return not packet.is_discard
