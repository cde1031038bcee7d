"""Timelines concatenated (a class recorded in several tasks), and windows cut out of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from assembler.errors import InputError
from assembler.findings import note, warning
from assembler.recording import Recording, StreamKind
from assembler.timeline.clock import wall_at
from assembler.timeline.model import Chapter, Clip, Clock, Jump, Timeline, Track
from assembler.timeline.tracks import gaps_between
from assembler.times import FileMs, Ms, PlayMs, Span, WallMs, clock_text, wall_text, whole_seconds


def order_recordings(recordings: Sequence[Recording]) -> list[Recording]:
    """Recordings of one room in the order in which they happened.

    Raises InputError naming both where two overlap, and where one of several names no start.
    """
    if len(recordings) < 2:
        return list(recordings)
    for recording in recordings:
        if recording.start is None:
            raise InputError(
                f"{recording.name} names no start, so it cannot be put in order with the others",
                hint="Give its result alone, or write its start into it (`start`; the vendor's RecordStartTime).",
            )
    ordered = sorted(recordings, key=lambda r: (r.start or 0, r.stop or 0))
    for before, after in pairwise(ordered):
        end = before.stop if before.stop is not None else WallMs((before.start or 0) + (before.total or 0))
        if after.start is not None and (after.start < end or after.start == before.start):
            raise InputError(
                f"{before.name} (until {wall_text(end)}) and {after.name} (from {wall_text(after.start)}) overlap",
                hint="Give only results of one room that follow each other, each once.",
            )
    return ordered


def append(first: Timeline, second: Timeline) -> Timeline:
    """One timeline of two: the border is like an omission, nothing is inserted where the wall clock jumps."""
    border = PlayMs(first.length)
    jumps = [*first.clock.jumps, *_border_jump(first, second), *(_later(j, border) for j in second.clock.jumps)]
    between = next((j.length for j in jumps if j.at == border and j.reason == "next recording"), None)
    chapters = [c for c in first.chapters if c.at < border]
    chapters += [Chapter(at=border, title=border_title(between))]
    chapters += [Chapter(at=PlayMs(c.at + border), title=c.title) for c in second.chapters if c.at > 0]
    findings = [*first.findings, *second.findings]
    if first.play_times != second.play_times:
        findings.append(warning("", "The recordings' play times are on different axes; each was read on its own."))
    later, absent = (
        [part.model_copy(update={"span": part.span.shifted(Ms(border))}) for part in parts]
        for parts in (second.left_out, second.absent)
    )
    return Timeline(
        length=Ms(first.length + second.length),
        tracks=_merge_tracks(first.tracks, second.tracks, border),
        clock=Clock(start=first.clock.start, is_exact=first.clock.is_exact, jumps=tuple(jumps)),
        chapters=tuple(chapters),
        play_times=first.play_times,
        play_times_reason="; ".join(dict.fromkeys([first.play_times_reason, second.play_times_reason])),
        left_out=(*first.left_out, *later),
        absent=(*first.absent, *absent),
        findings=tuple(findings),
    )


def border_title(length: Ms | None) -> str:
    """Name the chapter that begins with a further recording; None where nobody knows how much later that was."""
    return "Next recording" if length is None else f"Next recording, {clock_text(whole_seconds(length))} later"


def with_chapters(timeline: Timeline, own: Sequence[Chapter]) -> Timeline:
    """Return the timeline with further marks, which go before those that are there; a note tells of marks behind its
    end."""
    if not own:
        return timeline
    marks = {chapter.at: chapter for chapter in (*timeline.chapters, *own) if chapter.at < timeline.length}
    findings = [
        note("chapters", f"The chapter at {clock_text(chapter.at)} lies behind the end of the playback.")
        for chapter in own
        if chapter.at >= timeline.length
    ]
    return timeline.model_copy(
        update={
            "chapters": tuple(marks[at] for at in sorted(marks)),
            "findings": (*timeline.findings, *findings),
        }
    )


def _later(jump: Jump, by: PlayMs) -> Jump:
    return jump.model_copy(update={"at": PlayMs(jump.at + by)})


def _border_jump(first: Timeline, second: Timeline) -> list[Jump]:
    border = PlayMs(first.length)
    end = wall_at(first.clock, border)
    if end is None or second.clock.start is None:
        return [Jump(at=border, length=None, pause=None, reason="next recording")]
    return [Jump(at=border, length=Ms(max(0, second.clock.start - end)), pause=end, reason="next recording")]


def _merge_tracks(first: Sequence[Track], second: Sequence[Track], border: PlayMs) -> tuple[Track, ...]:
    merged = {(t.kind, t.user, t.stream_id if t.kind is StreamKind.MIX else ""): t for t in first}
    for track in second:
        moved = [_moved(clip, Ms(border)) for clip in track.clips]
        key = (track.kind, track.user, track.stream_id if track.kind is StreamKind.MIX else "")
        before = merged.get(key)
        clips = [*before.clips, *moved] if before is not None else moved
        base = before if before is not None else track
        merged[key] = base.model_copy(update={"clips": tuple(clips), "gaps": gaps_between(clips)})
    return tuple(sorted(merged.values(), key=lambda t: (list(StreamKind).index(t.kind), t.user, t.stream_id)))


def _moved(clip: Clip, by: Ms) -> Clip:
    return clip.model_copy(
        update={
            "span": clip.span.shifted(by),
            "picture": clip.picture.shifted(by) if clip.picture is not None else None,
            "sound": clip.sound.shifted(by) if clip.sound is not None else None,
        }
    )


def cut_window(timeline: Timeline, start: PlayMs | None, end: PlayMs | None) -> Timeline:
    """The timeline of a window: its playback 0 is the window's start.

    Raises InputError where the window is empty or outside the playback.
    """
    if start is None and end is None:
        return timeline
    first, last = start if start is not None else PlayMs(0), end if end is not None else PlayMs(timeline.length)
    if not 0 <= first < last or first >= timeline.length:
        raise InputError(
            f"the window {clock_text(first)} to {clock_text(last)} holds nothing of a playback of"
            f" {clock_text(timeline.length)}",
            hint="Give an earlier --from." if first >= timeline.length else "Give --from before --to.",
        )
    window = Span(start=first, end=PlayMs(min(last, timeline.length)))
    by = Ms(-window.start)
    tracks = []
    for track in timeline.tracks:
        clips = [_moved(part, by) for part in (_clipped(clip, window) for clip in track.clips) if part is not None]
        if clips:
            tracks.append(track.model_copy(update={"clips": tuple(clips), "gaps": gaps_between(clips)}))
    absent = [
        part.model_copy(
            update={"span": kept.shifted(by), "file_start": FileMs(part.file_start + kept.start - part.span.start)}
        )
        for part in timeline.absent
        if (kept := part.span.within(window)) is not None
    ]
    inside = [c for c in timeline.chapters if window.holds(c.at) and c.at > window.start]
    chapters = [Chapter(at=PlayMs(0), title="Start"), *(Chapter(at=PlayMs(c.at + by), title=c.title) for c in inside)]
    return timeline.model_copy(
        update={
            "length": window.length,
            "tracks": tuple(tracks),
            "absent": tuple(absent),
            "clock": _window_clock(timeline.clock, window),
            "chapters": tuple(chapters),
        }
    )


def _clipped(clip: Clip, window: Span) -> Clip | None:
    span = clip.span.within(window)
    if span is None:
        return None
    return clip.model_copy(
        update={
            "span": span,
            "file_start": FileMs(clip.file_start + span.start - clip.span.start),
            "picture": clip.picture.within(window) if clip.picture is not None else None,
            "sound": clip.sound.within(window) if clip.sound is not None else None,
        }
    )


def _window_clock(clock: Clock, window: Span) -> Clock:
    inside = tuple(_later(j, PlayMs(-window.start)) for j in clock.jumps if window.start < j.at < window.end)
    return Clock(start=wall_at(clock, window.start), is_exact=clock.is_exact, jumps=inside)
