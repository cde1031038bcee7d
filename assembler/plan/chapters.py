"""Chapters: start, pauses with their times of day, shares, new pages. Pure.

Chapters that are known before anything is rendered begin with key frames that the plan asks for. New pages are found in
what was rendered (``plan.stage``), and begin where they are seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.build import break_title
from assembler.timeline.join import border_title
from assembler.timeline.model import Chapter, Clock, Timeline, Track
from assembler.times import Ms, PlayMs, Span, span, union

NEAREST = Ms(20_000)
"""Minimum distance of a found chapter from others and from the end, in ms; a closer one is part of them."""
MOST = 60
"""Maximum number of chapters to which shares and pages are added: a longer list helps nobody."""
LONGEST_NAME = 60
"""Maximum length of a person's name in a title, in characters."""


def planned_chapters(timeline: Timeline, cast: Cast, zone: ZoneInfo | None, *, has_own: bool) -> tuple[Chapter, ...]:
    """Chapters that are known before rendering: those of the timeline, pauses with their times of day, and screen
    shares unless the school has chapters of its own (``has_own``). ``zone`` None: times of day are in UTC."""
    times = _times_of_pauses(timeline.clock, zone)
    fixed = [Chapter(at=c.at, title=times.get((c.at, c.title), c.title)) for c in timeline.chapters]
    shares = [] if has_own else [mark for track in timeline.tracks for mark in _shares(track, cast)]
    return _with_found(fixed, shares, PlayMs(timeline.length))


def with_pages(chapters: Sequence[Chapter], pages: Iterable[Chapter], length: PlayMs) -> tuple[Chapter, ...]:
    """Return the chapters with new pages among them; of pages that follow each other closely the first one counts."""
    first: list[Chapter] = []
    latest = -NEAREST
    for page in sorted(pages, key=lambda chapter: chapter.at):
        if page.at - latest >= NEAREST:
            first.append(page)
        latest = page.at  # whoever leafs through a book has one chapter
    return _with_found(chapters, first, length)


def _with_found(chapters: Sequence[Chapter], found: Iterable[Chapter], length: PlayMs) -> tuple[Chapter, ...]:
    """Add those that are far enough from the others and from the end; of too many those that last longest."""
    kept = list(chapters)
    added: list[Chapter] = []
    for chapter in sorted(found, key=lambda chapter: chapter.at):
        if length - chapter.at >= NEAREST and all(abs(chapter.at - other.at) >= NEAREST for other in kept):
            kept.append(chapter)
            added.append(chapter)
    kept.sort(key=lambda chapter: chapter.at)
    ends = dict(zip((c.at for c in kept), [*(c.at for c in kept[1:]), length], strict=True))
    ranked = sorted(added, key=lambda chapter: (chapter.at - ends[chapter.at], chapter.at))
    dropped = set(ranked[max(0, MOST - len(chapters)) :])
    return tuple(chapter for chapter in kept if chapter not in dropped)


def _times_of_pauses(clock: Clock, zone: ZoneInfo | None) -> dict[tuple[PlayMs, str], str]:
    """Write the times of day behind the titles of pauses: "Break of 4:12 (10:32-10:36)"; by instant and title."""
    found: dict[tuple[PlayMs, str], str] = {}
    if clock.start is None:
        return found
    skipped = 0
    for jump in clock.jumps:
        if jump.length is None:
            break
        stops = clock.start + jump.at + skipped
        skipped += jump.length
        first, last = (datetime.fromtimestamp(wall // 1000, zone or UTC) for wall in (stops, stops + jump.length))
        form = "%H:%M" if f"{first:%H:%M}" != f"{last:%H:%M}" else "%H:%M:%S"
        times = f"({first.strftime(form)}-{last.strftime(form)}{'' if zone else ' UTC'})"
        for title in (break_title(jump.length), border_title(jump.length)):
            found.setdefault((jump.at, title), f"{title} {times}")
    return found


def _shares(track: Track, cast: Cast) -> list[Chapter]:
    """Mark the start and the end of each screen share; one that comes back soon goes on."""
    if track.kind is not StreamKind.SCREEN:
        return []
    name = cast.name_of(track.user)[:LONGEST_NAME]
    begins, ends = (f"{name} shares the screen", f"{name} stops sharing") if name else ("Screen share", "End of share")
    seen = [clip.picture for clip in track.clips if clip.picture is not None]
    wide = union(span(part.start, part.end + NEAREST) for part in seen)
    parts = [Span(start=part.start, end=PlayMs(part.end - NEAREST)) for part in wide]
    return [mark for part in parts for mark in (Chapter(at=part.start, title=begins), Chapter(at=part.end, title=ends))]
