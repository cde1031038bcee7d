"""Teacher of a class in which nobody is named as such, found by what people do."""

from __future__ import annotations

from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline
from assembler.times import Span, clock_text, union

THERE = 80
"""Minimum part of the class in which a teacher's camera is there, in percent."""


def find_teacher(timeline: Timeline, cast: Cast) -> tuple[str | None, str]:
    """Find the user who shares the screen (of several who does so longest), else the one whose camera is there for
    ``THERE`` percent of the class where no other is; None where there is nobody, with the reason. Anonymous people are
    never found."""
    people = {t.user for t in timeline.tracks if t.kind in (StreamKind.CAMERA, StreamKind.AUDIO) and t.user}
    people -= {person.user for person in cast.people if person.is_anonymous}
    shared, seen = _lengths(timeline, StreamKind.SCREEN), _lengths(timeline, StreamKind.CAMERA)
    sharing = {user: length for user, length in shared.items() if user in people}
    if sharing:
        user = min(sharing, key=lambda u: (-sharing[u], u))
        return user, f"{user} is taken for the teacher: shares the screen for {clock_text(sharing[user])}."
    there = [user for user in seen if user in people and 100 * seen[user] >= THERE * timeline.length]
    if len(there) == 1:
        user = there[0]
        return user, f"{user} is taken for the teacher: the only camera that is there for {THERE} % of the class."
    return None, "Nobody is taken for the teacher: nobody shares the screen, and no camera alone is there throughout."


def _lengths(timeline: Timeline, kind: StreamKind) -> dict[str, int]:
    """Length in ms for which each user's pictures of a kind are seen."""
    spans: dict[str, list[Span]] = {}
    for track, clip in timeline.clips():
        if track.kind is kind and clip.picture is not None:
            spans.setdefault(track.user, []).append(clip.picture)
    return {user: sum(part.length for part in union(own)) for user, own in spans.items()}
