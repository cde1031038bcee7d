"""Chunks by the encoder that was chosen; where hardware fails in the middle, all of them by x264."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding, warning
from assembler.media.choose_encoder import plainly
from assembler.media.encoders import ENCODERS, Encoding
from assembler.media.render.chunks import Rendered, render_chunks
from assembler.media.render.setup import RenderSetup
from assembler.options import EncoderName
from assembler.plan.chunks import Chunk
from assembler.processes import Stop


def render_by_any(
    chunks: Sequence[Chunk], setup: RenderSetup, *, jobs: int, on_seconds: Callable[[float], None]
) -> tuple[list[Rendered], list[Finding], Encoding]:
    """As ``render_chunks``, and what they were encoded with.

    Never by two encoders: the chunks of one track must have the same parameter sets. What hardware had finished by
    then is made again.
    """
    chosen = setup.encoder
    if not chosen.is_hardware:
        return *render_chunks(chunks, setup, jobs=jobs, on_seconds=on_seconds), chosen
    reached = _Sum(on_seconds)
    alone = replace(setup, stop=Stop(within=setup.stop))  # its failure stops its own work only
    try:
        return *render_chunks(chunks, alone, jobs=chosen.at_once(jobs), on_seconds=reached.add), chosen
    except DiskFull:
        raise
    except MediaError as exc:
        if setup.stop.is_set():
            raise
        why = plainly(exc.sentence)
        told = warning("", f"The encoder {chosen.name} failed in the middle ({why}): x264 encoded the whole playback.")
    reached.add(-reached.seconds)
    safe = ENCODERS[EncoderName.X264.value].at(chosen.quality)
    files, findings = render_chunks(chunks, replace(setup, encoder=safe), jobs=jobs, on_seconds=on_seconds)
    return files, [told, *findings], safe


class _Sum:
    """How far it is by now, passed on."""

    def __init__(self, on_seconds: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self._on_seconds = on_seconds

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self._on_seconds(seconds)
