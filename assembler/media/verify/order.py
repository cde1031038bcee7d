"""Message from ``verify`` to the child that reads a finished file."""

from __future__ import annotations

from dataclasses import dataclass

from assembler.messages import Message
from assembler.plan.stamps import Stamps


@dataclass(frozen=True)
class Pictures(Message):
    """Pictures to take of a file that is whole, for the page on which it is watched."""

    instants: tuple[int, ...]
    """Instants of the small ones, which are put below each other on one sheet; playback ms, sorted."""
    sheet: str
    """Path of the sheet."""
    best: int
    """Instant of the large one, playback ms."""
    cover: str
    """Path of the large one."""


@dataclass(frozen=True)
class Check(Message):
    """Expected properties of a finished file."""

    path: str
    """Path of the finished file."""
    size: int | None
    """Expected size, in bytes; None where it is not known yet."""
    stamps: Stamps
    """Planned pts of the video."""
    joins: tuple[int, ...]
    """Ticks at which pieces meet."""
    width: int
    """Expected width of the video, in pixels."""
    height: int
    """Expected height of the video, in pixels."""
    length: int
    """Length of the playback, in ms."""
    has_encoded_video: bool
    """True if the video was encoded for this playback: decoding must then give no error at all."""
    has_encoded_audio: bool
    """True if the audio was encoded for this playback: it must then be without a hole."""
    decode: str
    """Depth: "index" (size and the stamps in the sample tables: no packet is read), "nothing" (every packet is read,
    none decoded), "joins" (one GOP decoded at start, end, before each cut and before some of the other joins, and the
    first frames behind each join) or "all"."""
    answer: str
    """Path of the file for the answer: a problem per line, empty if there is none."""
    pictures: Pictures | None = None
    """Pictures to take where there is no problem: the file is open, and its start would cost a process of its own."""
    cuts: tuple[int, ...] = ()
    """Ticks of those joins before which a file was cut: what its last frames refer to may be lost."""
