"""Order to the child that finds new pages."""

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
class PageRule(Message):
    """Rule by which a page is a new one; its numbers are those of ``plan.stage`` and ``plan.chapters``."""

    changed: int
    """Minimum part of the view, in 1/1000, that changes with a new page."""
    changed_little: int
    """Minimum part of it, in 1/1000, that changes with a new page of few words."""
    vanished: int
    """Minimum part of what stood on it, in 1/1000, that vanishes then."""
    nearest: int
    """Minimum distance of pages that are not leafed over, in ms."""
    most_frames: int
    """Maximum number of frames to decode."""

    def is_page(self, changed: int, vanished: int) -> bool:
        """Tell whether a new page is seen, by the parts that changed and vanished, in 1/1000."""
        return changed >= self.changed or (changed >= self.changed_little and vanished >= self.vanished)


@dataclass(frozen=True)
class PagesOrder(Message):
    """Frames to compare."""

    time_scale: int
    """Ticks per second of the video, as in the order to mux it."""
    frame_ticks: int
    """Ticks per output frame of an encoded playback, as in that order."""
    runs: tuple[PacketRun, ...]
    """Runs of video packets, as in that order."""
    views: tuple[View, ...]
    """Views in time order, none of which meets another."""
    rule: PageRule
    """Rule by which a page is a new one."""
    answer: str
    """Path of the file to write: a line with the playback ms of each new page."""
