"""Files of jobs: from which result's URLs they come; the cache keeps them until ``remove_sources``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from assembler.errors import AssemblerError
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records, now, to_job
from assembler.jobs.store.tables import EVENT, JOB
from assembler.network.download.addresses import with_places
from assembler.network.download.cache import Entry, disk_errors, entry_of
from assembler.network.download.download import fetch_all
from assembler.network.download.owners import ENOUGH, note_apps, owner_of
from assembler.network.download.playlists import list_entries
from assembler.network.download.slices import joined_entry
from assembler.options import Options
from assembler.processes import Stop
from assembler.progress import Progress
from assembler.recording import Recording, Segment
from assembler.times import DAY_MS, WallMs
from assembler.workspace import Workspace

MOST_BODIES = 20
"""Maximum number of a task's bodies whose URLs are tried, the newest."""


def bodies_of(records: Records, job: Job) -> list[int]:
    """Numbers of the task's stored bodies, each with other URLs: the job's own, then the others, the newest first."""
    of_task = sa.select(JOB.c.id).where(JOB.c.key == job.key, JOB.c.slot == job.slot)
    wanted = sa.select(EVENT.c.id, EVENT.c.urls).where(EVENT.c.job.in_(of_task)).order_by(EVENT.c.id.desc())
    with records.reading() as connection:
        rows = connection.execute(wanted.limit(50 * MOST_BODIES)).all()
    own = next((row.urls for row in rows if row.id == job.event), None)
    found, seen = [job.event], {own}
    for row in rows:
        if row.urls != "" and row.id != job.event and (row.urls is None or row.urls not in seen):
            found.append(int(row.id))
            seen.add(row.urls)
    return found[:MOST_BODIES]


class Sources(NamedTuple):
    """Files of a job, and the URLs they came from."""

    recording: Recording
    """Recording of the job's body, each segment with the URL that answered."""
    failures: dict[str, AssemblerError]
    """Errors by video id: no URL of it gave a file."""
    chosen: dict[str, int]
    """Numbers of the bodies whose URL answered, by video id, where it is not the job's own."""
    event: int
    """The job's own body."""
    known: list[int]
    """All bodies there were: a later one may have other URLs."""
    received: int
    """Bytes that came from servers, about."""


def fetch_sources(records: Records, name: str, options: Options, progress: Progress, stop: Stop) -> Sources:
    """Fetch a job's files, each from the newest result whose URL gives it; a result that comes meanwhile is tried, too.

    Raises like ``fetch_all``, and what is wrong with the job's own body.
    """
    cache, tried = Workspace(options.home).cache, set[int]()
    failures, chosen = dict[str, AssemblerError](), dict[str, int]()
    job = records.load_job(name)
    recording = with_places(recording_of(records, job.event), options)
    owner = owner_of([recording], job.created)
    with disk_errors(cache):
        note_apps(cache, _apps(records))
    received = 0
    missing = {_file_of(segment): segment for segment in recording.segments}
    while fresh := [number for number in bodies_of(records, job) if number not in tried]:
        number = fresh[0]
        tried.add(number)
        asked = [s for s in _segments(records, number, options) if _file_of(s) in missing]
        fetched = fetch_all(asked, cache=cache, options=options, progress=progress, stop=stop, owner=owner)
        received += fetched.received
        for segment in asked:
            error, earlier = fetched.failures.get(segment.video_id), failures.get(segment.video_id)
            if error is None:
                missing.pop(_file_of(segment))
                failures.pop(segment.video_id, None)
                chosen |= {segment.video_id: number} if number != job.event else {}
            elif earlier is None or (error.retry and not earlier.retry):
                failures[segment.video_id] = error
        if not missing:
            break
    known = sorted(tried | set(fresh))
    return Sources(with_urls(records, recording, chosen, options), failures, chosen, job.event, known, received)


def with_urls(records: Records, recording: Recording, chosen: Mapping[str, int], options: Options) -> Recording:
    """The recording with each of these segments' URL taken from another body."""
    urls = {
        (number, s.video_id): s.url for number in set(chosen.values()) for s in _segments(records, number, options)
    }  # fmt: skip
    segments = tuple(
        s.model_copy(update={"url": urls.get((chosen[s.video_id], s.video_id), s.url)}) if s.video_id in chosen else s
        for s in recording.segments
    )
    return recording.model_copy(update={"segments": segments})


def _segments(records: Records, number: int, options: Options) -> Sequence[Segment]:
    """Return the segments of a body; none of one that cannot be used, or is gone."""
    segments: Sequence[Segment] = ()
    with suppress(AssemblerError):
        recording = recording_of(records, number)
        segments = recording.segments  # where the base is wrong, those with an address are still known
        segments = with_places(recording, options).segments
    return segments


def _apps(records: Records) -> list[str]:
    wanted = sa.select(JOB.c.app).where(JOB.c.app.is_not(None)).distinct().limit(ENOUGH)
    with records.reading() as connection:
        return list(connection.execute(wanted).scalars())


def _file_of(segment: Segment) -> tuple[object, ...]:
    """Return what two results have in common that name the same file."""
    return segment.video_id, segment.kind, segment.user, segment.play_time, segment.duration


def remove_sources(records: Records, options: Options, days: float, *, is_dry: bool = False) -> tuple[int, int]:
    """Remove what was downloaded here for jobs that were published so many days ago; how many files and bytes
    (``is_dry``: it would be).

    What any other job wants stays: the vendor may have deleted it, and a failed job may still be tried again.
    """
    before = WallMs(now() - round(days * DAY_MS))
    left = {path for path in Workspace(options.home).cache.glob("*") if "." not in path.name}
    is_old = sa.and_(JOB.c.state == JobState.DONE.value, JOB.c.updated <= before)
    for job in _jobs(records, ~is_old) if left else ():
        left.difference_update(entry.file for entry in _entries(records, options, job))
    files = size = 0
    for job in _jobs(records, is_old) if left else ():
        for entry in _entries(records, options, job):
            if entry.file in left:
                left.discard(entry.file)
                dropped = entry.file.stat().st_size if is_dry else _drop(entry)
                files, size = files + bool(dropped), size + dropped
        if not left:  # no older job has anything here
            break
    return files, size


def _jobs(records: Records, which: sa.ColumnElement[bool]) -> list[Job]:
    with records.reading() as connection:
        rows = connection.execute(sa.select(JOB).where(which).order_by(JOB.c.number.desc())).mappings()
        return [to_job(row) for row in rows]


def _drop(entry: Entry) -> int:
    with entry.locked(lambda: None):
        return entry.drop()


def _entries(records: Records, options: Options, job: Job) -> Iterator[Entry]:
    cache = Workspace(options.home).cache
    apps: set[str | None] = {job.app or "", None}
    with suppress(AssemblerError):
        apps.add(owner_of([recording_of(records, job.event)]).app)
    for number in bodies_of(records, job):  # of a result that cannot be used nothing was ever fetched
        segments = _segments(records, number, options)
        for app, segment in itertools.product(apps, segments):
            if (entry := entry_of(cache, segment, app)) is not None:
                yield from list_entries(cache, segment, app)
                yield entry
        yield from _joined([segment for segment in segments if segment.parts], options, cache)


def _joined(segments: Sequence[Segment], options: Options, cache: Path) -> Iterator[Entry]:
    """List what was put together for those in parts, where the parts are still in the media folder."""
    if not segments or options.media_dir is None:
        return
    with suppress(OSError):
        names = {path.name for path in options.media_dir.iterdir()}
        yield from (joined_entry(s, options.media_dir, cache) for s in segments if names.issuperset(s.parts))
