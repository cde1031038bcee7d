"""Order to the child that compares key frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message


@dataclass(frozen=True)
class KeyFrameFile(Message):
    """File with a part of the playback's video."""

    path: str
    """Path of the file."""
    container: str
    """Name of the demuxer."""
    stream: int
    """Index of the video stream."""
    offset: Fraction
    """Seconds added to every stamp, which gives the playback axis."""
    start: int
    """Start of the part, playback ms."""
    end: int
    """End of the part, playback ms."""


@dataclass(frozen=True)
class View(Message):
    """Rectangle of the picture that is compared for a while."""

    start: int
    """Start, playback ms."""
    end: int
    """End, playback ms."""
    x: int
    """Left edge, in pixels."""
    y: int
    """Top edge, in pixels."""
    width: int
    """Width, in pixels."""
    height: int
    """Height, in pixels."""


@dataclass(frozen=True)
class PagesOrder(Message):
    """Key frames to compare."""

    files: tuple[KeyFrameFile, ...]
    """Files in the order of the playback."""
    views: tuple[View, ...]
    """Views in time order, none of which meets another."""
    answer: str
    """Path of the file to write: a line "ms changed vanished" for each key frame but the first of each view; both as
    in ``plan.stage.Change``."""
