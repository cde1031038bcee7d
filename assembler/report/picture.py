"""The timeline as a picture: an SVG inside a page, drawn to scale at any width, with its story as text in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from assembler.findings import Fate
from assembler.report.markup import text
from assembler.report.recordings import NICE_STEPS, span_text
from assembler.timeline.model import Clip, Timeline, Track
from assembler.times import Ms, Span, clock_text

STYLE = """
svg.timeline { display: block; width: 100%; margin: .6rem 0; overflow: hidden;
font: 12px system-ui, "DejaVu Sans", sans-serif; } .timeline text { fill: var(--ink); }
.timeline .tick { fill: var(--faint); } .timeline .grid { stroke: var(--line); } .timeline .rail { fill: var(--soft); }
.camera { fill: var(--camera); stroke: var(--camera); } .screen { fill: var(--screen); stroke: var(--screen); }
.whiteboard { fill: var(--whiteboard); stroke: var(--whiteboard); } .mix { fill: var(--mix); stroke: var(--mix); }
.audio { fill: var(--audio); stroke: var(--audio); } .timeline .repaired { stroke: var(--odd); stroke-width: 3; }
.timeline .hollow { fill: none; stroke: var(--faint); stroke-dasharray: 3 3; } .timeline .seam { stroke: var(--paper); }
.timeline .pause { stroke: var(--bad); stroke-dasharray: 4 3; } .timeline .said { fill: var(--bad); }
.tall { max-height: 50rem; overflow-y: auto; } @media print { .tall { max-height: none; } }
.strip { display: block; width: 100%; height: 14px; margin: .3rem 0; background: var(--soft); fill: var(--camera); }
@media (min-width: 45rem) { td:has(.strip) { width: 60%; } }
.timeline .head { stroke: var(--ink); } @media (max-width: 45rem) { .timeline .wide { display: none; } }
"""
"""Style sheet of the drawing."""
TOP, ROW, BAR = 44, 36, 14
"""Pixels: above the first track, for each track, and of its bar."""
FEW, MANY = 4, 12
"""Maximum number of labels along the axis of a phone, and of a desk."""
LABELLED_PAUSES = 3
"""Maximum number of pauses that are labelled each; more are only marked."""
COLUMNS = 1000
"""Number of columns of a strip: somebody who speaks in one, however shortly, is drawn in all of it."""
LONGEST_NAME = 48
"""Maximum length of a track's name, in characters."""
TOLD_CLIPS = 20
"""Maximum number of a track's spans that the story names."""


class Unused(NamedTuple):
    """A segment that is on no track, where it would have been."""

    name: str
    """Name of its stream, such as "camera of alice"."""
    video_id: str
    """The segment."""
    span: Span
    """Place where it was declared."""


def draw_picture(timeline: Timeline, fates: Mapping[str, Fate] | None = None, unused: Sequence[Unused] = ()) -> str:
    """The class to scale: a bar for every clip, one row for each track; gaps stay pale, pauses are dashed lines.

    Places are percentages and letters are pixels, so that it reads on a phone as on a desk. ``fates``: what became of
    the segments, where that is known; the ``unused`` are hollow. Colours come from ``STYLE`` and the page's own.
    """
    length = max(1, timeline.length)
    lost = {name: list(same) for name, same in groupby(sorted(unused, key=lambda u: u.name), key=lambda u: u.name)}
    height = TOP + ROW * (len(timeline.tracks) + len(lost)) + 6
    parts = [*_axis(timeline.length, height)]
    for number, track in enumerate(timeline.tracks):
        parts += _row(track, TOP + number * ROW, length, fates or {})
    for number, (name, same) in enumerate(lost.items(), len(timeline.tracks)):
        parts += _hollow_row(name, same, TOP + number * ROW, length)
    parts += _pauses(timeline, height)
    parts += _marks(timeline)
    return (
        f'<div class="tall"><svg class="timeline" role="img" aria-label="Timeline" height="{height}" '
        f'data-length="{timeline.length}">'
        f"<desc>{text(_story(timeline, lost), 20_000)}</desc>{''.join(parts)}"
        f'<line class="head" x1="-1%" x2="-1%" y1="18" y2="{height}"/></svg></div>'
    )


def draw_strip(spans: Sequence[Span], length: int) -> str:
    """Times of one person on a bar as long as the playback, which fills its place."""
    runs: list[list[int]] = []
    for one in spans:
        first, end = one.start * COLUMNS // max(1, length), -(-one.end * COLUMNS // max(1, length))
        if runs and first <= runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], end)
        else:
            runs.append([first, end])
    path = "".join(f"M{first} 0h{end - first}v1H{first}z" for first, end in runs)
    return (
        f'<svg class="strip" viewBox="0 0 {COLUMNS} 1" preserveAspectRatio="none" role="img">'
        f'<desc>{text(_listed(spans))}</desc><path d="{path}"/></svg>'
    )


def _percent(at: int, length: int) -> str:
    return f"{100 * at / max(1, length):.3f}%"


def _axis(length: Ms, height: int) -> list[str]:
    """A few labels for a narrow picture; those that only a wide one has place for are of class "wide"."""
    coarse, fine = _steps(length)
    parts = []
    for at in range(0, length, fine):
        place, is_coarse = _percent(at, length), at % coarse == 0
        wide = "" if is_coarse else " wide"
        parts.append(f'<line class="grid{wide}" x1="{place}" x2="{place}" y1="18" y2="{height}"/>')
        if at == 0 or at + length // (5 if is_coarse else 12) <= length:  # the end has a label of its own
            parts.append(f'<text class="tick{wide}" x="{place}" y="12">{clock_text(at)}</text>')
    return [*parts, f'<text class="tick" x="100%" y="12" text-anchor="end">{clock_text(length)}</text>']


def _steps(length: Ms) -> tuple[int, int]:
    """Ms between labels, of a phone and of a desk: the finer ones divide the coarser ones."""
    coarse = next((s for s in NICE_STEPS if s * 1000 * FEW >= length), NICE_STEPS[-1]) * 1000
    while coarse * FEW < length:  # days
        coarse *= 2
    fine = [s * 1000 for s in NICE_STEPS if coarse % (s * 1000) == 0 and s * 1000 * MANY >= length]
    return coarse, min(fine, default=coarse)


def _row(track: Track, top: int, length: int, fates: Mapping[str, Fate]) -> list[str]:
    parts = [
        f'<text x="0" y="{top + 10}">{text(track.name, LONGEST_NAME)}</text>',
        f'<rect class="rail" x="0" y="{top + 15}" width="100%" height="{BAR}"/>',
    ]
    border = None
    for clip in track.clips:
        fate = fates.get(clip.video_id)
        is_repaired = " repaired" if fate is Fate.REPAIRED else ""
        parts.append(
            f'<rect class="clip {track.kind.value}{is_repaired}" x="{_percent(clip.span.start, length)}" '
            f'y="{top + 15}" width="{_percent(clip.span.length, length)}" height="{BAR}">'
            f"<title>{text(_caption(track, clip, fate))}</title></rect>"
        )
        if clip.span.start == border:  # one file follows another
            place = _percent(border, length)
            parts.append(f'<line class="seam" x1="{place}" x2="{place}" y1="{top + 15}" y2="{top + 15 + BAR}"/>')
        border = clip.span.end
    return parts


def _hollow_row(name: str, unused: Sequence[Unused], top: int, length: int) -> list[str]:
    """Draw what was recorded and is not in the playback."""
    parts = [f'<text x="0" y="{top + 10}">{text(name, LONGEST_NAME)}: not used</text>']
    for one in unused:
        parts.append(
            f'<rect class="hollow" x="{_percent(one.span.start, length)}" y="{top + 15}" '
            f'width="{_percent(one.span.length, length)}" height="{BAR}">'
            f"<title>{text(f'{name}, {one.video_id}, {span_text(one.span)}, not used')}</title></rect>"
        )
    return parts


def _caption(track: Track, clip: Clip, fate: Fate | None) -> str:
    return f"{track.name}, {clip.video_id}, {span_text(clip.span)}" + (f", {fate.value}" if fate else "")


def _pauses(timeline: Timeline, height: int) -> list[str]:
    parts, jumps = [], timeline.clock.jumps
    wide = " wide" if len(jumps) > 1 else ""  # on a phone they would meet
    for jump in jumps:
        place = _percent(jump.at, timeline.length)
        words = _pause_words(jump.length)
        parts.append(
            f'<line class="pause" x1="{place}" x2="{place}" y1="18" y2="{height}">'
            f"<title>{words} skipped at {clock_text(jump.at)}</title></line>"
        )
        if len(jumps) <= LABELLED_PAUSES:
            anchor = "end" if 2 * jump.at > timeline.length else "start"
            shift = -8 if anchor == "end" else 8
            parts.append(
                f'<text class="said{wide}" x="{place}" dx="{shift}" y="32" text-anchor="{anchor}">{words}</text>'
            )
    return parts


def _pause_words(length: Ms | None) -> str:
    return "pause" if length is None else f"pause of {clock_text(length)}"


def _marks(timeline: Timeline) -> list[str]:
    """A small diamond for every chapter."""
    return [
        f'<text class="mark" x="{_percent(chapter.at, timeline.length)}" y="26" font-size="9" '
        f'text-anchor="{"middle" if chapter.at else "start"}">◆<title>{text(_chapter(chapter.title, chapter.at))}'
        "</title></text>"
        for chapter in timeline.chapters
        if chapter.at <= timeline.length
    ]


def _chapter(title: str, at: int) -> str:
    return f"chapter “{title}” at {clock_text(at)}"


def _story(timeline: Timeline, lost: Mapping[str, Sequence[Unused]]) -> str:
    """Tell what the picture shows, for people who cannot see it."""
    sentences = [f"A playback of {clock_text(timeline.length)}."]
    for track in timeline.tracks:
        sentences.append(f"{track.name}: {_listed([clip.span for clip in track.clips])}.")
        if track.gaps:
            sentences.append(f"Missing between: {_listed([gap.span for gap in track.gaps])}.")
    sentences += [f"{name}, not used: {_listed([one.span for one in same])}." for name, same in lost.items()]
    sentences += [
        f"A {_pause_words(jump.length)} is skipped at {clock_text(jump.at)}." for jump in timeline.clock.jumps
    ]
    return " ".join(sentences)


def _listed(spans: Sequence[Span]) -> str:
    more = f" and {len(spans) - TOLD_CLIPS} more" if len(spans) > TOLD_CLIPS else ""
    return ", ".join(span_text(span) for span in spans[:TOLD_CLIPS]) + more
