"""Timeline: WHEN; recordings and facts become tracks on the playback axis."""

from assembler.timeline.build import build_timeline
from assembler.timeline.clock import playback_at, wall_at
from assembler.timeline.join import append, cut_window, order_recordings

__all__ = ["append", "build_timeline", "cut_window", "order_recordings", "playback_at", "wall_at"]
