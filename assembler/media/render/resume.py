"""Resumption of an earlier run: the borders of its chunks, and its unfinished chunks."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

from assembler.media.damage.losses import Losses, report_of
from assembler.media.render.fill import finish_chunk
from assembler.media.render.inputs import Input
from assembler.media.render.repair import find_damage, has_errors, may_be_early
from assembler.media.render.run_ffmpeg import part_of
from assembler.media.render.setup import RenderSetup
from assembler.mp4.fragments import read_fragments
from assembler.plan.borders import place_borders
from assembler.plan.chunks import Chunk, split_chunk
from assembler.plan.held import composed_frames, find_calm
from assembler.plan.model import Plan
from assembler.times import Frame
from assembler.workspace import LOG, MADE, SPLIT, digest_of, write_whole


def choose_borders(plan: Plan, setup: RenderSetup, *, seconds: float, processes: int) -> tuple[Frame, ...]:
    """Choose the borders of chunks: those of the run that began this work, whatever its count of processes, else new
    ones."""
    drawn = plan.model_copy(update={"findings": (), "outcomes": ()})
    path = setup.folder / f"borders-{digest_of(drawn, seconds)[:16]}.json"
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text("utf-8"))
        if _are_borders(kept, plan):
            return tuple(Frame(at) for at in kept)
    borders = place_borders(
        plan, setup.facts, seconds=seconds, processes=processes, is_gradual=not setup.files.is_complete,
        calm=find_calm(plan, setup.facts) if setup.encoder.encoder.takes_skips else 1,
    )  # fmt: skip
    write_whole(path, json.dumps(borders))
    return borders


def _are_borders(kept: object, plan: Plan) -> bool:
    if not isinstance(kept, list) or not all(type(at) is int for at in kept) or len(kept) < 2:
        return False
    return kept[0] == 0 and kept[-1] == plan.frames and all(a < b for a, b in pairwise(kept))


def split_at_resume(chunk: Chunk, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input]) -> tuple[Chunk, ...]:
    """Split a chunk that an earlier run began: into the finished part and the rest (only the former if it is all
    there); empty where no run began it."""
    frames = _read_split(chunk, setup) or _salvage(chunk, setup, inputs)
    return split_chunk(chunk, setup.facts, frames) if frames else ()


def _read_split(chunk: Chunk, setup: RenderSetup) -> int:
    with suppress(OSError, ValueError):
        frames = int(setup.chunk_file(chunk).with_suffix(SPLIT).read_text("utf-8"))
        return frames if 0 < frames < chunk.frames else 0
    return 0


def _salvage(chunk: Chunk, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input]) -> int:
    """Turn the whole fragments of an unfinished file into a finished chunk, and record the split; returns its
    frames."""
    if not setup.encoder.encoder.is_salvageable:
        return 0
    out = setup.chunk_file(chunk)
    made = out.with_suffix(MADE)
    part, log = part_of(made), made.with_suffix(LOG)
    if may_be_early(chunk, log) or (not setup.files.is_complete and has_errors(log)):
        return 0
    try:
        found = read_fragments(part)
    except OSError:
        return 0
    if not 0 < found.frames <= chunk.composed:
        return 0
    frames = ([*composed_frames(chunk), chunk.frames])[found.frames]
    head = split_chunk(chunk, setup.facts, frames)[0]
    whole = setup.chunk_file(head)
    losses = find_damage(head, setup, inputs, whole, log)
    os.truncate(part, found.bytes)
    write_whole(report_of(whole), Losses(losses=tuple(losses)).model_dump_json())
    finish_chunk(head, part, whole)
    if frames < chunk.frames:
        write_whole(out.with_suffix(SPLIT), str(frames))
        with suppress(FileNotFoundError):
            os.replace(log, whole.with_suffix(LOG))
    return frames
