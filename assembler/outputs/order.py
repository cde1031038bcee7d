"""Messages between packages and the child process that copies and reads packets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class CopiedPart(Message):
    """Part of one stream of a file that is copied to its place."""

    name: str
    """Path of the file."""
    container: str
    """Name of the demuxer."""
    stream: int
    """Index of the stream in the file."""
    offset: Fraction
    """Seconds added to every stamp."""
    start: int
    """Start of the range that is kept, in ms behind ``offset``."""
    end: int | None
    """End of that range; None: to the end of the file."""


@dataclass(frozen=True)
class CopiedTrack(Message):
    """Track of a file to be written."""

    title: str
    """Title for people."""
    parts: tuple[CopiedPart, ...]
    """Parts in time order, all of one codec and container."""


@dataclass(frozen=True)
class Remux(Message):
    """Order to copy streams into one file."""

    out: str
    """Path of the file to write."""
    format: str
    """Name of the muxer."""
    tracks: tuple[CopiedTrack, ...]
    """Tracks, in order."""
    title: str = ""
    """Title of the file; "" for none."""
    chapters: tuple[tuple[int, str], ...] = ()
    """Chapters as (ms, title), sorted."""
    length: int = 0
    """End of the last chapter, in ms."""
    attachments: tuple[str, ...] = ()
    """Paths of the JSON files to attach."""


@dataclass(frozen=True)
class Copying(Message):
    """Order to write several such files."""

    files: tuple[Remux, ...]
    """Files, in order."""
    report: str
    """Path of the ``Found`` to write: what was written."""


@dataclass(frozen=True)
class Read(Message):
    """Order to read all packets of files."""

    names: tuple[str, ...]
    """Paths of the files."""
    report: str
    """Path of the ``Found`` to write."""


@dataclass(frozen=True)
class Stream(Message):
    """Stream as it was read or written."""

    kind: str
    """Kind: video, audio, subtitle."""
    title: str
    """Title for people; "" where it has none."""
    packets: int
    """Number of packets."""
    first: Fraction
    """Stamp of the first one presented, in s."""
    last: Fraction
    """Stamp of the last one presented, in s."""
    width: int = 0
    """Width of the picture, in pixels; 0 for other kinds."""
    height: int = 0
    """Height of the picture, in pixels; 0 for other kinds."""
    late: int = 0
    """Length in ms that was not copied because no key frame was in front of it."""

    def with_packet(self, at: Fraction) -> Stream:
        """Count one packet more, presented at this stamp."""
        first, last = (min(self.first, at), max(self.last, at)) if self.packets else (at, at)
        return replace(self, packets=self.packets + 1, first=first, last=last)


@dataclass(frozen=True)
class Contents(Message):
    """Contents of a file."""

    streams: tuple[Stream, ...]
    """Streams of video, audio and subtitles, in order."""
    chapters: tuple[str, ...]
    """Titles of the chapters; of long ones the beginning."""
    attachments: int
    """Number of attached files."""

    def of(self, kind: str) -> tuple[Stream, ...]:
        """List the streams of one kind."""
        return tuple(stream for stream in self.streams if stream.kind == kind)


@dataclass(frozen=True)
class Found(Message):
    """Answer to ``Read`` and ``Copying``."""

    files: tuple[Contents, ...]
    """Contents of the files, in order."""
