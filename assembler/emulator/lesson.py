"""Script of what happens in a room while it is recorded: who is seen and heard when, and when the app pauses it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from assembler.errors import InputError
from assembler.times import Ms
from assembler.values import Value


class Stretch(Value):
    """A stretch of time in the room, in s from the start of the recording."""

    since: float = Field(default=0.0, ge=0, le=86_400)
    """Begin."""
    until: float | None = Field(default=None, le=86_400)
    """End; None: as long as the recording goes on."""

    @model_validator(mode="after")
    def _in_order(self) -> Stretch:
        if self.until is not None and self.until <= self.since:
            raise ValueError("a stretch ends after it begins")
        return self


class Presence(Stretch):
    """One stream in the room."""

    user: str = Field(default="", max_length=100)
    """User whose stream it is; "" for the board."""
    shows: Literal["camera", "screen", "board"] = "camera"
    """Kind of the stream."""


class Lesson(Value):
    """All that happens in a room."""

    streams: tuple[Presence, ...] = Field(max_length=200)
    """Streams; a user who leaves and comes back has several."""
    pauses: tuple[Stretch, ...] = ()
    """Pauses of the recording that the room's own app asks for."""
    stop: float | None = Field(default=None, gt=0, le=86_400)
    """Instant at which the app stops the recording, in s from its start; None: it is stopped by a request."""
    scale: float = Field(default=1.0, gt=0, le=2)
    """Size of all pictures; 1 is that of the demo."""

    @model_validator(mode="after")
    def _pauses_end(self) -> Lesson:
        ends = [0.0, *(pause.until or 0.0 for pause in self.pauses)]
        if any(pause.since < end for pause, end in zip(self.pauses, ends, strict=False)) or 0.0 in ends[1:]:
            raise ValueError("pauses are given in their order, each with its until")
        return self

    def silent_since(self, silence: Ms) -> Ms | None:
        """Find where the first silence of that length ends, in ms from the start; None where there is none."""
        heard = 0
        for stream in sorted(self.streams, key=lambda one: one.since):
            if in_ms(stream.since) - heard >= silence:
                break
            if stream.until is None:
                return None
            heard = max(heard, in_ms(stream.until))
        return Ms(heard + silence)

    @property
    def length(self) -> Ms:
        """Length of a class that nobody stopped, in ms: to its last event."""
        ends = [self.stop, *(stream.until for stream in self.streams), *(stream.since + 1 for stream in self.streams)]
        return Ms(max([1000, *(in_ms(end) for end in ends if end is not None)]))


def in_ms(seconds: float) -> Ms:
    """Round a script's seconds to ms."""
    return Ms(round(seconds * 1000))


BUILT_IN = Lesson(
    streams=(
        Presence(user="teacher"),
        Presence(shows="board"),
        Presence(user="student", since=3.2, until=9),
        Presence(user="student", since=14.5),
        Presence(user="teacher", shows="screen", since=5.5, until=11.5),
    )
)
"""Lesson of a room of which nothing else is said: a student comes late, leaves and returns, the teacher shares."""


def load_lesson(path: Path) -> Lesson:
    """Read a script; raises InputError where it is none."""
    try:
        return Lesson.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}", hint="Name the file of a lesson.") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the lesson"
        hint = "The README shows a lesson."
        raise InputError(f"{path}: {where}: {first['msg']}", hint=hint) from exc
