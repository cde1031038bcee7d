"""Files that lie in slices in the media folder: the playlist names them, and put behind one another they are one file.

A playlist is read because a result names it; one that is found by probing is never followed.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from assembler.dialects.body import shown
from assembler.dialects.systems.playlist import MAX_CHARACTERS, PLAYLIST, Playlist, Run, read_playlist
from assembler.errors import DownloadError, InputError
from assembler.findings import Finding, fold, note, warning
from assembler.network.download.cache import Entry, Known, disk_errors
from assembler.recording import Recording, Segment
from assembler.times import Ms, PlayMs, clock_text
from assembler.workspace import digest_of, identity_of

JOINABLE = (".ts", ".aac", ".mp3")
"""Endings of parts that put behind one another are a file; those of webm are one each."""
NO_END = "Its playlist has no end: the recorder had not finished it, and what came after may be missing."
"""Sentence about a playlist without an end."""
COPY_BYTES = 2**20
"""Number of bytes that are copied at once."""


def with_parts(recording: Recording, folder: Path | None) -> Recording:
    """Replace each playlist that lies in the media folder by a segment for each of its stretches that are there, and
    say what it tells beside them. Raises InputError."""
    if folder is None or not any(map(is_list, recording.segments)):
        return recording
    segments: list[Segment] = []
    findings = list(recording.findings)
    for segment in recording.segments:
        path = find_list(segment, folder) if is_list(segment) else None
        if path is None:
            segments.append(segment)
            continue
        playlist = read_list(path, path.name)
        names = {name for run in playlist.runs for name in run.names}
        lacking = {name for name in names if not (folder / name).is_file()}
        if lacking == names:
            lacking.clear()  # with none of them it cannot be had, which is told where files are found
        segments += in_stretches(segment, playlist, lacking)
        findings += describe(segment, playlist, lacking, "it is not in the media folder")
    return recording.model_copy(update={"segments": tuple(segments), "findings": fold(findings)})


def is_list(segment: Segment) -> bool:
    """True if the segment's file is a playlist that was not read yet."""
    return segment.format == PLAYLIST and not segment.parts


def describe(segment: Segment, playlist: Playlist, lacking: Collection[str], why: str) -> Iterator[Finding]:
    """Say what a playlist tells that is not followed, and each stretch of parts that are lacking."""
    for found in playlist.findings:
        yield note(segment.video_id, f"{found.where.capitalize()} of its playlist: {found.sentence}")
    if not playlist.is_ended:
        yield warning(segment.video_id, NO_END)
    for run, place in _placed(playlist.runs):
        for is_lacking, group in groupby(enumerate(run.names), lambda named: named[1] in lacking):
            numbers = [number for number, _ in group]
            if not is_lacking:
                continue
            more = f" and the {len(numbers) - 1} behind it" if len(numbers) > 1 else ""
            when = f"{clock_text(place + run.starts[numbers[0]])} to {clock_text(place + run.ends[numbers[-1]])}"
            sentence = (
                f"Its part {shown(run.names[numbers[0]])}{more} cannot be had: {why}. Nothing is there from {when}"
            )
            yield warning(segment.video_id, f"{sentence} of its playlist.")


def find_list(segment: Segment, folder: Path) -> Path | None:
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


def read_list(path: Path, name: str) -> Playlist:
    """Read a playlist's file; ``name`` begins the sentence of the InputError."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MAX_CHARACTERS + 1)
        return read_playlist(raw.decode("utf-8", "replace"))
    except OSError as exc:
        raise InputError(f"{name} cannot be read: {exc.strerror}", hint="Look at its permissions.") from exc
    except InputError as exc:
        raise exc.reworded(f"{name}: {exc.sentence}") from exc


def _placed(runs: Sequence[Run]) -> Iterator[tuple[Run, Ms]]:
    """List the runs, each with its time after the beginning of the first."""
    before = Ms(0)
    for run in runs:
        first = runs[0].wall
        place = Ms(run.wall - first) if run.wall is not None and first is not None else before
        before = Ms(place + run.length)
        yield run, place


def in_stretches(segment: Segment, playlist: Playlist, lacking: Collection[str]) -> tuple[Segment, ...]:
    """Make a segment of each stretch of a playlist: parts that follow each other, none of them lacking, and that put
    behind one another are a file. Slices of any other kind are a segment each."""
    found: list[tuple[Ms, Ms, tuple[str, ...]]] = []
    for run, place in _placed(playlist.runs):
        for first, end in stretches_of(run, lacking):
            found.append(
                (Ms(place + run.starts[first]), Ms(run.ends[end - 1] - run.starts[first]), run.names[first:end])
            )
    return tuple(
        segment.model_copy(
            update={
                "video_id": segment.video_id if len(found) == 1 else f"{segment.video_id}-{number}",
                "play_time": PlayMs(segment.play_time + place),
                "duration": length or None,
                "size": None,
                "format": PurePosixPath(names[0]).suffix.lower().removeprefix("."),
                "url": None,
                "parts": names,
            }
        )
        for number, (place, length, names) in enumerate(found, 1)
    )


def stretches_of(run: Run, lacking: Collection[str]) -> Iterator[tuple[int, int]]:
    """List the numbers of the first part of each stretch of a run, and of the one behind its last."""

    def key(n: int) -> tuple[bool, int]:
        return run.names[n] in lacking, -1 if run.names[n].lower().endswith(JOINABLE) else n

    for (is_lacking, _), group in groupby(range(len(run.names)), key):
        numbers = list(group)
        if not is_lacking:
            yield numbers[0], numbers[-1] + 1


def join(segment: Segment, folder: Path, names: Collection[str], cache: Path) -> Path:
    """Put the parts of a segment behind one another, into one file in the cache: whole or absent; a single part is
    the file.

    ``names``: those in the folder; the parts are untrusted, and are only compared with them. Raises DownloadError
    naming a part that is missing, DiskFull or CacheBroken.
    """
    missing = next((part for part in segment.parts if part not in names), None)
    if missing is not None:
        hint = "All parts of a playlist have to lie in it, beside the playlist."
        raise DownloadError(f"its part {shown(missing)} is not in the media folder", hint=hint)
    if len({*segment.parts}) < len(segment.parts):
        raise DownloadError("it names one of its parts twice", hint="Correct its parts in the result.")
    if len(segment.parts) == 1:
        return folder / segment.parts[0]
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        entry = joined_entry(segment, folder, cache)
    with entry.locked(lambda: None):
        if entry.whole() is None:
            put_together(
                [folder / part for part in segment.parts], entry, Known(size=None, etag=None, last_modified=None)
            )
    return entry.file


def joined_entry(segment: Segment, folder: Path, cache: Path) -> Entry:
    """Find the place in the cache of a segment's parts, all of which are names in the folder. Raises OSError."""
    return Entry(cache / digest_of(*(identity_of(folder / part) for part in segment.parts))[:40])


def put_together(paths: Sequence[Path], entry: Entry, known: Known) -> None:
    """Write these files behind one another into a locked entry; ``known``: its version but for the size. Raises
    DiskFull, CacheBroken."""
    try:
        with disk_errors(entry.file.parent), entry.part.open("wb") as whole:
            for path in paths:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, whole, COPY_BYTES)
            size = whole.tell()
        entry.finish(known.model_copy(update={"size": size}))
    except BaseException:
        entry.drop_part()
        raise
