"""Zip files with a result and its files in them: only what the result and its playlists name is unpacked, by base
name."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from assembler.dialects import parse
from assembler.dialects.body import shortened
from assembler.dialects.systems.playlist import PLAYLIST
from assembler.errors import DiskFull, InputError
from assembler.network.download.limits import free_space
from assembler.network.download.slices import find_list, is_list, read_list
from assembler.options import Options
from assembler.workspace import PART, digest_of, disk_errors

LARGEST_JSON = 2**20
"""Maximum size of the result in a zip file, in bytes."""
MAX_MEMBERS = 10_000
"""Maximum number of files in a zip file."""
MAX_RATIO = 100
"""Maximum size of a file per byte in the zip file, from 1 MiB on; video hardly shrinks, what does is an attack."""
COPY_BYTES = 2**20
"""Number of bytes that are unpacked at once."""
UNPACK = "Unpack it, and use --media-dir."
"""Hint where a zip file is not read."""


def is_archive(name: str) -> bool:
    """True if a result was given as a zip file."""
    return name.lower().endswith(".zip")


def read_archive(path: Path) -> tuple[str, bytes]:
    """Read the one JSON of a zip file: its name and the bytes. Raises InputError."""
    with _opened(path) as archive:
        found = [one for one in archive.infolist() if one.filename.lower().endswith(".json") and not one.is_dir()]
        if len(found) != 1:
            said = f"{len(found)} JSON files" if found else "no JSON file"
            hint = "It has to hold the one result of its class."
            if not found and any(one.filename.lower().endswith(f".{PLAYLIST}") for one in archive.infolist()):
                hint = "Unpack it; Agora's playlists and slices need no result: name their folder with --agora-dir."
            raise InputError(f"{path}: the zip file holds {said}", hint=hint)
        _check(path, found[0])
        if found[0].file_size > LARGEST_JSON:
            raise InputError(f"{path}: {_shown(found[0])} has more than {LARGEST_JSON >> 20} MiB")
        with _undamaged(path, found[0]):
            return _shown(found[0]), archive.read(found[0])


@contextmanager
def unpacked(names: Sequence[str], options: Options) -> Iterator[Options]:
    """Unpack what the results in zip files name, and give the options with that folder as the media folder.

    The folder goes when all went well; what a stopped run left is taken up. Raises InputError, DiskFull.
    """
    archives = [Path(name) for name in names if is_archive(name)]
    if not archives:
        yield options
        return
    if options.media_dir is not None or len(archives) > 1:
        raise InputError(
            "a zip file holds the media of its class: one is taken, and no --media-dir",
            hint="Unpack them into one folder, and give the JSON files with --media-dir.",
        )
    (path,) = archives
    with disk_errors(options.home):
        status = path.stat()
        folder = options.home.absolute() / "unpacked" / digest_of(str(path.absolute()), status.st_size, status.st_mtime)
        folder.mkdir(parents=True, exist_ok=True)
        _unpack(path, folder)
    yield options.model_copy(update={"media_dir": folder})
    if not options.keep_work:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> None:
    segments = parse(read_archive(path)[1]).segments
    ids = {segment.video_id for segment in segments}
    with _opened(path) as archive:
        _take(path, archive, folder, lambda name: bool(ids & {name, PurePosixPath(name).stem}))
        lists = [found for s in segments if is_list(s) and (found := find_list(s, folder)) is not None]
        parts = {name for found in lists for run in read_list(found, found.name).runs for name in run.names}
        if parts:
            _take(path, archive, folder, parts.__contains__)


def _take(path: Path, archive: zipfile.ZipFile, folder: Path, is_wanted: Callable[[str], bool]) -> None:
    """Unpack the files of these base names that are not there yet."""
    wanted: dict[str, zipfile.ZipInfo] = {}
    for one in archive.infolist():
        name = PurePosixPath(one.filename.replace("\\", "/")).name
        if one.is_dir() or not is_wanted(name):
            continue
        if name in wanted:
            raise InputError(f"{path}: it holds two files called {shortened(name, 100)}", hint=UNPACK)
        _check(path, one)
        wanted[name] = one
    lacking = sum(one.file_size for name, one in wanted.items() if not (folder / name).exists())
    if lacking > free_space(folder):
        raise DiskFull(
            f"{path}: {lacking / 2**20:.0f} MiB are needed to unpack it", hint="Free some, or set ASSEMBLER_HOME."
        )
    for name, one in wanted.items():
        if not (folder / name).exists():
            _write(path, archive, one, folder / name)


def _write(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    part = target.with_name(f"{target.name}{PART}")
    try:
        with _undamaged(path, member), archive.open(member) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file, COPY_BYTES)
    except InputError:
        part.unlink(missing_ok=True)
        raise
    part.replace(target)


@contextmanager
def _undamaged(path: Path, member: zipfile.ZipInfo) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as exc:
        raise InputError(f"{path}: {_shown(member)} is damaged", hint="Fetch the zip file again.") from exc


def _shown(member: zipfile.ZipInfo) -> str:
    return shortened(member.filename, 100)


def _check(path: Path, member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 1:
        raise InputError(f"{path}: {_shown(member)} is encrypted", hint=UNPACK)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{path}: {_shown(member)} is packed in a rare way", hint=UNPACK)
    if member.file_size > MAX_RATIO * max(member.compress_size, 2**20):
        raise InputError(f"{path}: {_shown(member)} would be over {MAX_RATIO} times as large unpacked")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as exc:
        raise InputError(f"{path}: no such file", hint="Name a result file, or a zip file with one.") from exc
    except (zipfile.BadZipFile, OSError, ValueError) as exc:
        raise InputError(f"{path}: this is no zip file that can be read", hint="Fetch it again.") from exc
    with archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise InputError(f"{path}: the zip file holds more than {MAX_MEMBERS} files")
        yield archive
