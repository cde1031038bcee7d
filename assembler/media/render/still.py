"""Single frame of a playback as a PNG."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from assembler import processes
from assembler.media.child import child_error
from assembler.media.encoders import X264
from assembler.media.render.filter_graph import build_graph, compile_graph
from assembler.media.render.inputs import prepare_sources
from assembler.media.render.run_ffmpeg import ffmpeg_argv
from assembler.media.render.setup import RenderSetup
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.plan.chunks import cut_frame
from assembler.plan.model import Plan
from assembler.segment_files import SegmentFiles
from assembler.times import Frame
from assembler.workspace import CHUNKS, GRAPH, LOG, PART, PNG_SIGNATURE, unwritable


def render_frame(plan: Plan, got: SegmentFiles, frame: Frame, png: Path, run: Run) -> None:
    """Render one frame of an encoded plan to ``png``."""
    chunk = cut_frame(plan, got.facts, frame)
    program = run.ffmpeg
    with run.workspace.scratch_folder() as folder:
        (folder / CHUNKS).mkdir()
        setup = RenderSetup(
            folder, program, X264.at(run.options.quality), SourceFiles(got.files), got.facts, run.stop, 60.0
        )
        inputs = prepare_sources([chunk], setup)
        stream = (
            build_graph(chunk, got.facts, inputs, program, setup.draw(chunk))
            .filter(
                "scale", in_color_matrix="bt709", in_range="tv", out_range="pc", flags="accurate_rnd+full_chroma_int"
            )
            .filter("format", pix_fmts="rgb24")
        )
        out = png.absolute().with_name(png.name + PART)
        arguments, graph = compile_graph(stream, "frame.png", {"frames:v": 1, "c:v": "png", "f": "image2"})
        (folder / f"frame{GRAPH}").write_text(graph, "utf-8")
        log = folder / f"frame{LOG}"
        code = processes.run(ffmpeg_argv(program, arguments, f"frame{GRAPH}"), cwd=folder, log=log, stall_seconds=120)
        if code != 0 or not (folder / "frame.png").exists():
            raise child_error("ffmpeg failed on this frame", log, code)
        try:
            out.unlink(missing_ok=True)
            out.write_bytes(_signed((folder / "frame.png").read_bytes()))
            os.replace(out, png)
        except OSError as exc:
            raise unwritable(png, exc) from exc


def _signed(png: bytes) -> bytes:
    """Insert our name behind the header (PNG 11.3.4.3), by which a file that may be replaced is known."""
    header, words = 33, b"tEXt" + PNG_SIGNATURE
    chunk = struct.pack(">I", len(PNG_SIGNATURE)) + words + struct.pack(">I", zlib.crc32(words))
    return png[:header] + chunk + png[header:]
