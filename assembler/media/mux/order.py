"""Messages to the child that joins and cuts files."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class PacketRun(Message):
    """Consecutive video packets of one file."""

    name: str
    """Path of the file."""
    container: str
    """Name of the demuxer."""
    first_packet: int
    """Index in decode order of the first packet taken."""
    end_packet: int | None
    """Index behind the last one; None: all."""
    start: int
    """Ticks of the finished file at which an encoded chunk starts."""
    stamps: tuple[int, ...] | None
    """Planned pts in decode order, ticks; None for an encoded chunk, whose frames lie on the grid."""
    frames: int
    """Expected count of packets."""
    lasts: int = 0
    """Duration of its last frame if none follows, in ticks; 0: unknown."""
    stream: int = 0
    """Index of the video stream in the file."""
    keys: tuple[int, ...] | None = None
    """Indices of key frames, counted from the first packet; None for an encoded chunk, whose file has them."""


@dataclass(frozen=True)
class AudioTrack(Message):
    """Source of the audio packets."""

    name: str
    """Path of the file."""
    container: str
    """Name of the demuxer."""
    offset: Fraction
    """Seconds added to every stamp; 0 for a mixdown."""
    end: int | None
    """Playback ms at and behind which no packet starts; None: all packets."""
    index: int | None = None
    """Index of the stream in the file; None: the only audio stream, as in a mixdown."""


@dataclass(frozen=True)
class Join(Message):
    """Order to mux one finished file."""

    out: str
    """Path of the file to write (a ``.part`` name; the caller moves it)."""
    time_scale: int
    """Ticks per second of the video."""
    frame_ticks: int
    """Ticks per output frame of an encoded playback."""
    runs: tuple[PacketRun, ...]
    """Runs of video packets, in order."""
    audio: AudioTrack | None
    """Source of the audio; None for none."""
    chapters: tuple[tuple[int, str], ...]
    """Chapters as (ms, title), sorted."""
    length: int
    """Length of the playback in ms, the last chapter's end."""
    size: tuple[int, int] | None = None
    """Width and height of the video in pixels; None: as in the files."""
    by_libav: bool = False
    """True to hand every packet to libavformat, whatever the files are."""
    captions: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = ()
    """Soft tracks as (title, texts); a text is (ms, text) and is shown until the next one."""


@dataclass(frozen=True)
class Cut(Message):
    """Order to write one stretch of a file to a file of its own."""

    name: str
    """Path of the source file."""
    container: str
    """Name of the demuxer."""
    stream: int
    """Index of the video stream."""
    start: int
    """Stamp of the first packet, in ticks."""
    end: int | None
    """Stamp at which the next stretch starts, in ticks; None: to the end of the file."""
    late: int
    """Ticks added to every stamp: a nut cannot hold a negative one, and moves all of them where it meets one."""
    out: str
    """Path of the file to write."""
