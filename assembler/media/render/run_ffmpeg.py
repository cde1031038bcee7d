"""Run ffmpeg for one chunk: the exact count of frames, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

from assembler import processes
from assembler.errors import DiskFull, MediaError
from assembler.media.child import child_error
from assembler.media.encoders import Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render.cpu import tune_for_cpu
from assembler.media.render.fill import finish_chunk
from assembler.media.render.inputs import Input
from assembler.media.render.setup import RenderSetup
from assembler.mp4.fragments import count_frames_in_either, read_fragments
from assembler.plan.chunks import Chunk
from assembler.plan.held import composed_frames, place_keyframes
from assembler.times import Frame, clock_text, frame_ms
from assembler.workspace import CHUNKS, GRAPH, LOG, PART

FEW_BITS, LONE_BITS = 2.0, 5
"""Factor of the bits where most frames are held, and of those of a lone key frame: x264 spends what a frame is worth by
the frames behind it, of which it sees those that are composed. With them luma is at least 50 dB on boards of text."""


class TimeMeter:
    """Reports the progress of a chunk as increments that add up to exactly its length."""

    def __init__(self, on_seconds: Callable[[float], None], length: float) -> None:
        self._on_seconds, self._length, self._at = on_seconds, length, 0.0

    def reach(self, seconds: float) -> None:
        """Report that this many seconds of the chunk are done."""
        at = min(max(seconds, self._at), self._length)
        self._on_seconds(at - self._at)
        self._at = at

    def finish(self) -> None:
        """Report that all of the chunk is done."""
        self.reach(self._length)


def run_chunk(
    chunk: Chunk,
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    out: Path,
    on_seconds: Callable[[float], None],
) -> None:
    """Render one chunk to ``out`` as ``run_once`` does, with a second try where ffmpeg hung or hardware failed; no
    partial file is left."""
    try:
        try:
            run_once(chunk, setup, inputs, out, on_seconds)
        except MediaError as exc:
            if not is_transient(exc, setup):
                raise
            run_once(chunk, setup, inputs, out, on_seconds)
    finally:
        part_of(out).unlink(missing_ok=True)


def is_transient(error: MediaError, setup: RenderSetup) -> bool:
    """True for errors that a second try may avoid: a hang, busy hardware."""
    is_busy = setup.encoder.is_hardware and not isinstance(error, DiskFull)
    return is_busy or isinstance(error, processes.Stalled)


def part_of(out: Path) -> Path:
    """Name the file that ffmpeg writes before it becomes ``out``."""
    return out.with_name(out.name + PART)


def run_once(
    chunk: Chunk,
    setup: RenderSetup,
    inputs: Mapping[tuple[str, int], Input],
    out: Path,
    on_seconds: Callable[[float], None],
) -> None:
    """Render one chunk to ``out``, its log beside it.

    Raises MediaError where ffmpeg fails or the count of frames is wrong: ``out`` then does not appear. Where it was
    stopped, hung or had no room the partial file stays under its ``part_of`` name, to be salvaged.
    """
    part, log = part_of(out), out.with_suffix(LOG)
    # only a run that renders needs to import ffmpeg-python
    from assembler.media.render.filter_graph import build_graph, compile_graph

    stream = build_graph(chunk, setup.facts, inputs, setup.program, setup.draw(chunk))
    for name, words in setup.encoder.upload:
        stream = stream.filter(name, **words)
    options = tune_for_cpu(output_options(chunk, setup.encoder))
    arguments, graph = compile_graph(stream, f"{CHUNKS}/{part.name}", options)
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
        _drop_unsalvageable(part)
        raise
    at = f"{clock_text(frame_ms(chunk.first, chunk.fps))} of the playback"
    if code != 0:
        error = child_error(f"ffmpeg failed on the picture from {at} on", log, code)
        if isinstance(error, DiskFull):
            _drop_unsalvageable(part)
        else:
            part.unlink(missing_ok=True)
        raise error
    found = count_frames_in_either(part)
    if found != chunk.composed:
        part.unlink(missing_ok=True)
        raise MediaError(
            f"ffmpeg made {found} pictures from {at} on where {chunk.composed} were planned",
            hint="Run `assembler doctor`; see the work folder.",
        )
    finish_chunk(chunk, part, out)


def output_options(chunk: Chunk, encoder: Encoding) -> dict[str, Any]:
    """Build ffmpeg's output options for a chunk, the same on every machine."""
    options = encoder.output_options(chunk.fps)
    if chunk.held:
        options["x264-params"] = ":".join(filter(None, (options.get("x264-params"), _zones(chunk))))
    return (
        options
        | {
            "force_key_frames": "expr:" + ("+".join(f"eq(n,{k})" for k in _forced(chunk)) or "0"),
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


def _forced(chunk: Chunk) -> Iterator[int]:
    return (chunk.place(Frame(chunk.first + k)) for k in place_keyframes(chunk))


def _zones(chunk: Chunk) -> str:
    """Build x264's parameter for GOPs in which frames are held: a range of composed frames, and the factor of bits."""
    shown, zones = [*composed_frames(chunk), chunk.frames], []
    for first, end in pairwise(sorted({0, *_forced(chunk), chunk.composed})):
        count = end - first
        bits = min((shown[end] - shown[first]) / count, max(FEW_BITS, LONE_BITS / sqrt(count)))
        if bits > 1:
            zones.append(f"{first},{end - 1},b={bits:.2f}")
    return "zones=" + "/".join(zones)


def _drop_unsalvageable(part: Path) -> None:
    """Delete a partial file without a whole fragment."""
    with suppress(OSError):
        if read_fragments(part).frames == 0:
            part.unlink()


def ffmpeg_argv(program: Ffmpeg, arguments: Sequence[str], script: str) -> list[str]:
    """Build a whole command line: global options, then the compiled graph's arguments."""
    place = list(arguments).index("{graph}")
    head = [program.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning", "-progress", "pipe:1"]
    # damage is not a failure: frames are counted afterwards
    head += ["-copyts", "-filter_complex_threads", "1", "-max_error_rate", "1", "-y"]
    return [*head, *arguments[:place], program.graph_option, script, *arguments[place + 1 :]]
