"""The files of a recording, from where they are to where we can read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from assembler.errors import DiskFull
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.cache import disk_errors, entry_of
from assembler.network.download.media_dir import find_absent, find_local
from assembler.network.download.owners import NOBODY, Owner, take_over
from assembler.network.download.slices import is_list
from assembler.options import Options
from assembler.processes import Stop, Stopped
from assembler.progress import Progress
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles


def fetch_all(
    segments: Sequence[Segment],
    *,
    cache: Path,
    options: Options,
    progress: Progress,
    stop: Stop | None = None,
    arrivals: Arrivals | None = None,
    refused: Collection[str] = (),
    owner: Owner = NOBODY,
) -> SegmentFiles:
    """Find or fetch the file of every segment, several at once, what is needed first on the playback first.

    Files and failures are in the order of the segments, each of which is in one of them; so are the findings. Where a
    segment's file is a playlist, the files are those of its ``slices``, and a failure tells of a part that it lacks.
    ``arrivals`` is told as soon as something is known of every file, and how each of them grows; ``refused`` as in
    ``find_local``; ``owner`` is who asks.

    A file that cannot be had is a failure of its segment alone. Raised is only what concerns all: InputError (no
    such media folder), DiskFull, DownloadError (the cache folder cannot be used), processes.Stopped.
    """
    local = find_local(segments, options.media_dir, refused, cache=cache)
    local.failures |= find_absent(segments, local, options.media_dir)
    remote = [s for s in segments if s.video_id not in local.files and s.video_id not in local.failures]
    files, failures, findings = dict(local.files), dict(local.failures), list(local.findings)
    received = 0
    slices: dict[str, tuple[Segment, ...]] = {}
    if lists := [segment for segment in remote if is_list(segment)]:
        from assembler.network.download.playlists import fetch_slices  # likewise

        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
        sliced = fetch_slices(lists, cache=cache, options=options, progress=progress, stop=stop, app=owner.app)
        files, slices, received = files | sliced.files, sliced.slices, sliced.received
        failures |= sliced.failures
        findings += sliced.findings
        remote = [segment for segment in remote if not is_list(segment)]
    if remote:
        # what talks to servers takes longer to import than a second run of files on disk lasts
        from assembler.network.download.pool import fetch_remote

        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
        take_over(cache, remote, owner)
        results = fetch_remote(remote, cache, options, progress, stop, arrivals, local.files, owner.app)
        files |= results.files
        failures |= results.failures
        findings += results.findings
        received += results.received
    segments = [piece for segment in segments for piece in (segment, *slices.get(segment.video_id, ()))]
    order = {s.video_id: n for n, s in enumerate(segments)}
    return SegmentFiles(
        files={s.video_id: files[s.video_id] for s in segments if s.video_id in files},
        failures={s.video_id: failures[s.video_id] for s in segments if s.video_id in failures},
        findings=sorted(findings, key=lambda f: order.get(f.where, -1)),
        received=received,
        slices=slices,
    )


def on_disk(segments: Sequence[Segment], *, cache: Path, options: Options, owner: Owner = NOBODY) -> dict[str, Path]:
    """Find the files that are there already, by video id, without asking any server: for the disk check before the
    work."""
    files = dict(find_local(segments, options.media_dir).files)
    if cache.is_dir():
        take_over(cache, segments, owner)
    for segment in segments:
        if is_list(segment):
            continue  # what it declares, if anything, is the size of its parts
        entry = entry_of(cache, segment, owner.app)
        if segment.video_id not in files and entry is not None and entry.whole() is not None:
            files[segment.video_id] = entry.file
    return files


__all__ = ["DiskFull", "Stopped", "fetch_all", "on_disk"]
