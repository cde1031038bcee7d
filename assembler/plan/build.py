"""Timeline + arrangement + facts -> Plan: every decision, and its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from assembler.class_card import ClassCard
from assembler.facts import Facts
from assembler.findings import Finding, fold, note
from assembler.layout.model import Arrangement, CardPlacement, Placement
from assembler.options import Options
from assembler.people import NOBODY, Cast
from assembler.plan.account import draw_accounts
from assembler.plan.chapters import LAST, NEAREST, planned_chapters
from assembler.plan.copying import NOT_ALLOWED, decide_copying
from assembler.plan.encoding import choose_rate, find_imagery
from assembler.plan.heard import build_bed
from assembler.plan.missing import find_background, find_lost, find_nothing, find_unshowable, refuse_nothing
from assembler.plan.model import Mode, Plan
from assembler.plan.outcomes import judge_segments
from assembler.plan.overlays import Speaking, build_overlays
from assembler.plan.playing import Playing
from assembler.plan.scenes import build_lanes, build_scenes, find_runs, find_visible, without_gaps
from assembler.recording import Segment
from assembler.timeline.file_findings import place_findings, reason_of
from assembler.timeline.join import cut_window
from assembler.timeline.model import Timeline
from assembler.timeline.time_of_day import load_zone
from assembler.times import Frame, Ms, PlayMs, Span, clock_text, frame_at, shared


def build_plan(
    timeline: Timeline,
    arrangement: Arrangement,
    facts: Mapping[str, Facts],
    options: Options,
    *,
    segments: Sequence[Segment],
    cast: Cast = NOBODY,
    speaking: Speaking | None = None,
    has_own_chapters: bool = False,
    unusable: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
    may_copy: bool = True,
) -> Plan:
    """The plan of a whole class, or of the window that the options name.

    ``timeline`` and ``arrangement`` are of the whole class even for a window, so that a window shows what the whole
    would show there; so is ``speaking``, None where it was not measured. ``unusable``: video id -> why its file could
    not be used. ``findings``: stated before.
    ``may_copy`` False: what could be copied is composed all the same (a single frame; a copy found damaged).
    """
    unusable = unusable or {}
    fps = options.fps or choose_rate(arrangement, facts, timeline.length)
    window = cut_window(timeline, options.start, options.end)
    placed = _inside(arrangement, options.start or PlayMs(0), window)
    frames = Frame(max(1, frame_at(PlayMs(window.length), fps)))
    parts = find_visible(window, placed, fps, frames)
    copying = decide_copying(window, placed, parts, facts, options)
    if copying.mode is Mode.COPY and not may_copy:
        copying = NOT_ALLOWED
    mode, reason, runs = copying.mode, copying.reason, copying.runs
    if mode is Mode.COPY:
        picture = facts[runs[0].video_id].picture
        fps = picture.rate if picture is not None else fps
        frames = Frame(max(1, frame_at(PlayMs(window.length), fps)))
        parts = without_gaps(find_visible(window, placed, fps, frames), frames)
    is_provisional = any(not clip.is_known for _, clip in window.clips())
    final_mode = Mode.OPEN if is_provisional and copying.wants_stamps else mode
    bed = build_bed(window, placed, facts)
    if options.loudness is not None or not may_copy:
        bed = bed.model_copy(update={"copied": None})
    refuse_nothing(window, placed.layout, parts, bed)
    is_window = options.start is not None or options.end is not None
    begin = options.start or PlayMs(0)
    played = Span(start=begin, end=PlayMs(begin + window.length))
    visible = find_runs(parts)
    said = _moved(speaking or {}, played) if options.speaker_frame else None
    overlays = build_overlays(window, placed, visible, cast, options.names, fps, frames, said)
    playing = Playing(timeline, played, is_window, placed, visible, bed, fps)
    accounts = draw_accounts(segments, facts, unusable, playing)
    seen = {h.video_id for _, _, h in visible}
    hidden = {s.video_id for s in segments if s.hides_picture}
    inside = {clip.video_id for _, clip in window.clips()}
    missed = [
        *find_unshowable(window, {n: f for n, f in facts.items() if n not in hidden}),
        *find_lost(segments, accounts, unusable),
        *find_background(window, segments, facts, parts, fps),
        *find_nothing(window, segments),
    ]
    card = cast.card or ClassCard()
    timezone = options.timezone or card.timezone
    zone = load_zone(timezone) if timezone is not None else None
    chapters = planned_chapters(window, cast, zone, has_own=has_own_chapters)
    told = tuple(place_findings(timeline.findings, window))
    gone = {found.where: reason_of(found.sentence) for found in told if found.where in unusable}
    stated = (*findings, *told, *arrangement.findings, *missed)
    if overlays and mode is Mode.COPY:
        stated = (*stated, note("", "The picture is copied as it is: no names are drawn on it."))
    if not seen and not placed.cards:
        stated = (*stated, note("", "Nothing is visible: the playback shows its background."))
    if options.end is not None and options.end > timeline.length:
        ends = clock_text(timeline.length)
        stated = (*stated, note("", f"--to {clock_text(options.end)} is behind the end: the playback ends at {ends}."))
    lanes = build_lanes(visible, placed.layout, overlays) if mode is Mode.ENCODE else ()
    return Plan(
        fps=fps,
        frames=frames,
        length=PlayMs(window.length),
        canvas=placed.layout.canvas,
        layout=placed.layout.name,
        layout_reason=placed.reason,
        mode=final_mode,
        mode_reason=reason,
        scenes=build_scenes(parts, placed.layout, final_mode, reason),
        lanes=lanes,
        imagery=find_imagery(lanes, facts, {s.video_id: s.kind for s in segments}),
        copied=runs,
        wants_stamps=copying.wants_stamps,
        wants_speech=placed.wants_speech,
        bed=bed,
        chapters=chapters,
        finds_pages=window.length >= NEAREST + LAST
        and (options.chapters == "scenes" or (mode is Mode.ENCODE and not has_own_chapters)),
        keyframes=tuple(sorted({frame_at(c.at, fps) for c in chapters if 0 < c.at < window.length})),
        is_provisional=is_provisional,
        accounts=accounts,
        outcomes=judge_segments(
            segments,
            seen=seen,
            bed=bed,
            unusable={**unusable, **gone},
            findings=stated,
            outside={clip.video_id for _, clip in timeline.clips()} - inside,
            accounts=accounts,
        ),
        findings=fold(stated),
        people=cast.people if cast.card is not None else (),
        title=card.title,
        course=card.course,
        timezone=timezone,
    )


def _inside(arrangement: Arrangement, start: PlayMs, window: Timeline) -> Arrangement:
    whole = Span(start=start, end=PlayMs(start + window.length))
    placements = tuple(_cut_to(arrangement.placements, whole))
    return arrangement.model_copy(update={"placements": placements, "cards": tuple(_cut_to(arrangement.cards, whole))})


_Placed = TypeVar("_Placed", Placement, CardPlacement)


def _cut_to(placed: Sequence[_Placed], whole: Span) -> Iterator[_Placed]:
    """The parts of placements within a window, on its axis."""
    for placement in placed:
        part = placement.span.within(whole)
        if part == placement.span and whole.start == 0:
            yield placement
        elif part is not None:
            yield placement.model_copy(update={"span": part.shifted(Ms(-whole.start))})


def _moved(speaking: Speaking, whole: Span) -> Speaking:
    """Spans of speech within a window, on its axis."""
    return {user: [part.shifted(Ms(-whole.start)) for part in shared(spans, whole)] for user, spans in speaking.items()}
