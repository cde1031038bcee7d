"""Chunks of a playback that somebody else makes and offers (``sharing``), rendered here."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from assembler.errors import MediaError
from assembler.facts import Facts
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render import render_chunks
from assembler.media.render_setup import RenderSetup, prepare_sources
from assembler.media.sharing import Offer, claimed, try_lock
from assembler.plan.chunks import Chunk
from assembler.processes import Stop, Stopped

FINISHED = (".json", ".mp4", ".split")
"""Suffixes of what is delivered, in this order: a chunk's report is there before the chunk."""
LOOK_SECONDS = 0.5


class CannotHelp(Exception):
    """Why this offer is not for us, in words: it is not to be tried again."""


class OpenOffer:
    """An offer that was found."""

    def __init__(self, place: Path) -> None:
        """Raises OSError where there is none, CannotHelp where it cannot be read."""
        self._place = place
        self._file = os.open(place, os.O_RDWR)
        try:
            with open(self._file, "rb", closefd=False) as reader:
                self.offer = Offer.model_validate_json(reader.read())
        except ValueError as exc:
            os.close(self._file)
            raise CannotHelp("another version of assembler made it") from exc
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> OpenOffer:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def is_gone(self) -> bool:
        """True if its owner took it back: nobody wants what is being rendered. (One that died did not.)"""
        return not self._place.exists()

    def is_open(self) -> bool:
        """True while its owner lives and it is the newest one; that of a dead owner is cleared away."""
        with suppress(OSError):
            if os.fstat(self._file).st_ino != self._place.stat().st_ino:
                return False
            if not try_lock(self._file):
                return True
            self._place.unlink()
            fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def wanted(self) -> list[tuple[Chunk, str]]:
        """Chunks and their names of which the owner has nothing: what was begun is gone on with there."""
        begun = {re.split(r"[.-]", found)[0] for found in os.listdir(Path(self.offer.work) / "chunks")}
        named = zip(self.offer.chunks, self.offer.names, strict=True)
        return [(chunk, name) for chunk, name in named if name not in begun]


def help_out(place: Path, *, name: str, program: Ffmpeg, jobs: int, stop: Stop, may_go_on: Callable[[], bool]) -> int:
    """Render chunks of this offer until none is free; how many they were.

    ``name`` is nobody else's. Once ``may_go_on()`` is False no more are taken, but those in hand are finished. Raises
    CannotHelp.
    """
    try:
        opened = OpenOffer(place)
    except OSError:
        return 0
    with opened:
        own = Path(opened.offer.work) / "helped" / name
        try:
            shutil.rmtree(own, ignore_errors=True)  # of one who died under this name
            own.mkdir()
            return _helped(opened, own, program, jobs, stop, may_go_on)
        except (MediaError, OSError) as exc:
            if opened.is_gone():
                return 0
            raise CannotHelp(exc.sentence if isinstance(exc, MediaError) else str(exc.strerror)) from exc
        finally:
            shutil.rmtree(own, ignore_errors=True)


def _helped(opened: OpenOffer, own: Path, program: Ffmpeg, jobs: int, stop: Stop, may_go_on: Callable[[], bool]) -> int:
    alone = Stop(within=stop)
    turn = _Turn(opened, _setup(opened.offer, own, program, alone), may_go_on, alone)
    prepare_sources(opened.offer.chunks, turn.setup)  # all at once: threads would be in each other's way
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="help") as pool:
        futures = [pool.submit(turn.work) for _ in range(jobs)]
        try:
            while wait(futures, LOOK_SECONDS).not_done:
                if opened.is_gone():
                    alone.set()
        except BaseException:
            alone.set()
            raise
    for error in (future.exception() for future in futures):
        is_the_end = isinstance(error, Stopped) or (isinstance(error, MediaError | OSError) and opened.is_gone())
        if error is not None and not is_the_end:
            raise error
    return len(turn.finished)


def _setup(offer: Offer, own: Path, program: Ffmpeg, stop: Stop) -> RenderSetup:
    """Raises CannotHelp where chunks would not come out as their owner's."""
    setup = RenderSetup(
        folder=own,
        program=program,
        encoder=ENCODERS[offer.encoder].at(offer.quality),
        files={name: Path(path) for name, path in offer.files.items()},
        facts={name: Facts.from_json(text) for name, text in offer.facts.items()},
        stop=stop,
        stall_seconds=offer.stall_seconds,
    )
    try:
        names = tuple(map(setup.chunk_digest, offer.chunks))
    except OSError as exc:
        raise CannotHelp(f"{exc.filename} is not there") from exc
    if names != offer.names:
        raise CannotHelp("its files or its ffmpeg are other ones here")
    return setup


class _Turn:
    """What the threads that help with one offer have in common."""

    def __init__(self, opened: OpenOffer, setup: RenderSetup, may_go_on: Callable[[], bool], stop: Stop) -> None:
        self.opened, self.setup, self.may_go_on, self.stop = opened, setup, may_go_on, stop
        self.finished: list[str] = []

    def work(self) -> None:
        """One thread's part: the first free chunk, again and again."""
        while self.may_go_on() and self.opened.is_open() and not self.stop.is_set():
            if not any(self._render(chunk, name) for chunk, name in self.opened.wanted()):
                return

    def _render(self, chunk: Chunk, name: str) -> bool:
        """False where somebody else has it."""
        with claimed(Path(self.opened.offer.work) / "claims" / name) as is_ours:
            if not is_ours or (chunk, name) not in self.opened.wanted():
                return False
            render_chunks([chunk], replace(self.setup, stop=Stop(within=self.stop)), jobs=1, on_seconds=_ignore)
            _deliver(self.setup.folder / "chunks", Path(self.opened.offer.work) / "chunks")
            self.finished.append(name)
            return True


def _ignore(seconds: float) -> None:
    """The owner counts."""


def _deliver(made: Path, chunks: Path) -> None:
    for suffix in FINISHED:
        for path in made.glob(f"*{suffix}"):
            with suppress(FileNotFoundError):  # another thread was faster
                os.replace(path, chunks / path.name)
