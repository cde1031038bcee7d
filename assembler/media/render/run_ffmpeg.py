"""One chunk by one ffmpeg run: the exact count of frames, or an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from assembler import processes
from assembler.errors import DiskFull, MediaError
from assembler.media.child import child_error
from assembler.media.encoders import Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render.cpu import tuned
from assembler.media.render.inputs import Input
from assembler.media.render.setup import RenderSetup
from assembler.mp4.fragments import count_in_either, whole_fragments
from assembler.plan.chunks import Chunk
from assembler.times import clock_text, frame_ms
from assembler.workspace import CHUNKS, GRAPH, LOG, PART


class TimeMeter:
    """Passes on how much further a chunk got, in all exactly its length."""

    def __init__(self, on_seconds: Callable[[float], None], length: float) -> None:
        self._on_seconds, self._length, self._at = on_seconds, length, 0.0

    def reach(self, seconds: float) -> None:
        at = min(max(seconds, self._at), self._length)
        self._on_seconds(at - self._at)
        self._at = at

    def finish(self) -> None:
        self.reach(self._length)


def run_chunk(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    out: Path,
    on_seconds: Callable[[float], None],
) -> None:
    """Render one chunk to ``out`` as ``run_once`` does, tried a second time where ffmpeg hung or hardware failed; no
    part of it is left."""
    try:
        try:
            run_once(chunk, setup, readings, out, on_seconds)
        except MediaError as exc:
            if not may_pass(exc, setup):
                raise
            run_once(chunk, setup, readings, out, on_seconds)
    finally:
        part_of(out).unlink(missing_ok=True)


def may_pass(error: MediaError, setup: RenderSetup) -> bool:
    """True for what may go by itself: a hang, hardware that was busy."""
    is_busy = setup.encoder.is_hardware and not isinstance(error, DiskFull)
    return is_busy or isinstance(error, processes.Stalled)


def part_of(out: Path) -> Path:
    """What ``out`` is called while ffmpeg writes it."""
    return out.with_name(out.name + PART)


def run_once(
    chunk: Chunk,
    setup: RenderSetup,
    readings: Mapping[tuple[str, int], Input],
    out: Path,
    on_seconds: Callable[[float], None],
) -> None:
    """Render one chunk to ``out``, its log beside it.

    Raises MediaError where ffmpeg fails or the frames are not as many as they have to be: ``out`` then does not appear.
    Where it was stopped, hung or had no room what it wrote stays under its ``part_of`` name, to be salvaged.
    """
    part, log = part_of(out), out.with_suffix(LOG)
    # only a run that renders needs what builds graphs
    from assembler.media.render.filter_graph import build_graph, compile_graph

    stream = build_graph(chunk, setup.facts, readings, setup.program)
    for name, words in setup.encoder.upload:
        stream = stream.filter(name, **words)
    arguments, graph = compile_graph(stream, f"{CHUNKS}/{part.name}", tuned(output_options(chunk, setup.encoder)))
    script = out.with_suffix(GRAPH)
    script.write_text(graph, "utf-8")
    arguments = [*setup.encoder.global_options, *arguments]
    argv = ffmpeg_argv(setup.program, arguments, f"{CHUNKS}/{script.name}")
    log.unlink(missing_ok=True)
    try:
        code = processes.run(
            argv, cwd=setup.folder, log=log, stop=setup.stop, stall_seconds=setup.stall_seconds, on_seconds=on_seconds
        )
    except (processes.Stopped, processes.Stalled):
        _drop_worthless(part)
        raise
    at = clock_text(frame_ms(chunk.first, chunk.fps))
    if code != 0:
        error = child_error(f"ffmpeg failed on the picture from {at} on", log, code)
        if isinstance(error, DiskFull):
            _drop_worthless(part)
        else:
            part.unlink(missing_ok=True)
        raise error
    found = count_in_either(part)
    if found != chunk.frames:
        part.unlink(missing_ok=True)
        raise MediaError(
            f"ffmpeg made {found} pictures from {at} on where {chunk.frames} were planned",
            hint="Run `assembler doctor`; see the work folder.",
        )
    os.replace(part, out)


def output_options(chunk: Chunk, encoder: Encoding) -> dict[str, Any]:
    """How a chunk's pictures are encoded and written, on every machine."""
    return (
        encoder.output_options(chunk.fps)
        | {
            "force_key_frames": "expr:" + ("+".join(f"eq(n,{k})" for k in chunk.keyframes) or "0"),
            "colorspace": "bt709",
            "color_primaries": "bt709",
            "color_trc": "bt709",
            "color_range": "tv",
            "threads": 1,
            "fps_mode": "passthrough",
            "flags:v": "+bitexact",
            "fflags": "+bitexact",
            "map_chapters": -1,
        }
        | encoder.container_options
    )


def _drop_worthless(part: Path) -> None:
    """Only what can be salvaged stays."""
    with suppress(OSError):
        if whole_fragments(part).pictures == 0:
            part.unlink()


def ffmpeg_argv(program: Ffmpeg, arguments: Sequence[str], script: str) -> list[str]:
    """A whole command line: global options, then what the graph's compiler gave."""
    place = list(arguments).index("{graph}")
    head = [program.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning", "-progress", "pipe:1"]
    # damage is no failure: whether a picture came out is asked by counting frames
    head += ["-copyts", "-filter_complex_threads", "1", "-max_error_rate", "1", "-y"]
    return [*head, *arguments[:place], program.graph_option, script, *arguments[place + 1 :]]
