"""Recording: WHAT happened, as the cloud tells it. A Recording is what every dialect parses to; nothing here was
checked against the files themselves (that is ``facts``). Its own JSON is the neutral dialect."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_validator

from assembler.errors import without_queries
from assembler.findings import Finding
from assembler.times import Ms, PlayMs, WallMs
from assembler.values import Value


class StreamKind(StrEnum):
    """Kind of a stream."""

    CAMERA = "camera"
    """A user's camera and microphone (vendor's VideoType 0)."""
    SCREEN = "screen"
    """A user's screen share (1)."""
    WHITEBOARD = "whiteboard"
    """The board, one for all (2)."""
    MIX = "mix"
    """Mixed stream: all streams already composed by the vendor (3)."""
    AUDIO = "audio"
    """A user's sound alone, mp3 (4)."""
    SCREEN_AUDIO = "screen_audio"
    """Sound of a user's screen share in a file of its own, beside the microphone's (other systems)."""

    @property
    def is_sound(self) -> bool:
        """True if a picture in such a file is no stream's."""
        return self in (StreamKind.AUDIO, StreamKind.SCREEN_AUDIO)


class Segment(Value):
    """One recorded file of one stream."""

    video_id: str
    """The vendor's file id; unique within a recording (the parser makes it so)."""
    kind: StreamKind
    """Kind of the stream."""
    user: str
    """The person, without the vendor's prefixes; "" for a whiteboard and for a mixed stream."""
    stream_id: str
    """The raw user id of the stream as the vendor wrote it."""
    play_time: PlayMs
    """Time at which its file time 0 belongs, ms. On the playback axis, unless the evidence rule says wall
    (timeline)."""
    duration: Ms | None
    """Declared length in ms; None where it is missing, zero or negative: then the file rules."""
    size: int | None
    """Declared bytes; None where missing. Known to lie low."""
    format: str
    """Declared container, lower case ("mp4", "mp3", "webm"); "" where missing."""
    url: str | None
    """Address of the file; None where missing. May be signed: never print its query."""
    width: int | None = None
    """Declared picture width in pixels; None where missing."""
    height: int | None = None
    """Declared picture height in pixels; None where missing."""
    hides_picture: bool = Field(default=False, exclude_if=lambda hides: not hides)
    """True if the picture may not be shown, though the sound is heard: the class card says so."""
    file_id: str = Field(default="", exclude_if=lambda file_id: not file_id)
    """File id of the vendor, where another stands for it in ``video_id``; "" where that is it."""
    name: str = Field(default="", exclude_if=lambda name: not name)
    """Name of the person for people, where the system tells it; a class card's is stronger."""
    parts: tuple[str, ...] = Field(default=(), exclude_if=lambda parts: not parts)
    """Names or addresses that put behind one another, byte by byte, are the file; empty where it is one already."""
    is_stamped: bool = Field(default=False, exclude_if=lambda is_stamped: not is_stamped)
    """True if the file's own stamps say where it belongs: ``play_time`` is then where stamp 0 belongs, however late
    its first frame is (other systems)."""

    @property
    def source_id(self) -> str:
        """File id of the vendor: by it cache and media folder know the file."""
        return self.file_id or self.video_id


class Omission(Value):
    """A pause that is not in the recording: the wall clock jumps from ``pause`` to ``resume`` at playback ``at``."""

    at: PlayMs | None
    """VideoTime: where on the playback axis; None where missing."""
    pause: WallMs
    """Start of the pause, Unix ms."""
    resume: WallMs | None
    """End of the pause, Unix ms; None (also: zero or negative) if the recording ended in it."""


class VendorError(Value):
    """Failure as the vendor reports it."""

    code: str
    """The API's error code as text, such as ``FailedOperation.Record``; "" where only a number came."""
    number: int | None
    """The vendor's number (40001...); None where none was found."""
    message: str
    """The vendor's own words, trimmed."""
    advice: str
    """Advice of the vendor's table for this number, in English; "" for an unknown one."""

    @field_validator("code", "message")
    @classmethod
    def _discreet(cls, text: str) -> str:
        return without_queries(text)


class Interrupt(Value):
    """Breaks of one user's stream, as the vendor counted them."""

    user: str
    """Raw user id of the stream."""
    count: int
    """Number of breaks."""


class Recording(Value):
    """One finished recording task."""

    dialect: str
    """Name of the dialect it was read from (a row of the DIALECTS table)."""
    task_id: str | None
    """The vendor's task; None in a dialect without one."""
    app_id: str | None
    """SdkAppId as text; None where missing."""
    room_id: str | None
    """The room as text; None where missing."""
    group_id: str | None
    """The board's group as text; None where missing."""
    record_user_id: str | None
    """The recorder's own user; None where missing."""
    start: WallMs | None
    """Start of the recording, Unix ms, known to the second; None where missing or 0."""
    stop: WallMs | None
    """End of the recording, Unix ms, known to the second; None where missing or 0 (offline results have none)."""
    total: Ms | None
    """Declared length of the playback, ms; None where missing or <= 0."""
    segments: tuple[Segment, ...]
    """Every file, in the order in which the result names them (which means nothing)."""
    omissions: tuple[Omission, ...]
    """Pauses, in the order given; empty where the result has no list. Malformed ones are findings instead."""
    finish_reason: str | None
    """AUTO, USER_CALL, EXCEPTION, FORCE_STOP (v1: upper-cased, USERCALL -> USER_CALL); None where missing."""
    exception_count: int
    """Number of breaks of all streams together; 0 where missing."""
    interrupts: tuple[Interrupt, ...]
    """Number of breaks of each user's stream; empty where missing."""
    error: VendorError | None
    """Failure that the vendor reports although there are videos; None if there was none."""
    request_id: str | None = None
    """RequestId of the answer it stood in, which the vendor's support asks for; None where missing."""
    random: str | None = None
    """``random`` of the v1 callback's URL, which the vendor's support asks for; None where missing."""
    longest_hold: Ms | None = Field(default=None, exclude_if=lambda hold: hold is None)
    """Maximum time for which a camera's frame is held in a hole of its file: behind it the camera was off. None where
    a hole is a fault: the frame is held throughout, with a warning."""
    findings: tuple[Finding, ...]
    """Findings of the parser: malformed omissions, repeated ids, ignored oddities."""

    @property
    def name(self) -> str:
        """Name of the recording in messages: the task, else the room, else "this recording"."""
        if self.task_id:
            return f"task {self.task_id}"
        return f"room {self.room_id}" if self.room_id else "this recording"

    @property
    def ids(self) -> dict[str, str | None]:
        """Ids by the placeholders that stand for them in the path of a class's file."""
        return {"app": self.app_id, "room": self.room_id, "task": self.task_id}


class VendorReport(Value):
    """Report of the vendor about one recording, beside its files; each field as in ``Recording``."""

    name: str
    """Task, else room."""
    room_id: str | None
    """Room as text."""
    group_id: str | None
    """Board's group as text."""
    record_user_id: str | None
    """Recorder's own user."""
    finish_reason: str | None
    """AUTO, USER_CALL, EXCEPTION or FORCE_STOP."""
    exception_count: int
    """Number of breaks of all streams together."""
    interrupts: tuple[Interrupt, ...]
    """Number of breaks of each user's stream."""
    error: VendorError | None
    """Failure that the vendor reports although there are videos."""
    request_id: str | None
    """RequestId of the answer, for the vendor's support."""
    random: str | None
    """``random`` of the v1 callback's URL, for the vendor's support."""


def vendor_report(recording: Recording) -> VendorReport:
    """Take the vendor's report out of a recording."""
    return VendorReport(**{name: getattr(recording, name) for name in VendorReport.model_fields})
