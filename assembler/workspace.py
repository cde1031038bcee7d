"""The names of one job's files, and how they come to be whole.

All of them are listed in DESIGN, Files of the home; code that writes one of these kinds takes its ending from here.
Done means: the file named by the hash of its inputs exists. A file under its final name is whole, because it was
written under another one and moved.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel

from assembler.errors import FULL_DISK, DiskFull, MediaError
from assembler.messages import Message
from assembler.progress import Progress

PART = ".part"
"""A file that is being written or fetched; moved under its name when it is whole."""
LOCK = ".lock"
"""Lock file of the file, or the folder, of that name."""
CHUNKS = "chunks"
"""Folder of the rendered chunks in a work folder."""
SOURCES = "sources"
"""Folder of links to the source files in a work folder."""
CHUNK = ".mp4"
"""A finished chunk; its report (".json") comes before it."""
MADE = ".made"
"""A chunk that is rendered and not reported yet."""
SPLIT = ".split"
"""Number of frames of a killed run's chunk that became a chunk of their own."""
ARTWORK = "artwork"
"""Folder of drawn pictures in a work folder."""
GRAPH = ".graph"
"""Filter graph that ffmpeg reads."""
LOG = ".log"
"""Standard error of ffmpeg or of a child process."""
ORDER = ".order.json"
"""Order to a child process: a ``Message``."""
DAMAGE = ".damage"
"""Result of the child that looks for damage in a source."""
FILLED = ".filled"
"""A chunk that is rendered, while skip pictures are put into it."""
FETCHED = ".fetched"
"""The beginning of a chunk, while it is copied from a helper that died."""
GROWN = ".grown"
"""Number of bytes of a source file that are there, while it is fetched."""
STRAIGHT = ".media"
"""A remuxed copy of a file whose stamps or streams had to be repaired."""
ASSETS = ".assets"
"""Folder of what belongs to a finished playback, beside it."""
MANIFEST = "playback.json"
"""File that says what a finished playback was made from, among its assets."""
REPORT = "report.html"
"""Page for people that says the same."""
WATCH = "index.html"
"""Page on which people watch a playback, among its assets."""
COVER = "cover.jpg"
"""Picture of a playback that is seen before it plays, among its assets."""
SMALL_PICTURES = "chapters.jpg"
"""Pictures of the chapters, below each other, among a playback's assets."""
CHAPTERS = "chapters.vtt"
"""Chapters as WebVTT, among a playback's assets."""
MASTER = "master.m3u8"
"""Playlist that players open, in a package of HLS."""
PNG_SIGNATURE = b"Software\0assembler"
"""Keyword and text of the tEXt chunk of every picture we make."""


class Workspace:
    """Folders under ``home``; created when they are first needed.

    Raises MediaError where the folder cannot be made.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()

    @property
    def cache(self) -> Path:
        """Folder of downloaded files."""
        return self._folder("cache")

    @property
    def facts(self) -> Path:
        """Folder of the facts of probed files, named by the hash of what was probed."""
        return self._folder("facts")

    @property
    def levels(self) -> Path:
        """Folder of the levels of measured files, named by the hash of what was measured."""
        return self._folder("levels")

    @property
    def echoes(self) -> Path:
        """Folder of what files were found to share of their sound, named by the hash of what was compared."""
        return self._folder("echoes")

    @property
    def transcripts(self) -> Path:
        """Folder of the transcripts of speech, named by the hash of file and model."""
        return self._folder("transcripts")

    @property
    def straight(self) -> Path:
        """Folder of remuxed copies of files that had to be repaired."""
        return self._folder("straight")

    @property
    def shared(self) -> Path:
        """Folder in which workers offer each other chunks."""
        return self._folder("shared")

    @property
    def scratch(self) -> Path:
        """Folder of what lasts no longer than one process."""
        return self._folder("scratch")

    def work(self, digest: str) -> Path:
        """Return the work folder of the plan with this digest."""
        return self._folder("work", digest[:32])

    def _folder(self, *parts: str) -> Path:
        folder = self.home.joinpath(*parts)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise MediaError(
                f"the work folder {folder} cannot be made: {exc.strerror}",
                hint="Name a folder you may write to with ASSEMBLER_HOME.",
            ) from exc
        return folder

    @contextlib.contextmanager
    def held(self, digest: str, out: Path, progress: Progress) -> Iterator[Path]:
        """The work folder of one playback and the right to write ``out``, for one run at a time.

        A second run of the same waits and then finds all of it done. What the file system refuses inside of the
        ``with`` becomes DiskFull or MediaError.
        """
        folder = self.home / "work" / digest[:32]
        with (
            disk_errors(folder),
            only_writer(out, progress),
            self._locked(digest, "another run makes the same playback: waiting for it", progress),
        ):
            yield self.work(digest)

    @contextlib.contextmanager
    def free(self, digest: str) -> Iterator[Path | None]:
        """The work folder, for one run at a time as in ``held``; None where another run has it."""
        lock = FileLock(str(self._folder("locks") / f"{digest[:32]}{LOCK}"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield None
            return
        try:
            yield self.work(digest)
        finally:
            lock.release()

    @contextlib.contextmanager
    def _locked(self, digest: str, sentence: str, progress: Progress) -> Iterator[None]:
        lock = FileLock(str(self._folder("locks") / f"{digest[:32]}{LOCK}"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.say(sentence)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """A folder that goes when it is left."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            yield Path(folder)

    def forget(self, digest: str) -> None:
        """Remove the work of a plan that is finished."""
        shutil.rmtree(self.home / "work" / digest[:32], ignore_errors=True)


def make_private(path: Path) -> None:
    """A file that only its owner may read, empty; one that is there keeps the mode that somebody gave it.

    It is not opened if it is there: to close a file ends all POSIX locks of this process on it, and so those of a
    database that is in use (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    with contextlib.suppress(OSError):  # opening it then says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextlib.contextmanager
def only_writer(out: Path, progress: Progress, does: str = "") -> Iterator[None]:
    """The right to write ``out``, for one run at a time, whatever its home: a hidden file beside it is locked.

    ``does``: what is said of a run that is waited for, else that it writes this file.
    """
    lock = out.absolute().with_name(f".{out.name}{LOCK}")
    held = _locked_file(lock, f"another run {does or f'writes {out.name}'}: waiting for it", progress)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # while it is held: who waits for it sees that it is gone
        os.close(held)


def _locked_file(lock: Path, sentence: str, progress: Progress) -> int:
    while True:
        held = os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.say(sentence)
                fcntl.flock(held, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(held), os.stat(lock)):
                    return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)  # its former holder has removed it meanwhile


def write_whole(path: Path, text: str | bytes, *, mode: int = 0o666) -> None:
    """Write a file so that it is whole whenever it exists; raises DiskFull or MediaError."""
    write_together({path: text}, mode=mode)


def write_together(texts: Mapping[Path, str | bytes], *, mode: int = 0o666) -> None:
    """Write files that tell of one thing so that none is replaced unless there is room for all; raises DiskFull or
    MediaError."""
    parts = [(path.with_name(f"{path.name}.{os.getpid()}{PART}"), path, text) for path, text in texts.items()]
    try:
        for part, path, text in parts:  # noqa: B007 the error names it
            data = text.encode("utf-8") if isinstance(text, str) else text
            with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for part, path, _ in parts:
            os.replace(part, path)
    except OSError as exc:
        for part, _, _ in parts:
            part.unlink(missing_ok=True)
        raise unwritable(path, exc) from exc


@contextlib.contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Raise DiskFull or MediaError for what the file system refuses inside of the ``with``."""
    try:
        yield
    except BrokenPipeError:
        raise  # not the disk: nobody reads what we say
    except OSError as exc:
        raise unwritable(Path(exc.filename) if isinstance(exc.filename, str) else place, exc) from exc


def unwritable(path: Path, exc: OSError) -> MediaError:
    """The error for a file that cannot be written, with the next step."""
    if exc.errno in FULL_DISK:
        return DiskFull(
            f"the disk of {path.parent} is full: {exc.strerror}",
            hint="Make room, or name another disk; then run again.",
        )
    return MediaError(f"{path} cannot be written: {exc.strerror}", hint="Name a folder you may write to.")


def digest_of(
    *parts: BaseModel | Message | str | int | float | tuple[Any, ...] | list[Any] | dict[str, Any] | None,
) -> str:
    """One hex digest of values, the same on every machine."""
    plain = [_plain(part) for part in parts]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _plain(part: object) -> object:
    if isinstance(part, BaseModel):
        return part.model_dump(mode="json")
    return json.loads(part.to_json()) if isinstance(part, Message) else part


Identity = tuple[str, int, int]


def identity_of(path: Path) -> Identity:
    """Tell one version of a file from another without reading it: path, bytes, time of change (ns)."""
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


def assets_of(playback: Path) -> Path:
    """The folder beside a playback that holds what belongs to it: ``class.mp4`` -> ``class.assets``."""
    return playback.with_name(playback.stem + ASSETS)
