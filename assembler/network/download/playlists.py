"""Playlists on a server, and the parts that they name: fetched into the cache, and put behind one another there.

The cache keeps the playlist, and each part as a file of its own until its run is whole: then one file takes the place
of the run's parts. A part never changes under its name, so nothing that is there is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from assembler.dialects.body import shown
from assembler.dialects.systems.playlist import Playlist, Run
from assembler.errors import AssemblerError, InputError
from assembler.network.download.addresses import beside, part_addresses
from assembler.network.download.cache import Entry, Known, entry_of
from assembler.network.download.limits import SumLimit
from assembler.network.download.pool import fetch_remote
from assembler.network.download.slices import describe, in_stretches, is_list, put_together, read_list, stretches_of
from assembler.options import Options
from assembler.processes import Stop, Stopped
from assembler.progress import Progress
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles
from assembler.times import Ms
from assembler.workspace import digest_of

MOST_PARTS = 100_000
"""Maximum number of parts of all playlists of a class: 25 people for eight hours, in parts of 15 s."""


def fetch_slices(
    lists: Sequence[Segment], *, cache: Path, options: Options, progress: Progress, stop: Stop | None, app: str
) -> SegmentFiles:
    """Fetch playlists and their parts: ``slices`` take the place of each of which there is something.

    A part that cannot be had is a hole in its place, with a warning, and a failure of its playlist. Raises like
    ``fetch_all``, and InputError for more than ``MOST_PARTS``.
    """
    before = {entry.file: entry for segment in lists for entry in list_entries(cache, segment, app)}
    fetched = fetch_remote(list(map(_bare, lists)), cache, options, progress, stop, None, {}, app)
    found = SegmentFiles(findings=fetched.findings, received=fetched.received)
    for name, error in fetched.failures.items():
        found.failures[name] = error.reworded(f"its playlist: {error.sentence}")
    cached = []
    for segment in lists:
        if segment.video_id in fetched.files:
            try:
                cached.append(
                    CachedList(cache, segment, app, read_list(fetched.files[segment.video_id], "its playlist"))
                )
            except InputError as exc:
                found.failures[segment.video_id] = exc
    parts = {part.video_id: (part, one) for one in cached for part in one.missing(options)}
    if len(parts) > MOST_PARTS:
        raise InputError(
            f"the playlists name {len(parts):,} parts, more than {MOST_PARTS:,}", hint="Give fewer recordings at once."
        )
    if parts:
        limit = SumLimit({name: one.whole for name, (_, one) in parts.items()})
        asked = [part for part, _ in parts.values()]
        got = fetch_remote(asked, cache, options, progress, stop, None, {}, app, limit)
        found.received += got.received
        found.findings += got.findings
        fetched.failures |= got.failures
    for one in cached:
        if stop is not None and stop.is_set():
            raise Stopped
        one.settle(fetched.failures, found)
        for entry in one.entries():
            before.pop(entry.file, None)
    for entry in before.values() if len(cached) == len(lists) else ():
        _drop(entry)  # of an older playlist, or put together of less
    return found


def list_entries(cache: Path, segment: Segment, app: str | None) -> Iterator[Entry]:
    """List what the cache may hold of a playlist that was fetched once, beside the playlist itself."""
    entry = entry_of(cache, segment, app)
    if entry is not None and is_list(segment) and entry.whole() is not None:
        try:
            one = CachedList(cache, segment, app, read_list(entry.file, "its playlist"))
        except InputError:
            return
        yield from one.entries()


@dataclass(frozen=True)
class CachedList:
    """Playlist that is in the cache, and the places of what it names."""

    cache: Path
    """Folder of the cache."""
    segment: Segment
    """Segment whose file it is."""
    app: str | None
    """App whose files these are."""
    playlist: Playlist
    """Content."""

    @property
    def whole(self) -> Segment:
        """Return the segment as a file of the declared length of all parts, for its limit."""
        length = Ms(sum(run.length for run in self.playlist.runs))
        return self.segment.model_copy(update={"duration": length, "format": ""})

    def missing(self, options: Options) -> list[Segment]:
        """List the parts that are to be fetched, each as the segment of a file."""
        names = [name for run in self.playlist.runs for name in self._lacking(run)]
        if not names:
            return []
        address = part_addresses(self.segment, options)
        return [self._as_segment(name).model_copy(update={"url": address(name)}) for name in names]

    def entries(self) -> Iterator[Entry]:
        """List the places of all parts, and of what was put together from them."""
        for run in self.playlist.runs:
            yield self._joined(run.names)
            yield from map(self._part, run.names)
            yield from (self._joined(run.names[first:end]) for first, end in stretches_of(run, {*self._lacking(run)}))

    def settle(self, failures: Mapping[str, AssemblerError], found: SegmentFiles) -> None:
        """Put together what is there, and tell what is not."""
        lacking = {name: failures.get(self._id(name)) for run in self.playlist.runs for name in self._lacking(run)}
        errors = [(name, error) for name, error in lacking.items() if error is not None]
        if errors:
            name, error = max(errors, key=lambda failed: failed[1].retry)  # what may pass goes before what will not
            found.failures[self.segment.video_id] = error.reworded(f"its part {shown(name)}: {error.sentence}")
        if len(lacking) == len(self.lengths):
            return
        stretches = in_stretches(self.segment, self.playlist, lacking)
        found.slices[self.segment.video_id] = stretches
        found.files |= {stretch.video_id: self._put_together(stretch.parts) for stretch in stretches}
        for run in self.playlist.runs:
            if len(run.names) > 1 and self._joined(run.names).whole() is not None:
                for name in run.names:
                    _drop(self._part(name))
        why = ", ".join(sorted({error.sentence for _, error in errors})[:3])
        found.findings += describe(self.segment, self.playlist, lacking, why)

    def _lacking(self, run: Run) -> list[str]:
        if self._joined(run.names).whole() is not None:
            return []
        return [name for name in run.names if self._part(name).whole() is None]

    def _put_together(self, names: tuple[str, ...]) -> Path:
        if len(names) == 1:
            return self._part(names[0]).file
        entry = self._joined(names)
        with entry.locked(lambda: None):
            if entry.whole() is None:
                known = Known(size=None, etag=f'"{entry.file.name}"', last_modified=None)  # of equal parts, equal
                put_together([self._part(name).file for name in names], entry, known)
        return entry.file

    def _joined(self, names: Sequence[str]) -> Entry:
        place = entry_of(self.cache, self.segment, self.app)
        assert place is not None
        return Entry(self.cache / digest_of(place.file.name, *names)[:40])

    def _part(self, name: str) -> Entry:
        part = self._as_segment(name)
        entry = entry_of(self.cache, part, self.app)
        assert entry is not None
        return entry

    def _as_segment(self, name: str) -> Segment:
        """Return a part as the segment of a file, for which the cache knows it; not yet with what signs its address."""
        return self.segment.model_copy(
            update={
                "video_id": self._id(name),
                "file_id": f"{self.segment.source_id}/{name}",
                "format": PurePosixPath(name).suffix.lower().removeprefix("."),
                "size": None,
                "duration": self.lengths[name],
                "url": beside(self.segment.url or "", name),
            }
        )

    @cached_property
    def lengths(self) -> dict[str, Ms]:
        """Length of each part by name, for its limit."""
        return {
            name: Ms(end - start)
            for run in self.playlist.runs
            for name, start, end in zip(run.names, run.starts, run.ends, strict=True)
        }

    def _id(self, name: str) -> str:
        return f"{self.segment.video_id}/{name}"


def _bare(segment: Segment) -> Segment:
    """Return the segment without what is declared of its content: it is not the playlist's."""
    return segment.model_copy(update={"size": None, "duration": None})


def _drop(entry: Entry) -> None:
    with entry.locked(lambda: None):
        entry.drop()
        entry.drop_part()
        entry.lock.unlink(missing_ok=True)  # nobody needs it again: what takes its place is there
