"""New pages of a playback, found before it is muxed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assembler.errors import DiskFull, MediaError
from assembler.media.child import run_module
from assembler.media.mux.order import PacketRun
from assembler.media.pages.order import PageRule, PagesOrder, View
from assembler.plan import chapters, stage
from assembler.plan.grid import frame_ticks
from assembler.plan.model import Plan
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
    views = stage.find_stage(plan, kinds)
    if not views:
        return []
    order = PagesOrder(
        time_scale=time_scale,
        frame_ticks=frame_ticks(plan.fps),
        runs=tuple(runs),
        views=tuple(View(v.span.start, v.span.end, v.rect.x, v.rect.y, v.rect.width, v.rect.height) for v in views),
        rule=PageRule(
            changed=stage.CHANGED, changed_little=stage.CHANGED_LITTLE, vanished=stage.VANISHED,
            nearest=chapters.NEAREST, most_frames=stage.MOST_FRAMES,
        ),
        answer=str(folder / "pages"),
    )  # fmt: skip
    try:
        run_module("assembler.media.pages.child", [], order, cwd=folder, name="pages", stop=stop)
        instants = [PlayMs(int(line)) for line in Path(order.answer).read_text("ascii").splitlines()]
    except DiskFull:
        raise
    except (MediaError, OSError):
        return []
    return stage.name_pages(views, instants)
