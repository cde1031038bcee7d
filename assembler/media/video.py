"""Video of a playback: chunks that are rendered, or packets that are copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

from assembler.findings import Finding, note
from assembler.media.choose_encoder import render_by_any
from assembler.media.encoders import Encoding
from assembler.media.mux.order import PacketRun
from assembler.media.render.repair import UNREADABLE
from assembler.media.render.resume import choose_borders
from assembler.media.render.setup import RenderSetup
from assembler.options import Options
from assembler.plan.chunks import cut_chunks
from assembler.plan.copying import time_scale
from assembler.plan.grid import frame_ticks, grid_rate
from assembler.plan.held import hold_frames
from assembler.plan.model import Mode, Plan
from assembler.plan.stamps import Stamps, folded
from assembler.times import Span

NOTHING_LEFT_OUT = (
    "--variable-rate left out no frame: some source has a new one all the time (one that it repeats counts as new)"
)
"""Sentence of a class for which that option does nothing."""


@dataclass(frozen=True)
class Video:
    """Video of a whole playback, before it is muxed."""

    runs: list[PacketRun]
    """Runs of packets, in the order of the playback."""
    stamps: Stamps
    """Pts of all frames."""
    joins: tuple[int, ...]
    """Ticks at which runs meet."""
    findings: list[Finding]
    """Findings about damaged or replaced video."""
    encoding: Encoding | None
    """Encoder and its settings; None where it is copied."""
    unread: tuple[tuple[str, Span], ...] = ()
    """Parts that could not be decoded: video ids, and spans on the playback axis."""
    cuts: tuple[int, ...] = ()
    """Ticks of the joins before which a file was cut."""


def render_video(plan: Plan, setup: RenderSetup, options: Options, on_seconds: Callable[[float], None]) -> Video:
    """Render the chunks of a plan, or find the packets that it copies; ``on_seconds`` gets the done seconds."""
    if plan.mode is Mode.COPY:
        return _copy_video(plan, setup)
    borders = choose_borders(plan, setup, seconds=options.chunk_seconds, processes=options.processes)
    chunks = cut_chunks(plan, setup.facts, borders)
    if setup.encoder.encoder.takes_skips:
        chunks = tuple(hold_frames(chunk, setup.facts, is_variable=options.variable_rate) for chunk in chunks)
    rendered, findings, encoding = render_by_any(chunks, setup, processes=options.processes, on_seconds=on_seconds)
    ticks = frame_ticks(plan.fps)
    runs = [
        PacketRun(
            name=str(piece.path), container="mov", first_packet=0, end_packet=None, start=piece.first * ticks,
            stamps=None, frames=len(piece.kept),
        )
        for piece in rendered
    ]  # fmt: skip
    stamps = folded([(piece.first + n) * ticks for piece in rendered for n in piece.kept], grid_rate(plan.fps))
    unread = tuple((loss.video_id, loss.span) for piece in rendered for loss in piece.losses if loss.what == UNREADABLE)
    told = [*setup.drawings.findings(), *findings]
    if options.variable_rate and setup.encoder.encoder.takes_skips and stamps.count == plan.frames:
        told.append(note("", NOTHING_LEFT_OUT))
    return Video(runs, stamps, tuple(run.start for run in runs[1:]), told, encoding, unread)


def _copy_video(plan: Plan, setup: RenderSetup) -> Video:
    videos = {run.video_id: setup.facts[run.video_id].picture for run in plan.copied}
    scale = time_scale([p for p in videos.values() if p is not None])
    runs: list[PacketRun] = []
    for copied in plan.copied:
        video = videos[copied.video_id]
        assert video is not None  # decided in plan.copying, like the stamps
        assert video.stamps is not None
        kept = video.stamps[copied.first_packet : copied.end_packet]
        up, later = int(video.time_base * scale), floor(copied.offset * scale)
        ticks = tuple(stamp * up + later for stamp in kept)
        keys = frozenset(video.keyframes)
        runs.append(
            PacketRun(
                name=str(setup.files[copied.video_id].resolve()),
                container=setup.facts[copied.video_id].container,
                first_packet=copied.first_packet,
                end_packet=copied.end_packet,
                start=min(ticks),
                stamps=ticks,
                frames=len(ticks),
                lasts=round(scale / video.rate),
                stream=video.stream,
                keys=tuple(index for index, stamp in enumerate(kept) if stamp in keys),
            )
        )
    everything = sorted(stamp for run in runs for stamp in run.stamps or ())
    sizes = {name: len(video.stamps or ()) for name, video in videos.items() if video is not None}
    cuts = [
        run.start
        for before, run in zip(plan.copied, runs[1:], strict=False)
        if before.end_packet < sizes[before.video_id]
    ]
    return Video(runs, folded(everything, scale), tuple(run.start for run in runs[1:]), [], None, cuts=tuple(cuts))
