"""Plan of the recordings of one class: pure, from values alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from assembler.errors import InputError
from assembler.layout import arrange
from assembler.layout.model import Arrangement
from assembler.media.render.setup import RENDER_VERSION
from assembler.media.run import Run
from assembler.network.download.media_dir import find_absent, find_local
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.pipeline.timelines import Given, in_order, timeline_of
from assembler.plan.build import build_plan
from assembler.plan.manifest import Manifest
from assembler.plan.model import Plan
from assembler.redaction import Redaction
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Timeline
from assembler.workspace import digest_of

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


def wanted_stamps(recorded: RecordedClass, options: Options) -> tuple[str, ...]:
    """Segments whose packets may be copied as far as is declared: when probed, their stamps are to be kept."""
    with suppress(InputError):  # a window outside of what is declared may be inside of what there is
        return decide(recorded, SegmentFiles(), options)[1].wants_stamps
    return ()


def plan_only(recordings: Given, options: Options) -> tuple[Timeline, Plan]:
    """Timeline and plan from what is declared, without network or probing; what waits for facts is provisional, and
    what the media folder lacks is told."""
    recorded = in_order(recordings, options)
    return decide(recorded, _absent(recorded, options.media_dir), options)


def _absent(recorded: RecordedClass, folder: Path | None) -> SegmentFiles:
    if folder is None:
        return SegmentFiles()
    segments = [segment for recording in recorded.recordings for segment in recording.segments]
    local = find_local(segments, folder)
    return SegmentFiles(failures={**local.failures, **find_absent(segments, local, folder)})


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
