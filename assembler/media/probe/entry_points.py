"""Places in a TS at which reading may start: a TS has no index, and libav would seek in it to any packet.

What is read from such a place on is what the whole file gives: the tables from its head, then the packets from a key
frame on (``render/inputs.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path

from assembler.facts import EntryPoints, VideoFacts
from assembler.media.probe.container import HEAD_BYTES, TS_PACKETS, find_packets

EVERY_SECONDS = 10
"""Minimum time between two places in a stretch, in s: decoding as much for nothing costs less than starting ffmpeg."""
WRAP = 1 << 33
"""Modulus of a TS's stamps, in ticks; which round they belong to is known only from the beginning."""
PACKET = TS_PACKETS[0]
"""Size of a packet, in bytes; larger ones are recorded by receivers of broadcasts alone."""
START_CODES = (b"\0\0\1", b"\0\0\0\1")
"""First bytes of a unit of the picture (ISO/IEC 14496-10, annex B)."""


def find_entry_points(path: Path, video: VideoFacts, places: Mapping[int, int | None]) -> EntryPoints | None:
    """Choose the entry points of a TS among its key frames (stamp to first byte); None where there are none but the
    start."""
    with path.open("rb") as file:
        tables = _find_tables(file.read(HEAD_BYTES))
        if tables is None or not 0 <= video.first <= video.last < WRAP:
            return None
        step, borders = ceil(EVERY_SECONDS / video.time_base), {stretch.start for stretch in video.stretches}
        found: list[tuple[int, int]] = []
        for stamp in video.keyframes:
            if found and stamp not in borders and stamp < found[-1][0] + step:
                continue
            at = places.get(stamp)
            if at is not None and (not found or at > found[-1][1]):
                file.seek(at)
                if _begins_unit(file.read(PACKET)):
                    found.append((stamp, at))
    stamps, firsts = tuple(stamp for stamp, _ in found), tuple(at for _, at in found)
    return EntryPoints(tables, stamps, firsts) if len(found) > 1 and borders.issubset(stamps) else None


def _find_tables(head: bytes) -> tuple[int, int] | None:
    """Find the range of the first association table and the program map that follows it, each in one packet."""
    first, size = find_packets(head) or (0, 0)
    if size != PACKET:
        return None
    for at in range(first, len(head) - 2 * PACKET + 1, PACKET):
        table, program = head[at : at + PACKET], head[at + PACKET : at + 2 * PACKET]
        if _pid(table) == 0 and table[1] & 0x40:
            section, described = read_section(table), read_section(program)
            pids = {int.from_bytes(section[n + 2 : n + 4], "big") & 0x1FFF for n in range(8, len(section) - 3, 4)}
            is_whole = bool(program[1] & 0x40) and len(described) == (int.from_bytes(described[1:3], "big") & 0xFFF) - 1
            return (at, at + 2 * PACKET) if _pid(program) in pids and is_whole else None
    return None


def _pid(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def _begins_unit(packet: bytes) -> bool:
    """True for a packet with which a PES of a picture begins, and with that a unit: else part of a frame before it
    would be decoded."""
    if len(packet) < PACKET or packet[0] != 0x47 or not packet[1] & 0x40:
        return False
    pes = packet[_payload(packet) :]
    return len(pes) > 8 and pes[:3] == b"\0\0\1" and pes[9 + pes[8] :].startswith(START_CODES)


def _payload(packet: bytes) -> int:
    return 4 + (1 + packet[4] if packet[3] & 0x20 else 0)


def read_section(packet: bytes) -> bytes:
    """Read the section in a packet, without its checksum; as much of it as is in this packet."""
    at = _payload(packet)
    at += 1 + (packet[at] if at < len(packet) else 0)
    section = packet[at:]
    return section[: max(0, 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4)]
