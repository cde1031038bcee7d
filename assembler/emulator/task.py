"""Values of recording tasks: what was asked for, what became of it so far, and the cloud's delays."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from assembler.emulator.errors import Failure
from assembler.emulator.lesson import Lesson
from assembler.times import Ms, WallMs
from assembler.values import Value


class Phase(StrEnum):
    """State of a task, spelled as generation 3 does."""

    PREPARED = "PREPARED"
    """The recorder is entering the room."""
    RECORDING = "RECORDING"
    """The room is recorded."""
    PAUSED = "PAUSED"
    """The room is not recorded for a while."""
    STOPPED = "STOPPED"
    """The files are made and uploaded."""
    QUEUED = "QUEUED"
    """Files after class wait to be made."""
    PROCESSING = "PROCESSING"
    """Files after class are being made."""
    FINISHED = "FINISHED"
    """The result is there."""


class Event(StrEnum):
    """Moment of a task that is told by a callback, spelled as generation 3 does."""

    STARTED = "OnlineRecordStarted"
    """The recording began, or could not."""
    PAUSED_LONG = "OnlineRecordLongPauseWarning"
    """The recording has been paused for 20 minutes."""
    PAUSED_TOO_LONG = "OnlineRecordLongPauseForceStopped"
    """The recording was stopped because it was paused too long."""
    STOPPED = "OnlineRecordStopped"
    """The recording was stopped."""
    FINISHED = "OnlineRecordFinished"
    """The result of a recording is there."""
    PROGRESS = "OfflineRecordProgressChanged"
    """The files after class are being made."""
    GENERATED = "OfflineRecordFinished"
    """The files after class are there."""


class Happening(NamedTuple):
    """One moment of a task."""

    event: Event
    """Kind of the moment."""
    at: WallMs
    """Time of the moment."""


class Delays(Value):
    """Times of the cloud, ms; a stand-in divides all of them by one factor."""

    prepare: Ms = Ms(2_000)
    """Time until the recorder is in the room."""
    react: Ms = Ms(2_000)
    """Time until a call takes effect."""
    silence: Ms = Ms(300_000)
    """Maximum time without media and board; then the recording is stopped."""
    warn: Ms = Ms(20 * 60_000)
    """Length of a pause that is warned of."""
    force: Ms = Ms(90 * 60_000)
    """Maximum length of a pause."""
    longest: Ms = Ms(24 * 3_600_000)
    """Maximum length of a recording."""
    kept: Ms = Ms(72 * 3_600_000)
    """Time after which a result is deleted."""
    short: Ms = Ms(600_000)
    """Validity of an address that expires soon, and the lateness of a late callback."""

    def at_speed(self, speed: float) -> Delays:
        """Divide all of them."""
        return Delays(**{name: max(1, round(value / speed)) for name, value in self})


class Wishes(Value):
    """Parameters of a recording that change its files."""

    concat: bool = False
    """True for one file per stream, over pauses and absences."""
    mix: str | None = None
    """Layout of the mixed stream, as in tic_mixstream_<room>_<layout>; None without one."""
    audio: bool = False
    """True for the sound of every camera as mp3."""
    later: bool = False
    """True for RecordMode VIDEO_GENERATION_MODE: no files but a ReplayUrl."""
    board: tuple[int, int] = (1280, 960)
    """Pixels of the board's picture."""
    auto_stop: int | None = None
    """Maximum time without media and board, in s; None: the usual one."""
    streams: dict[str, dict[str, bool]] = Field(default_factory=dict)
    """RecordControl by stream id: whether it is left out (DisableRecord) or mute (DisableAudio); "" is all others."""

    def control(self, stream: str, name: str) -> bool:
        """Look a switch of RecordControl up for one stream."""
        return self.streams.get(stream, self.streams.get("", {})).get(name, False)


class File(Value):
    """One recorded file, made and uploaded."""

    video_id: str
    """File id."""
    name: str
    """File name."""
    kind: int
    """The vendor's VideoType."""
    user: str
    """Person whose stream it is; of a mixed stream its layout."""
    play: Ms
    """Begin on the playback axis."""
    length: Ms
    """Length."""
    size: int
    """Size, in bytes."""
    width: int
    """Pixels; 0 without picture."""
    height: int
    """Pixels; 0 without picture."""


class Pause(Value):
    """One pause."""

    begin: WallMs
    """First instant that is not recorded."""
    end: WallMs | None = None
    """First instant that is recorded again; None where it never is."""


class Task(Value):
    """One task."""

    id: str
    """Task id: 20 letters and digits."""
    api: str
    """Generation it came from, "v1" or "v3"; no other is told of it."""
    room: int
    """Room."""
    group: str
    """Group of the board."""
    user: str = ""
    """The recorder's user; "" of files after class."""
    base: str
    """Address under which the client reaches the stand-in."""
    wishes: Wishes = Wishes()
    """Parameters that change the files."""
    lesson: Lesson
    """Script of the room."""
    fails: bool = False
    """True if the recorder will not be able to enter the room."""
    source: str = ""
    """Recording that files after class are made of; "" where they are of a room."""
    phase: Phase = Phase.PREPARED
    """State."""
    asked: tuple[tuple[Phase, WallMs], ...] = ()
    """States that calls asked for, each with the time at which it will be in it."""
    due: WallMs
    """End of PREPARED, and of QUEUED."""
    seen: WallMs
    """Time up to which it was advanced."""
    began: WallMs | None = None
    """Start of the recording."""
    ended: WallMs | None = None
    """End of the recording."""
    over: WallMs | None = None
    """Time at which the result was there."""
    pauses: tuple[Pause, ...] = ()
    """Pauses, in their order."""
    warned: bool = False
    """True if the present pause was warned of."""
    why: str = ""
    """FinishReason; "" while it runs."""
    failure: Failure | None = None
    """Failure of the whole, or of its end."""
    files: tuple[File, ...] = ()
    """Files that are uploaded."""

    @property
    def is_offline(self) -> bool:
        """True if its files are made after class."""
        return self.user == ""

    @property
    def goes_to(self) -> Phase:
        """State by which calls are judged."""
        return self.asked[-1][0] if self.asked else self.phase

    @property
    def is_running(self) -> bool:
        """True until it is stopped, or asked to."""
        return self.goes_to in (Phase.PREPARED, Phase.RECORDING, Phase.PAUSED)

    def changed(self, **values: Any) -> Task:
        """Copy with other values."""
        return self.model_copy(update=values)
