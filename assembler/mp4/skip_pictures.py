"""Skip pictures of H.264, which repeat the picture before, for streams in which every picture refers to that one.

Such a picture is a P slice of skipped macroblocks alone (ITU-T H.264, 7.3.4). Each of their motion vectors is predicted
as 0 (8.4.1.1) and nothing is filtered, so a decoder copies the reference bit by bit. It is a reference itself, as order
counts of type 2 allow no others in a row (8.2.1.3): the pictures behind it get another frame_num.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from assembler.mp4.nal_units import walk_units

LENGTH_BYTES = 4
"""Bytes of the length before each NAL unit, as ffmpeg writes them."""
SLICE, IDR = 1, 5
"""NAL unit types of slices (table 7-1)."""
HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
"""Profiles whose SPS holds chroma format and scaling lists (7.3.2.1.1)."""
WORST_QP = 51
"""Quantiser of a skip picture, which has nothing to quantise: with it a skipped macroblock is likely from the start."""
SKIP_STATE = 42
"""State of the context of mb_skip_flag at that quantiser: m = 23, n = 33 (9.3.1.1, table 9-13, ctxIdx 11)."""
LAST_STATE = 62
"""Last state that is reached by likely bins alone."""
RANGE_LPS = (
    (16, 20, 23, 27), (15, 19, 22, 25), (14, 18, 21, 24), (14, 17, 20, 23), (13, 16, 19, 22), (12, 15, 18, 21),
    (12, 14, 17, 20), (11, 14, 16, 19), (11, 13, 15, 18), (10, 12, 15, 17), (10, 12, 14, 16), (9, 11, 13, 15),
    (9, 11, 12, 14), (8, 10, 12, 14), (8, 9, 11, 13), (7, 9, 11, 12), (7, 9, 10, 12), (7, 8, 10, 11), (6, 8, 9, 11),
    (6, 7, 9, 10), (6, 7, 8, 9),
)  # fmt: skip
"""Ranges of the unlikely bin in the states from ``SKIP_STATE`` to ``LAST_STATE`` (table 9-44)."""
NEEDS_ESCAPE = re.compile(rb"\0\0(?=[\0-\3])")
"""Bytes behind which a decoder would see a start code (7.4.1)."""


class UnsupportedStream(Exception):
    """Raised with the reason why no skip pictures are made for a stream."""


class _Bits:
    """Reader of the bits of a NAL unit."""

    def __init__(self, unit: bytes, at: int = 8) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in unit.replace(b"\0\0\3", b"\0\0"))
        self.at = at

    def fixed(self, count: int) -> int:
        """Read u(n)."""
        self.at += count
        if self.at > len(self._bits):
            raise UnsupportedStream("a parameter set is cut off")
        return int(self._bits[self.at - count : self.at] or "0", 2)

    def golomb(self) -> int:
        """Read ue(v)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)

    def signed(self) -> int:
        """Read se(v)."""
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -code // 2


def _golomb(value: int) -> str:
    """Write ue(v)."""
    text = f"{value + 1:b}"
    return "0" * (len(text) - 1) + text


def _signed(value: int) -> str:
    """Write se(v)."""
    return _golomb(2 * value - 1 if value > 0 else -2 * value)


@dataclass(frozen=True)
class SkipCoder:
    """Coder of the skip pictures of one stream."""

    macroblocks: int
    """Count of macroblocks of a picture."""
    number_bits: int
    """Size of frame_num, in bits."""
    is_cabac: bool
    """True for arithmetic coding, False for variable lengths."""
    quantiser: int
    """Quantiser before a slice's own difference."""

    @classmethod
    def of(cls, avcc: bytes) -> SkipCoder:
        """Build the coder for the parameter sets of an avcC's content.

        Raises UnsupportedStream for streams in which pictures do not each refer to the one before.
        """
        if len(avcc) < 8 or avcc[4] & 3 != LENGTH_BYTES - 1 or avcc[5] & 0x1F != 1:
            raise UnsupportedStream("it has not one sequence parameter set")
        size = int.from_bytes(avcc[6:8], "big")
        macroblocks, number_bits = _read_sequence(avcc[8 : 8 + size])
        at = 8 + size
        if avcc[at] != 1:
            raise UnsupportedStream("it has not one picture parameter set")
        is_cabac, quantiser = _read_picture(avcc[at + 3 : at + 3 + int.from_bytes(avcc[at + 1 : at + 3], "big")])
        return cls(macroblocks, number_bits, is_cabac, quantiser)

    @property
    def numbers(self) -> int:
        """Count of values of frame_num, after which it starts again at 0."""
        return 1 << self.number_bits

    @cached_property
    def skips(self) -> tuple[bytes, ...]:
        """Samples of a skip picture, by frame_num."""
        data = _skipped_cabac(self.macroblocks) if self.is_cabac else _golomb(self.macroblocks) + "1"
        return tuple(self._skip(number, data) for number in range(self.numbers))

    def _skip(self, number: int, data: str) -> bytes:
        # slice header (7.3.3): first macroblock, only P slices, parameter set 0, frame_num; one reference, in order;
        # sliding window; the first of the contexts' tables where there are any; quantiser; no deblocking
        head = _golomb(0) + _golomb(5) + _golomb(0) + f"{number:0{self.number_bits}b}" + "00" + "0"
        head += _golomb(0) if self.is_cabac else ""
        head += _signed(WORST_QP - self.quantiser) + _golomb(1)
        if self.is_cabac:
            head += "1" * (-len(head) % 8)
        bits = head + data
        bits += "0" * (-len(bits) % 8)
        content = int(bits, 2).to_bytes(len(bits) // 8, "big")
        return _prefixed(b"\x41" + content)

    def numbered(self, sample: bytes, number: int) -> bytes:
        """Give the slices of a sample, none of which is IDR, this frame_num."""
        parts = []
        for first, start, end in walk_units(lambda size, at: sample[at : at + size], 0, len(sample), LENGTH_BYTES):
            unit = sample[start:end]
            parts.append(
                self._renumbered(unit, number) if first & 0x1F == SLICE else sample[start - LENGTH_BYTES : end]
            )
        return b"".join(parts)

    def _renumbered(self, unit: bytes, number: int) -> bytes:
        plain = unit.replace(b"\0\0\3", b"\0\0")
        bits = _Bits(plain[:16])
        for _ in range(3):
            bits.golomb()
        below = 8 * len(plain) - bits.at - self.number_bits
        mask = (self.numbers - 1) << below
        whole = int.from_bytes(plain, "big") & ~mask | number << below
        return _prefixed(whole.to_bytes(len(plain), "big"))


def is_idr(sample: bytes) -> bool:
    """True if a sample's slices are IDR: a decoder may begin at it."""
    units = walk_units(lambda size, at: sample[at : at + size], 0, len(sample), LENGTH_BYTES)
    return any(first & 0x1F == IDR for first, _, _ in units)


def _prefixed(unit: bytes) -> bytes:
    escaped = NEEDS_ESCAPE.sub(b"\0\0\3", unit)
    return len(escaped).to_bytes(LENGTH_BYTES, "big") + escaped


def _read_sequence(unit: bytes) -> tuple[int, int]:
    """Read an SPS: the count of macroblocks, and the size of frame_num in bits."""
    bits = _Bits(unit)
    profile = bits.fixed(8)
    bits.fixed(16)
    is_first = not bits.golomb()
    if profile in HIGH_PROFILES and (bits.golomb() != 1 or bits.golomb() or bits.golomb() or bits.fixed(2)):
        raise UnsupportedStream("it is not 8 bit 4:2:0, or it has scaling lists")
    number_bits = bits.golomb() + 4
    order, references = bits.golomb(), bits.golomb()
    if not is_first or order != 2 or references != 1:
        raise UnsupportedStream("its pictures do not each refer to the one before")
    bits.fixed(1)
    width, height = bits.golomb() + 1, bits.golomb() + 1
    if not bits.fixed(1):
        raise UnsupportedStream("it is interlaced")
    return width * height, number_bits


def _read_picture(unit: bytes) -> tuple[bool, int]:
    """Read a PPS: whether it is coded arithmetically, and the quantiser."""
    bits = _Bits(unit)
    is_first = not (bits.golomb() + bits.golomb())
    is_cabac = bool(bits.fixed(1))
    has_more = bits.fixed(1) + bits.golomb() + bits.golomb()  # order of fields, slice groups, references
    bits.golomb()
    has_more += bits.fixed(1)  # weights
    bits.fixed(2)
    quantiser = 26 + bits.signed()
    bits.signed()
    bits.signed()
    can_filter = bits.fixed(1)
    bits.fixed(1)
    if not is_first or has_more or not can_filter or bits.fixed(1):
        raise UnsupportedStream("its slices have other headers")
    return is_cabac, quantiser


def _skipped_cabac(macroblocks: int) -> str:
    """Code the slice data of skipped macroblocks alone, with the stop bit (9.3.4): for each of them the likely value of
    mb_skip_flag, then whether it was the last one."""
    span, shifts, state = 510, 0, SKIP_STATE
    for left in range(macroblocks, 0, -1):
        span -= RANGE_LPS[state - SKIP_STATE][span >> 6 & 3]
        state = min(state + 1, LAST_STATE)
        if span < 256:
            span, shifts = span << 1, shifts + 1
        span -= 2
        if left > 1 and span < 256:
            span, shifts = span << 1, shifts + 1
    # all were likely, so the code's lower end is still 0; the flush ends it (9.3.4.5)
    return f"{span | 1:0{shifts + 9}b}"
