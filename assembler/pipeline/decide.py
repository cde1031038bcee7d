"""Timeline and plan of the recordings of one class: pure, from values alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from assembler.errors import InputError
from assembler.layout import arrange
from assembler.layout.model import Arrangement
from assembler.media.render.setup import RENDER_VERSION
from assembler.media.run import Run
from assembler.options import Options
from assembler.people import Cast, RecordedClass
from assembler.plan.build import build_plan
from assembler.plan.model import Plan
from assembler.recording import Recording, StreamKind
from assembler.segment_files import SegmentFiles
from assembler.timeline import append, build_timeline, order_recordings
from assembler.timeline.model import Timeline
from assembler.workspace import digest_of

NO_MATTER = {
    "home", "ffmpeg", "media_dir", "allow_hosts", "parallel", "processes", "strict", "keep_work", "stall_seconds",
    "share_minutes", "overwrite", "render_ahead",
    "sdk_app_id", "tickey", "usersig_key", "cloud_base", "cloud_endpoint", "cloud_region",
}  # fmt: skip
"""Options that change nothing in the finished file."""


def decide(
    recorded: RecordedClass, got: SegmentFiles, options: Options, *, may_copy: bool = True
) -> tuple[Timeline, Plan]:
    """The timeline of all recordings and the plan of what is to be rendered."""
    recordings = recorded.recordings
    timeline, arrangement = arranged(recorded, got, options)
    plan = build_plan(
        timeline,
        arrangement,
        got.facts,
        options,
        segments=[s for r in recordings for s in r.segments],
        cast=recorded.cast,
        unusable=got.unusable,
        findings=[*recorded.findings, *(f for r in recordings for f in r.findings), *got.findings],
        may_copy=may_copy,
    )
    return timeline, plan


def arranged(recorded: RecordedClass, got: SegmentFiles, options: Options) -> tuple[Timeline, Arrangement]:
    """The timeline of all recordings, and who is seen where."""
    timeline = timeline_of(recorded.recordings, got, options)
    declared = [s for r in recorded.recordings for s in r.segments]
    sizes = {s.video_id: (s.width, s.height) if s.width and s.height else None for s in declared}
    return timeline, arrange(timeline, got.facts, sizes, options, recorded.cast, got.speaking)


def timeline_of(recordings: Sequence[Recording], got: SegmentFiles, options: Options) -> Timeline:
    """The timeline of all recordings from what was found out so far."""
    timelines = [build_timeline(r, got.facts, unusable=got.unusable, play_times=options.play_times) for r in recordings]
    timeline = timelines[0]
    for following in timelines[1:]:
        timeline = append(timeline, following)
    return timeline


def timeline_only(recordings: Recording | Sequence[Recording], options: Options) -> Timeline:
    """The timeline from what is declared: no network, no files."""
    return timeline_of(in_order(recordings, options).recordings, SegmentFiles(), options)


def wanted_stamps(recorded: RecordedClass, options: Options) -> tuple[str, ...]:
    """Segments whose packets may be copied as far as is declared: when probed, their stamps are to be kept."""
    with suppress(InputError):  # a window outside of what is declared may be inside of what there is
        return decide(recorded, SegmentFiles(), options)[1].wants_stamps
    return ()


def plan_only(recordings: Recording | Sequence[Recording], options: Options) -> tuple[Timeline, Plan]:
    """Timeline and plan from what is declared, without network or files; what waits for facts is provisional."""
    return decide(in_order(recordings, options), SegmentFiles(), options)


def in_order(recordings: Recording | Sequence[Recording], options: Options) -> RecordedClass:
    """Return the recordings in the order of the class, the cameras of ``screen_users`` as the screen shares they
    are, with the people who are in them."""
    given = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not given:
        raise InputError("no recording was given", hint="Name at least one result file.")
    ordered = order_recordings([_with_screens(recording, options.screen_users) for recording in given])
    return RecordedClass(recordings=tuple(ordered), cast=Cast(teacher=options.teacher))


def _with_screens(recording: Recording, users: Collection[str]) -> Recording:
    if not any(s.kind is StreamKind.CAMERA and s.user in users for s in recording.segments):
        return recording
    segments = (
        s.model_copy(update={"kind": StreamKind.SCREEN}) if s.kind is StreamKind.CAMERA and s.user in users else s
        for s in recording.segments
    )
    return recording.model_copy(update={"segments": tuple(segments)})


def work_digest(recorded: RecordedClass, run: Run) -> str:
    """Names the work folder: what is asked for, whatever the files turn out to hold. What is in the folder is named by
    its own digests, so that work done before all is known is taken up where it fits."""
    asked = run.options.model_dump(mode="json", exclude=NO_MATTER)
    declared: Timeline | list[str]
    try:
        declared = timeline_of(recorded.recordings, SegmentFiles(), run.options)
    except InputError:  # no length is declared anywhere: only the files will tell
        declared = [s.video_id for r in recorded.recordings for s in r.segments]
    return digest_of(RENDER_VERSION, declared, asked, run.ffmpeg.text)
