"""Render chunks to video files, each by one ffmpeg run, as many at once as there are cores; finished ones are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding
from assembler.media.damage.losses import Loss, Losses, build_findings, report_of
from assembler.media.render.claims import ChunkQueue
from assembler.media.render.inputs import Input, prepare_sources
from assembler.media.render.offer import share_chunks
from assembler.media.render.repair import find_damage, has_errors, may_be_early, without_undecodable
from assembler.media.render.resume import split_at_resume
from assembler.media.render.run_ffmpeg import TimeMeter, is_transient, run_chunk, run_once
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import BytesMissing
from assembler.plan.chunks import Chunk
from assembler.plan.held import kept_frames
from assembler.processes import Stalled, Stopped
from assembler.times import Frame
from assembler.workspace import CHUNKS, LOG, MADE, write_whole


@dataclass(frozen=True)
class Rendered:
    """Rendered file of a chunk, or of a part of one."""

    first: Frame
    """First output frame in it."""
    kept: Sequence[int]
    """Frames that it has pictures of, counted from the first one."""
    path: Path
    """Path of the file."""
    losses: tuple[Loss, ...]
    """Parts of it in which video is damaged or replaced by background."""


def render_chunks(
    chunks: Sequence[Chunk], setup: RenderSetup, *, processes: int, on_seconds: Callable[[float], None]
) -> tuple[list[Rendered], list[Finding]]:
    """Render all chunks: their files, in order, and findings about damaged or replaced video.

    Finished chunks are reused, and begun ones continued. Longest first, ``processes`` at once; in the order of
    the playback where source files are still being written. Raises MediaError naming the chunk, and BytesMissing at the
    end if a chunk was left for later.
    """
    (setup.folder / CHUNKS).mkdir(exist_ok=True)
    inputs = prepare_sources(chunks, setup)
    order = sorted(range(len(chunks)), key=lambda i: -_cost(chunks[i]) if setup.files.is_complete else i)
    done: dict[int, list[Rendered]] = {}
    with (
        share_chunks(chunks, order, setup, processes=processes) as queue,
        ThreadPoolExecutor(max_workers=processes, thread_name_prefix="render") as pool,
    ):
        futures = [pool.submit(_render_next, queue, chunks, setup, inputs, on_seconds) for _ in order]
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [f for f in finished if f.exception() is not None]
            if failed:
                setup.stop.set()
        except BaseException:
            setup.stop.set()
            raise
        finally:
            if setup.stop.is_set():
                pool.shutdown(wait=True, cancel_futures=True)
        for future in failed:
            if not isinstance(future.exception(), Stopped):
                future.result()
        for future in futures:
            done.update(future.result())
    if len(done) < len(chunks):
        raise BytesMissing
    rendered = [piece for i in sorted(done) for piece in done[i]]
    return rendered, build_findings(loss for piece in rendered for loss in piece.losses)


def _cost(chunk: Chunk) -> int:
    return chunk.frames * (2 + len(chunk.tiles))


def _render_next(
    queue: ChunkQueue,
    chunks: Sequence[Chunk],
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    on_seconds: Callable[[float], None],
) -> dict[int, list[Rendered]]:
    """Render the next chunk: its files by its index; empty where it is left for later."""
    with queue.claim() as index:
        try:
            return {index: _render_chunk(chunks[index], setup, inputs, on_seconds)}
        except BytesMissing:
            return {}


def _render_chunk(
    chunk: Chunk,
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    on_seconds: Callable[[float], None],
) -> list[Rendered]:
    meter = TimeMeter(on_seconds, chunk.frames / float(chunk.fps))
    rendered = _render_parts(chunk, setup, inputs, meter.reach)
    meter.finish()
    return rendered


def _render_parts(
    chunk: Chunk,
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    reach: Callable[[float], None],
    *,
    is_last_try: bool = False,
) -> list[Rendered]:
    """Render a chunk to one file, or to one for each earlier run that began it and one for its end."""
    out = setup.chunk_file(chunk)
    report = report_of(out)
    if out.exists() and report.exists():
        known = Losses.model_validate_json(report.read_text("utf-8"))
        return [Rendered(chunk.first, kept_frames(chunk), out, known.losses)]
    parts = split_at_resume(chunk, setup, inputs)
    if parts:
        rendered: list[Rendered] = []
        for part in parts:
            reach_part = _behind(reach, (part.first - chunk.first) / float(chunk.fps))
            reach_part(0)
            rendered += _render_parts(part, setup, inputs, reach_part, is_last_try=is_last_try)
        return rendered
    setup.files.wait_for(chunk)
    try:
        losses = _render_or_repair(chunk, setup, inputs, out.with_suffix(MADE), reach, is_last_try=is_last_try)
    except _Retry:
        return _render_parts(chunk, setup, inputs, reach, is_last_try=True)
    write_whole(report, Losses(losses=tuple(losses)).model_dump_json())
    os.replace(out.with_suffix(MADE), out)
    return [Rendered(chunk.first, kept_frames(chunk), out, tuple(losses))]


def _behind(reach: Callable[[float], None], before: float) -> Callable[[float], None]:
    return lambda seconds: reach(before + seconds)


class _Retry(Exception):
    """Raised where a render failed that may succeed in a second try."""


def _render_or_repair(
    chunk: Chunk,
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    made: Path,
    reach: Callable[[float], None],
    *,
    is_last_try: bool,
) -> list[Loss]:
    """Render a chunk; where that fails, without the sources that cannot be decoded."""
    log = made.with_suffix(LOG)
    failure: MediaError | None = None
    try:
        run_once(chunk, setup, inputs, made, reach)
    except MediaError as exc:
        if not is_last_try and is_transient(exc, setup):
            raise _Retry from exc
        if isinstance(exc, DiskFull | Stalled):
            raise
        failure = exc
    if not setup.files.is_complete and (failure is not None or has_errors(log)):
        raise BytesMissing from failure
    if failure is None and not may_be_early(chunk, log):
        return find_damage(chunk, setup, inputs, made, log)
    repaired, losses = without_undecodable(chunk, setup, inputs, made)
    if not losses:
        if failure is not None:
            raise failure
        return find_damage(chunk, setup, inputs, made, log)
    other = made.with_name(
        f"{made.stem}-repaired{MADE}"
    )  # a name of its own: no other run may salvage it without losses
    try:
        run_chunk(repaired, setup, inputs, other, reach)
    except DiskFull:
        raise
    except MediaError as exc:
        raise failure or exc from None  # no source is to blame: it fails without them too
    os.replace(other, made)
    return [*losses, *find_damage(repaired, setup, inputs, made, other.with_suffix(LOG))]
