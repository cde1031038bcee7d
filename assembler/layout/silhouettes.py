"""Silhouettes: places of anonymous people, whose cameras are there and not to be seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from assembler.layout.model import CardPlacement, Placement
from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline


def show_silhouettes(timeline: Timeline, cast: Cast) -> tuple[Timeline, frozenset[str]]:
    """The timeline with a picture throughout every camera of an anonymous person, so that they are seated as others
    are; and the video ids of these."""
    anonymous = {person.user for person in cast.people if person.is_anonymous}
    hidden = frozenset(
        clip.video_id for t, clip in timeline.clips() if t.kind is StreamKind.CAMERA and t.user in anonymous
    )
    if not hidden:
        return timeline, hidden
    tracks = tuple(
        track.model_copy(
            update={"clips": tuple(c.model_copy(update={"picture": c.span}) for c in track.clips)}
            if track.kind is StreamKind.CAMERA and track.user in anonymous
            else {}
        )
        for track in timeline.tracks
    )
    return timeline.model_copy(update={"tracks": tracks}), hidden


def draw_silhouettes(
    placements: Iterable[Placement], hidden: Collection[str], timeline: Timeline
) -> tuple[list[Placement], list[CardPlacement]]:
    """The placements of pictures that may be seen, and drawn cards for the others."""
    if not hidden:
        return list(placements), []
    users = {clip.video_id: track.user for track, clip in timeline.clips() if clip.video_id in hidden}
    seen, drawn = [], []
    for one in placements:
        if one.video_id in hidden:
            drawn.append(CardPlacement(slot=one.slot, user=users[one.video_id], span=one.span))
        else:
            seen.append(one)
    return seen, drawn
