"""Parameter sets of H.264, HEVC and VP8/9 streams: where decoding may start, and where the coded video changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from assembler.mp4.nal_units import walk_units

START_CODE = b"\0\0\1"
"""Bytes before each NAL unit of an Annex B stream."""

Bytes = bytes | memoryview


class Key(NamedTuple):
    """Properties of a key packet, by its bytes."""

    may_start: bool
    """True if decoding may start here."""
    starts_open: bool
    """True if frames presented before it may follow it and need missing references (open GOP)."""
    may_differ: bool
    """True if its frame may have other parameters than the one before, so that it has to be decoded."""


class _Nal(NamedTuple):
    """NAL unit types of a codec."""

    kind_of: Callable[[int], int]
    sets: frozenset[int]
    slices: range
    starts: frozenset[int]
    length_byte: int


_NALS = {
    "h264": _Nal(lambda byte: byte & 0x1F, frozenset((7, 8)), range(1, 6), frozenset((5,)), 4),
    "hevc": _Nal(lambda byte: byte >> 1 & 0x3F, frozenset((32, 33, 34)), range(32), frozenset(range(16, 21)), 21),
}


class ParameterSets:
    """Tracks the parameter sets of a stream from key packet to key packet; ``codec`` is libav's name."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._nal = _NALS.get(codec)
        self._digest = hashlib.sha256(extradata)
        self._extradata = extradata
        self._sets: set[tuple[int, bytes]] = set()
        self._header: bytes | None = None
        self.has_new = False
        """True if new parameter sets came as side data and not in the packets."""
        self._read_extradata(extradata)

    @property
    def digest(self) -> str:
        """Digest of the extradata and of all parameter sets in the packets that differ from it."""
        return self._digest.hexdigest()

    def note(self, packet: Bytes, extradata: bytes | None) -> Key:
        """Read a key packet; ``extradata`` is its side data, None where there is none."""
        is_new = extradata is not None and extradata != self._extradata
        if extradata is not None and is_new:
            self._digest.update(b"extradata" + extradata)
            self._extradata, self.has_new = extradata, True
            self._read_extradata(extradata)
        if self._nal is None:
            return Key(may_start=True, starts_open=True, may_differ=self._has_new_header(packet) or is_new)
        slice_type, sets = self._units(packet)
        if self._replace(sets):
            is_new = True
            for _, unit in sorted(sets):
                self._digest.update(b"set" + unit)
        may_start = slice_type in self._nal.starts
        return Key(may_start=may_start, starts_open=not may_start, may_differ=is_new)

    def _read_extradata(self, extradata: bytes) -> None:
        if self._nal is None:
            return
        self._width = 0
        if extradata[:1] == b"\1" and len(extradata) > self._nal.length_byte:
            self._width = (extradata[self._nal.length_byte] & 3) + 1
            units = _avcc_units(extradata) if self._codec == "h264" else _hvcc_units(extradata)
        else:
            units = _annexb_units(extradata)
        self._replace({(self._nal.kind_of(unit[0]), unit) for unit in units if unit})

    def _units(self, packet: Bytes) -> tuple[int, set[tuple[int, bytes]]]:
        """Read a packet up to its first slice: (NAL unit type of that slice, parameter sets before it)."""
        assert self._nal is not None
        sets: set[tuple[int, bytes]] = set()
        for unit in _prefixed_units(packet, self._width) if self._width else _annexb_units(bytes(packet)):
            if not unit:
                continue
            kind = self._nal.kind_of(unit[0])
            if kind in self._nal.slices:
                return kind, sets
            if kind in self._nal.sets:
                sets.add((kind, bytes(unit)))
        return -1, sets

    def _replace(self, sets: set[tuple[int, bytes]]) -> bool:
        """Activate parameter sets, replacing all of the same types; False if they were active already."""
        if sets <= self._sets:
            return False
        kinds = {kind for kind, _ in sets}
        self._sets = {item for item in self._sets if item[0] not in kinds} | sets
        return True

    def _has_new_header(self, packet: Bytes) -> bool:
        match self._codec:
            case "vp8":  # frame tag, start code, then width and height with their scales
                header = bytes(packet[3:10])
            case "vp9":  # up to the last bits of the height, for profile 0
                header = bytes(packet[1:8]) + bytes((packet[8] & 0xF0,)) if len(packet) > 8 else bytes(packet)
            case _:
                return True
        if header == self._header:
            return False
        self._header = header
        return True


def prefixed_sets(codec: str, extradata: bytes) -> bytes:
    """Convert the parameter sets of an mp4's extradata to length-prefixed NAL units; b"" where there are none."""
    if codec not in _NALS or extradata[:1] != b"\1":
        return b""
    width = (extradata[_NALS[codec].length_byte] & 3) + 1
    units = _avcc_units(extradata) if codec == "h264" else _hvcc_units(extradata)
    return b"".join(len(unit).to_bytes(width, "big") + unit for unit in units)


def _prefixed_units(packet: Bytes, width: int) -> Iterator[Bytes]:
    units = walk_units(lambda size, at: packet[at : at + size], 0, len(packet), width)
    return (packet[start:end] for _, start, end in units)


def _annexb_units(data: bytes) -> Iterator[bytes]:
    at = data.find(START_CODE)
    while at >= 0:
        end = data.find(START_CODE, at + 3)
        yield (data[at + 3 : end] if end >= 0 else data[at + 3 :]).rstrip(b"\0")
        at = end


def _avcc_units(extradata: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(extradata):
            return
        count = extradata[at] & mask
        at += 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            yield extradata[at + 2 : at + 2 + length]
            at += 2 + length


def _hvcc_units(extradata: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(extradata[22] if len(extradata) > 22 else 0):
        count = int.from_bytes(extradata[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            if at >= len(extradata):
                return
            yield extradata[at + 2 : at + 2 + length]
            at += 2 + length
