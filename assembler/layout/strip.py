"""Filmstrip: who of those present has a place, and in which order, while the time goes on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from assembler.layout.presence import GATHERED, Visit
from assembler.times import Ms, Span

LEAST_SPOKEN = Ms(1000)
"""Minimum time for which somebody speaks who is made large or given a place for it, in ms: a cough moves nobody."""

NEVER = -1
"""Time at which somebody spoke last who has not spoken."""


@dataclass
class Strip:
    """People who are there, and those of them who have places; moved on from one time to a later one."""

    visits: Sequence[Visit]
    """Visits of the class, by their start."""
    speaking: Mapping[str, Sequence[Span]]
    """Spans in which each user speaks; none where unknown."""
    present: dict[str, Visit] = field(default_factory=dict)
    """Visits of those who are there, by user."""
    seated: list[str] = field(default_factory=list)
    """Users with a place, in order."""
    large: str | None = None
    """User who is large, or was before the stage came; None where nobody is."""
    is_full: bool = False
    """True if more people are there than have places."""

    def __post_init__(self) -> None:
        self._leaving = sorted(self.visits, key=lambda v: (v.span.end, v.order))
        self._words = sorted(
            (s.start, s.end, user) for user, own in self.speaking.items() for s in own if s.length >= LEAST_SPOKEN
        )
        self._came = self._left = self._said = 0
        self._waiting: list[tuple[int, int, str]] = []  # when they spoke last (negative), order, user
        self._asking: dict[str, int] = {}  # user without a place who speaks -> end of speech

    def move(self, now: Span) -> None:
        """Let everybody leave who has left by its start, and everybody in who comes before its end."""
        while self._left < len(self._leaving) and self._leaving[self._left].span.end <= now.start:
            gone = self._leaving[self._left]
            self._left += 1
            if self.present.get(gone.user) is gone:
                del self.present[gone.user]
        while self._came < len(self.visits) and self.visits[self._came].span.start < now.end:
            come = self.visits[self._came]
            self._came += 1
            self.present[come.user] = come
            self._wait(come.user, now)
        while self._said < len(self._words) and self._words[self._said][0] < now.end:
            _, end, user = self._words[self._said]
            self._said += 1
            self._asking[user] = max(end, self._asking.get(user, 0))
        self._asking = {user: end for user, end in self._asking.items() if end > now.start}

    def next_change(self, after: int) -> int | None:
        """The next time, not before this one, at which others are there or somebody without a place speaks."""
        times = []
        if self._came < len(self.visits):
            times.append(max(after, self.visits[self._came].span.start))
        if self._left < len(self._leaving):
            times.append(max(after, self._leaving[self._left].span.end))
        if self.is_full and self._said < len(self._words):
            times.append(max(after, self._words[self._said][0]))
        if self.is_full and any(user in self.present and user not in self.seated for user in self._asking):
            times.append(after + GATHERED)
        return min(times, default=None)

    def seat(self, most: int, large: str | None, teacher: str | None, now: Span) -> tuple[str, ...]:
        """Seat so many at most: who is large comes first, then the teacher, then the others as they came; of more
        people those who spoke last, else who came first. Nobody loses a place while speaking."""
        first = [user for user in dict.fromkeys((large, teacher)) if user is not None and user in self.present][:most]
        self.is_full = len(self.present) > most
        was_large = self.seated[0] if self.seated else None
        self.seated = [user for user in self.seated if user in self.present]
        while len(self.seated) > most:
            self._unseat(self._least_wanted(first, now) or self.seated[-1], now)
        for user in first:
            self._take_place(user, most, first, now, must=True)
        if self.is_full:
            for user in sorted(self._asking, key=lambda u: (self._asking[u], u)):
                if user in self.present:
                    self._take_place(user, most, first, now, must=False)
        while self._waiting and len(self.seated) < most:
            user = heappop(self._waiting)[2]
            if user in self.present and user not in self.seated:
                self.seated.append(user)
        for place, user in enumerate(first):
            self._put(place, user, was_large)
        return tuple(self.seated)

    def _spoke_last(self, user: str, now: Span) -> int:
        """Find when the last words that somebody begins before the end of this time end."""
        own = self.speaking.get(user, ())
        place = bisect_left(own, now.end, key=lambda s: s.start) - 1
        return own[place].end if place >= 0 else NEVER

    def _least_wanted(self, kept: Sequence[str], now: Span) -> str | None:
        """Find who is silent for longest of those with a place, of equal ones who came last; None where all speak."""
        spoke = {user: self._spoke_last(user, now) for user in self.seated if user not in kept}
        silent = [user for user, end in spoke.items() if end <= now.start]
        return min(silent, key=lambda u: (spoke[u], -self.present[u].order), default=None)

    def _wait(self, user: str, now: Span) -> None:
        heappush(self._waiting, (-self._spoke_last(user, now), self.present[user].order, user))

    def _unseat(self, user: str, now: Span) -> None:
        self.seated.remove(user)
        self._wait(user, now)

    def _take_place(self, user: str, most: int, kept: Sequence[str], now: Span, *, must: bool) -> None:
        """Seat somebody in a free place, else in that of who is least wanted."""
        if user in self.seated:
            return
        if len(self.seated) < most:
            self.seated.append(user)
            return
        least = self._least_wanted(kept, now)
        if least is None and must:
            least = next((other for other in reversed(self.seated) if other not in kept), None)
        if least is not None:
            self.seated[self.seated.index(least)] = user
            self._wait(least, now)

    def _put(self, place: int, user: str, was_large: str | None) -> None:
        """Give somebody a place in the order: the first one changes places with who was large, so that nobody else
        moves."""
        at = self.seated.index(user)
        if place == 0 and at > 0 and self.seated[0] == was_large:
            self.seated[0], self.seated[at] = user, self.seated[0]
        elif at != place:
            self.seated.insert(place, self.seated.pop(at))
