"""Order to the child that compares key frames."""

from __future__ import annotations

from dataclasses import dataclass

from assembler.media.mux.order import PacketRun
from assembler.messages import Message


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

    time_scale: int
    """Ticks per second of the video, as in the order to mux it."""
    frame_ticks: int
    """Ticks per output frame of an encoded playback, as in that order."""
    runs: tuple[PacketRun, ...]
    """Runs of video packets, as in that order."""
    views: tuple[View, ...]
    """Views in time order, none of which meets another."""
    answer: str
    """Path of the file to write: a line "ms changed vanished" for each key frame but the first of each view; both as
    in ``plan.stage.Change``."""
