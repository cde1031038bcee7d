"""Levels: how loud the sound of one file is over its time. Measured like facts, kept beside them."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

from assembler.messages import Message
from assembler.times import FileMs, Ms

STEP = Ms(20)
"""Time of one level, in ms: the n-th is of ``[n * STEP, (n + 1) * STEP)``, file axis."""
QUIETEST = 100
"""Level of all that is quieter, in dB below full scale."""
NO_SOUND = 255
"""Level where the file holds no sound: before its first sample, in a hole, behind its last one."""


@dataclass(frozen=True)
class Levels(Message):
    """Levels of all sound tracks of one file together: in each step that of the loudest."""

    packed: str
    """A byte for each level (dB below full scale, RMS of all channels), deflated, as base64."""
    is_whole: bool
    """True if they reach to the end of the file; else to where it was needed."""

    @classmethod
    def pack(cls, values: bytes, *, is_whole: bool) -> Levels:
        """Make them of a byte for each level."""
        return cls(b64encode(zlib.compress(values)).decode("ascii"), is_whole)

    def unpack(self) -> bytes:
        """Return a byte for each level; raises ValueError where they are damaged."""
        try:
            return zlib.decompress(b64decode(self.packed, validate=True))
        except zlib.error as exc:
            raise ValueError("no levels") from exc

    def reach(self, end: FileMs) -> bool:
        """Tell whether they reach to this time of the file."""
        return self.is_whole or (len(self.unpack()) + 1) * STEP > end
