"""Files that lie in slices in the media folder: the playlist names them, and put behind one another they are one file.

A playlist is read because a result names it; one that is found by probing is never followed.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from assembler.dialects.body import shown
from assembler.dialects.systems.playlist import MAX_CHARACTERS, Playlist, Run, read_playlist
from assembler.errors import DownloadError, InputError
from assembler.findings import fold, note, warning
from assembler.network.download.cache import Entry, Known, disk_errors
from assembler.recording import Recording, Segment
from assembler.times import Ms, PlayMs
from assembler.workspace import digest_of, identity_of

PLAYLIST = "m3u8"
"""Format of a segment whose file is a playlist."""
JOINABLE = (".ts", ".aac", ".mp3")
"""Endings of parts that put behind one another are a file; those of webm are not."""
NO_END = "Its playlist has no end: the recorder had not finished it, and what came after may be missing."
"""Sentence about a playlist without an end."""
COPY_BYTES = 2**20
"""Number of bytes that are copied at once."""


def with_parts(recording: Recording, folder: Path | None) -> Recording:
    """Replace each playlist that lies in the media folder by a segment for each of its runs, and say what it tells
    beside them. Raises InputError."""
    if folder is None or all(s.format != PLAYLIST or s.parts for s in recording.segments):
        return recording
    segments: list[Segment] = []
    findings = list(recording.findings)
    for segment in recording.segments:
        path = _find_list(segment, folder) if segment.format == PLAYLIST and not segment.parts else None
        if path is None:
            segments.append(segment)
            continue
        playlist = _read(path)
        segments += _runs(segment, path.name, playlist.runs)
        findings += [
            note(segment.video_id, f"{found.where.capitalize()} of its playlist: {found.sentence}")
            for found in playlist.findings
        ]
        if not playlist.is_ended:
            findings.append(warning(segment.video_id, NO_END))
    return recording.model_copy(update={"segments": tuple(segments), "findings": fold(findings)})


def _find_list(segment: Segment, folder: Path) -> Path | None:
    """Find its playlist by its id, else by the base name of its address."""
    names = (f"{segment.source_id}.{PLAYLIST}", base_name(segment.url))
    paths = (folder / PurePosixPath(name).name for name in names if name.endswith(f".{PLAYLIST}"))
    return next((path for path in paths if path.is_file()), None)


def base_name(url: str | None) -> str:
    """Read the decoded base name of an address; "" where there is none."""
    try:
        return unquote(urlsplit(url or "").path.rpartition("/")[2])
    except ValueError:
        return ""


def _read(path: Path) -> Playlist:
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MAX_CHARACTERS + 1)
        return read_playlist(raw.decode("utf-8", "replace"))
    except OSError as exc:
        raise InputError(f"{path.name} cannot be read: {exc.strerror}", hint="Look at its permissions.") from exc
    except InputError as exc:
        raise exc.reworded(f"{path.name}: {exc.sentence}") from exc


def _runs(segment: Segment, name: str, runs: Sequence[Run]) -> Iterator[Segment]:
    before = Ms(0)
    for number, run in enumerate(runs):
        first = runs[0].wall
        place = run.wall - first if run.wall is not None and first is not None else before
        before = Ms(place + run.length)
        ending = PurePosixPath(run.names[0]).suffix.lower()
        if ending not in JOINABLE and len(run.names) > 1:
            raise InputError(f"{name}: parts of {ending} are no file when they are put behind one another")
        yield segment.model_copy(
            update={
                "video_id": segment.video_id if len(runs) == 1 else f"{segment.video_id}-{number + 1}",
                "play_time": PlayMs(segment.play_time + place),
                "duration": run.length,
                "size": None,
                "format": ending.removeprefix("."),
                "url": None,
                "parts": run.names,
            }
        )


def join(segment: Segment, folder: Path, names: Collection[str], cache: Path) -> Path:
    """Put the parts of a segment behind one another, into one file in the cache: whole or absent.

    ``names``: those in the folder; the parts are untrusted, and are only compared with them. Raises DownloadError
    naming a part that is missing, DiskFull or CacheBroken.
    """
    missing = next((part for part in segment.parts if part not in names), None)
    if missing is not None:
        hint = "All parts of a playlist have to lie in it, beside the playlist."
        raise DownloadError(f"its part {shown(missing)} is not in the media folder", hint=hint)
    if len({*segment.parts}) < len(segment.parts):
        raise DownloadError("it names one of its parts twice", hint="Correct its parts in the result.")
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        entry = joined_entry(segment, folder, cache)
    with entry.locked(lambda: None):
        if entry.whole() is None:
            _put_together([folder / part for part in segment.parts], entry)
    return entry.file


def joined_entry(segment: Segment, folder: Path, cache: Path) -> Entry:
    """Find the place in the cache of a segment's parts, all of which are names in the folder. Raises OSError."""
    return Entry(cache / digest_of(*(identity_of(folder / part) for part in segment.parts))[:40])


def _put_together(paths: Sequence[Path], entry: Entry) -> None:
    try:
        with disk_errors(entry.file.parent), entry.part.open("wb") as whole:
            for path in paths:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, whole, COPY_BYTES)
            size = whole.tell()
        entry.finish(Known(size=size, etag=None, last_modified=None))
    except BaseException:
        entry.drop_part()
        raise
