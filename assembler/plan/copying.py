"""Copy or encode, and why (TRAPS, Copying).

Picture packets may be copied untouched where the whole playback is one picture that fills the canvas, every clip has
the same parameter sets, starts on a key frame, and ends where no kept packet refers to a dropped one. If one clip
fails, the WHOLE playback is encoded, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

from assembler.facts import Facts, PictureFacts
from assembler.layout.model import Canvas, Layout
from assembler.options import Options
from assembler.plan.model import CopiedRun, Mode
from assembler.plan.scenes import Visible
from assembler.timeline.model import Clip, Timeline
from assembler.times import Ms, clock_text

COPIED_CODEC = "h264"
LONGEST_STILL = Ms(1000)
"""A gap in a copied playback up to this lengthens the frame before it; a longer one needs a background: encode."""
LARGEST_TIME_SCALE = 2**31 - 1
"""What an mp4 track can carry."""


class CannotCopy(Exception):
    """Why not, in words; never leaves this room."""


def decide_copying(
    timeline: Timeline, parts: Sequence[Visible], layout: Layout, facts: Mapping[str, Facts], options: Options
) -> tuple[Mode, str, tuple[CopiedRun, ...]]:
    """The mode of the whole playback, the reason, and what to copy."""
    try:
        clips = _only_clips(timeline, parts, layout)
        if options.fps is not None:
            raise CannotCopy("a frame rate was asked for")
        if options.encoder.codec != COPIED_CODEC:
            raise CannotCopy(f"{options.encoder} was asked for, and what could be copied is H.264")
        runs = _check(clips, timeline.length, layout.canvas, facts)
    except CannotCopy as exc:
        return Mode.ENCODE, str(exc), ()
    return Mode.COPY, "one picture fills the canvas in one set of parameters: its packets are copied", tuple(runs)


def time_scale(pictures: Sequence[PictureFacts]) -> int:
    """Ticks per second in which every source stamp and every millisecond is whole."""
    return lcm(90_000, *(p.time_base.denominator for p in pictures))


def _only_clips(timeline: Timeline, parts: Sequence[Visible], layout: Layout) -> list[Clip]:
    slots = {h.slot for part in parts for h in part.shown}
    if len(slots) != 1:
        raise CannotCopy("several pictures are composed" if slots else "there is no picture at all")
    rect, canvas = layout.slots[slots.pop()].rect, layout.canvas
    if (rect.x, rect.y, rect.width, rect.height) != (0, 0, canvas.width, canvas.height):
        raise CannotCopy("the picture does not fill the canvas")
    seen = {(h.video_id, h.play_start) for part in parts for h in part.shown}
    clips = [c for _, c in timeline.clips() if (c.video_id, c.span.start - c.file_start) in seen]
    return sorted(clips, key=lambda c: c.span.start)


def _check(clips: Sequence[Clip], length: Ms, canvas: Canvas, facts: Mapping[str, Facts]) -> list[CopiedRun]:
    pictures: list[PictureFacts] = []
    runs: list[CopiedRun] = []
    shown_until = Fraction(0)
    for clip in clips:
        known = facts.get(clip.video_id)
        if known is None or known.picture is None or known.picture.stamps is None:
            raise CannotCopy(f"{clip.video_id} was not probed yet")
        picture = known.picture
        _check_picture(clip.video_id, picture, pictures[:1], canvas)
        pictures.append(picture)
        run, first, end = _run(clip, known, picture)
        if (first - shown_until) * 1000 > LONGEST_STILL:
            gap = clock_text(round((first - shown_until) * 1000))
            raise CannotCopy(f"nothing is there for {gap} before {clip.video_id}: a background has to be drawn")
        runs.append(run)
        shown_until = end
    if length - shown_until * 1000 > LONGEST_STILL:
        raise CannotCopy(f"the picture ends at {clock_text(int(shown_until * 1000))}, before the playback does")
    if time_scale(pictures) > LARGEST_TIME_SCALE:
        raise CannotCopy("the files' time bases have no common one that mp4 can carry")
    return runs


def _check_picture(video_id: str, picture: PictureFacts, first: Sequence[PictureFacts], canvas: Canvas) -> None:
    stretch = picture.stretches[0]
    if picture.codec != COPIED_CODEC:
        raise CannotCopy(f"{video_id} is {picture.codec}, not H.264")
    if len(picture.stretches) > 1:
        raise CannotCopy(f"the picture of {video_id} changes inside the file")
    if stretch.rotation or stretch.sample_aspect != 1:
        raise CannotCopy(f"{video_id} is rotated or has no square pixels")
    if (stretch.width, stretch.height) != (canvas.width, canvas.height):
        raise CannotCopy(f"{video_id} is {stretch.width}x{stretch.height}, the canvas {canvas.width}x{canvas.height}")
    if first and picture.extradata != first[0].extradata:
        raise CannotCopy(f"{video_id} has other parameter sets than the file before it")


def _run(clip: Clip, known: Facts, picture: PictureFacts) -> tuple[CopiedRun, Fraction, Fraction]:
    """What is copied of one clip, with the playback seconds of its first frame and behind its last one."""
    stamps = picture.stamps or ()
    offset = Fraction(clip.span.start - clip.file_start, 1000) - known.origin
    lowest = (Fraction(clip.span.start, 1000) - offset) / picture.time_base
    behind = (Fraction(clip.span.end, 1000) - offset) / picture.time_base
    kept = [index for index, stamp in enumerate(stamps) if lowest <= stamp < behind and stamp >= picture.first]
    if not kept:
        raise CannotCopy(f"{clip.video_id} has no picture inside its clip")
    first, end = kept[0], kept[-1] + 1
    at = clock_text(clip.span.start)
    if stamps[first] not in set(picture.keyframes) or stamps[first] != min(stamps[i] for i in kept):
        raise CannotCopy(f"{clip.video_id} has no key frame where its clip starts ({at})")
    if len(kept) != end - first:
        at = clock_text(clip.span.end)
        raise CannotCopy(f"the cut of {clip.video_id} at {at} would keep packets that refer to dropped ones")
    shown = [stamps[i] for i in kept]
    last = picture.time_base * max(shown) + offset
    still = picture.time_base * (max(shown) - min(shown)) / (len(shown) - 1) if len(shown) > 1 else 1 / picture.rate
    run = CopiedRun(video_id=clip.video_id, first_packet=first, end_packet=end, offset=offset)
    return run, picture.time_base * min(shown) + offset, min(last + still, Fraction(clip.span.end, 1000))
