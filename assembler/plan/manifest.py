"""playback.json: what a finished file was made from, what it must look like, and what was noticed on the way."""

from __future__ import annotations

from fractions import Fraction

from assembler.findings import Finding, Outcome, Verdict
from assembler.layout.model import Canvas
from assembler.options import Quality
from assembler.plan.model import Account, Mode, Plan, Scene
from assembler.plan.stamps import Stamps
from assembler.recording import Interrupt, Recording, StreamKind, VendorError
from assembler.timeline.model import Chapter, Clock
from assembler.times import Ms, PlayMs
from assembler.values import Value


class Origin(Value):
    """One segment and the file it came from."""

    video_id: str
    """The segment."""
    kind: StreamKind
    """What kind of stream."""
    user: str
    """Whose."""
    play_time: PlayMs
    """Declared place, ms."""
    duration: Ms | None
    """Declared length, ms."""
    bytes: int | None
    """Size of the file used; None where there was none."""


class Told(Value):
    """What the vendor said of one recording, beside its files; each field as in ``Recording``."""

    name: str
    """Task, else room."""
    room_id: str | None
    group_id: str | None
    record_user_id: str | None
    finish_reason: str | None
    exception_count: int
    interrupts: tuple[Interrupt, ...]
    error: VendorError | None
    request_id: str | None
    random: str | None


def told_of(recording: Recording) -> Told:
    """What the vendor said of this recording."""
    return Told(**{name: getattr(recording, name) for name in Told.model_fields})


class Manifest(Value):
    """All that is known of one finished file; ``verify`` needs nothing else."""

    format: int = 1
    """Version of this file's shape."""
    made_by: str
    """This package's version."""
    ffmpeg: str
    """Version of the ffmpeg used."""
    encoder: str
    """Row of the encoder table; "copy" where the picture was copied."""
    quality: Quality | None = None
    """Its column; None where the picture was copied."""
    digest: str
    """Digest of the plan, its files and the tools: the same digest gives the same file."""
    tasks: tuple[str, ...]
    """Names of the recordings, in order."""
    recordings: tuple[Told, ...] = ()
    """What the vendor said of each."""
    verdict: Verdict
    """ok or degraded."""
    outcomes: tuple[Outcome, ...]
    """What became of every segment."""
    accounts: tuple[Account, ...] = ()
    """Where every millisecond of every segment's picture and sound went."""
    findings: tuple[Finding, ...]
    """Everything noticed."""
    origins: tuple[Origin, ...]
    """What it was made from."""
    size: int
    """Bytes of the finished file."""
    length: PlayMs
    """Length of the playback, ms."""
    fps: Fraction
    """Frames per second."""
    canvas: Canvas
    """Size of the picture."""
    layout: str
    """Name of the layout."""
    layout_reason: str
    """Why this layout."""
    mode: Mode
    """Copied or encoded."""
    mode_reason: str
    """Why."""
    stamps: Stamps
    """Every picture's planned stamp."""
    joins: tuple[int, ...]
    """Ticks at which separately made pieces of picture meet."""
    sound_copied: str | None
    """Segment whose sound was copied; None: mixed and encoded at 48 kHz."""
    sound_reason: str
    """Why this is heard."""
    play_times: str
    """Axis of the declared play times ("playback" or "wall") and why."""
    clock: Clock
    """Wall clock of the playback, with the pauses that were skipped."""
    chapters: tuple[Chapter, ...]
    """Marks in the file."""
    scenes: tuple[Scene, ...]
    """What is shown when, and whether it was copied or encoded."""


def encoded_stamps(plan: Plan, time_scale: int, frame_ticks: int) -> Stamps:
    """An encoded playback lies on an exact grid: frame n at n ticks-per-frame."""
    steps = ((frame_ticks, plan.frames - 1),) if plan.frames > 1 else ()
    return Stamps(time_scale=time_scale, first=0, steps=steps)
