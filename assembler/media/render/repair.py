"""What becomes of a chunk whose sources cannot be decoded cleanly: it keeps its exact number of frames, and a finding
says where which picture is damaged or replaced by background."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

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
from assembler.options import Quality
from assembler.plan.chunks import Chunk, Source, Tile, grid_rate
from assembler.times import Span, frame_ms, span
from assembler.workspace import DAMAGE, GRAPH, LOG, MADE

READ_AHEAD = 30
"""Seconds behind a chunk's end in which damage is still looked for: ffmpeg reads ahead, and complains about it."""
REORDERED = 3
"""Frames by which the packet in which a file is cut off may belong in front of its last whole picture."""
DAMAGED = "a decoder complained: frames before the damage were held, or it is to be seen"
UNREADABLE = "its picture cannot be decoded: background in its place"


def without_guilty(
    chunk: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Input], out: Path
) -> tuple[Chunk, list[Loss]]:
    """The chunk without the sources that do not decode to their exact frames when each is rendered alone.

    With the encoder that takes every size: whether another one accepts so small a picture says nothing of the source.
    """
    setup = replace(setup, encoder=X264.at(Quality.DRAFT))
    guilty = [
        (tile.rect, source)
        for tile in chunk.tiles
        for source in tile.sources
        if not _is_sound(_alone(chunk, tile, source), setup, readings, out)
    ]
    tiles = []
    for tile in chunk.tiles:
        kept = tuple(source for source in tile.sources if (tile.rect, source) not in guilty)
        if kept:
            tiles.append(tile.model_copy(update={"sources": kept}))
    losses = [Loss(video_id=s.video_id, span=_span(chunk, s), what=UNREADABLE) for _, s in guilty]
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
        }
    )


def _is_sound(alone: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Input], out: Path) -> bool:
    trial = out.with_name(f"{out.stem}-alone{MADE}")
    try:
        run_chunk(alone, setup, readings, trial, lambda _: None)
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
    chunk: Chunk, setup: RenderSetup, readings: Mapping[tuple[str, int], Input], out: Path, log: Path
) -> list[Loss]:
    """Where the pictures of a chunk whose log holds decoding errors are damaged; none where the log is clean."""
    if not has_errors(log):
        return []
    sources = [source for tile in chunk.tiles for source in tile.sources]
    damage = _searched([_suspect(chunk, s, setup, readings) for s in sources], setup, out)
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
    """True if pictures may come too early in a chunk with this log: behind a source that did not give one frame, the
    next one in its rectangle does."""
    return has_errors(log) and any(len(tile.sources) > 1 for tile in chunk.tiles)


def has_errors(log: Path) -> bool:
    """True if ffmpeg complained."""
    with suppress(OSError):
        text = log.read_text("utf-8", "replace")
        return "[error]" in text or "[fatal]" in text
    return False


def _suspect(chunk: Chunk, source: Source, setup: RenderSetup, readings: Mapping[tuple[str, int], Input]) -> Suspect:
    reading = readings[source.video_id, source.stretch]
    behind = Fraction(source.end) / chunk.fps - Fraction(source.shift, grid_rate(chunk.fps))
    return Suspect(
        name=str(setup.folder / reading.name),
        container=reading.container,
        stream=reading.stream,
        seek=source.seek,
        late=reading.late,
        end=behind + READ_AHEAD,
        known=_known(setup.facts[source.video_id]),
    )


def _known(facts: Facts) -> tuple[tuple[Fraction | None, Fraction | None], ...]:
    """``Suspect.known``: what lies before the first picture, behind the end of a cut file, and where packets are
    missing. None of it is told a second time."""
    picture = facts.picture
    if picture is None:
        return ()
    frame = 1 / picture.rate
    known: list[tuple[Fraction | None, Fraction | None]] = []
    for part in picture.lost:
        start, end = (facts.origin + Fraction(ms, 1000) for ms in (part.start, part.end))
        known.append((None, end - frame / 2) if part.why == NO_KEY else (start - frame, end - frame / 2))
    if facts.is_truncated:
        known.append((picture.last * picture.time_base - REORDERED * frame, None))
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
    """A range of the container's axis as far as it is seen in the chunk."""
    shift = Fraction(source.shift, grid_rate(chunk.fps))
    seen = _span(chunk, source)
    first = max(seen.start, int((start + shift) * 1000))
    last = seen.end if end is None else min(seen.end, int((end + shift) * 1000))
    return span(first, last) if first < last else None
