"""Offer of a render's chunks to other processes on the same home."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from assembler.choices import Quality
from assembler.media.render.claims import ChunkQueue, try_lock
from assembler.media.render.setup import RenderSetup
from assembler.options import Options
from assembler.plan.chunks import Chunk
from assembler.plan.model import Imagery, Mode, Plan
from assembler.values import Value
from assembler.workspace import PART, Workspace


class Offer(Value):
    """Offer of chunks, with all that another process needs to render them."""

    encoder: str
    """Name of the encoder's row."""
    quality: Quality
    """Column of that row."""
    imagery: Imagery
    """Kind of picture that it has to serve."""
    is_proved: bool
    """True if the digest of a trial is part of the chunks' names: others have to make the trial too."""
    files: dict[str, str]
    """Source files by video id, absolute."""
    facts: dict[str, str]
    """Facts of each file, as JSON."""
    chunks: tuple[Chunk, ...]
    """Chunks, in the order in which they are best begun."""
    names: tuple[str, ...]
    """Digests of the chunks; a process that computes other ones has other files or another ffmpeg, and cannot help."""
    stall_seconds: float
    """Maximum time of an ffmpeg without progress, in s; then it is killed."""


def find_offer_place(plan: Plan, folder: Path, options: Options) -> Path | None:
    """Find the place of this work folder's offer; None where the playback is too short for one, or copied."""
    if plan.mode is Mode.COPY or not 0 < options.share_minutes * 60_000 <= plan.length:
        return None
    return Workspace(options.home).shared / f"{folder.name}.json"


def work_of(place: Path) -> Path:
    """Find the work folder of an offer."""
    return place.parent.parent / "work" / place.stem


@contextmanager
def share_chunks(
    chunks: Sequence[Chunk], order: Sequence[int], setup: RenderSetup, *, processes: int
) -> Iterator[ChunkQueue]:
    """Build the owner's queue, with an offer to others where ``setup`` has a place for one and it has enough chunks."""
    if setup.offer is None or len(chunks) <= processes or setup.encoder.is_hardware:
        yield ChunkQueue(order, setup.stop)
        return
    names = {index: setup.chunk_digest(chunks[index]) for index in order}
    for folder in ("claims", "helped"):
        (setup.folder / folder).mkdir(exist_ok=True)
    with _offered(setup.offer, _offer([chunks[index] for index in order], list(names.values()), setup)) as is_offered:
        work = setup.folder if is_offered else None
        yield ChunkQueue(order, setup.stop, work, names, setup.stall_seconds)


def _offer(chunks: Sequence[Chunk], names: Sequence[str], setup: RenderSetup) -> Offer:
    needed = sorted({s.video_id for chunk in chunks for tile in chunk.tiles for s in tile.sources})
    return Offer(
        encoder=setup.encoder.name,
        quality=setup.encoder.quality,
        imagery=setup.encoder.imagery,
        is_proved=bool(setup.encoder.proof),
        files={name: str(setup.files[name].resolve()) for name in needed},
        facts={name: setup.facts[name].to_json() for name in needed},
        chunks=tuple(chunks),
        names=tuple(names),
        stall_seconds=setup.stall_seconds,
    )


@contextmanager
def _offered(place: Path, offer: Offer) -> Iterator[bool]:
    """Publish an offer for the length of the ``with``; False on a file system without locks, where none is made.

    It is emptied when it is withdrawn: processes that have it open then know that its owner did not die.
    """
    part = place.with_name(f"{place.name}.{os.getpid()}{PART}")
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        with open(file, "wb", closefd=False) as writer:
            writer.write(offer.model_dump_json().encode())
        is_locked = try_lock(file)  # before it can be seen: an offer without a lock is a dead owner's
        if is_locked:
            os.replace(part, place)
        yield is_locked
    finally:
        with suppress(OSError):
            os.truncate(file, 0)
            part.unlink(missing_ok=True)
            if os.fstat(file).st_ino == place.stat().st_ino:
                place.unlink()
        os.close(file)
