"""New pages of a playback, found before it is muxed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from assembler.errors import DiskFull, MediaError
from assembler.media.child import run_module
from assembler.media.mux.order import PacketRun
from assembler.media.pages.order import KeyFrameFile, PagesOrder, View
from assembler.plan.model import Mode, Plan
from assembler.plan.stage import Change, find_stage, name_pages
from assembler.processes import Stop
from assembler.recording import StreamKind
from assembler.timeline.model import Chapter
from assembler.times import PlayMs


def find_pages(
    plan: Plan, kinds: Mapping[str, StreamKind], runs: Sequence[PacketRun], time_scale: int, folder: Path, stop: Stop
) -> list[Chapter]:
    """Find the new pages on the stage; ``kinds`` by video id, ``runs`` of the video as it is muxed, ``time_scale`` of
    their stamps, in Hz.

    None where there is no stage, and where the child dies: a playback without such chapters is worth having. Raises
    Stopped and DiskFull.
    """
    views = find_stage(plan, kinds)
    if not views:
        return []
    order = PagesOrder(
        files=_files(plan, runs, time_scale),
        views=tuple(View(v.span.start, v.span.end, v.rect.x, v.rect.y, v.rect.width, v.rect.height) for v in views),
        answer=str(folder / "pages"),
    )
    try:
        run_module("assembler.media.pages.child", [], order, cwd=folder, name="pages", stop=stop)
        lines = [map(int, line.split()) for line in Path(order.answer).read_text("ascii").splitlines()]
    except DiskFull:
        raise
    except (MediaError, OSError):
        return []
    return name_pages(views, [Change(PlayMs(at), changed, vanished) for at, changed, vanished in lines])


def _files(plan: Plan, runs: Sequence[PacketRun], time_scale: int) -> tuple[KeyFrameFile, ...]:
    starts = [run.start * 1000 // time_scale for run in runs]
    offsets = (
        [copied.offset for copied in plan.copied]
        if plan.mode is Mode.COPY
        else [Fraction(run.start, time_scale) for run in runs]
    )
    return tuple(
        KeyFrameFile(run.name, run.container, run.stream, offset, start, end)
        for run, offset, start, end in zip(runs, offsets, starts, [*starts[1:], plan.length], strict=True)
    )
