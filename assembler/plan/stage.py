"""Stage: where the board, a share or a mixed stream is seen, and when a new page is on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assembler.layout.model import Rect
from assembler.plan.model import Plan, Shown
from assembler.recording import StreamKind
from assembler.timeline.model import Chapter
from assembler.times import PlayMs, Span, frame_ms

TITLES = {
    StreamKind.WHITEBOARD: "New page on the board",
    StreamKind.SCREEN: "New page on the shared screen",
    StreamKind.MIX: "New page",
}
"""Title of a new page, by the kind of stream that shows it."""
CHANGED = 100
"""Minimum part of the stage, in 1/1000, that changes with a new page; ten seconds of handwriting change a few."""
CHANGED_LITTLE, VANISHED = 10, 500
"""Minimum parts, in 1/1000, of the stage that changes and of what stood on it that vanishes, with a new page of few
words: who writes adds, who turns the page takes away."""
MOST_FRAMES = 20_000
"""Maximum number of frames that are decoded to find where pages are turned: twice those of a page each minute of an
hour."""


@dataclass(frozen=True)
class StageView:
    """Place on the canvas where one kind of stream is the stage for a while."""

    span: Span
    """Time, playback axis."""
    kind: StreamKind
    """Kind of the stream that is seen."""
    rect: Rect
    """Place on the canvas."""


def find_stage(plan: Plan, kinds: Mapping[str, StreamKind]) -> list[StageView]:
    """Find the stage in each scene: the largest board or share, else a mixed stream; ``kinds`` by video id."""
    views: list[StageView] = []
    for scene in plan.scenes:
        large = _largest(scene.shown, kinds, (StreamKind.WHITEBOARD, StreamKind.SCREEN))
        shown = large or _largest(scene.shown, kinds, (StreamKind.MIX,))
        if shown is None:
            continue
        start, end = frame_ms(scene.first, plan.fps), frame_ms(scene.end, plan.fps)
        kind, last = kinds[shown.video_id], views[-1] if views else None
        if last is not None and (last.kind, last.rect, last.span.end) == (kind, shown.rect, start):
            views[-1] = StageView(Span(start=last.span.start, end=end), kind, shown.rect)
        else:
            views.append(StageView(Span(start=start, end=end), kind, shown.rect))
    return views


def _largest(shown: Sequence[Shown], kinds: Mapping[str, StreamKind], wanted: tuple[StreamKind, ...]) -> Shown | None:
    fitting = [one for one in shown if kinds.get(one.video_id) in wanted]
    return max(fitting, key=lambda one: one.rect.width * one.rect.height, default=None)


def name_pages(views: Sequence[StageView], pages: Iterable[PlayMs]) -> list[Chapter]:
    """Name the new pages that are seen from these instants on."""
    return [
        Chapter(at=at, title=TITLES[view.kind])
        for at in pages
        if (view := next((v for v in views if v.span.holds(at)), None)) is not None
    ]
