"""Repair of chunks whose sources cannot be decoded cleanly: a chunk keeps its exact count of frames, and a finding says
where which video is damaged or replaced by background."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from assembler.choices import Quality
from assembler.errors import DiskFull, MediaError
from assembler.facts import NO_KEY, Facts
from assembler.layout.model import Rect
from assembler.media.child import run_module
from assembler.media.damage.losses import Loss
from assembler.media.damage.order import Damage, Search, Suspect
from assembler.media.encoders import X264
from assembler.media.render.inputs import Input
from assembler.media.render.run_ffmpeg import run_chunk
from assembler.media.render.setup import RenderSetup
from assembler.plan.chunks import Chunk, Source, Tile
from assembler.plan.grid import grid_rate
from assembler.times import Span, frame_ms, span
from assembler.workspace import DAMAGE, GRAPH, LOG, MADE

READ_AHEAD = 30
"""Time behind a chunk's end that is searched for damage, in s; ffmpeg reads ahead, and logs errors found there."""
REORDERED = 3
"""Maximum count of frames by which the truncated last packet may precede the last whole frame (reordering)."""
DAMAGED = "a decoder complained: frames before the damage were held, or it is to be seen"
"""Loss for damaged video, for people."""
UNREADABLE = "its picture cannot be decoded: background in its place"
"""Loss for video replaced by background, for people."""


def without_undecodable(
    chunk: Chunk, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input], out: Path
) -> tuple[Chunk, list[Loss]]:
    """Remove the sources from a chunk that do not give their exact count of frames when each is rendered alone.

    The trials use x264, which accepts every size: another encoder may refuse so small a frame.
    """
    setup = replace(setup, encoder=X264.at(Quality.DRAFT))
    bad = [
        (tile.rect, source)
        for tile in chunk.tiles
        for source in tile.sources
        if not _decodes(_alone(chunk, tile, source), setup, inputs, out)
    ]
    tiles = []
    for tile in chunk.tiles:
        kept = tuple(source for source in tile.sources if (tile.rect, source) not in bad)
        if kept or tile.overlays:
            tiles.append(tile.model_copy(update={"sources": kept}))
    losses = [Loss(video_id=s.video_id, span=_span(chunk, s), what=UNREADABLE) for _, s in bad]
    return chunk.model_copy(update={"tiles": tuple(tiles)}), losses


def _alone(chunk: Chunk, tile: Tile, source: Source) -> Chunk:
    rect = Rect(x=0, y=0, width=tile.rect.width, height=tile.rect.height)
    canvas = chunk.canvas.model_copy(update={"width": rect.width, "height": rect.height})
    return chunk.model_copy(
        update={
            "first": source.first,
            "end": source.end,
            "canvas": canvas,
            "tiles": (Tile(rect=rect, sources=(source,)),),
            "is_disjoint": True,
            "keyframes": (),
            "held": (),
        }
    )


def _decodes(alone: Chunk, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input], out: Path) -> bool:
    trial = out.with_name(f"{out.stem}-alone{MADE}")
    try:
        run_chunk(alone, setup, inputs, trial, lambda _: None)
    except DiskFull:
        raise
    except MediaError:
        return False
    finally:
        for suffix in (MADE, LOG, GRAPH):
            trial.with_suffix(suffix).unlink(missing_ok=True)
    return True


def _span(chunk: Chunk, source: Source) -> Span:
    return Span(start=frame_ms(source.first, chunk.fps), end=frame_ms(source.end, chunk.fps))


def find_damage(
    chunk: Chunk, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input], out: Path, log: Path
) -> list[Loss]:
    """Find where the video of a chunk is damaged, if its log holds decoding errors."""
    if not has_errors(log):
        return []
    sources = [source for tile in chunk.tiles for source in tile.sources]
    damage = _searched([_suspect(chunk, s, setup, inputs) for s in sources], setup, out)
    if not any(damage):
        whole = Span(start=frame_ms(chunk.first, chunk.fps), end=frame_ms(chunk.end, chunk.fps))
        is_known = any(_known(setup.facts[s.video_id]) for s in sources)  # that is what it complained about
        return [] if is_known else [Loss(video_id="", span=whole, what=DAMAGED)]
    return [
        Loss(video_id=source.video_id, span=part, what=DAMAGED)
        for source, ranges in zip(sources, damage, strict=True)
        for start, end in ranges
        if (part := _on_playback(chunk, source, start, end)) is not None
    ]


def may_be_early(chunk: Chunk, log: Path) -> bool:
    """True if frames may come too early in a chunk with this log: after a source that gave no frame, the next one in
    its rectangle does."""
    return has_errors(log) and any(len(tile.sources) > 1 for tile in chunk.tiles)


def has_errors(log: Path) -> bool:
    """True if ffmpeg logged an error."""
    with suppress(OSError):
        text = log.read_text("utf-8", "replace")
        return "[error]" in text or "[fatal]" in text
    return False


def _suspect(chunk: Chunk, source: Source, setup: RenderSetup, inputs: Mapping[tuple[str, int], Input]) -> Suspect:
    opened = inputs[source.video_id, source.stretch]
    has_index = opened.entries is None
    url, options = opened.open_at(None if has_index else source.seek, Fraction(1))
    behind = Fraction(source.end) / chunk.fps - Fraction(source.shift, grid_rate(chunk.fps))
    return Suspect(
        url=url,
        options=tuple((name, str(value)) for name, value in options.items()),
        container=opened.container,
        stream=opened.stream,
        seek=source.seek if has_index else None,
        late=opened.late,
        end=behind + READ_AHEAD,
        known=_known(setup.facts[source.video_id]),
    )


def _known(facts: Facts) -> tuple[tuple[Fraction | None, Fraction | None], ...]:
    """List the ranges already reported (``Suspect.known``): before the first key frame, behind the end of a truncated
    file, and where packets are missing."""
    video = facts.picture
    if video is None:
        return ()
    frame = 1 / video.rate
    known: list[tuple[Fraction | None, Fraction | None]] = []
    for part in video.lost:
        start, end = (facts.origin + Fraction(ms, 1000) for ms in (part.start, part.end))
        known.append((None, end - frame / 2) if part.why == NO_KEY else (start - frame, end - frame / 2))
    if facts.is_truncated:
        known.append((video.last * video.time_base - REORDERED * frame, None))
    return tuple(known)


def _searched(
    suspects: list[Suspect], setup: RenderSetup, out: Path
) -> tuple[tuple[tuple[Fraction, Fraction | None], ...], ...]:
    answer = out.with_name(f"{out.stem}{DAMAGE}")
    order = Search(suspects=tuple(suspects), answer=str(answer))
    name = f"damage-{out.stem}"
    try:
        run_module("assembler.media.damage.child", [], order, cwd=setup.folder, name=name, stop=setup.stop)
        return Damage.from_json(answer.read_text("utf-8")).ranges
    except DiskFull:
        raise
    except MediaError:
        return tuple(() for _ in suspects)  # a file that even kills the search
    finally:
        answer.unlink(missing_ok=True)


def _on_playback(chunk: Chunk, source: Source, start: Fraction, end: Fraction | None) -> Span | None:
    """Convert a range of the container's axis to the playback, as far as it is presented in the chunk."""
    shift = Fraction(source.shift, grid_rate(chunk.fps))
    seen = _span(chunk, source)
    first = max(seen.start, int((start + shift) * 1000))
    last = seen.end if end is None else min(seen.end, int((end + shift) * 1000))
    return span(first, last) if first < last else None
