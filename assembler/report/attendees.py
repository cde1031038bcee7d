"""Attendees: people of a class, and when each of them speaks, shares and is seen, from its manifest alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assembler.choices import Role
from assembler.plan.manifest import Manifest
from assembler.recording import StreamKind
from assembler.times import Span, clock_text, frame_ms, span, union

PAUSE_WITHIN = 700
"""Maximum pause between two words of one turn, in ms."""


@dataclass(frozen=True)
class Attendee:
    """One person of the class, and when they do what."""

    name: str
    """Name for people, else the user id."""
    role: str
    """Role on the class card; "" without one."""
    speech: list[Span]
    """Turns of speech."""
    seen: list[Span]
    """Times in which a camera is seen."""
    shares: list[Span]
    """Times in which a screen share is seen."""

    @property
    def did(self) -> str:
        """Sentence of what the person did."""
        told = [("spoke", self.speech), ("shared the screen", self.shares), ("seen", self.seen)]
        lengths = [(words, sum(one.length for one in spans) // 1000 * 1000) for words, spans in told]
        return " · ".join(f"{words} {clock_text(length)}" for words, length in lengths if length) or "was there"

    def known(self) -> dict[str, object]:
        """All that the page's script needs."""
        times = {"speech": self.speech, "seen": self.seen, "shares": self.shares}
        return {"name": self.name, **{what: pairs_of(spans) for what, spans in times.items()}}


def find_attendees(manifest: Manifest) -> list[Attendee]:
    """List everybody who is known, those who speak longest first, the teacher before them."""
    names = {person.user: person.name for person in manifest.people}
    roles = {person.user: person.role for person in manifest.people}
    speech = {one.user: _turns(one.spans) for one in manifest.activity}
    talk = {one.user: one.talk for one in manifest.activity}
    seen, shares = _seen_by_user(manifest, StreamKind.CAMERA), _seen_by_user(manifest, StreamKind.SCREEN)
    users = dict.fromkeys([*roles, *(o.user for o in manifest.origins if o.user), *speech])
    ranked = sorted(users, key=lambda user: (roles.get(user) is not Role.TEACHER, -talk.get(user, 0)))
    return [
        Attendee(
            name=names.get(user) or user,
            role=roles[user].value if user in roles else "",
            speech=speech.get(user, []),
            seen=seen.get(user, []),
            shares=shares.get(user, []),
        )
        for user in ranked
    ]


def _turns(spans: Iterable[Span]) -> list[Span]:
    wide = union(span(one.start, one.end + PAUSE_WITHIN) for one in spans)
    return [span(one.start, one.end - PAUSE_WITHIN) for one in wide]


def _seen_by_user(manifest: Manifest, kind: StreamKind) -> Mapping[str, list[Span]]:
    """Find when each user's streams of a kind are seen."""
    users = {origin.video_id: origin.user for origin in manifest.origins if origin.kind is kind}
    found: dict[str, list[Span]] = {}
    for scene in manifest.scenes:
        whole = Span(start=frame_ms(scene.first, manifest.fps), end=frame_ms(scene.end, manifest.fps))
        for shown in scene.shown:
            if shown.video_id in users:
                found.setdefault(users[shown.video_id], []).append(whole)
    return {user: union(spans) for user, spans in found.items()}


def find_seen(manifest: Manifest, kind: StreamKind) -> list[Span]:
    """Find when any stream of a kind is seen."""
    return union(one for spans in _seen_by_user(manifest, kind).values() for one in spans)


def pairs_of(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Write spans as pairs of start and end, in ms."""
    return [(one.start, one.end) for one in spans]
