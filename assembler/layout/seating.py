"""Seating: who of those present is seen in which slot of a layout when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assembler.findings import Finding, note, warning
from assembler.layout.model import Accepts, CardPlacement, Layout, Placement, Slot
from assembler.layout.seats import KEPT_FOR, Seat, Stay, hand_out, lay_over, seen, uncovered
from assembler.recording import StreamKind
from assembler.timeline.model import Clip, Track, stream_name
from assembler.times import Span, clock_text, span, union

RANGES_SHOWN = 3
"""Maximum number of times that one finding lists."""


@dataclass(frozen=True)
class Present:
    """People and streams of a class that are to be seated."""

    users: tuple[Stay, ...]
    """Cameras: who is there when, in the order in which places are handed out."""
    shares: tuple[Stay, ...]
    """Screen shares: who shares when, in the same order."""
    boards: tuple[Track, ...]
    """Whiteboards."""
    mixed: Track | None = None
    """Mixed stream that is shown; None where none is."""
    teacher: str | None = None
    """User whose place stays reserved; None where nobody is named."""
    speaking: Mapping[str, Sequence[Span]] | None = None
    """Spans on the playback axis in which each user speaks, by user id, sorted and disjoint (``timeline.turns`` tells
    who is the speaker); None where it was not measured: a layout that needs it then sets ``Seated.wants_speech``."""


@dataclass(frozen=True)
class Seated:
    """Placements of a seating, and who had to do without."""

    placements: tuple[Placement, ...]
    """Parts of clips in their slots, in any order. Those of users never overlap in one slot."""
    findings: tuple[Finding, ...] = ()
    """Users and shares that are not seen, with their times."""
    cards: tuple[CardPlacement, ...] = ()
    """Drawn cards in their slots, in any order."""
    wants_speech: bool = False
    """True if the seating would be another one where it is known who speaks when, and that is not known."""


Seating = Callable[[Layout, Present], Seated]
"""Function that seats some of those present in the slots of a layout."""


def seat_users(layout: Layout, present: Present) -> Seated:
    """Seat cameras in free slots as they come; who finds none waits for one."""
    slots = list_slots(layout, Accepts.USER)
    seats, late = hand_out(present.users, slots, present.teacher)
    placements = tuple(
        _placed(seat.slot, clip, StreamKind.CAMERA, part)
        for seat in seats
        for clip in seat.stay.clips
        if (part := seen(clip).within(span(seat.start, seat.stay.span.end))) is not None
    )
    return Seated(placements, tuple(_unseen(late, seats) if slots else ()))


def seat_shares(layout: Layout, present: Present) -> Seated:
    """Seat screen shares, where there are more than slots one on top of the other."""
    slots = list_slots(layout, Accepts.SCREEN)
    seated = lay_over(present.shares, slots)
    placements, findings = [], []
    for slot in slots:
        for clip, part in uncovered([stay for stay, where in seated if where is slot]):
            placements.append(_placed(slot, clip, StreamKind.SCREEN, part))
    for stay, where in seated:
        if where is None and slots:
            sentence = (
                f"Layout {layout.name} has no place for this user's share {_range(stay.span)} of the playback:"
                " it is not seen."
            )
            findings.append(note(f"screen of {stay.user}", sentence))
    shown = {p.video_id for p in placements}
    for stay, where in seated:
        if where is not None and not any(clip.video_id in shown for clip in stay.clips):
            sentence = f"A later share covers it {_range(stay.span)}: it is not seen."
            findings.append(note(f"screen of {stay.user}", sentence))
    return Seated(tuple(placements), tuple(findings))


def seat_boards(layout: Layout, present: Present) -> Seated:
    """Seat every whiteboard in the first slot for one."""
    return _whole_tracks(present.boards, list_slots(layout, Accepts.WHITEBOARD))


def seat_mixed(layout: Layout, present: Present) -> Seated:
    """Seat the mixed stream in the first slot for one."""
    return _whole_tracks([present.mixed] if present.mixed is not None else [], list_slots(layout, Accepts.MIX))


SEATINGS: tuple[Seating, ...] = (seat_users, seat_shares, seat_boards, seat_mixed)
"""Seatings of a layout that says nothing else."""


def list_slots(layout: Layout, accepts: Accepts) -> list[Slot]:
    """List the slots for streams of this kind, in the order in which they are handed out."""
    return [slot for slot in layout.slots if slot.accepts is accepts]


def heard_text(clips: Sequence[Clip], kind: StreamKind = StreamKind.CAMERA) -> str:
    """Say what is known of the sound of somebody without a place. As declared a camera has some, a board has not."""
    heard = any(clip.sound is not None and (clip.is_known or kind is StreamKind.CAMERA) for clip in clips)
    if heard or not all(clip.is_known for clip in clips):
        return "heard, not seen" if heard else "not seen"
    return "not seen (and has no sound)"


def _placed(slot: Slot, clip: Clip, kind: StreamKind, part: Span) -> Placement:
    return Placement(slot=slot.name, video_id=clip.video_id, kind=kind, span=part)


def _whole_tracks(tracks: Sequence[Track], slots: Sequence[Slot]) -> Seated:
    placements = (
        _placed(slot, clip, track.kind, clip.picture)
        for slot in slots[:1]
        for track in tracks
        for clip in track.clips
        if clip.picture is not None
    )
    return Seated(tuple(placements))


def _unseen(late: Sequence[Stay], seats: Sequence[Seat]) -> list[Finding]:
    taken = {seat.stay: seat.start for seat in seats}
    unseen: dict[str, list[Span]] = {}
    for stay in late:
        missed = span(stay.span.start, taken.get(stay, stay.span.end))
        parts = [part for clip in stay.clips if (part := seen(clip).within(missed)) is not None]
        unseen.setdefault(stay.user, []).extend(parts and [span(parts[0].start, parts[-1].end)])
    clips: dict[str, list[Clip]] = {}
    for stay in late:
        clips.setdefault(stay.user, []).extend(stay.clips)
    return tell_unseen(unseen, clips)


def tell_unseen(
    unseen: Mapping[str, Sequence[Span]], clips: Mapping[str, Sequence[Clip]], *, is_meant: bool = False
) -> list[Finding]:
    """One finding for each user who had to do without a slot, with the times; ``is_meant``: none is a warning."""
    findings = []
    for user, spans in unseen.items():
        merged = union(spans)
        ranges = ", ".join(_range(s) for s in merged[:RANGES_SHOWN])
        more = f" and {len(merged) - RANGES_SHOWN} more times" if len(merged) > RANGES_SHOWN else ""
        is_short = is_meant or sum(s.length for s in merged) <= KEPT_FOR
        if merged:
            sentence = (
                f"No place is free {ranges} of the playback{more}:"
                f" {user or 'this user'} is {heard_text(clips[user])} then."
            )
            findings.append((note if is_short else warning)(stream_name(StreamKind.CAMERA, user, ""), sentence))
    return findings


def _range(when: Span) -> str:
    return f"from {clock_text(when.start)} to {clock_text(when.end)}"
