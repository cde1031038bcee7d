"""Timeline and plan of the recordings of one class: pure, from values alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from assembler.card_file import find_card, load_chapters
from assembler.choices import PlayTimes, YesNo
from assembler.class_card import CardChapter, ClassCard
from assembler.errors import InputError
from assembler.findings import note
from assembler.layout import arrange
from assembler.layout.model import Arrangement
from assembler.media.render.setup import RENDER_VERSION
from assembler.media.run import Run
from assembler.network.download.addresses import with_places
from assembler.options import FOUND_CHAPTERS, Options
from assembler.people import RecordedClass
from assembler.plan.build import build_plan
from assembler.plan.manifest import Manifest
from assembler.plan.model import Plan
from assembler.privacy import WHERE, cast_class
from assembler.recording import Recording, StreamKind
from assembler.redaction import Redaction
from assembler.segment_files import SegmentFiles
from assembler.timeline import append, build_timeline, order_recordings
from assembler.timeline.alignment import moves_of
from assembler.timeline.join import with_chapters
from assembler.timeline.model import Chapter, Timeline
from assembler.timeline.time_of_day import load_zone
from assembler.workspace import digest_of

NO_CARD = "There is no class card for this class: everybody is shown as recorded."
"""Sentence of a class for which the place of class cards holds none."""
NO_MATTER = {
    "home", "ffmpeg", "media_dir", "media_base", "allow_hosts", "parallel", "processes", "strict", "keep_work",
    "stall_seconds",
    "class_file", "class_required", "mute_hidden",
    "share_minutes", "log", "log_level", "keep_outputs_days", "keep_sources_days",
    "keep_jobs_days", "overwrite", "render_ahead", "also",
    "captions", "captions_axis", "chat", "chat_fields", "transcribe", "transcribe_language",
    "sdk_app_id", "tickey", "usersig_key", "cloud_base", "cloud_endpoint", "cloud_region",
}  # fmt: skip
"""Options that change nothing in the finished file."""


def decide(
    recorded: RecordedClass, got: SegmentFiles, options: Options, *, may_copy: bool = True
) -> tuple[Timeline, Plan]:
    """The timeline of all recordings and the plan of what is to be rendered; nobody who is hidden is named in it."""
    recordings = recorded.recordings
    timeline, arrangement = arranged(recorded, got, options)
    plan = build_plan(
        timeline,
        arrangement,
        got.facts,
        options,
        segments=[s for r in recordings for s in r.segments],
        cast=recorded.cast,
        speaking=got.speaking,
        has_own_chapters=bool(recorded.chapters),
        unusable=got.unusable,
        findings=[*recorded.findings, *(f for r in recordings for f in r.findings), *got.findings],
        may_copy=may_copy,
    )
    return timeline, without_hidden(plan, recorded.redaction)


Told = TypeVar("Told", Plan, Manifest)
Given = Recording | Sequence[Recording] | RecordedClass
"""Recordings of one class as they were given, or in order already: then its card is not read again."""


def without_hidden(told: Told, redaction: Redaction) -> Told:
    """Return a plan or a manifest in whose sentences nobody is named who is not to be named."""
    if not redaction.words:
        return told
    changes = {
        "findings": tuple(map(redaction.finding, told.findings)),
        "outcomes": tuple(o.model_copy(update={"how": redaction.text(o.how)}) for o in told.outcomes),
        **{name: redaction.text(getattr(told, name)) for name in ("layout", "layout_reason", "mode_reason")},
    }
    return told.model_copy(update=changes)


def arranged(recorded: RecordedClass, got: SegmentFiles, options: Options) -> tuple[Timeline, Arrangement]:
    """The timeline of all recordings, and who is seen where."""
    timeline = timeline_of(recorded, got, options)
    card = recorded.cast.card
    if card is not None and card.layout is not None and "layout" not in options.model_fields_set:
        options = options.model_copy(update={"layout": card.layout})
    declared = [s for r in recorded.recordings for s in r.segments]
    sizes = {s.video_id: (s.width, s.height) if s.width and s.height else None for s in declared}
    return timeline, arrange(timeline, got.facts, sizes, options, recorded.cast, got.speaking)


def timeline_of(recorded: RecordedClass, got: SegmentFiles, options: Options) -> Timeline:
    """The timeline of all recordings from what was found out so far, with the chapters of the school's own."""
    axes = recorded.play_times or [options.play_times] * len(recorded.recordings)
    timelines = [
        build_timeline(recording, got.facts, unusable=got.unusable, play_times=axis, moves=moves_of(got.alignments))
        for recording, axis in zip(recorded.recordings, axes, strict=True)
    ]
    timeline = timelines[0]
    for following in timelines[1:]:
        timeline = append(timeline, following)
    return with_chapters(timeline, [Chapter(at=chapter.at, title=chapter.title) for chapter in recorded.chapters])


def timeline_only(recordings: Given, options: Options) -> Timeline:
    """The timeline from what is declared: no network, no files."""
    return timeline_of(in_order(recordings, options), SegmentFiles(), options)


def wanted_stamps(recorded: RecordedClass, options: Options) -> tuple[str, ...]:
    """Segments whose packets may be copied as far as is declared: when probed, their stamps are to be kept."""
    with suppress(InputError):  # a window outside of what is declared may be inside of what there is
        return decide(recorded, SegmentFiles(), options)[1].wants_stamps
    return ()


def plan_only(recordings: Given, options: Options) -> tuple[Timeline, Plan]:
    """Timeline and plan from what is declared, without network or files; what waits for facts is provisional."""
    return decide(in_order(recordings, options), SegmentFiles(), options)


def in_order(recordings: Given, options: Options, card: ClassCard | None = None) -> RecordedClass:
    """Return the recordings in the order of the class, the cameras of ``screen_users`` as the screen shares they are,
    without whom the class card hides, and the people who are in them; a class that is in order as it is.

    ``card``: class card; where none is given, that of the options. Raises InputError, also for a card that is wrong.
    """
    if isinstance(recordings, RecordedClass):
        return recordings
    given = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not given:
        raise InputError("no recording was given", hint="Name at least one result file.")
    if options.timezone is not None:
        load_zone(options.timezone)  # a wrong name is told before anything is fetched
    placed = [with_places(recording, options) for recording in given]
    ordered = order_recordings([_with_screens(recording, options.screen_users) for recording in placed])
    card = card or find_card(ordered, options)
    cast = cast_class(ordered, card, options.teacher, mute_hidden=options.mute_hidden is YesNo.YES)
    missing = [note(WHERE, NO_CARD)] if card is None and options.class_file is not None else []
    axes = _axes(ordered, options) if cast.redaction.words and len(cast.recordings) == len(ordered) else ()
    own = _own_chapters(cast, options)
    findings = (*cast.findings, *missing)
    return cast.model_copy(update={"card": card, "findings": findings, "play_times": axes, "chapters": own})


def _own_chapters(cast: RecordedClass, options: Options) -> tuple[CardChapter, ...]:
    """Read the chapters that the options name, else take the card's; nobody is named in them who is hidden."""
    if options.chapters in FOUND_CHAPTERS:
        return cast.cast.card.chapters if cast.cast.card is not None else ()
    own = load_chapters(Path(options.chapters))
    return tuple(c.model_copy(update={"title": cast.redaction.text(c.title)}) for c in own)


def _axes(recordings: Sequence[Recording], options: Options) -> tuple[PlayTimes, ...]:
    """Decide the axis of all files' play times together: those of hidden people are evidence as well."""
    timelines = []
    for recording in recordings:
        with suppress(InputError):
            timelines.append(build_timeline(recording, play_times=options.play_times))
    return tuple(PlayTimes(timeline.play_times) for timeline in timelines) if len(timelines) == len(recordings) else ()


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
        declared = timeline_of(recorded, SegmentFiles(), run.options)
    except InputError:  # no length is declared anywhere: only the files will tell
        declared = [s.video_id for r in recorded.recordings for s in r.segments]
    return digest_of(RENDER_VERSION, declared, asked, run.ffmpeg.text)
