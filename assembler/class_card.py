"""Class card: what a school says of one class beside its recording: title, people, time zone, layout, chapters."""

from __future__ import annotations

from assembler.choices import Role, Show
from assembler.times import PlayMs
from assembler.values import Value


class CardPerson(Value):
    """One person, or all whose ids begin alike."""

    id: str
    """User id in the recording; ending in ``*`` it means every id that begins with the rest."""
    name: str = ""
    """Name for people; "" where the id is shown."""
    role: Role = Role.STUDENT
    """Role in the class."""
    show: Show = Show.YES
    """Visibility of the person."""


class CardChapter(Value):
    """Chapter of the school's own."""

    at: PlayMs
    """Start, playback axis."""
    title: str
    """Title for people."""


class ClassCard(Value):
    """Words of a school on one class."""

    title: str = ""
    """Title of the class; "" where none is given."""
    course: str = ""
    """Name of the course it belongs to; "" where none is given."""
    timezone: str | None = None
    """IANA name of the time zone in which times of day are told; None where none is given."""
    people: tuple[CardPerson, ...] = ()
    """People, each id once."""
    layout: str | None = None
    """Layout of the playback; None where the options decide."""
    chapters: tuple[CardChapter, ...] = ()
    """Chapters of the school's own."""
    unknown: Show = Show.YES
    """Visibility of people who are not on the card."""

    def find(self, user: str) -> CardPerson | None:
        """Find who is meant by a user id: exactly, else by the longest beginning; None where nobody is."""
        exact = next((p for p in self.people if p.id == user), None)
        if exact is not None:
            return exact
        begun = [p for p in self.people if p.id.endswith("*") and user.startswith(p.id[:-1])]
        return max(begun, key=lambda p: len(p.id), default=None)
