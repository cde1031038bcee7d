"""Chunks -> picture files, each by one ffmpeg run, as many at once as there are cores; what is done stays done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import NoneType

from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding
from assembler.media.damage.losses import Loss, Losses, findings, report_of
from assembler.media.render.claims import ChunkQueue
from assembler.media.render.inputs import Input, prepare_sources
from assembler.media.render.offer import sharing
from assembler.media.render.repair import find_damage, has_errors, may_be_early, without_guilty
from assembler.media.render.resume import taken_up
from assembler.media.render.run_ffmpeg import TimeMeter, may_pass, run_chunk, run_once
from assembler.media.render.setup import BytesMissing, RenderSetup
from assembler.plan.chunks import Chunk
from assembler.processes import Stalled, Stopped
from assembler.times import Frame
from assembler.workspace import CHUNKS, LOG, MADE, write_whole


@dataclass(frozen=True)
class Rendered:
    """A finished file of the picture."""

    first: Frame
    """Its first output frame."""
    frames: int
    """How many there are in it."""
    path: Path
    """The file."""
    losses: tuple[Loss, ...]
    """What is not as it should be in it."""


def render_chunks(
    chunks: Sequence[Chunk], setup: RenderSetup, *, processes: int, on_seconds: Callable[[float], None]
) -> tuple[list[Rendered], list[Finding]]:
    """The chunks' files, in order, and what of their pictures is damaged or was replaced.

    Chunks that exist are taken as they are, one that was begun is gone on with. Longest first, ``processes`` at once;
    ahead of downloads in the order of the playback, and then BytesMissing is raised at the end if a chunk was left for
    later. Raises MediaError naming the chunk.
    """
    (setup.folder / CHUNKS).mkdir(exist_ok=True)
    readings = prepare_sources(chunks, setup)
    order = sorted(range(len(chunks)), key=lambda i: -_cost(chunks[i]) if setup.growth is None else i)
    done: dict[int, list[Rendered]] = {}
    with (
        sharing(chunks, order, setup, processes=processes) as turns,
        ThreadPoolExecutor(max_workers=processes, thread_name_prefix="render") as pool,
    ):
        futures = [pool.submit(_render_next, turns, chunks, setup, readings, on_seconds) for _ in order]
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION if setup.growth is None else ALL_COMPLETED)
            failed = [f for f in finished if not isinstance(f.exception(), NoneType | BytesMissing)]
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
        done.update(future.result() for future in futures)
    rendered = [piece for i in range(len(chunks)) for piece in done[i]]
    return rendered, findings(loss for piece in rendered for loss in piece.losses)


def _cost(chunk: Chunk) -> int:
    return chunk.frames * (2 + len(chunk.tiles))


def _render_next(
    turns: ChunkQueue,
    chunks: Sequence[Chunk],
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    on_seconds: Callable[[float], None],
) -> tuple[int, list[Rendered]]:
    with turns.claim() as index:
        return index, _render_chunk(chunks[index], setup, readings, on_seconds)


def _render_chunk(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    on_seconds: Callable[[float], None],
) -> list[Rendered]:
    meter = TimeMeter(on_seconds, chunk.frames / float(chunk.fps))
    rendered = _pieces(chunk, setup, readings, meter.reach)
    meter.finish()
    return rendered


def _pieces(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    reach: Callable[[float], None],
    *,
    is_last_try: bool = False,
) -> list[Rendered]:
    """The files of a chunk: one, or one for each time that it was begun and the last of them for its end."""
    out = setup.chunk_file(chunk)
    report = report_of(out)
    if out.exists() and report.exists():
        known = Losses.model_validate_json(report.read_text("utf-8"))
        return [Rendered(chunk.first, chunk.frames, out, known.losses)]
    parts = taken_up(chunk, setup, readings)
    if parts:
        rendered: list[Rendered] = []
        for part in parts:
            reach_part = _behind(reach, (part.first - chunk.first) / float(chunk.fps))
            reach_part(0)
            rendered += _pieces(part, setup, readings, reach_part, is_last_try=is_last_try)
        return rendered
    if setup.growth is not None:
        setup.growth.wait_for(chunk)
    try:
        losses = _made(chunk, setup, readings, out.with_suffix(MADE), reach, is_last_try=is_last_try)
    except _Again:
        return _pieces(chunk, setup, readings, reach, is_last_try=True)
    write_whole(report, Losses(losses=tuple(losses)).model_dump_json())
    os.replace(out.with_suffix(MADE), out)
    return [Rendered(chunk.first, chunk.frames, out, tuple(losses))]


def _behind(reach: Callable[[float], None], before: float) -> Callable[[float], None]:
    return lambda seconds: reach(before + seconds)


class _Again(Exception):
    """Rendering did not come to its end, but may if it is tried once more."""


def _made(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    made: Path,
    reach: Callable[[float], None],
    *,
    is_last_try: bool,
) -> list[Loss]:
    """Render a chunk; where that fails, without the sources that are to blame."""
    log = made.with_suffix(LOG)
    failure: MediaError | None = None
    try:
        run_once(chunk, setup, readings, made, reach)
    except MediaError as exc:
        if not is_last_try and may_pass(exc, setup):
            raise _Again from exc
        if isinstance(exc, DiskFull | Stalled):
            raise
        failure = exc
    if setup.growth is not None and (failure is not None or has_errors(log)):
        raise BytesMissing from failure
    if failure is None and not may_be_early(chunk, log):
        return find_damage(chunk, setup, readings, made, log)
    repaired, losses = without_guilty(chunk, setup, readings, made)
    if not losses:
        if failure is not None:
            raise failure
        return find_damage(chunk, setup, readings, made, log)
    other = made.with_name(
        f"{made.stem}-repaired{MADE}"
    )  # not to be taken up by a run that does not know of the losses
    try:
        run_chunk(repaired, setup, readings, other, reach)
    except DiskFull:
        raise
    except MediaError as exc:
        raise failure or exc from None  # no source is to blame: it fails without them too
    os.replace(other, made)
    return [*losses, *find_damage(repaired, setup, readings, made, other.with_suffix(LOG))]
