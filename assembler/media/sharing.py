"""Chunks of one playback rendered by several processes, on one machine or on several: what these tell each other.

    home/shared/<work>.json           the offer: all that is needed to render the chunks; locked while its owner lives
    home/work/<work>/claims/<chunk>   locked by whoever renders that chunk
    home/work/<work>/helped/<name>/   where others than the owner render; what is finished is moved to chunks/

A lock ends with its process, or with its machine. Locks only keep a chunk from being rendered twice: no file's content
depends on them, because each process writes in a folder of its own, and what is whole is moved to its place.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from assembler.media.render_setup import RenderSetup
from assembler.options import Options, Quality
from assembler.plan.chunks import Chunk
from assembler.plan.model import Mode, Plan
from assembler.processes import Stop, Stopped
from assembler.values import Value
from assembler.workspace import PART, Workspace

POLL_SECONDS = 0.1


class Offer(Value):
    """All that somebody else needs to render chunks of a playback."""

    work: str
    """The work folder, absolute."""
    encoder: str
    """Name of the encoder's row."""
    quality: Quality
    """Its column."""
    files: dict[str, str]
    """Source files by video id, absolute."""
    facts: dict[str, str]
    """What is in them, each as its own JSON."""
    chunks: tuple[Chunk, ...]
    """In the order in which they are best begun."""
    names: tuple[str, ...]
    """Their digests: who comes to another one has other files or another ffmpeg, and cannot help."""
    stall_seconds: float
    """An ffmpeg without progress for this long is killed."""


def offer_place(plan: Plan, folder: Path, options: Options) -> Path | None:
    """Where the playback made in this work folder is offered; None where it is too short for that, or is copied."""
    if plan.mode is Mode.COPY or not 0 < options.share_minutes * 60_000 <= plan.length:
        return None
    return Workspace(options.home).shared / f"{folder.name}.json"


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether the lock on this file is ours as long as the ``with`` lasts; it is made where its folder exists."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield False
        return
    try:
        yield try_lock(file)
    finally:
        os.close(file)


def try_lock(file: int) -> bool:
    """Lock an open file for this opening of it alone, also among threads of one process; it ends with the opening."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Turns:
    """Chunks for the owner's threads, each once: one that somebody else renders is passed over, and waited for at the
    end. Where that takes longer than ``patience`` seconds it is taken all the same: its locks may be held by a process
    that hangs.
    """

    def __init__(
        self, order: Iterable[int], stop: Stop, claims: Mapping[int, Path] | None = None, patience: float = 0
    ) -> None:
        self._left, self._stop, self._claims, self._patience = list(order), stop, claims, patience
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[int]:
        """The next chunk, by its index; raises Stopped. Called once for each chunk."""
        waited = 0.0
        while not self._stop.is_set():
            for index in list(self._left):
                if self._claims is None or waited > self._patience:
                    if self._is_taken(index):
                        yield index
                        return
                    continue
                with claimed(self._claims[index]) as is_ours:
                    if is_ours and self._is_taken(index):
                        os.listdir(self._claims[index].parent.parent / "chunks")  # NFS looks anew what is there
                        yield index
                        return
            threading.Event().wait(POLL_SECONDS)
            waited += POLL_SECONDS
        raise Stopped

    def _is_taken(self, index: int) -> bool:
        with self._lock:
            if index not in self._left:
                return False
            self._left.remove(index)
            return True


@contextmanager
def sharing(chunks: Sequence[Chunk], order: Sequence[int], setup: RenderSetup, *, jobs: int) -> Iterator[Turns]:
    """The owner's turns, and an offer to others where ``setup`` asks for it and one process is not enough."""
    if setup.offer is None or len(chunks) <= jobs or setup.encoder.is_hardware:
        yield Turns(order, setup.stop)
        return
    claims = {index: setup.folder / "claims" / setup.chunk_digest(chunks[index]) for index in order}
    for name in ("claims", "helped"):
        (setup.folder / name).mkdir(exist_ok=True)
    with _offered(setup.offer, _offer(chunks, order, setup)) as is_offered:
        yield Turns(order, setup.stop, claims if is_offered else None, setup.stall_seconds)


def _offer(chunks: Sequence[Chunk], order: Sequence[int], setup: RenderSetup) -> Offer:
    needed = sorted({s.video_id for chunk in chunks for tile in chunk.tiles for s in tile.sources})
    return Offer(
        work=str(setup.folder.absolute()),
        encoder=setup.encoder.name,
        quality=setup.encoder.quality,
        files={name: str(setup.files[name].resolve()) for name in needed},
        facts={name: setup.facts[name].to_json() for name in needed},
        chunks=tuple(chunks[index] for index in order),
        names=tuple(setup.chunk_digest(chunks[index]) for index in order),
        stall_seconds=setup.stall_seconds,
    )


@contextmanager
def _offered(place: Path, offer: Offer) -> Iterator[bool]:
    """The offer stands as long as the ``with`` lasts; False on a file system without locks, where none is made."""
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
            part.unlink(missing_ok=True)
            if os.fstat(file).st_ino == place.stat().st_ino:
                place.unlink()
        os.close(file)
