"""Render chunks that another process offers (``render.offer``)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from assembler.errors import MediaError
from assembler.facts import Facts
from assembler.media.choose_encoder import EncoderRefused, prove
from assembler.media.damage.losses import report_of
from assembler.media.encoders import ENCODERS, Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render.chunks import render_chunks
from assembler.media.render.claims import claim_chunk, fetch_beginning, is_locked
from assembler.media.render.inputs import prepare_sources
from assembler.media.render.offer import Offer, work_of
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.plan.chunks import Chunk
from assembler.processes import Stop, Stopped
from assembler.workspace import CHUNKS, SPLIT

POLL_SECONDS = 0.5
"""Time between two looks at the offer, in s."""


class CannotHelp(Exception):
    """Raised with the reason why this process cannot render an offer's chunks; it is not tried again."""


@dataclass(frozen=True)
class OpenOffer:
    """Offer that was opened."""

    place: Path
    """Path of its file; there may be a newer file already."""
    file: int
    """Descriptor of the file that was opened."""
    offer: Offer
    """Content of the file."""

    @property
    def work(self) -> Path:
        """Work folder of the owner."""
        return work_of(self.place)

    def is_withdrawn(self) -> bool:
        """True if its owner finished or gave up, and needs no more chunks (one that died does)."""
        try:
            return os.fstat(self.file).st_size == 0
        except OSError:
            return True  # NFS: it was removed on another machine

    def is_open(self) -> bool:
        """True while its owner lives."""
        return not self.is_withdrawn() and is_locked(self.file)

    def wanted(self) -> list[tuple[Chunk, str]]:
        """List the chunks, with their names, of which the owner has no file: begun ones are continued there."""
        begun = {re.split(r"[.-]", found)[0] for found in os.listdir(self.work / CHUNKS)}
        named = zip(self.offer.chunks, self.offer.names, strict=True)
        return [(chunk, name) for chunk, name in named if name not in begun]


@contextmanager
def open_offer(place: Path) -> Iterator[OpenOffer]:
    """Open an offer; raises OSError where there is none, CannotHelp where it cannot be read."""
    file = os.open(place, os.O_RDWR)  # NFS locks only what may be written
    try:
        with open(file, "rb", closefd=False) as reader:
            text = reader.read()
        if not text:
            raise FileNotFoundError(f"{place} was just taken back")
        try:
            offer = Offer.model_validate_json(text)
        except ValueError as exc:
            raise CannotHelp("another version of assembler made it") from exc
        yield OpenOffer(place, file, offer)
    finally:
        os.close(file)


def help_out(
    place: Path, *, name: str, program: Ffmpeg, processes: int, stop: Stop, may_go_on: Callable[[], bool]
) -> int:
    """Render chunks of this offer until none is free; returns their count.

    ``name`` is unique to this process. Once ``may_go_on()`` is False no more are claimed, but those begun are finished;
    where ``stop`` is set they are left as they are, to be continued by another process. Raises CannotHelp, and OSError
    where there is no offer.
    """
    with open_offer(place) as found:
        if not found.is_open():
            place.unlink(missing_ok=True)  # its owner is dead; the next run makes a new one
            return 0
        own = found.work / "helped" / name
        try:
            own.mkdir(exist_ok=True)
            return _helped(found, own, program, processes, stop, may_go_on)
        except (MediaError, OSError) as exc:
            if found.is_withdrawn():
                return 0
            raise CannotHelp(exc.sentence if isinstance(exc, MediaError) else str(exc)) from exc
        finally:
            if not (found.work / CHUNKS).exists():  # the owner has finished, and removed what it saw
                shutil.rmtree(own, ignore_errors=True)


def _helped(
    found: OpenOffer, own: Path, program: Ffmpeg, processes: int, stop: Stop, may_go_on: Callable[[], bool]
) -> int:
    alone = Stop(within=stop)
    setup = _setup(found.offer, own, program, alone)
    prepare_sources(found.offer.chunks, setup)  # all at once: threads would collide
    (own / CHUNKS).mkdir(exist_ok=True)
    help_ = _Help(found, setup, may_go_on)
    with ThreadPoolExecutor(max_workers=processes, thread_name_prefix="help") as pool:
        futures = [pool.submit(help_.work) for _ in range(processes)]
        try:
            while wait(futures, POLL_SECONDS).not_done:
                if found.is_withdrawn():
                    alone.set()
        except BaseException:
            alone.set()
            raise
    for error in (future.exception() for future in futures):
        if error is not None and not isinstance(error, Stopped):
            raise error
    return len(help_.finished)


def _setup(offer: Offer, own: Path, program: Ffmpeg, stop: Stop) -> RenderSetup:
    """Build the setup; raises CannotHelp where chunks would not come out as their owner's."""
    try:
        setup = RenderSetup(
            folder=own,
            program=program,
            encoder=_encoding(offer, program),
            files=SourceFiles({name: Path(path) for name, path in offer.files.items()}),
            facts={name: Facts.from_json(text) for name, text in offer.facts.items()},
            stop=stop,
            stall_seconds=offer.stall_seconds,
        )
        names = tuple(map(setup.chunk_digest, offer.chunks))
    except (ValueError, KeyError) as exc:
        raise CannotHelp("another version of assembler made it") from exc
    except FileNotFoundError as exc:
        raise CannotHelp(f"{exc.filename} is not there") from exc
    if names != offer.names:
        raise CannotHelp("its files, fonts or ffmpeg are other ones here")
    return setup


def _encoding(offer: Offer, program: Ffmpeg) -> Encoding:
    encoding = ENCODERS[offer.encoder].at(offer.quality, offer.imagery)
    if not offer.is_proved:
        return encoding
    try:
        return prove(encoding, offer.chunks[0].canvas, offer.chunks[0].fps, program)
    except EncoderRefused as exc:
        raise CannotHelp(f"its encoder {offer.encoder} does not work here: {exc}") from exc


@dataclass(frozen=True)
class _Help:
    """State shared by the threads that render one offer."""

    found: OpenOffer
    setup: RenderSetup
    may_go_on: Callable[[], bool]
    finished: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Render free chunks until there is none."""
        while self.may_go_on() and self.found.is_open() and not self.setup.stop.is_set():
            if not any(self._render(chunk, name) for chunk, name in self.found.wanted()):
                return

    def _render(self, chunk: Chunk, name: str) -> bool:
        """Render one chunk; False where another process has it."""
        work, own = self.found.work, self.setup.folder / CHUNKS
        with claim_chunk(work, name) as is_ours:
            if not is_ours or (chunk, name) not in self.found.wanted():
                return False
            fetch_beginning(work, name, own)
            alone = replace(self.setup, stop=Stop(within=self.setup.stop))  # its failure stops its own work only
            rendered, _ = render_chunks([chunk], alone, processes=1, on_seconds=_ignore)
            _deliver([piece.path for piece in rendered], own, work / CHUNKS)
            self.finished.append(name)
            return True


def _ignore(seconds: float) -> None:
    """Report no progress: the owner counts."""


def _deliver(pieces: Iterable[Path], own: Path, chunks: Path) -> None:
    """Move finished chunks to their owner, each after its report, and last the files of their splits."""
    for piece in pieces:
        if not (chunks / piece.name).exists():
            for path in (report_of(piece), piece):
                os.replace(path, chunks / path.name)
    for path in own.glob(f"*{SPLIT}"):
        with suppress(FileNotFoundError):  # another thread was faster
            os.replace(path, chunks / path.name)
