"""What one row of the DIALECTS table is, and which object of a body holds the videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assembler.dialects.body import Json, JsonObject
from assembler.dialects.fields import Fields
from assembler.dialects.spelling import CAMEL, SNAKE, Spelling
from assembler.errors import InputError
from assembler.recording import Recording

Query = Mapping[str, str]
"""The URL query a callback came with; v1 puts its app id, ``random`` and signature there."""


@dataclass(frozen=True)
class Dialect:
    """One way to write a recording result."""

    name: str
    """As ``Recording.dialect`` and reports show it."""
    shape: str
    """How it looks, one phrase."""
    matches: Callable[[JsonObject], bool]
    """True if the body looks like this dialect; earlier rows of the table have been asked before."""
    read: Callable[[Fields, Query], Recording]
    """Raises InputError, RecordingFailed or NotFinished."""
    level: str = ""
    """The field that wraps the result: "", "EventData" or "Response"."""
    spelling: Spelling | None = None
    """The only spelling of videos it reads; None where it reads whichever is there."""

    def reads(self, place: Place) -> bool:
        """True if videos at this place would be read."""
        return self.level == place.level and (self.spelling is None or self.spelling is place.spelling)


@dataclass(frozen=True)
class Place:
    """Where a body carries videos."""

    level: str
    """The field that wraps them: one of LEVELS."""
    spelling: Spelling | None
    """None for the neutral dialect."""
    field: str
    """The path of their list."""


LEVELS = ("", "EventData", "Response", "data")


def find_videos(body: JsonObject) -> Place | None:
    """Where the videos are; None where there are none (a failure, or no result at all).

    Raises InputError where two levels or both spellings carry some: nobody can say which are meant.
    """
    places: list[Place] = []
    for level in LEVELS:
        values = body if level == "" else body.get(level)
        if not isinstance(values, dict):
            continue
        fields = Fields(values, level, [])
        for spelling in (SNAKE, CAMEL):
            full = [name for name in spelling.videos if isinstance(values.get(name), list | dict) and values[name]]
            places += [Place(level, spelling, fields.at(name)) for name in full[:1]]
        if level == "" and looks_neutral(values):
            places.append(Place(level, None, "segments"))
    if len(places) > 1:
        raise InputError(
            f"the body is ambiguous: {places[0].field} and {places[1].field} both carry videos",
            hint="Remove the one that does not belong to this recording.",
        )
    return places[0] if places else None


def looks_neutral(body: JsonObject) -> bool:
    segments: Json = body.get("segments")
    return isinstance(segments, list) and any(isinstance(entry, dict) and "kind" in entry for entry in segments)


def spelling_in(body: JsonObject, level: str, usual: Spelling) -> Spelling:
    """How this level of the body spells its videos; the usual spelling where it has none."""
    place = find_videos(body)
    return place.spelling if place is not None and place.level == level and place.spelling is not None else usual
