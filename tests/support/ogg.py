"""Ogg files as recorders write them: pages of some length that end where packets are missing."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import av

FRAME = 960
"""Samples of 48 kHz in a packet of Opus."""


def write_pages(source: Path, target: Path, most: int) -> Path:
    """Write the Opus packets of a webm as Ogg, with at most so many in a page."""
    with av.open(str(source)) as opened:
        head = bytes(opened.streams.audio[0].codec_context.extradata or b"")
        packets = [
            (round(float(p.pts * p.time_base) * 50), bytes(p)) for p in opened.demux(audio=0) if p.pts is not None
        ]
    runs = [[packets[0]]]
    for before, after in pairwise(packets):
        if after[0] != before[0] + 1 or len(runs[-1]) == most:
            runs.append([])
        runs[-1].append(after)
    pages = [(0, 2, [head]), (0, 0, [b"OpusTags" + struct.pack("<I4sI", 4, b"test", 0)])]
    pages += [((run[-1][0] + 1) * FRAME, 0, [data for _, data in run]) for run in runs]
    pages[-1] = (pages[-1][0], 4, pages[-1][2])
    target.write_bytes(b"".join(_page(number, *page) for number, page in enumerate(pages)))
    return target


def _page(number: int, granule: int, flags: int, packets: list[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    assert len(lacing) <= 255
    body = bytes([len(lacing)]) + lacing + b"".join(packets)
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, 7, number)
    return head + struct.pack("<I", _checksum(head + bytes(4) + body)) + body


def _checksum(data: bytes) -> int:
    found = 0
    for byte in data:
        found ^= byte << 24
        for _ in range(8):
            found = (found << 1 ^ 0x04C11DB7 if found & 0x80000000 else found << 1) & 0xFFFFFFFF
    return found
