"""Files that are already on disk, in the folder given with ``--media-dir``.

Ids and URLs are untrusted, so no path is ever made from them: they are only compared with the folder's own names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assembler.errors import DownloadError, InputError
from assembler.findings import note, warning
from assembler.network.download.cache import CacheBroken
from assembler.network.download.limits import check_content, is_page
from assembler.network.download.slices import base_name, is_list, join
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles

MEDIA_ENDINGS = (
    ".mp4", ".mkv", ".webm", ".mov", ".flv", ".ts", ".avi", ".m4v", ".m4a", ".mp3", ".aac", ".mka", ".ogg", ".oga",
    ".opus", ".wav", ".flac",
)  # fmt: skip
"""Endings of files that may hold a recording, lower case."""
NOWHERE = (
    "Put the file into a folder as <video id>.mp4 and give it with --media-dir; --media-base names where such files can"
    " be fetched."
)
"""Hint for a file that has no address and is not on disk."""
UNFINISHED_ENDINGS = (".part", ".crdownload", ".tmp", ".download")
"""Endings of files that a browser or we have not finished."""


@dataclass
class LocalFiles(SegmentFiles):
    """Files of the media folder; its findings are choices between several."""

    doubtful: dict[str, Path] = field(default_factory=dict)
    """Files found by base name alone that have another size than was declared, by video id."""


def find_local(
    segments: Sequence[Segment], folder: Path | None, refused: Collection[str] = (), *, cache: Path | None = None
) -> LocalFiles:
    """Find the segments that have a file in the folder: as ``<video id>``, ``<video id>.*``, or their URL's decoded
    base name.

    A name that belongs to one segment's id is nobody else's, and a base name shared by two segments is nobody's.
    ``refused``: segments whose file is not to be found by base name. ``cache``: where those in parts are put
    together; None leaves them out. Raises InputError where the folder cannot be read, DiskFull, CacheBroken.
    """
    found = LocalFiles()
    if folder is None:
        return found
    names = _file_names(folder)
    whole = [segment for segment in segments if not segment.parts]
    if cache is not None:
        for segment in segments:
            if segment.parts:
                _join(found, segment, folder, names, cache)
    by_id = _by_id(whole, names)
    taken = {name for mine in by_id.values() for name in mine}
    base_names = {s.video_id: base_name(s.url) for s in whole}
    shared = Counter(base_names.values())
    for segment in whole:
        mine = [n for n in by_id.get(segment.source_id, []) if not _is_told_beside(folder / n, segment)]
        base = base_names[segment.video_id]
        if mine:
            name = _best(segment, mine)
        elif base in names and base not in taken and shared[base] == 1 and segment.video_id not in refused:
            name = base
            _doubt(found, segment, folder / name)
        else:
            continue
        if len(mine) > 1:
            others = ", ".join(sorted(n for n in mine if n != name)[:5])
            found.findings.append(note(segment.video_id, f"{name} was taken from the media folder, not {others}"))
        _take(found, segment.video_id, folder / name)
    return found


def find_absent(segments: Sequence[Segment], found: SegmentFiles, folder: Path | None) -> dict[str, DownloadError]:
    """Find the segments that are nowhere: not in the folder (where one was named), and without an address."""
    known = found.files.keys() | found.failures.keys()
    beside = f"{folder.resolve().name}/" if folder is not None else ""
    return {
        s.video_id: DownloadError(f"it has no URL, and there is no file {beside}{s.source_id}.*", hint=NOWHERE)
        for s in segments
        if s.url is None and s.video_id not in known and not s.parts and not is_list(s)
    }


def is_name_of(segments: Sequence[Segment], name: str) -> bool:
    """True if a file of this name in the folder would be taken for one of the segments."""
    return bool(_by_id(segments, {name})) or name in {base_name(s.url) for s in segments}


def _is_told_beside(path: Path, segment: Segment) -> bool:
    """A page or JSON that lies beside a recording under its name, and is not it."""
    if path.name == segment.source_id or path.suffix.lower() in MEDIA_ENDINGS:
        return False
    try:
        return is_page(path)
    except OSError:
        return False  # told where it is taken


def _doubt(found: LocalFiles, segment: Segment, path: Path) -> None:
    """A base name alone proves nothing: another class may have a file of the same name."""
    try:
        size = path.stat().st_size
    except OSError:
        return  # told where it is taken
    if segment.size and segment.size > 0 and size != segment.size:
        found.doubtful[segment.video_id] = path
        found.findings.append(
            warning(
                segment.video_id,
                f"{path.name} was taken from the media folder by its name alone: it has {size} bytes, declared were"
                f" {segment.size}.",
            )
        )


def _file_names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {e.name for e in entries if not e.name.lower().endswith(UNFINISHED_ENDINGS) and e.is_file()}
    except (OSError, ValueError) as exc:
        raise InputError(
            f"the media folder {str(folder)!r} cannot be read: {getattr(exc, 'strerror', exc)}",
            hint="--media-dir has to name a folder that holds the recorded files.",
        ) from exc


def _by_id(segments: Sequence[Segment], names: set[str]) -> dict[str, list[str]]:
    """Video id -> names that are the id, or start with it and a dot; of two ids that fit a name, the longer has it."""
    ids = {s.source_id for s in segments} - {""}
    owned: dict[str, list[str]] = {}
    for name in names:
        stem, dot = name, "."
        while stem and dot:
            if stem in ids:
                owned.setdefault(stem, []).append(name)
                break
            stem, dot, _ = stem.rpartition(".")
    return owned


def _best(segment: Segment, names: list[str]) -> str:
    """The bare id first, then the declared format, then usual endings, then the alphabet."""

    def rank(name: str) -> tuple[int, str]:
        ending = os.path.splitext(name)[1].lower()
        if name == segment.source_id:
            return 0, name
        if segment.format and ending == f".{segment.format}":
            return 1, name
        return (2 + MEDIA_ENDINGS.index(ending) if ending in MEDIA_ENDINGS else 99), name

    return min(names, key=rank)


def _join(found: LocalFiles, segment: Segment, folder: Path, names: set[str], cache: Path) -> None:
    try:
        found.files[segment.video_id] = join(segment, folder, names, cache)
    except CacheBroken:
        raise
    except DownloadError as failure:
        found.failures[segment.video_id] = failure


def _take(found: LocalFiles, video_id: str, path: Path) -> None:
    where = f"{path.name} in the media folder"
    try:
        check_content(path, where)
        found.files[video_id] = path
    except DownloadError as failure:
        found.failures[video_id] = failure
    except OSError as exc:
        found.failures[video_id] = DownloadError(
            f"{where} cannot be read: {exc.strerror}", hint="Look at the file's permissions."
        )
