"""Turns: who is THE speaker when, from when each user speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from assembler.times import Ms, PlayMs, Span

TAKEOVER = Ms(2000)
"""Minimum time for which somebody speaks into another's words and is the speaker from then on, in ms; who says less
("yes", a laugh) is not."""


class Turn(NamedTuple):
    """Time in which one user is the speaker."""

    user: str
    """User id."""
    span: Span
    """Time from the first word until somebody else is the speaker, playback axis: silence belongs to who spoke last."""


def find_turns(speaking: Mapping[str, Sequence[Span]], length: Ms) -> tuple[Turn, ...]:
    """Turns in order, from the first word to the end of the playback; each user's spans are sorted and disjoint.

    #   ann  [----------------)                      [---)
    #   bob       [-)      [--------------)
    #             yes         |  takes over
    #        [ann             )[bob                   )[ann
    """
    said = sorted((s.start, user, s) for user, spans in speaking.items() for s in spans if s.length)
    borders = sorted({at for start, _, s in said for at in (start, s.start + TAKEOVER, s.end) if at <= s.end})
    running: dict[str, Span] = {}
    turns: list[tuple[PlayMs, str]] = []
    place = 0
    for at, until in pairwise(borders):
        running = {user: s for user, s in running.items() if s.end > at}
        while place < len(said) and said[place][0] <= at:
            running[said[place][1]] = said[place][2]
            place += 1
        speaker = _speaker(running, turns[-1][1] if turns else None, PlayMs(at))
        if speaker is not None and (not turns or turns[-1][1] != speaker) and at < until:
            turns.append((PlayMs(at), speaker))
    ends = [*(start for start, _ in turns[1:]), PlayMs(length)]
    return tuple(
        Turn(user, Span(start=start, end=end)) for (start, user), end in zip(turns, ends, strict=False) if start < end
    )


def _speaker(running: Mapping[str, Span], last: str | None, at: PlayMs) -> str | None:
    """Choose among those who speak: whoever took over from the last speaker, else that one, else who will have spoken
    longest; None where nobody speaks."""
    if last is None or last not in running:
        return max(running, key=lambda user: (running[user].length, user), default=None)
    later = [u for u, s in running.items() if s.start > running[last].start and at - s.start >= TAKEOVER]
    return max(later, key=lambda user: (running[user].start, user), default=last)
