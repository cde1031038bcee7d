"""Wall clock <-> playback: the only place where a time changes its axis.

wall(p) = start + p + sum of the pauses at or before p        (DESIGN, Axes of time)

wall      |-------|======pause======|-----------|
playback  |-------|-----------|
          0      at
"""

from __future__ import annotations

from assembler.timeline.model import Clock
from assembler.times import PlayMs, WallMs


def wall_at(clock: Clock, at: PlayMs) -> WallMs | None:
    """The wall instant of a playback instant; at a pause, the instant at which the recording went on.

    None where no start is known, or behind a pause of unknown length.
    """
    if clock.start is None:
        return None
    wall = clock.start + at
    for jump in clock.jumps:
        if jump.at > at:
            break
        if jump.length is None:
            return None
        wall += jump.length
    return WallMs(wall)


def wall_before(clock: Clock, at: PlayMs) -> WallMs | None:
    """The wall instant of a playback instant; at a pause, the instant at which the recording stopped.

    None where no start is known, or behind a pause of unknown length.
    """
    just_before = wall_at(clock, PlayMs(at - 1))
    return None if just_before is None else WallMs(just_before + 1)


def playback_at(clock: Clock, wall: WallMs) -> PlayMs | None:
    """The playback instant of a wall instant; inside a pause, the instant of that pause.

    Negative before the recording's start. None where no start is known, or behind a pause of unknown length.
    """
    if clock.start is None:
        return None
    at = wall - clock.start
    for jump in clock.jumps:
        if at < jump.at:
            break
        if jump.length is None:
            return None
        at = max(jump.at, PlayMs(at - jump.length))
    return PlayMs(at)
