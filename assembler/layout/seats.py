"""Seating over time: slots handed out to users."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from assembler.layout.model import Slot
from assembler.timeline.model import Clip
from assembler.times import Ms, PlayMs, Span, span, split, union

KEPT_FOR = Ms(1000)
"""Maximum time until a user's next clip for which the slot is kept, in ms: a pause or a change of file is not an
end."""


@dataclass(frozen=True, eq=False)
class Stay:
    """A user's clips without a real gap between them."""

    user: str
    """User id."""
    clips: tuple[Clip, ...]
    """Clips in time order; each has a picture."""
    span: Span
    """Range from the play time of the first clip to the declared end of the last."""

    @property
    def order(self) -> tuple[int, str, str]:
        """Key by which slots are handed out: start, user, first file."""
        return self.span.start, self.user, self.clips[0].video_id


@dataclass(frozen=True)
class Seat:
    """A stay in a slot, from when the slot was free."""

    stay: Stay
    """Stay that holds the slot."""
    slot: Slot
    """Slot that is held."""
    start: PlayMs
    """Time from which it is held, playback axis."""


def find_stays(clips: Iterable[tuple[str, Clip]]) -> list[Stay]:
    """(user, clip) pairs as stays, in the order in which slots are handed out."""
    stays: list[Stay] = []
    by_user: dict[str, list[Clip]] = {}
    for user, clip in clips:
        if clip.picture is not None and not clip.picture.is_empty:
            by_user.setdefault(user, []).append(clip)
    for user, own in by_user.items():
        run: list[Clip] = []
        for clip in sorted(own, key=lambda c: c.span.start):
            if run and _presence(clip).start - _presence(run[-1]).end > KEPT_FOR:
                stays.append(_stay(user, run))
                run = []
            run.append(clip)
        stays.append(_stay(user, run))
    return sorted(stays, key=lambda s: s.order)


def _presence(clip: Clip) -> Span:
    """Time in which the clip needs its slot: its play time counts, not the moment of its first frame, so that files
    whose pictures start a little late take their turns as declared, probed or not. A picture that starts or ends more
    than ``KEPT_FOR`` away from its file is believed instead."""
    picture = seen(clip)
    is_late = picture.start - clip.span.start > KEPT_FOR
    is_short = clip.span.end - picture.end > KEPT_FOR
    return span(picture.start if is_late else clip.span.start, picture.end if is_short else clip.span.end)


def seen(clip: Clip) -> Span:
    """Return the times at which the picture of a stay's clip is seen."""
    assert clip.picture is not None  # find_stays took no other
    return clip.picture


def _stay(user: str, clips: Sequence[Clip]) -> Stay:
    return Stay(user, tuple(clips), span(_presence(clips[0]).start, _presence(clips[-1]).end))


class Room:
    """The slots, who is in them now, and who had which."""

    def __init__(self, slots: Sequence[Slot], teacher: str | None) -> None:
        self.slots, self.teacher = slots, teacher
        self.seats: list[Seat] = []
        self.free = {slot.name for slot in slots}
        self.former: dict[str, str] = {}  # user -> name of the slot they had last
        self._leaving: dict[int, list[str]] = {}
        self._queues: dict[tuple[str, ...] | None, tuple[frozenset[str], deque[tuple[int, Stay]]]] = {}
        self._numbers = count()
        self._for_somebody = [slot for slot in slots if slot.user]
        for_all = tuple(slot for slot in slots if not slot.user)
        # the teacher's: one named for the teacher, else the first that is for anybody
        self._reserved = (*self._named(teacher), *for_all)[:1] if teacher is not None else ()
        self._for_all = tuple(slot for slot in for_all if slot not in self._reserved)

    def _named(self, user: str) -> list[Slot]:
        named = [s for s in self._for_somebody if user.startswith(s.user)]
        return sorted(named, key=lambda s: -len(s.user))  # "alice" is meant for alice rather than "al"

    def open_to(self, user: str) -> tuple[Slot, ...]:
        """The slots this user may take, best first, whether free or not."""
        if user == self.teacher:
            return self._reserved
        named = [s for s in self._named(user) if s not in self._reserved] if self._for_somebody else []
        return (*named, *self._for_all) if named else self._for_all

    def has_old_place(self, user: str) -> bool:
        """Tell whether the slot that this user had is free."""
        return self.former.get(user) in self.free

    def find(self, user: str) -> Slot | None:
        """The free slot for this user: one named for them, the one they had, else the lowest."""
        if not self.free:
            return None
        free = (s for s in self.open_to(user) if s.name in self.free)
        first = next(free, None)  # one named for them if any is
        if first is None or self.former.get(user) not in self.free:
            return first
        same = (s for s in free if bool(s.user) == bool(first.user))
        return next((s for s in (first, *same) if s.name == self.former[user]), first)

    def seat(self, stay: Stay, at: PlayMs) -> bool:
        """True if there was a slot for this stay."""
        slot = self.find(stay.user)
        if slot is None:
            return False
        self.free.discard(slot.name)
        self.former[stay.user] = slot.name
        self.seats.append(Seat(stay, slot, at))
        self._leaving.setdefault(stay.span.end, []).append(slot.name)
        return True

    def wait(self, stay: Stay) -> None:
        """Puts a stay into the queue of those who may take the same slots."""
        group = None if stay.user == self.teacher else tuple(slot.name for slot in self._named(stay.user))
        if group not in self._queues:
            self._queues[group] = (frozenset(slot.name for slot in self.open_to(stay.user)), deque())
        self._queues[group][1].append((next(self._numbers), stay))

    def seat_waiting(self, freed: set[str], at: PlayMs) -> None:
        """Seats who can be seated in the slots just freed (there were no others for them), first who waits longest;
        who has left waits no longer."""
        while able := [own for names, own in self._queues.values() if own and not names.isdisjoint(freed & self.free)]:
            _, stay = min(able, key=lambda own: own[0][0]).popleft()
            if stay.span.end > at:
                self.seat(stay, at)

    def clear(self, at: PlayMs) -> set[str]:
        """The slots whose stays end at this instant: they are free now."""
        freed = set(self._leaving.pop(at, []))
        self.free |= freed
        return freed


def hand_out(
    stays: Sequence[Stay], slots: Sequence[Slot], teacher: str | None, *, waits: bool = True
) -> tuple[list[Seat], list[Stay]]:
    """Seats, and the stays that found no free slot at their start: these wait for the first one that becomes free
    (some for ever), or not at all where ``waits`` is False.

    A named teacher's slot (one named for the teacher, else the first) is reserved throughout. At one instant, who has
    waited comes first, then who comes back to a slot that is free, then the others.
    """
    room = Room(slots, teacher)
    late: list[Stay] = []
    arriving: dict[int, list[Stay]] = {}
    for stay in sorted(stays, key=lambda s: s.order):
        arriving.setdefault(stay.span.start, []).append(stay)
    for instant in sorted({s.span.start for s in stays} | {s.span.end for s in stays}):
        at = PlayMs(instant)
        if freed := room.clear(at):
            room.seat_waiting(freed, at)
        coming = arriving.get(at, [])
        unseated = [s for s in sorted(coming, key=lambda s: not room.has_old_place(s.user)) if not room.seat(s, at)]
        late += unseated
        for stay in sorted(unseated, key=lambda s: s.order) if waits else ():
            room.wait(stay)
    return room.seats, late


def most_at_once(stays: Sequence[Stay], teacher: str | None) -> int:
    """The largest number of slots ever needed at the same time, at least 1; a named teacher's counts throughout."""
    others = [s for s in stays if s.user != teacher]
    steps = sorted([(s.span.start, 1) for s in others] + [(s.span.end, -1) for s in others])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return max(1, most + (teacher is not None))


def lay_over(stays: Sequence[Stay], slots: Sequence[Slot]) -> list[tuple[Stay, Slot | None]]:
    """Stays that never wait (screen shares): each in a free slot of its own, else over the stay in the first it may
    take; None where no slot accepts its user."""
    room = Room(slots, None)
    seats, _ = hand_out(stays, slots, None, waits=False)
    given = {seat.stay: seat.slot for seat in seats}
    return [(stay, given.get(stay) or next(iter(room.open_to(stay.user)), None)) for stay in stays]


def uncovered(stays: Sequence[Stay]) -> list[tuple[Clip, Span]]:
    """Return what is seen of stays in ONE slot, the later one on top.

    By stays, not by clips: a share that goes on in a new file does not climb over the one that covers it.
    """
    above: list[Span] = []  # of all later stays; sorted, disjoint
    parts: list[list[tuple[Clip, Span]]] = []
    for stay in sorted(stays, key=lambda s: s.order, reverse=True):
        parts.append([(clip, part) for clip in stay.clips for part in split([seen(clip)], above)[1]])
        for clip in stay.clips:
            _lay(above, seen(clip))
    return [part for own in reversed(parts) for part in own]


def _lay(spans: list[Span], added: Span) -> None:
    """Add a span to sorted, disjoint ones, in place."""
    first = bisect_left(spans, added.start, key=lambda s: s.end)
    end = bisect_right(spans, added.end, key=lambda s: s.start)
    spans[first:end] = union([*spans[first:end], added])
