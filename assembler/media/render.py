"""Chunks -> picture files, each by one ffmpeg run, as many at once as there are cores; what is done stays done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from types import NoneType

from assembler import processes
from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding
from assembler.media.graph import Reading
from assembler.media.render_run import Meter, run_chunk
from assembler.media.render_setup import NotYet, RenderSetup, prepare_sources
from assembler.media.repair import Loss, Losses, find_damage, has_errors, told, without_guilty
from assembler.plan.chunks import Chunk
from assembler.workspace import write_whole


def render_chunks(
    chunks: Sequence[Chunk], setup: RenderSetup, *, jobs: int, on_seconds: Callable[[float], None]
) -> tuple[list[Path], list[Finding]]:
    """The chunks' files, in order, and what of their pictures is damaged or was replaced.

    Chunks that exist are taken as they are. Longest first, ``jobs`` at once; ahead of downloads in the order of the
    playback, and then NotYet is raised at the end if a chunk was left for later. Raises MediaError naming the chunk.
    """
    (setup.folder / "chunks").mkdir(exist_ok=True)
    readings = prepare_sources(chunks, setup)
    order = sorted(range(len(chunks)), key=lambda i: -_cost(chunks[i]) if setup.growth is None else i)
    done: dict[int, tuple[Path, Sequence[Loss]]] = {}
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="render") as pool:
        futures = {pool.submit(_render_chunk, chunks[i], setup, readings, on_seconds): i for i in order}
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION if setup.growth is None else ALL_COMPLETED)
            failed = [f for f in finished if not isinstance(f.exception(), NoneType | NotYet)]
            if failed:
                setup.stop.set()
        except BaseException:
            setup.stop.set()
            raise
        finally:
            if setup.stop.is_set():
                pool.shutdown(wait=True, cancel_futures=True)
        for future in failed:
            if not isinstance(future.exception(), processes.Stopped):
                future.result()
        for future, index in futures.items():
            done[index] = future.result()
    return [done[i][0] for i in range(len(chunks))], told(loss for _, losses in done.values() for loss in losses)


def _cost(chunk: Chunk) -> int:
    return chunk.frames * (2 + len(chunk.tiles))


def _render_chunk(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Reading],
    on_seconds: Callable[[float], None],
) -> tuple[Path, Sequence[Loss]]:
    """One chunk's file, and what is not as it should be in it (kept beside it for a run that goes on from there)."""
    out = setup.folder / "chunks" / f"{setup.chunk_digest(chunk)}.mp4"
    report = out.with_suffix(".json")
    meter = Meter(on_seconds, chunk.frames / float(chunk.fps))
    if out.exists() and report.exists():
        losses: Sequence[Loss] = Losses.model_validate_json(report.read_text("utf-8")).losses
    else:
        if setup.growth is not None:
            setup.growth.wait_for(chunk)
        made = out.with_suffix(".made")  # no name of a finished chunk: its report comes first
        losses = _rendered(chunk, setup, readings, made, meter)
        write_whole(report, Losses(losses=tuple(losses)).model_dump_json())
        os.replace(made, out)
    meter.finish()
    return out, losses


def _rendered(
    chunk: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Reading], out: Path, meter: Meter
) -> list[Loss]:
    """Render a chunk; where that fails, without the sources that are to blame."""
    losses: list[Loss] = []
    try:
        run_chunk(chunk, setup, readings, out, meter.reach)
    except (DiskFull, processes.Stalled):
        raise
    except MediaError as first:
        if setup.growth is not None:
            raise NotYet from first
        chunk, losses = without_guilty(chunk, setup, readings, out)
        if not losses:
            raise
        try:
            run_chunk(chunk, setup, readings, out, meter.reach)
        except DiskFull:
            raise
        except MediaError:
            raise first from None  # no source is to blame: it fails without them too
    if setup.growth is not None and has_errors(out.with_suffix(".log")):
        raise NotYet
    return [*losses, *find_damage(chunk, setup, readings, out, out.with_suffix(".log"))]
