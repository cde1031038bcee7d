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
"""Minimum distance of a found chapter from others, in ms; a closer one is part of them."""
LAST = Ms(10_000)
"""Minimum length of a found chapter that is the last one, in ms: there is no list of them to keep short."""
COMES_BACK = Ms(10_000)
"""Maximum time in which a share goes on that comes back, in ms: time to reconnect, or to choose another window."""
MOST = 60
"""Maximum number of chapters to which shares and pages are added: a longer list helps nobody."""
LONGEST_NAME = 60
"""Maximum length of a person's name in a title, in characters."""


def planned_chapters(timeline: Timeline, cast: Cast, zone: ZoneInfo | None, *, has_own: bool) -> tuple[Chapter, ...]:
    """Chapters that are known before rendering: those of the timeline, pauses with their times of day, and screen
    shares unless the school has chapters of its own (``has_own``). ``zone`` None: times of day are in UTC."""
    times = _times_of_pauses(timeline.clock, zone)
    fixed = [Chapter(at=c.at, title=times.get((c.at, c.title), c.title)) for c in timeline.chapters]
    return _with_found(fixed, () if has_own else _shares(timeline.tracks, cast), PlayMs(timeline.length))


def with_pages(chapters: Sequence[Chapter], pages: Iterable[Chapter], length: PlayMs) -> tuple[Chapter, ...]:
    """Return the chapters with new pages among them; of pages that follow each other closely, as when somebody leafs
    through a book, the first one counts, and the last one, which stays."""
    found = sorted(pages, key=lambda chapter: chapter.at)
    ats = [-NEAREST, *(page.at for page in found), length + NEAREST]
    counted = [page for n, page in enumerate(found, 1) if max(page.at - ats[n - 1], ats[n + 1] - page.at) >= NEAREST]
    return _with_found(chapters, [counted], length)


def _with_found(chapters: Sequence[Chapter], ranks: Iterable[Iterable[Chapter]], length: PlayMs) -> tuple[Chapter, ...]:
    """Add those that are far enough from the others and from the end, the more important ``ranks`` first; of too many
    of a rank those that last longest."""
    kept = list(chapters)
    added: list[tuple[int, Chapter]] = []
    for rank, found in enumerate(ranks):
        for chapter in sorted(found, key=lambda chapter: chapter.at):
            if length - chapter.at >= LAST and all(abs(chapter.at - other.at) >= NEAREST for other in kept):
                kept.append(chapter)
                added.append((rank, chapter))
    kept.sort(key=lambda chapter: chapter.at)
    ends = dict(zip((c.at for c in kept), [*(c.at for c in kept[1:]), length], strict=True))
    ranked = sorted(added, key=lambda one: (one[0], one[1].at - ends[one[1].at], one[1].at))
    dropped = {chapter for _, chapter in ranked[max(0, MOST - len(chapters)) :]}
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


def _shares(tracks: Iterable[Track], cast: Cast) -> tuple[list[Chapter], list[Chapter]]:
    """Mark the starts and the ends of screen shares; somebody's share that comes back soon goes on."""
    seen: dict[str, list[Span]] = {}
    for track in tracks:
        if track.kind is StreamKind.SCREEN:
            spans = [clip.picture for clip in track.clips if clip.picture is not None]
            seen.setdefault(track.user, []).extend(spans)
    starts: list[Chapter] = []
    ends: list[Chapter] = []
    for user, spans in seen.items():
        name = cast.name_of(user)[:LONGEST_NAME]
        begins, stops = (
            (f"{name} shares the screen", f"{name} stops sharing") if name else ("Screen share", "End of share")
        )
        for part in union(span(one.start, one.end + COMES_BACK) for one in spans):
            starts.append(Chapter(at=part.start, title=begins))
            ends.append(Chapter(at=PlayMs(part.end - COMES_BACK), title=stops))
    return starts, ends
