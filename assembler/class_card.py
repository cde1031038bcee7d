"""Class card: what a school says of one class beside its recording: title, people, time zone, layout, chapters."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from assembler.choices import Role, Show
from assembler.errors import InputError
from assembler.times import PlayMs
from assembler.values import Value

LARGEST_CARD = 2**20
"""Maximum size of a class card, in bytes; thousands of people fit in a tenth of it."""
LONGEST_SHOWN = 60
"""Maximum length of a value in a message, in characters."""
OTHER_WORDS = {"hide": "show", "hidden": "show", "visible": "show"}
"""Words that people try for keys, which are like another key or none."""
HINT = "`assembler schema class` tells what a class card may hold."
"""Hint of every refused card."""


def _plain(text: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):  # half a surrogate pair cannot be written
        raise ValueError("text without control characters was expected")
    return text.strip()


Text = Annotated[str, Field(max_length=500), AfterValidator(_plain)]
"""Text for people."""
Id = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)]
"""User id."""


class CardPerson(Value):
    """One person, or all whose ids begin alike."""

    id: Id
    """User id in the recording; ending in ``*`` it means every id that begins with the rest."""
    name: Text = ""
    """Name for people; "" where the id is shown."""
    role: Role = Role.STUDENT
    """Role in the class."""
    show: Show = Show.YES
    """Visibility of the person."""


class CardChapter(Value):
    """Chapter of the school's own."""

    at: PlayMs = Field(ge=0)
    """Start in ms, playback axis."""
    title: Annotated[Text, Field(min_length=1)]
    """Title for people."""


class ClassCard(Value):
    """Words of a school on one class."""

    title: Text = ""
    """Title of the class; "" where none is given."""
    course: Text = ""
    """Name of the course it belongs to; "" where none is given."""
    timezone: str | None = None
    """IANA name of the time zone in which times of day are told; None where none is given."""
    people: tuple[CardPerson, ...] = ()
    """People, each id once."""
    layout: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] | None = None
    """Name of the playback's layout; None where the options decide."""
    chapters: tuple[CardChapter, ...] = ()
    """Chapters of the school's own."""
    unknown: Show = Show.YES
    """Visibility of people who are not on the card."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in (zones := available_timezones()):
            raise ValueError(f"there is no time zone of this name.{_meant(name, zones)}")
        return name

    @field_validator("people")
    @classmethod
    def _each_once(cls, people: tuple[CardPerson, ...]) -> tuple[CardPerson, ...]:
        places: dict[str, int] = {}
        for place, person in enumerate(people):  # an error is shown to more people than the card: it names no id
            if places.setdefault(person.id, place) != place:
                raise ValueError(f"two people have one id: [{places[person.id]}] and [{place}]")
        return people

    def find(self, user: str) -> CardPerson | None:
        """Find who is meant by a user id: exactly, else by the longest beginning; None where nobody is."""
        exact = next((p for p in self.people if p.id == user), None)
        if exact is not None:
            return exact
        begun = [p for p in self.people if p.id.endswith("*") and user.startswith(p.id[:-1])]
        return max(begun, key=lambda p: len(p.id), default=None)

    @property
    def hides(self) -> bool:
        """True if anybody is hidden or anonymous, whether they came or not."""
        return self.unknown is not Show.YES or any(person.show is not Show.YES for person in self.people)


def parse_card(body: bytes, source: str = "class card") -> ClassCard:
    """Read a class card; ``source`` is named in errors. Raises InputError that names what is wrong, and its place."""
    if len(body) > LARGEST_CARD:
        raise InputError(f"{source}: more than {LARGEST_CARD // 2**20} MiB: no class card", hint=HINT)
    try:
        given = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except _Repeated as exc:
        raise InputError(f"{source}: the key {str(exc)!r} is given twice", hint="Give it once.") from exc
    except (ValueError, RecursionError) as exc:  # Unicode's error is a ValueError
        said = f": {exc}" if isinstance(exc, json.JSONDecodeError) else ""
        raise InputError(f"{source} is not JSON{said}", hint=HINT) from exc
    if not isinstance(given, dict):
        raise InputError(f"{source} is not an object of JSON", hint=HINT)
    try:
        return ClassCard.model_validate(given)
    except ValidationError as exc:
        raise _refusal(exc.errors(include_url=False)[0], source) from exc


class _Repeated(Exception):
    """A key that one object has twice: of two ``show`` only one would count."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Repeated(key)
        found[key] = value
    return found


def _refusal(error: ErrorDetails, source: str) -> InputError:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).removeprefix(".")
    if error["type"] == "extra_forbidden":
        owners: dict[str, type[Value]] = {"people": CardPerson, "chapters": CardChapter}
        owner = owners[str(error["loc"][0])] if len(error["loc"]) > 1 else ClassCard
        meant = _meant(str(error["loc"][-1]), owner.model_fields)
        return InputError(f"{source}: there is no key {place!r} in a class card", hint=f"{meant} {HINT}".strip())
    said, got = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"], error["input"]
    shown = (
        f" (got {str(got)[:LONGEST_SHOWN]!r})"
        if isinstance(got, str | int | float | bool) and error["loc"][-1] not in ("id", "name")
        else ""
    )
    meant = ""
    if error["type"] == "enum" and isinstance(got, str):
        known: dict[str, Iterable[str]] = {"role": Role, "show": Show, "unknown": Show}
        meant = _meant(got, known[str(error["loc"][-1])])
    said, _, asked = said.partition(". ")
    return InputError(f"{source}: {place}: {said[:1].lower()}{said[1:]}{shown}", hint=f"{asked}{meant} {HINT}".strip())


def _meant(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(OTHER_WORDS.get(given, given), list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
