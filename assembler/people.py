"""People of one class as the playback shows them: hidden ones are not among them, anonymous ones have a number."""

from __future__ import annotations

from assembler.choices import PlayTimes, Role
from assembler.class_card import CardChapter, ClassCard
from assembler.findings import Finding
from assembler.recording import Recording
from assembler.redaction import Redaction
from assembler.values import Value


class Person(Value):
    """One person of the class."""

    user: str
    """User id as it stands in the recording that is planned; of an anonymous person the name that stands for it."""
    name: str
    """Name to be drawn and told: from the class card, "Student 3", or "" where only the id is known."""
    role: Role
    """Role in the class."""
    is_anonymous: bool = False
    """True if a silhouette stands for the person's camera."""


class Cast(Value):
    """Everybody of one class, with what the class card says of it."""

    people: tuple[Person, ...] = ()
    """People in order of their first play time; nobody who is hidden."""
    teacher: str | None = None
    """User id of the teacher, where the class card or the options name one; None where nobody is named."""
    card: ClassCard | None = None
    """Class card without hidden people and without ids of anonymous ones; None where there is none."""

    def find(self, user: str) -> Person | None:
        """Find a person by user id; None where nobody has it."""
        return next((person for person in self.people if person.user == user), None)

    def name_of(self, user: str) -> str:
        """Name a user for people: as on the class card, else by the user id."""
        person = self.find(user)
        return person.name if person is not None and person.name else user


NOBODY = Cast()
"""Cast of a class without a card, and without a named teacher."""


class RecordedClass(Value):
    """Recordings of one class as they may be shown: without hidden people, and anonymous ones under other names."""

    recordings: tuple[Recording, ...]
    """Recordings in the order of the class."""
    cast: Cast = NOBODY
    """People who are in them."""
    findings: tuple[Finding, ...] = ()
    """Findings about the class card."""
    card: ClassCard | None = None
    """Class card as it was given, with hidden people in it: to decide by, never to be told."""
    redaction: Redaction = Redaction()
    """Words that are to stand in nothing that is published."""
    chapters: tuple[CardChapter, ...] = ()
    """Chapters of the school's own: of the file that the options name, else of the card."""
    play_times: tuple[PlayTimes, ...] = ()
    """Axis of each recording's play times, where it was decided before somebody was taken out; else empty."""
