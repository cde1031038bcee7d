"""What a parent (``verify``) tells the child that reads a finished file (``checking``)."""

from __future__ import annotations

from dataclasses import dataclass

from assembler.messages import Message
from assembler.plan.stamps import Stamps


@dataclass(frozen=True)
class Check(Message):
    """What to hold a file against."""

    path: str
    """The finished file."""
    size: int | None
    """Bytes it must have; None where that is not known yet."""
    stamps: Stamps
    """Planned picture stamps."""
    joins: tuple[int, ...]
    """Ticks at which pieces meet."""
    width: int
    height: int
    length: int
    """Playback length, ms."""
    has_encoded_video: bool
    """True if the picture was encoded for this playback: its decoder must then not complain at all."""
    has_encoded_audio: bool
    """True if the sound was made for this playback: it must then be without a hole."""
    decode: str
    """How deep to look: "index" (size and the stamps in the file's index: no packet is read), "nothing" (every packet
    is read, none decoded), "joins" (one GOP decoded at start, end and before each join, and the first pictures behind
    it) or "all"."""
    answer: str
    """File for the answer: a problem per line, empty if there is none."""
