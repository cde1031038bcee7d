"""What an earlier run left in the work folder: where its chunks meet, and the beginnings of those not finished."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

from assembler.media.damage.losses import Losses, report_of
from assembler.media.render.inputs import Input
from assembler.media.render.repair import find_damage, has_errors, may_be_early
from assembler.media.render.run_ffmpeg import part_of
from assembler.media.render.setup import RenderSetup
from assembler.mp4.fragments import whole_fragments
from assembler.plan.borders import place_borders
from assembler.plan.chunks import Chunk, split_chunk
from assembler.plan.model import Plan
from assembler.times import Frame
from assembler.workspace import LOG, MADE, SPLIT, digest_of, write_whole


def kept_borders(plan: Plan, setup: RenderSetup, *, seconds: float, processes: int) -> tuple[Frame, ...]:
    """Where chunks meet: as in the run that began this work, for any number of processes, else as placed now."""
    drawn = plan.model_copy(update={"findings": (), "outcomes": ()})
    path = setup.folder / f"borders-{digest_of(drawn, seconds)[:16]}.json"
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text("utf-8"))
        if _are_borders(kept, plan):
            return tuple(Frame(at) for at in kept)
    is_growing = setup.growth is not None
    borders = place_borders(plan, setup.facts, seconds=seconds, processes=processes, is_growing=is_growing)
    write_whole(path, json.dumps(borders))
    return borders


def _are_borders(kept: object, plan: Plan) -> bool:
    if not isinstance(kept, list) or not all(type(at) is int for at in kept) or len(kept) < 2:
        return False
    return kept[0] == 0 and kept[-1] == plan.frames and all(a < b for a, b in pairwise(kept))


def taken_up(chunk: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Input]) -> tuple[Chunk, ...]:
    """The chunk as two where a run that ended midway left its beginning, which then is finished, and the rest (or none,
    if it left all of it); nothing where there is nothing to be taken up.
    """
    frames = _noted(chunk, setup) or _salvaged(chunk, setup, readings)
    return split_chunk(chunk, setup.facts, frames) if frames else ()


def _noted(chunk: Chunk, setup: RenderSetup) -> int:
    with suppress(OSError, ValueError):
        frames = int(setup.chunk_file(chunk).with_suffix(SPLIT).read_text("utf-8"))
        return frames if 0 < frames < chunk.frames else 0
    return 0


def _salvaged(chunk: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Input]) -> int:
    """Make the whole fragments of a half file a finished chunk, and note it; how many frames that is."""
    if not setup.encoder.encoder.is_salvageable:
        return 0
    out = setup.chunk_file(chunk)
    made = out.with_suffix(MADE)
    part, log = part_of(made), made.with_suffix(LOG)
    if may_be_early(chunk, log) or (setup.growth is not None and has_errors(log)):
        return 0
    try:
        found = whole_fragments(part)
    except OSError:
        return 0
    if not 0 < found.pictures <= chunk.frames:
        return 0
    head = split_chunk(chunk, setup.facts, found.pictures)[0]
    whole = setup.chunk_file(head)
    losses = find_damage(head, setup, readings, whole, log)
    os.truncate(part, found.bytes)
    write_whole(report_of(whole), Losses(losses=tuple(losses)).model_dump_json())
    os.replace(part, whole)
    if found.pictures < chunk.frames:
        write_whole(out.with_suffix(SPLIT), str(found.pictures))
        with suppress(FileNotFoundError):
            os.replace(log, whole.with_suffix(LOG))
    return found.pictures
