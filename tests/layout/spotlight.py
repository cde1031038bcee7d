"""A layout in a file of its own: who shares their screen is large for as long as they share, everybody else small."""

from __future__ import annotations

from assembler.layout.divide import BLACK, make_rect, stage_slots, user_slots
from assembler.layout.model import Accepts, Canvas, Layout
from assembler.layout.row import LayoutRow, Needs
from assembler.layout.seating import SEATINGS, Present, Seated, list_slots, seat_users
from assembler.times import split, union


def spotlight(needs: Needs) -> Layout:
    small = [make_rect(640 + 160 * place, 480, 160, 120) for place in range(needs.users)]
    slots = (*stage_slots(make_rect(0, 0, 640, 480)), *user_slots([make_rect(640, 0, 640, 480), *small]))
    canvas = Canvas(width=640 + max(640, 160 * needs.users), height=600, background=BLACK)
    return Layout(name="spotlight", canvas=canvas, slots=slots)


def seat_sharers_large(layout: Layout, present: Present) -> Seated:
    large = list_slots(layout, Accepts.USER)[0]
    small = layout.model_copy(update={"slots": tuple(slot for slot in layout.slots if slot != large)})
    seated, users = seat_users(small, present), {c.video_id: s.user for s in present.users for c in s.clips}
    placements = []
    for placement in seated.placements:
        user = users[placement.video_id]
        shares = union(share.span for share in present.shares if share.user == user)
        inside, outside = split([placement.span], shares)
        placements += [placement.model_copy(update={"slot": large.name, "span": part}) for part in inside]
        placements += [placement.model_copy(update={"span": part}) for part in outside]
    return Seated(tuple(placements), seated.findings)


SPOTLIGHT = LayoutRow("spotlight", "who shares is large", spotlight, seatings=(seat_sharers_large, *SEATINGS[1:]))
