"""Chunks -> picture files, each by one ffmpeg run, as many at once as there are cores; what is done stays done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assembler import processes
from assembler.errors import MediaError
from assembler.facts import Facts
from assembler.findings import Finding, warning
from assembler.media.child import child_error, run_module
from assembler.media.encoders import Encoder
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.graph import Reading, build_graph, compile_graph
from assembler.media.muxing import Cut
from assembler.plan.chunks import Chunk
from assembler.processes import Stalled, Stop
from assembler.times import clock_text, frame_ms
from assembler.workspace import PART, digest_of, identity_of

RENDER_VERSION = 1
"""Raised whenever the same chunk would come out differently: older work is then not taken up."""


@dataclass(frozen=True)
class Kitchen:
    """Where and with what pictures are rendered."""

    folder: Path
    """The work folder; ffmpeg runs in it and knows files by names of our own."""
    program: Ffmpeg
    """The ffmpeg in use."""
    encoder: Encoder
    """How pictures are encoded."""
    files: Mapping[str, Path]
    """Source files by video id."""
    facts: Mapping[str, Facts]
    """What is in them."""
    stop: Stop
    """Set when the work is to end."""
    stall_seconds: float
    """An ffmpeg without progress for this long is killed and tried once more."""

    def chunk_digest(self, chunk: Chunk) -> str:
        sources = sorted({s.video_id for tile in chunk.tiles for s in tile.sources})
        identities = [identity_of(self.files[name]) for name in sources]
        return digest_of(
            RENDER_VERSION,
            chunk,
            identities,
            self.encoder.name,
            list(self.encoder.options),
            self.program.text,
        )[:32]


def render_chunks(
    chunks: Sequence[Chunk], kitchen: Kitchen, *, jobs: int, on_seconds: Callable[[float], None]
) -> tuple[list[Path], list[Finding]]:
    """The chunks' files, in order, and what the decoders complained about.

    Chunks that exist are taken as they are. Longest first, ``jobs`` at once. Raises MediaError naming the chunk.
    """
    (kitchen.folder / "chunks").mkdir(exist_ok=True)
    readings = prepare_sources(chunks, kitchen)
    order = sorted(range(len(chunks)), key=lambda i: -_cost(chunks[i]))
    done: dict[int, tuple[Path, list[Finding]]] = {}
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="render") as pool:
        futures = {pool.submit(_render_chunk, chunks[i], kitchen, readings, on_seconds): i for i in order}
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [f for f in finished if f.exception() is not None]
            if failed:
                kitchen.stop.set()
        except BaseException:
            kitchen.stop.set()
            raise
        finally:
            if kitchen.stop.is_set():
                pool.shutdown(wait=True, cancel_futures=True)
        for future in failed:
            if not isinstance(future.exception(), processes.Stopped):
                future.result()
        for future, index in futures.items():
            done[index] = future.result()
    return [done[i][0] for i in range(len(chunks))], [f for i in range(len(chunks)) for f in done[i][1]]


def _cost(chunk: Chunk) -> int:
    return chunk.frames * (2 + len(chunk.tiles))


def prepare_sources(chunks: Sequence[Chunk], kitchen: Kitchen) -> dict[tuple[str, int], Reading]:
    """Links to the source files under names of our own; a file whose picture changes inside is cut into stretches."""
    folder = kitchen.folder / "sources"
    folder.mkdir(exist_ok=True)
    needed = sorted({(s.video_id, s.stretch) for c in chunks for t in c.tiles for s in t.sources})
    readings: dict[tuple[str, int], Reading] = {}
    for video_id, stretch in needed:
        facts = kitchen.facts[video_id]
        name = f"source-{digest_of(video_id, identity_of(kitchen.files[video_id]))[:16]}"
        link = folder / name
        if not link.exists():
            with suppress(FileNotFoundError):
                link.unlink()
            _link(kitchen.files[video_id].resolve(), link)
        container = facts.container
        if facts.picture is not None and len(facts.picture.stretches) > 1:
            name, container = f"{name}-{stretch}.nut", "nut"
            _cut_stretch(link, folder / name, facts, stretch, kitchen)
        readings[video_id, stretch] = Reading(name=f"sources/{name}", container=container)
    return readings


def _link(target: Path, link: Path) -> None:
    try:
        os.symlink(target, link)
    except OSError:
        shutil.copyfile(target, link)  # a file system without links


def _cut_stretch(source: Path, out: Path, facts: Facts, index: int, kitchen: Kitchen) -> None:
    if out.exists():
        return
    assert facts.picture is not None
    stretch = facts.picture.stretches[index]
    part = out.with_name(out.name + PART)
    order = Cut(name=str(source), container=facts.container, start=stretch.start, end=stretch.end, out=str(part))
    run_module("assembler.media.muxing", ["cut"], order, cwd=kitchen.folder, name=out.stem, stop=kitchen.stop)
    os.replace(part, out)


def _render_chunk(
    chunk: Chunk,
    kitchen: Kitchen,
    readings: Mapping[tuple[str, int], Reading],
    on_seconds: Callable[[float], None],
) -> tuple[Path, list[Finding]]:
    """One chunk's file; tried a second time where ffmpeg hung."""
    out = kitchen.folder / "chunks" / f"{kitchen.chunk_digest(chunk)}.mp4"
    log = out.with_suffix(".log")
    length = chunk.frames / float(chunk.fps)
    if out.exists():
        on_seconds(length)
    else:
        meter = _Meter(on_seconds, length)
        try:
            _run_chunk(chunk, kitchen, readings, out, log, meter)
        except Stalled:
            _run_chunk(chunk, kitchen, readings, out, log, meter)
        meter.finish()
    return out, _complaints(chunk, log)


class _Meter:
    """Passes on how much further a chunk got, in all exactly its length."""

    def __init__(self, on_seconds: Callable[[float], None], length: float) -> None:
        self._on_seconds, self._length, self._at = on_seconds, length, 0.0

    def reach(self, seconds: float) -> None:
        at = min(max(seconds, self._at), self._length)
        self._on_seconds(at - self._at)
        self._at = at

    def finish(self) -> None:
        self.reach(self._length)


def _run_chunk(
    chunk: Chunk,
    kitchen: Kitchen,
    readings: Mapping[tuple[str, int], Reading],
    out: Path,
    log: Path,
    meter: _Meter,
) -> None:
    part = out.with_name(out.name + PART)
    options = kitchen.encoder.output_options(chunk.fps) | {
        "force_key_frames": "expr:" + ("+".join(f"eq(n,{k})" for k in chunk.keyframes) or "0"),
        "colorspace": "bt709",
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "color_range": "tv",
        "threads": 1,
        "fps_mode": "passthrough",
        "flags:v": "+bitexact",
        "fflags": "+bitexact",
        "f": "mp4",
    }
    stream = build_graph(chunk, kitchen.facts, readings, kitchen.program)
    arguments, graph = compile_graph(stream, f"chunks/{part.name}", options)
    script = out.with_suffix(".graph")
    script.write_text(graph, "utf-8")
    argv = ffmpeg_argv(kitchen.program, arguments, f"chunks/{script.name}")
    log.unlink(missing_ok=True)
    code = processes.run(
        argv,
        cwd=kitchen.folder,
        log=log,
        stop=kitchen.stop,
        stall_seconds=kitchen.stall_seconds,
        on_seconds=meter.reach,
    )
    if code != 0:
        raise chunk_error(chunk, log, code)
    os.replace(part, out)


def ffmpeg_argv(program: Ffmpeg, arguments: Sequence[str], script: str) -> list[str]:
    """A whole command line: global options, then what the graph's compiler gave."""
    place = list(arguments).index("{graph}")
    head = [program.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning", "-progress", "pipe:1"]
    head += ["-copyts", "-filter_complex_threads", "1", "-y"]
    return [*head, *arguments[:place], program.graph_option, script, *arguments[place + 1 :]]


def chunk_error(chunk: Chunk, log: Path, code: int) -> MediaError:
    """What went wrong with a chunk, in ffmpeg's own last words."""
    at = clock_text(frame_ms(chunk.first, chunk.fps))
    return child_error(f"ffmpeg failed on the picture from {at} on", log, code)


def _complaints(chunk: Chunk, log: Path) -> list[Finding]:
    """Decoding errors in a chunk's log: the frames around are held, so it is worth a warning."""
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    errors = [line for line in lines if "[error]" in line or "[fatal]" in line]
    if not errors:
        return []
    start, end = frame_ms(chunk.first, chunk.fps), frame_ms(chunk.end, chunk.fps)
    return [
        warning(
            "",
            f"Between {clock_text(start)} and {clock_text(end)} a decoder complained {len(errors)} times; frames"
            " before the damage were held.",
        )
    ]
