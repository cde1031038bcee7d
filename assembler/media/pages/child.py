"""Comparison of frames, in a child process (``python -m assembler.media.pages.child ORDER.json``): what is copied comes
from untrusted files.

Key frames are decoded alone and averaged to some thousand cells of brightness, so that neither noise nor a pointer
counts. Where two that follow each other show different pages, the frames between them tell when the page was turned.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet

from assembler.media.libav import INDEX_ONLY, decode_alone
from assembler.media.mux.by_packets import stamped_packets
from assembler.media.mux.order import PacketRun
from assembler.media.pages.order import PagesOrder, View
from assembler.processes import cores

Cells = np.ndarray[Any, np.dtype[np.float32]]
"""Brightness of each cell of a view."""
NOTHING: Cells = np.zeros((0, 0), np.float32)
"""Cells where no view is, or that nobody looks at any more."""
COLUMNS, ROWS = 80, 45
"""Maximum number of cells beside and above each other: small enough for a line of text to fill some."""
DIFFERENT = 6.0
"""Minimum difference of brightness of a cell that is another, of 255; an encoder's noise stays below it."""


@dataclass(slots=True)
class KeyFrame:
    """Key frame as it was seen."""

    tick: int
    """Instant at which it is shown, ticks."""
    at: int
    """The same in playback ms, rounded up: at that ms it is shown, and not the frame before it."""
    run: int
    """Index of its run."""
    number: int
    """Index of its packet in the run."""
    view: View | None
    """View at that time."""


@dataclass(slots=True)
class Turn:
    """Two key frames that follow each other and show different pages."""

    before: KeyFrame
    """The last one that shows the old page."""
    after: KeyFrame
    """The first one that shows the new page."""
    old: Cells
    """Cells of the one before."""
    new: Cells
    """Cells of the one after."""
    frames: int
    """Number of frames from the one to the other, at most."""
    at: int
    """Instant of the new page, playback ms: that of the later key frame until the frame is found."""


def find_turns(order: PagesOrder) -> list[int]:
    """Find the playback ms of new pages: exact to the frame, but for what is leafed over or more than may be decoded,
    where it is that of the next key frame."""
    turns: list[Turn] = []
    with ThreadPoolExecutor(cores()) as pool:  # libav and numpy give the lock away while they work
        for turn in _compared(order, pool.map(partial(_look, order), range(len(order.runs)))):
            turns.append(turn)
            if len(turns) > 2 and _is_leafed(order, *turns[-3:]):
                turns[-2].old = turns[-2].new = NOTHING  # a film has as many as key frames
        chosen = _chosen(order, turns)
        by_run = [[turn for turn in chosen if turn.before.run == run] for run in sorted({t.before.run for t in chosen})]
        list(pool.map(partial(_locate, order), by_run))
    return [turn.at for turn in turns]


def _compared(order: PagesOrder, runs: Iterable[list[tuple[KeyFrame, Cells]]]) -> Iterator[Turn]:
    """Compare each key frame with the one before it in the same view."""
    for (before, old), (after, new) in pairwise(chain.from_iterable(runs)):
        is_same = after.view is not None and before.view is after.view and old.shape == new.shape
        if is_same and order.rule.is_page(*_difference(old, new)):
            end = after.number if after.run == before.run else order.runs[before.run].frames
            yield Turn(before, after, old, new, end - before.number, after.at)


def _is_leafed(order: PagesOrder, first: Turn, turn: Turn, last: Turn) -> bool:
    """True for a turn that follows one closely and is followed so by another, wherever between its key frames it is."""
    nearest = order.rule.nearest
    return turn.after.at - first.before.at <= nearest and last.after.at - turn.before.at <= nearest


def _chosen(order: PagesOrder, turns: Sequence[Turn]) -> list[Turn]:
    """Choose the turns that are worth decoding; of too many frames those of the pages that are seen longest."""
    ends = [turn.after.at for turn in turns[1:]] + [order.views[-1].end]
    ranked = [
        (turn.after.at - end, turn.after.at, turn)
        for turn, end in zip(turns, ends, strict=True)
        if turn.frames > 1 and turn.new is not NOTHING
    ]
    found = [turn for *_, turn in sorted(ranked, key=lambda one: one[:2])]
    sums = accumulate(turn.frames for turn in found)
    return [turn for turn, frames in zip(found, sums, strict=True) if frames <= order.rule.most_frames]


def _look(order: PagesOrder, number: int) -> list[tuple[KeyFrame, Cells]]:
    """Look at the key frames of one run, as they are shown, with the cells of their views (none without a view)."""
    run, found = order.runs[number], []
    with suppress(av.FFmpegError), _opened(run) as source:
        content, frame = b"", None
        # the others are demuxed too: told to pass over those between them, libav's mp4 demuxer gives a key frame the
        # composition offset of another sample
        for place, (packet, tick) in enumerate(stamped_packets(run, source, order.time_scale, order.frame_ticks)):
            if not packet.is_keyframe:
                continue
            if bytes(packet) != content:  # else it is a held one, repeated
                content, frame = bytes(packet), decode_alone(source.streams[run.stream], packet)
            if frame is not None:
                at = _ms(order, tick)
                view = next((view for view in order.views if view.start <= at < view.end), None)
                cells = NOTHING if view is None else _cells(frame, view)
                found.append((KeyFrame(tick, at, number, place, view), cells))
    return sorted(found, key=lambda one: one[0].tick)


def _locate(order: PagesOrder, turns: Sequence[Turn]) -> None:
    """Find the frames from which the new pages are shown, all in one run."""
    run = order.runs[turns[0].before.run]
    waiting = sorted(turns, key=lambda turn: -turn.before.number)
    groups: list[tuple[Turn, list[tuple[Packet[Any], int]]]] = []
    with suppress(av.FFmpegError), _opened(run) as source:
        video = source.streams[run.stream]
        for place, (packet, tick) in enumerate(stamped_packets(run, source, order.time_scale, order.frame_ticks)):
            while waiting and waiting[-1].before.number == place:
                groups.append((waiting.pop(), []))
            for _, packets in groups:
                packets.append((packet, tick))
            for group in [g for g in groups if _is_whole(g[0], place, tick)]:
                _search(order, video, *group)
                groups.remove(group)
            if packet.is_keyframe and packet.has_sidedata("new_extradata"):
                decode_alone(video, packet)  # it is for what follows, too
            if not waiting and not groups:
                break
        for group in groups:
            _search(order, video, *group)


def _is_whole(turn: Turn, place: int, tick: int) -> bool:
    """True at the first packet behind the later key frame that is shown behind it: those before lead up to it."""
    return turn.after.run == turn.before.run and place > turn.after.number and tick > turn.after.tick


def _search(order: PagesOrder, video: Any, turn: Turn, packets: Sequence[tuple[Packet[Any], int]]) -> None:
    """Set a turn's instant to that of the first frame that is more like the new page than like the old one."""
    ticks = {packet.pts: tick for packet, tick in packets}
    before, after, view = turn.before, turn.after, turn.before.view
    assert view is not None
    for frame in _decoded(video, [packet for packet, _ in packets]):
        tick = ticks.get(frame.pts, before.tick)
        if tick >= after.tick:
            break
        if tick > before.tick and not frame.is_corrupt:
            cells = _cells(frame, view)
            if cells.shape == turn.new.shape and _count_different(cells, turn.new) < _count_different(cells, turn.old):
                turn.at = _ms(order, tick)
                break


def _decoded(video: Any, packets: Sequence[Packet[Any]]) -> Iterator[Any]:
    """Decode packets from a key frame on, without any before it; frames in the order in which they are shown."""
    context = video.codec_context
    context.flush_buffers()
    for packet in (*packets, None):
        with suppress(av.FFmpegError):
            yield from context.decode(packet)


def _opened(run: PacketRun) -> InputContainer:
    options = INDEX_ONLY if run.container == "mov" else {}
    opened: InputContainer = av.open(run.name, format=run.container, options=options)
    return opened


def _ms(order: PagesOrder, tick: int) -> int:
    return -(-tick * 1000 // order.time_scale)


def _cells(frame: Any, view: View) -> Cells:
    """Average the brightness of the view's cells; what does not fill one at the right and below is left out."""
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    if (more := frame.format.components[0].bits - 8) > 0:
        luma = np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)[: frame.height, : frame.width] >> more
    part = luma[view.y : view.y + view.height, view.x : view.x + view.width]
    high, wide = max(1, part.shape[0] // ROWS), max(1, part.shape[1] // COLUMNS)
    rows, columns = part.shape[0] // high, part.shape[1] // wide
    part = part[: rows * high, : columns * wide]
    lines = part[::high].astype(np.uint16)  # whole lines are added five times as fast as by reduceat
    for line in range(1, high):
        lines += part[line::high]
    sums: Cells = np.add.reduceat(lines, np.arange(0, columns * wide, wide), axis=1, dtype=np.uint32).astype(np.float32)
    return sums / np.float32(high * wide)


def _difference(before: Cells, after: Cells) -> tuple[int, int]:
    """Parts of the view that changed, and of what stood on it that vanished, in 1/1000."""
    changed = np.abs(after - before) > DIFFERENT
    stood = np.abs(before - np.median(before)) > DIFFERENT  # what is not the page's own colour
    vanished = (changed & stood).sum() / max(1, stood.sum())
    return round(1000 * float(changed.mean())), round(1000 * float(vanished))


def _count_different(one: Cells, other: Cells) -> int:
    return int((np.abs(one - other) > DIFFERENT).sum())


def main() -> int:
    """Find the order's new pages and write the answer."""
    av.logging.set_level(None)
    order = PagesOrder.from_json(Path(sys.argv[1]).read_text("utf-8"))
    Path(order.answer).write_text("".join(f"{at}\n" for at in find_turns(order)), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
