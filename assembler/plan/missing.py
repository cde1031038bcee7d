"""Findings about recorded content that a playback misses: none is ``ok`` that leaves something out unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from assembler.errors import InputError
from assembler.facts import NO_KEY, PACKETS_LOST, Facts
from assembler.findings import Finding, note, warning
from assembler.layout.model import Layout
from assembler.plan.account import CUT_OFF, recorded_spans
from assembler.plan.model import Account, AudioBed, Content, LostPart
from assembler.plan.scenes import Visible
from assembler.recording import Segment
from assembler.timeline.model import Timeline, stream_name
from assembler.times import Ms, Span, clock_text, frame_ms, shared, span, union

LARGEST_LOSS = Ms(1000)
"""Maximum loss of one segment's picture or sound, in ms, that is only a note; more is a warning."""
ROUNDING = Ms(100)
"""Maximum loss that is not even a note, in ms: files are a frame longer or shorter than declared."""
LONGEST_BACKGROUND = Ms(2000)
"""Maximum stretch of background while something was recorded, in ms; a longer one is a warning."""
LONGEST_NOTHING = Ms(60_000)
"""Maximum stretch of which nobody recorded anything, in ms; a longer one is a note: perhaps a time is wrong."""
REPORTED = (NO_KEY, PACKETS_LOST, CUT_OFF)
"""Reasons of which ``find_unshowable`` tells, and ``timeline.compare``."""
NAMED_PLACES = 3
"""Maximum number of places of one loss that are named."""


def refuse_nothing(window: Timeline, layout: Layout, parts: Iterable[Visible], bed: AudioBed) -> None:
    """Check that a layout shows or plays something; raises InputError where something was recorded and nothing is."""
    if bed.pieces or any(part.shown for part in parts):
        return
    recorded = [track.name for track in window.tracks if any(c.picture or c.sound for c in track.clips)]
    if recorded:
        more = f" and {len(recorded) - NAMED_PLACES} more" if len(recorded) > NAMED_PLACES else ""
        raise InputError(
            f"layout {layout.name} shows nothing and plays nothing of what was recorded"
            f" ({', '.join(recorded[:NAMED_PLACES])}{more})",
            hint="Take --layout auto, or --layout mix for a mixed stream.",
        )


def find_lost(segments: Sequence[Segment], accounts: Iterable[Account], unusable: Iterable[str]) -> list[Finding]:
    """A warning for each segment of which over a second is lost, a note for less.

    Files that could not be used at all (``unusable``) are told elsewhere.
    """
    names = {s.video_id: stream_name(s.kind, s.user, s.stream_id) for s in segments}
    silent = set(unusable)
    findings = []
    for account in accounts:
        if account.video_id in silent:
            continue
        for content, ledger in ((Content.PICTURE, account.picture), (Content.SOUND, account.sound)):
            parts = [loss for loss in ledger.lost if loss.why not in REPORTED]
            lost = sum(loss.end - loss.start for loss in parts)
            if lost > ROUNDING:
                sentence = f"Of the {content.value} of {names[account.video_id]}, {_places(parts, lost)}."
                findings.append((warning if lost > LARGEST_LOSS else note)(account.video_id, sentence))
    return findings


def find_unshowable(window: Timeline, facts: Mapping[str, Facts]) -> list[Finding]:
    """State what of a picture its own file lets nobody see, by the playback's times: a warning, or a note for a short
    start without a key frame."""
    findings = []
    for track, clip in window.clips():
        picture = facts[clip.video_id].picture if clip.video_id in facts else None
        by = Ms(clip.span.start - clip.file_start)
        for part in picture.lost if picture is not None else ():
            for gone in shared([span(part.start, part.end).shifted(by)], clip.span):
                tell = warning if part.why != NO_KEY or gone.length > LARGEST_LOSS else note
                sentence = (
                    f"The picture of {track.name} cannot be shown from {clock_text(gone.start)} to"
                    f" {clock_text(gone.end)} of the playback: {part.why}."
                )
                findings.append(tell(clip.video_id, sentence))
    return findings


def _places(losses: Sequence[LostPart], lost: int) -> str:
    by_reason: dict[str, list[Span]] = {}
    for loss in losses:
        by_reason.setdefault(loss.why, []).append(span(loss.start, loss.end))
    sentences = []
    for why, spans in by_reason.items():
        places = [f"{clock_text(p.start)} to {clock_text(p.end)}" for p in union(spans)]
        more = f" and {len(places) - NAMED_PLACES} more" if len(places) > NAMED_PLACES else ""
        sentences.append(f"from {', '.join(places[:NAMED_PLACES])}{more} of its file ({why})")
    return f"{clock_text(lost)} {'are' if lost != 1000 else 'is'} not in the playback: {'; '.join(sentences)}"


def find_nothing(window: Timeline, segments: Sequence[Segment]) -> list[Finding]:
    """State stretches in which no file has a place, not even one that is missing or shorter than declared."""
    declared = {s.video_id: s.duration or 0 for s in segments}
    places = [part.span for part in window.absent]
    for _, clip in window.clips():
        end = clip.span.start - clip.file_start + declared[clip.video_id]
        places.append(span(clip.span.start, max(clip.span.end, end)))
    recorded = union(places)
    return [
        note(
            "",
            f"From {clock_text(hole.start)} to {clock_text(hole.end)} of the playback nothing was recorded: if that is"
            " not so, a time in the result is wrong.",
        )
        for hole in span(0, window.length).without(recorded)
        if hole.length > LONGEST_NOTHING
    ]


def find_background(
    window: Timeline, segments: Sequence[Segment], facts: Mapping[str, Facts], parts: Sequence[Visible], fps: Fraction
) -> list[Finding]:
    """Stretches in which nothing is seen although somebody's picture was recorded."""
    known = {s.video_id: s for s in segments}
    recorded: dict[str, list[Span]] = {}
    for track, clip in window.clips():
        if clip.picture is not None and clip.video_id in facts:
            by = Ms(clip.span.start - clip.file_start)
            held = recorded_spans(known[clip.video_id], facts[clip.video_id], Content.PICTURE)
            recorded.setdefault(track.name, []).extend(shared([part.shifted(by) for part in held], clip.picture))
    everything = union(part for spans in recorded.values() for part in spans)
    findings = []
    empty = union(span(frame_ms(p.first, fps), frame_ms(p.end, fps)) for p in parts if not p.shown)
    for missed in (part for stretch in empty for part in shared(everything, stretch)):
        if missed.length > LONGEST_BACKGROUND:
            names = [name for name, spans in recorded.items() if any(part.meets(missed) for part in spans)]
            more = f" and {len(names) - NAMED_PLACES} more" if len(names) > NAMED_PLACES else ""
            sentence = (
                f"From {clock_text(missed.start)} to {clock_text(missed.end)} of the playback nothing is seen, although"
                f" there is a picture of {', '.join(names[:NAMED_PLACES])}{more}."
            )
            findings.append(warning("", sentence))
    return findings
