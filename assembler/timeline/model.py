"""Timeline: WHEN things happen, as tracks of clips on the playback axis. Pure values, written as timeline.json."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from assembler.findings import Finding
from assembler.recording import StreamKind
from assembler.times import FileMs, Ms, PlayMs, Span, WallMs
from assembler.values import Value

NOBODY = "an unnamed user"
"""Words for the user of a stream of whom nothing is known."""


def stream_name(kind: StreamKind, user: str, stream_id: str) -> str:
    """Name a stream for people: "camera of alice", "whiteboard", "mixed stream tic_mixstream_1_3"."""
    match kind:
        case StreamKind.WHITEBOARD:
            return "whiteboard"
        case StreamKind.MIX:
            return f"mixed stream {stream_id}".strip()
        case StreamKind.CAMERA:
            what = "camera"
        case StreamKind.SCREEN:
            what = "screen"
        case StreamKind.AUDIO:
            what = "sound"
        case StreamKind.SCREEN_AUDIO:
            what = "sound of the screen"
    return f"{what} of {user or NOBODY}"


class Clip(Value):
    """A part of one file at its place on the playback axis. File time t is shown at ``span.start + t - file_start``."""

    video_id: str
    """The segment."""
    span: Span
    """Range that it was declared to fill (cut by omissions, by later clips of its track and by the window); where the
    duration is not declared, what the file fills."""
    file_start: FileMs
    """File time at ``span.start``."""
    picture: Span | None
    """Time at which its picture is seen, inside ``span``: from the first frame to the declared end, or to 1 s behind
    the file's last frame. None where the file has no picture. Before probing: all of ``span`` unless it is audio."""
    sound: Span | None
    """Time at which its sound is heard, inside ``span``. None where the file has no sound. Before probing: all of
    ``span``."""
    is_known: bool
    """True if the file was probed; else picture and sound are provisional."""


class Why(StrEnum):
    """Reason why a part of a file is on no track."""

    PAUSE = "pause"
    """Recorded within a pause that is cut out."""
    REPLACED = "replaced"
    """Replaced: a later file of the same stream holds the same time."""
    EARLY = "early"
    """Part that lies before the start of the playback."""
    UNUSABLE = "unusable"
    """Whole file that could not be used."""


class LeftOut(Value):
    """A part of a file that is on no track."""

    video_id: str
    """The segment."""
    why: Why
    """Reason why it is left out."""
    span: Span
    """Place where it would be, playback axis; for a pause: its length from where the pause is skipped."""
    file_start: FileMs
    """File time at ``span.start``."""
    winner: str = ""
    """The segment that replaced it at its start; "" where none did."""


class Gap(Value):
    """Range in which a track has no clip between its first and its last one."""

    span: Span
    """Playback axis."""


class Track(Value):
    """All clips of one stream; they never overlap."""

    kind: StreamKind
    """Kind of stream."""
    user: str
    """User of the stream; "" for boards and mixed streams."""
    stream_id: str
    """Raw stream id of its first clip; for unnamed mixed streams "mix 1", "mix 2"..."""
    clips: tuple[Clip, ...]
    """Sorted, disjoint, at least one."""
    gaps: tuple[Gap, ...]
    """Gaps between the clips."""

    @property
    def name(self) -> str:
        """Name for people: "camera of alice", "whiteboard", "mixed stream tic_mixstream_1_3"."""
        return stream_name(self.kind, self.user, self.stream_id)

    @property
    def span(self) -> Span:
        """Range from the start of the first clip to the end of the last, playback axis."""
        return Span(start=self.clips[0].span.start, end=self.clips[-1].span.end)


class Jump(Value):
    """Jump of the wall clock on the playback axis: a pause that is not in the playback."""

    at: PlayMs
    """Playback instant behind which the pause is missing."""
    length: Ms | None
    """Length of the pause, ms; None where only the instant is known (several inferred pauses)."""
    pause: WallMs | None
    """Start of the pause, Unix ms; None where unknown."""
    reason: str
    """Source of it: "omission", "inferred", "next recording", "trailing"."""


class Clock(Value):
    """The pairing of wall clock and playback (functions in ``timeline.clock``)."""

    start: WallMs | None
    """Wall instant of playback 0; None where no result names one."""
    is_exact: bool
    """True if it comes from an omission (to the ms); else it is known to +-1 s."""
    jumps: tuple[Jump, ...]
    """Sorted by ``at``; wall times behind the first jump without a length are unknown."""


class Chapter(Value):
    """A mark in the finished file."""

    at: PlayMs
    """Start, playback axis."""
    title: str
    """Title for people: "Start", "Break of 1:00"..."""


class FileFinding(Finding):
    """A finding whose sentence tells times of the file ``where``; the file's place may still move."""

    start: FileMs
    """Beginning of what was found."""
    end: FileMs
    """End of it; the same as ``start`` for an instant."""


class Timeline(Value):
    """One class on the playback axis, ``[0, length)``."""

    length: Ms
    """Length of the playback."""
    tracks: tuple[Track, ...]
    """Sorted by kind, then user, then stream id."""
    clock: Clock
    """Wall clock against playback."""
    chapters: tuple[Chapter, ...]
    """Marks; the first is at 0."""
    play_times: str
    """Axis that the declared play times were on ("playback" or "wall")."""
    play_times_reason: str
    """Reason why this axis was taken."""
    left_out: tuple[LeftOut, ...] = ()
    """Parts of files that are on no track, though they have a place."""
    absent: tuple[LeftOut, ...] = ()
    """Places of files that could not be used."""
    findings: tuple[FileFinding | Finding, ...]
    """Findings: overlaps, disagreeing lengths, omissions without a border..."""

    def clips(self) -> Iterator[tuple[Track, Clip]]:
        """Every clip with its track."""
        return ((track, clip) for track in self.tracks for clip in track.clips)
