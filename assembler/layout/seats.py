"""Who sits where when: slots handed out to users over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assembler.layout.model import Slot
from assembler.timeline.model import Clip
from assembler.times import Ms, PlayMs, Span

KEPT_FOR = Ms(1000)
"""A user whose next clip follows within this keeps the slot: a pause or a change of file is no leaving."""


@dataclass(frozen=True)
class Stay:
    """A user's clips without a real gap between them."""

    user: str
    clips: tuple[Clip, ...]
    span: Span

    @property
    def order(self) -> tuple[int, str, str]:
        return self.span.start, self.user, self.clips[0].video_id


@dataclass(frozen=True)
class Seat:
    """A stay in a slot, from when the slot was free."""

    stay: Stay
    slot: Slot
    start: PlayMs


@dataclass
class _Room:
    slots: Sequence[Slot]
    teacher: str | None
    taken: dict[str, Stay] = field(default_factory=dict)
    former: dict[str, str] = field(default_factory=dict)
    """User -> name of the slot they had last."""

    def find(self, user: str) -> Slot | None:
        """The free slot for this user: one named for them, the one they had, else the lowest."""
        named = [s for s in self.slots if s.user and user.startswith(s.user)]
        free = [s for s in self._open_to(user) if s.name not in self.taken]
        for slot in named:
            if slot.name not in self.taken:
                return slot
        old = next((s for s in free if s.name == self.former.get(user)), None)
        return old or next(iter(free), None)

    def _open_to(self, user: str) -> list[Slot]:
        unnamed = [s for s in self.slots if not s.user]
        if self.teacher is None or not unnamed:
            return unnamed
        return unnamed[:1] if user == self.teacher else unnamed[1:]


def find_stays(clips: Sequence[tuple[str, Clip]]) -> list[Stay]:
    """(user, clip) pairs as stays, in the order in which slots are handed out."""
    stays: list[Stay] = []
    by_user: dict[str, list[Clip]] = {}
    for user, clip in clips:
        if clip.picture is not None:
            by_user.setdefault(user, []).append(clip)
    for user, own in by_user.items():
        run: list[Clip] = []
        for clip in sorted(own, key=lambda c: c.span.start):
            if run and _picture(clip).start - _picture(run[-1]).end > KEPT_FOR:
                stays.append(_stay(user, run))
                run = []
            run.append(clip)
        stays.append(_stay(user, run))
    return sorted(stays, key=lambda s: s.order)


def _picture(clip: Clip) -> Span:
    assert clip.picture is not None  # find_stays took no other
    return clip.picture


def _stay(user: str, clips: Sequence[Clip]) -> Stay:
    return Stay(user, tuple(clips), Span(start=_picture(clips[0]).start, end=_picture(clips[-1]).end))


def hand_out(stays: Sequence[Stay], slots: Sequence[Slot], teacher: str | None) -> tuple[list[Seat], list[Stay]]:
    """Seats, and the stays that found no free slot at their start and had to wait (some for ever).

    A named teacher's slot (the first) is reserved throughout. Who waits gets the first slot that becomes free.
    """
    room = _Room(slots, teacher)
    seats: list[Seat] = []
    late: list[Stay] = []
    waiting: list[Stay] = []
    for at in sorted({s.span.start for s in stays} | {s.span.end for s in stays}):
        for name, stay in list(room.taken.items()):
            if stay.span.end <= at:
                del room.taken[name]
        waiting = [s for s in waiting if s.span.end > at]
        arriving = [s for s in stays if s.span.start == at]
        for stay in sorted([*waiting, *arriving], key=lambda s: s.order):
            slot = room.find(stay.user)
            if slot is None:
                if stay in arriving:
                    waiting.append(stay)
                    late.append(stay)
                continue
            room.taken[slot.name] = stay
            room.former[stay.user] = slot.name
            seats.append(Seat(stay, slot, PlayMs(at)))
            if stay in waiting:
                waiting.remove(stay)
    return seats, late


def most_at_once(stays: Sequence[Stay], teacher: str | None) -> int:
    """The largest number of slots ever needed at the same time, at least 1; a named teacher's counts throughout."""
    others = [s for s in stays if s.user != teacher]
    steps = sorted([(s.span.start, 1) for s in others] + [(s.span.end, -1) for s in others])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return max(1, most + (teacher is not None))
