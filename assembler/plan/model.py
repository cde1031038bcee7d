"""Plan: HOW the playback is made: scenes, lanes, sound, and why. Pure values, written as plan.json, the golden test."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from assembler.captions.webvtt import CaptionTrack
from assembler.choices import Fill
from assembler.findings import Finding, Outcome
from assembler.layout.model import Canvas, Rect
from assembler.people import Person
from assembler.plan.artwork import Overlay
from assembler.timeline.model import Chapter
from assembler.times import FileMs, Frame, Ms, PlayMs, Span
from assembler.values import Value


class Mode(StrEnum):
    """Way in which the picture is made."""

    COPY = "copy"
    """The picture packets of the sources, untouched, with planned stamps."""
    ENCODE = "encode"
    """Decoded, composed, encoded."""
    OPEN = "open"
    """Copied or encoded: only the files can tell, and they were not probed."""


class Shown(Value):
    """One picture in one scene."""

    slot: str
    """Name of the slot."""
    rect: Rect
    """Place on the canvas."""
    video_id: str
    """The segment."""
    z: int
    """Place in the stack: 0 is drawn first."""


class Scene(Value):
    """A range of whole output frames in which the set of visible clips and their slots is constant."""

    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""
    shown: tuple[Shown, ...]
    """Visible pictures, lowest first; a wholly covered one is not in here. Empty: background only."""
    mode: Mode
    """Copied or encoded."""
    reason: str
    """Reason in words."""


class Piece(Value):
    """One file's picture on a lane for a range of output frames."""

    video_id: str
    """The segment."""
    first: Frame
    """First output frame."""
    end: Frame
    """Output frame behind the last one."""
    play_start: PlayMs
    """Playback instant of the file's time 0 (may be negative, or before ``first``): the source frame shown at an
    output frame depends on this alone, never on where a piece is cut."""


class Lane(Value):
    """One rectangle of the canvas over the whole playback: pieces in time order, its background where there is none."""

    slot: str
    """Name of the slot."""
    rect: Rect
    """Place on the canvas."""
    z: int
    """Order among lanes that overlap."""
    fill: Fill
    """Fit or crop."""
    background: str
    """Colour of bars, ``#RRGGBB``."""
    pieces: tuple[Piece, ...]
    """Disjoint, sorted. What lies wholly under another lane is not here."""
    overlays: tuple[Overlay, ...] = Field(default=(), exclude_if=lambda overlays: not overlays)
    """Drawn pictures in the order in which they are laid over it, but cards: they stand between the pieces. Empty, and
    then in no plan.json or digest, where nothing is drawn."""


class SoundPiece(Value):
    """One file's sound at its place."""

    video_id: str
    """The segment."""
    span: Span
    """Time at which it is heard, playback axis."""
    file_start: FileMs
    """File time at ``span.start``."""


class AudioBed(Value):
    """All that is heard, mixed with gain 1 and limited."""

    pieces: tuple[SoundPiece, ...]
    """Sorted by start, then video id. Empty: silence."""
    reason: str
    """Reason: the mixed stream alone, or all single streams."""
    copied: str | None
    """Video id of the one segment whose sound packets are copied untouched, unless they turn out to be damaged; None:
    mixed and encoded."""
    carried: int = 128_000
    """Largest sum of the bit rates of what is heard at once, as AAC, in bit/s (``bit_rate`` of ``plan/heard.py``)."""


class CopiedRun(Value):
    """Consecutive picture packets of one file that are copied."""

    video_id: str
    """The segment."""
    first_packet: int
    """Index, in decode order, of the first packet copied."""
    end_packet: int
    """Index behind the last packet copied."""
    offset: Fraction
    """Seconds added to every stamp (container axis -> playback axis)."""


class Content(StrEnum):
    """Kind of content whose milliseconds are accounted for."""

    PICTURE = "picture"
    """Pictures of a segment."""
    SOUND = "sound"
    """Sound of a segment."""


class Disposition(StrEnum):
    """Use that a recorded millisecond was put to, or reason why it was not."""

    SHOWN = "shown"
    """Seen in the playback."""
    HEARD = "heard"
    """Heard in the playback."""
    COVERED = "covered"
    """Covered by another picture."""
    NO_PLACE = "no place"
    """Left without a place by the layout (its sound is heard all the same)."""
    IN_MIX = "in the mixed stream"
    """The mixed stream that is shown contains it."""
    REPEATED = "repeated"
    """Others hold the same: a user's camera what an audio file repeats, the single streams what an unused mixed
    stream does."""
    OUTSIDE = "outside the window"
    """Outside the window that was asked for."""
    PAUSED = "cut by a pause"
    """Recorded within a pause, and pauses are cut out."""
    REPLACED = "replaced"
    """A later file of the same stream holds the same time."""
    LOST = "lost"
    """Recorded, and not in the playback."""


class LostPart(Value):
    """A range of a file that is lost."""

    start: FileMs
    """File time."""
    end: FileMs
    """File time behind it."""
    why: str
    """Reason why it is not in the playback, for people."""


class Ledger(Value):
    """The dispositions of one segment's picture or sound."""

    length: Ms
    """Recorded length, ms."""
    lengths: Mapping[Disposition, Ms]
    """Lengths by disposition; the sum is ``length``. What is zero is left out."""
    lost: tuple[LostPart, ...] = ()
    """Ranges that are lost, in file order."""


class Account(Value):
    """Dispositions of one segment."""

    video_id: str
    """The segment."""
    picture: Ledger
    """Ledger of its picture."""
    sound: Ledger
    """Ledger of its sound: where several sound tracks run beside each other they count once."""


class Imagery(Value):
    """Kind of picture that fills most of a canvas: what the encoder has to serve."""

    is_stage: bool = False
    """True if boards and screen shares fill most of it."""
    is_busy: bool = False
    """True if most of it moves or has noise, by the bit rates of its sources."""


class Plan(Value):
    """Decisions about a playback, all that it takes to make it."""

    fps: Fraction
    """Frames per second of an encoded playback (of a copied one: the source's rate, for people)."""
    frames: Frame
    """Output frames of an encoded playback; scenes partition ``[0, frames)``."""
    length: PlayMs
    """Length of the playback in ms."""
    canvas: Canvas
    """Size and background."""
    layout: str
    """Name of the layout."""
    layout_reason: str
    """Reason for this layout."""
    mode: Mode
    """Copy or encode: never both in one file (DESIGN, Joining)."""
    mode_reason: str
    """Reason to copy or to encode; for an encode that was nearly a copy it names the clip and what was missing."""
    scenes: tuple[Scene, ...]
    """Scenes in order, partitioning the playback."""
    lanes: tuple[Lane, ...]
    """Lanes to draw (empty when copied)."""
    imagery: Imagery = Imagery()
    """Kind of picture that the encoder has to serve."""
    copied: tuple[CopiedRun, ...]
    """Runs to copy (empty when encoded)."""
    wants_stamps: tuple[str, ...]
    """Segments that may be copied once the stamps of their packets are probed; why facts lack them: DESIGN, Copying."""
    wants_speech: bool = Field(default=False, exclude_if=lambda wanted: not wanted)
    """True if others would be seen where it is known who speaks when, and that was not measured."""
    bed: AudioBed
    """Sound pieces that are heard."""
    chapters: tuple[Chapter, ...]
    """Marks; the first is at 0."""
    keyframes: tuple[Frame, ...]
    """Output frames that must be key frames besides the regular ones: chapters, joins."""
    is_provisional: bool
    """True if some file was not probed: copy or encode, sizes and rates may still change."""
    accounts: tuple[Account, ...]
    """Dispositions of every millisecond of every probed or unusable segment, sorted by video id."""
    outcomes: tuple[Outcome, ...]
    """Results for every segment, sorted by video id."""
    people: tuple[Person, ...] = Field(default=(), exclude_if=lambda people: not people)
    """People whom the class card names, in order of their first play time; empty without a card, and then in no
    digest."""
    title: str = Field(default="", exclude_if=lambda title: not title)
    """Title of the class; "" where no card gives one."""
    course: str = Field(default="", exclude_if=lambda course: not course)
    """Name of the course; "" where no card gives one."""
    finds_pages: bool = Field(default=False, exclude_if=lambda finds: not finds)
    """True if new pages on the stage become chapters, once they are seen."""
    timezone: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """IANA name of the time zone of the class, from the options, else its card; None where neither names one."""
    captions: tuple[CaptionTrack, ...] = Field(default=(), exclude_if=lambda captions: not captions)
    """Captions and chat, each a soft track and a file; empty where none were given, and then in no digest."""
    findings: tuple[Finding, ...]
    """Findings stated so far: by parser, probe, timeline, layout and plan."""
