"""What a parent tells the child that joins and cuts files (``muxing``)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class PacketRun(Message):
    """Consecutive picture packets of one file."""

    name: str
    """The file."""
    container: str
    """Its demuxer."""
    first_packet: int
    """Index in decode order of the first packet taken."""
    end_packet: int | None
    """Index behind the last one; None: all."""
    start: int
    """Ticks of the finished file at which an encoded chunk starts."""
    stamps: tuple[int, ...] | None
    """Planned presentation stamps in decode order, ticks; None for an encoded chunk, whose frames lie on the grid."""
    frames: int
    """Packets expected."""
    lasts: int = 0
    """Ticks for which the last of its pictures is shown, if none follows; 0: nothing is known of that."""
    stream: int = 0
    """Which of the file's streams it is."""
    keys: tuple[int, ...] | None = None
    """Which of them are key frames, counted from the first one; None for an encoded chunk, which says it itself."""


@dataclass(frozen=True)
class AudioTrack(Message):
    """Where the sound packets come from."""

    name: str
    """The file."""
    container: str
    """Its demuxer."""
    offset: Fraction
    """Seconds added to every stamp; 0 for sound made for this playback."""
    end: int | None
    """Playback ms at and behind which no packet starts; None: all are taken."""
    index: int | None = None
    """Index of the stream in the file; None: it is the only sound, as in what we made ourselves."""


@dataclass(frozen=True)
class Join(Message):
    """One finished file."""

    out: str
    """File to write (a ``.part`` name; the caller moves it)."""
    time_scale: int
    """Ticks per second of the picture."""
    frame_ticks: int
    """Ticks per output frame of an encoded playback."""
    runs: tuple[PacketRun, ...]
    """The picture, in order."""
    audio: AudioTrack | None
    """The sound; None for none."""
    chapters: tuple[tuple[int, str], ...]
    """(ms, title), sorted."""
    length: int
    """Length of the playback in ms, the last chapter's end."""
    size: tuple[int, int] | None = None
    """Width and height of the picture; None: as the files say."""
    by_libav: bool = False
    """True to hand every packet to libavformat, whatever the files are."""


@dataclass(frozen=True)
class Cut(Message):
    """One stretch of a file as a file of its own: packets from ``start`` to ``end`` (ticks, end excluded)."""

    name: str
    container: str
    stream: int
    start: int
    end: int | None
    late: int
    """Ticks added to every stamp: a nut cannot say a negative one, and moves all of them where it meets one."""
    out: str
