"""Copy or encode, and why (DESIGN, Copying).

Picture packets may be copied untouched where the whole playback is one picture that fills the canvas, every clip has
the same parameter sets, starts on a key frame, and ends where no kept packet refers to a dropped one. If one clip
fails, the WHOLE playback is encoded, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, lcm

from assembler.facts import Facts, VideoFacts
from assembler.layout.model import Arrangement, Canvas
from assembler.options import Options
from assembler.plan.model import CopiedRun, Mode
from assembler.plan.scenes import Visible, all_shown, clip_of, clips_by_file
from assembler.timeline.model import Clip, Timeline
from assembler.times import Ms, Span, clock_text

COPIED_CODEC = "h264"
"""Codec that is copied where no other encoder was asked for."""
LONGEST_STILL = Ms(1000)
"""Maximum gap in a copied playback, in ms, that lengthens the frame before it; a longer one needs a background:
encode."""
INSTANT = Fraction(1, 2000)
"""Minimum distance of two pictures, in s: nearer ones are only there to decode others (``StreamStamps.hide``), or a
clock stood still."""
LARGEST_TIME_SCALE = 2**31 - 1
"""Maximum time scale of an mp4 track, in ticks per second."""


class CannotCopy(Exception):
    """Raised with the reason, in words, and the segments whose stamps would tell more; never leaves this room."""

    def __init__(self, reason: str, wants_stamps: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.wants_stamps = wants_stamps


@dataclass(frozen=True)
class Copying:
    """The decision for a whole playback."""

    mode: Mode
    """Copied, encoded, or open."""
    reason: str
    """Reason in words."""
    runs: tuple[CopiedRun, ...] = ()
    """Runs to copy; empty when it is encoded."""
    wants_stamps: tuple[str, ...] = ()
    """Segments that may be copied if the stamps of their packets, not known yet, allow it."""


NOT_ALLOWED = Copying(Mode.ENCODE, "it may not be copied")
"""Decision of a caller that wants an encode."""


@dataclass(frozen=True)
class _CopyPart:
    """Part of one clip that is seen without a break."""

    clip: Clip
    span: Span
    """Playback axis; reaches to the clip's own start and end where nothing of its picture is left out there."""


def decide_copying(
    timeline: Timeline,
    arrangement: Arrangement,
    parts: Sequence[Visible],
    facts: Mapping[str, Facts],
    options: Options,
) -> Copying:
    """The mode of the whole playback, the reason, and what to copy."""
    canvas = arrangement.layout.canvas
    try:
        if arrangement.cards:
            raise CannotCopy("cards are drawn for people without a picture")
        shown = _only_picture(timeline, arrangement, parts)
        if options.fps is not None:
            raise CannotCopy("a frame rate was asked for")
        if options.encoder.codec != COPIED_CODEC:
            raise CannotCopy(f"{options.encoder} was asked for, and what could be copied is H.264")
        _check_pictures([part.clip.video_id for part in shown], canvas, facts)
        runs = _check_stamps(shown, timeline.length, facts)
    except CannotCopy as exc:
        return Copying(Mode.ENCODE, str(exc), wants_stamps=exc.wants_stamps)
    reason = "one picture fills the canvas in one set of parameters: its packets are copied"
    return Copying(Mode.COPY, reason, runs=tuple(runs))


def time_scale(pictures: Sequence[VideoFacts]) -> int:
    """Ticks per second in which every source stamp and every millisecond is whole."""
    return lcm(90_000, *(p.time_base.denominator for p in pictures))


def _only_picture(timeline: Timeline, arrangement: Arrangement, parts: Sequence[Visible]) -> list[_CopyPart]:
    """The one picture that is ever seen, part by part."""
    layout = arrangement.layout
    ever = all_shown(parts)
    slots = {h.slot for h in ever}
    if len(slots) != 1:
        raise CannotCopy("several pictures are composed" if slots else "there is no picture at all")
    slot, canvas = layout.slots[slots.pop()], layout.canvas
    if (slot.rect.x, slot.rect.y, slot.rect.width, slot.rect.height) != (0, 0, canvas.width, canvas.height):
        raise CannotCopy("the picture does not fill the canvas")
    seen = {(h.video_id, h.start) for h in ever}
    clips = clips_by_file(timeline)
    shown = sorted(
        (
            _part(clip_of(placement, clips[placement.video_id]), placement.span)
            for placement in arrangement.placements
            if placement.slot == slot.name and (placement.video_id, placement.span.start) in seen
        ),
        key=lambda part: part.span.start,
    )
    for part, following in pairwise(shown):
        if following.span.start < part.span.end:
            raise CannotCopy(f"{following.clip.video_id} covers {part.clip.video_id}")
    return shown


def _part(clip: Clip, span: Span) -> _CopyPart:
    # a picture's own borders are rounded to ms, its frames are not: they end with the clip
    picture = clip.picture or clip.span
    start = clip.span.start if span.start == picture.start else span.start
    end = clip.span.end if span.end == picture.end else span.end
    return _CopyPart(clip, Span(start=start, end=end))


def _check_pictures(video_ids: Sequence[str], canvas: Canvas, facts: Mapping[str, Facts]) -> None:
    """Check everything but the stamps, of every picture."""
    first: VideoFacts | None = None
    unknown = []
    for video_id in dict.fromkeys(video_ids):
        picture = _picture(video_id, facts)
        if picture is not None:
            first = first or picture
            _check_picture(video_id, picture, first, canvas)
        if picture is None or picture.stamps is None:
            unknown.append(video_id)
    if unknown:
        is_probed = all(_picture(video_id, facts) is not None for video_id in unknown)
        reason = "the times of its packets were not read, so they are not copied"  # for the class they were not needed
        if not is_probed:
            reason = "copied if the files allow it (they were not probed yet)"
        raise CannotCopy(reason, wants_stamps=tuple(unknown))
    pictures = [picture for video_id in video_ids if (picture := _picture(video_id, facts)) is not None]
    if time_scale(pictures) > LARGEST_TIME_SCALE:
        raise CannotCopy("the files' time bases have no common one that mp4 can carry")


def _picture(video_id: str, facts: Mapping[str, Facts]) -> VideoFacts | None:
    known = facts.get(video_id)
    return known.picture if known is not None else None


def _check_stamps(shown: Sequence[_CopyPart], length: Ms, facts: Mapping[str, Facts]) -> list[CopiedRun]:
    runs: list[CopiedRun] = []
    shown_until = Fraction(0)
    for part in shown:
        run, first, end = _run(part, facts[part.clip.video_id])
        if runs and first < shown_until:
            raise CannotCopy(f"the pictures of {run.video_id} begin before those of {runs[-1].video_id} end")
        if (first - shown_until) * 1000 > LONGEST_STILL:
            gap = clock_text(round((first - shown_until) * 1000))
            raise CannotCopy(f"nothing is there for {gap} before {run.video_id}: a background has to be drawn")
        runs.append(run)
        shown_until = end
    if length - shown_until * 1000 > LONGEST_STILL:
        raise CannotCopy(f"the picture ends at {clock_text(int(shown_until * 1000))} of the playback, before it does")
    return runs


def _check_picture(video_id: str, picture: VideoFacts, first: VideoFacts, canvas: Canvas) -> None:
    stretch = picture.stretches[0]
    if picture.codec != COPIED_CODEC:
        raise CannotCopy(f"{video_id} is {picture.codec}, not H.264")
    if picture.pace != 1:
        raise CannotCopy(f"clock drift is taken out of {video_id}")
    if len(picture.stretches) > 1 or picture.has_new_sets:
        raise CannotCopy(f"the picture of {video_id} changes inside the file")
    if stretch.rotation or stretch.sample_aspect != 1:
        raise CannotCopy(f"{video_id} is rotated or has no square pixels")
    if (stretch.width, stretch.height) != (canvas.width, canvas.height):
        raise CannotCopy(f"{video_id} is {stretch.width}x{stretch.height}, the canvas {canvas.width}x{canvas.height}")
    if picture.extradata != first.extradata:
        raise CannotCopy(f"{video_id} has other parameter sets than the file before it")


def check_exact(video_id: str, shown: Sequence[int], time_base: Fraction, has_hidden: bool) -> None:
    """Check the stamps; raises CannotCopy where an mp4 cannot hold them, or would show what the source hides."""
    least = ceil(INSTANT / time_base)  # ticks: an hour has 54,000 distances
    if any(after - before < least for before, after in pairwise(sorted(shown))):
        raise CannotCopy(f"{video_id} has several pictures of one stamp")
    if has_hidden:
        raise CannotCopy(f"{video_id} holds pictures that its edit list takes away")


def _run(part: _CopyPart, known: Facts) -> tuple[CopiedRun, Fraction, Fraction]:
    """Return what is copied of one part, with the playback seconds of its first frame and behind its last one."""
    picture, clip = known.picture, part.clip
    assert picture is not None  # what has none is seen nowhere
    stamps = picture.stamps or ()
    offset = Fraction(clip.span.start - clip.file_start, 1000) - known.origin
    # whole numbers: three hours have 160,000 stamps
    lowest = max(picture.first, ceil((Fraction(part.span.start, 1000) - offset) / picture.time_base))
    behind = ceil((Fraction(part.span.end, 1000) - offset) / picture.time_base)
    kept = [index for index, stamp in enumerate(stamps) if lowest <= stamp < behind]
    if not kept:
        raise CannotCopy(f"{clip.video_id} has no picture inside its clip")
    first, end = kept[0], kept[-1] + 1
    at = f"{clock_text(part.span.start)} of the playback"
    if stamps[first] not in set(picture.keyframes) or stamps[first] != min(stamps[i] for i in kept):
        raise CannotCopy(f"{clip.video_id} has no key frame where its clip starts ({at})")
    if len(kept) != end - first:
        at = f"{clock_text(part.span.end)} of the playback"
        raise CannotCopy(f"the cut of {clip.video_id} at {at} would keep packets that refer to dropped ones")
    shown = [stamps[i] for i in kept]
    check_exact(clip.video_id, shown, picture.time_base, any(first <= index < end for index in picture.hidden))
    last = picture.time_base * max(shown) + offset
    still = picture.time_base * (max(shown) - min(shown)) / (len(shown) - 1) if len(shown) > 1 else 1 / picture.rate
    run = CopiedRun(video_id=clip.video_id, first_packet=first, end_packet=end, offset=offset)
    return run, picture.time_base * min(shown) + offset, min(last + still, Fraction(part.span.end, 1000))
