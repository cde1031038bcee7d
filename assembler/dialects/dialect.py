"""Row of DIALECTS, with the envelope of its bodies; and which object of a body holds the videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assembler.dialects.body import Json, JsonObject
from assembler.dialects.fields import Fields
from assembler.dialects.spelling import CAMEL, SNAKE, Spelling
from assembler.errors import InputError
from assembler.recording import Recording

Query = Mapping[str, str]
"""The URL query a callback came with; v1 puts its app id, ``random`` and signature there."""
APP = "sdkappid"
"""Name of the app id in a URL query."""
SENDER = ("sign", "expire_time", APP)
"""Names in a URL query that say who sent a callback."""


def with_app(query: Query, app: str | None) -> Query:
    """Put the app id into a URL query, or take it out where there is none."""
    rest = {name: value for name, value in query.items() if name != APP}
    return {**rest, APP: app} if app else rest


class Moment(StrEnum):
    """Place of an event in the course of its recording."""

    STARTED = "started"
    """The recording began, or was to begin and could not."""
    RUNNING = "running"
    """Progress, a resume, or a type that nobody knows: the recording goes on."""
    PAUSED = "paused"
    """Pause of the recording."""
    STOPPED = "stopped"
    """End of the recording; its result is still to come."""
    FORCED = "forced"
    """End by the vendor, for a long pause."""
    FINISHED = "finished"
    """Result is there, or never will be."""

    @property
    def goes_on(self) -> bool:
        """True if it is recorded at that moment."""
        return self in (Moment.STARTED, Moment.RUNNING)

    @property
    def is_over(self) -> bool:
        """True if nothing is recorded after it."""
        return self in (Moment.STOPPED, Moment.FORCED, Moment.FINISHED)


VENDOR_MOMENTS = (
    ("forcestop", Moment.FORCED),
    ("stop", Moment.STOPPED),
    ("finish", Moment.FINISHED),
    ("pause", Moment.PAUSED),
    ("start", Moment.STARTED),
)
"""Words of the vendor's types, those of later generations too; a stop by force is also a stop."""
VENDOR_RECORDINGS = ("onlinerecord", "offlinerecord", "record_", "online_record", "offline_record")
"""Beginnings of the vendor's types about recordings, in small letters."""


@dataclass(frozen=True)
class Envelope:
    """Field names by which a body says whether it is an event, of what moment, and of which recording.

    The vendor's names are the defaults of what all of its generations write alike. A body is a result, an event or a
    part: an event of one of the types ``results`` is a result, and without ``kind`` it is a part, the answer or object
    that holds a result and announces nothing.
    """

    kind: str = ""
    """Field with the type of an event; "" of a part."""
    data: str = ""
    """Field that wraps what is told; "" where nothing does. A part may come without it."""
    sent: str = ""
    """Field with the instant at which it was made, Unix seconds; beside ``data`` or in it."""
    task: tuple[str, ...] = ("task_id",)
    """Fields with the task, in ``data``; the first with a value counts."""
    app: str = "SdkAppId"
    """Field with the app, beside ``data``; "" where only the URL query has it."""
    room: tuple[str, ...] = ("room_id",)
    """Fields with the room, in ``data``; the first with a value counts."""
    progress: str = "Progress"
    """Field with the progress in percent, in ``data``."""
    pause: str = "PauseTime"
    """Field with the instant of a pause, Unix seconds, in ``data``."""
    stop: tuple[str, ...] = ("StopTime", "EstimateStopTime")
    """Fields with the instant of an end for a long pause, Unix seconds, in ``data``; the first with a value counts."""
    results: tuple[str, ...] = ()
    """Types that announce a finished recording."""
    recordings: tuple[str, ...] = VENDOR_RECORDINGS
    """Beginnings of types about recordings, in small letters; tasks of other types never have a result."""
    moments: tuple[tuple[str, Moment], ...] = VENDOR_MOMENTS
    """Words of a type (in small letters, without ``_``) and what they mean; the first that is in it counts."""
    repeated: tuple[str, ...] = ()
    """Fields that stay the same in repeats of one event, a wrapper first; () for all but the signature."""

    def open(self, fields: Fields) -> Fields:
        """The object that tells: an event without its wrapper tells nothing, a part is that object itself."""
        inner = fields.child(self.data) if self.data else fields
        if inner is not None:
            return inner
        return Fields({}, self.data, fields.findings) if self.kind else fields

    def is_about(self, kind: str) -> bool:
        """True if a type is one of this family's about recordings."""
        return bool(self.kind) and kind.lower().startswith(self.recordings)

    def moment(self, kind: str) -> Moment:
        """The moment that a type stands for."""
        words = kind.lower().replace("_", "")
        return next((moment for word, moment in self.moments if word in words), Moment.RUNNING)


REFUSAL = Envelope(data="Response", sent="timestamp")
"""Envelope of an answer that refuses a request, beside all of those of events."""
PART = Envelope(data="Response", sent="timestamp", task=("TaskId", "task_id"), app="", room=("RoomId", "room_id"))
"""Envelope of the vendor's answers and objects, and of bodies of no known dialect."""


class Role(StrEnum):
    """Role of a body among those that tell of one recording together."""

    FILES = "files"
    """Tells of files."""
    MARK = "mark"
    """Tells that files are to come, or that all of them came."""
    END = "end"
    """Tells of the end of something that may have been recorded: it counts where other bodies are there."""
    ASIDE = "aside"
    """Tells of neither."""


class Coming(StrEnum):
    """Outlook that the bodies of one recording give on further ones (stored)."""

    OPEN = "open"
    """Announced: more files are to come."""
    UNSURE = "unsure"
    """Unknown whether there are more."""
    CLOSED = "closed"
    """Closed: all files are there."""


PARTS = "parts"
"""Field of a body that holds several ones of a recording."""


def unpack(body: JsonObject) -> list[JsonObject]:
    """Return the bodies that one holds, as jobs gather them; that one itself where it is no such list. None of them
    holds others: reading ends however deeply a sender nests."""
    given = body.get(PARTS)
    if body.keys() != {PARTS} or not isinstance(given, list) or not given:
        return [body]
    found = [one for one in given if isinstance(one, dict) and one.keys() != {PARTS}]
    return found if len(found) == len(given) else [body]


@dataclass(frozen=True)
class Dialect:
    """One way to write a recording result."""

    name: str
    """Name that ``Recording.dialect`` and reports show."""
    shape: str
    """Description of the body, one phrase."""
    matches: Callable[[JsonObject], bool]
    """True if the body looks like this dialect; earlier rows of the table have been asked before."""
    read: Callable[[Fields, Query], Recording]
    """Read a body; raises InputError, RecordingFailed or NotFinished."""
    level: str = ""
    """The field that wraps the result: "", "EventData" or "Response"."""
    spelling: Spelling | None = None
    """The only spelling of videos it reads; None where it reads whichever is there."""
    envelope: Envelope = PART
    """Names that tell whether a body is a result, an event or a part of one, and of which task, app and room."""
    about: str = ""
    """Sentence about another system: what was recognised, and how exact its times are; "" of the vendor's own."""
    part_of: Callable[[JsonObject], str] | None = None
    """Find the recording that a body tells a part of; None where each body tells of all its files."""
    read_parts: Callable[[Sequence[Fields], Query], Recording] | None = None
    """Read all bodies of one recording together, as ``read``; None where each body tells of all its files."""
    role_of: Callable[[JsonObject], Role] = lambda _: Role.FILES
    """Tell which part a body has in its recording."""
    coming: Callable[[Sequence[JsonObject]], Coming] = lambda _: Coming.UNSURE
    """Tell whether more bodies are to come behind these of one recording."""

    def reads(self, place: Place) -> bool:
        """True if videos at this place would be read."""
        return self.level == place.level and (self.spelling is None or self.spelling is place.spelling)


@dataclass(frozen=True)
class Place:
    """Place of the videos in a body."""

    level: str
    """The field that wraps them: one of LEVELS."""
    spelling: Spelling | None
    """Spelling of their fields; None for the neutral dialect."""
    field: str
    """The path of their list."""


LEVELS = ("", "EventData", "Response", "data")
"""Fields that may wrap a result; "" for the body itself."""


def find_videos(body: JsonObject) -> Place | None:
    """Find the place of the videos; None where there are none (a failure, or no result at all).

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
    """Tell whether the body has segments with a kind, as the neutral dialect writes them."""
    segments: Json = body.get("segments")
    return isinstance(segments, list) and any(isinstance(entry, dict) and "kind" in entry for entry in segments)


def spelling_in(body: JsonObject, level: str, usual: Spelling) -> Spelling:
    """Return the spelling of the videos at this level of the body; the usual spelling where it has none."""
    place = find_videos(body)
    return place.spelling if place is not None and place.level == level and place.spelling is not None else usual
