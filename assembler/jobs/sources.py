"""Downloaded files of jobs: the cache keeps them until somebody asks to have them removed."""

from __future__ import annotations

from collections.abc import Iterator

from assembler.dialects import parse
from assembler.errors import AssemblerError
from assembler.jobs.bodies import load_body
from assembler.jobs.model import Job, JobState
from assembler.jobs.records import Records, now
from assembler.network.cache import Entry, entry_of
from assembler.options import Options
from assembler.recording import Recording
from assembler.times import WallMs
from assembler.workspace import Workspace


def recording_of(records: Records, event: int) -> Recording:
    """What the stored body of this number says."""
    body = load_body(records, event)
    return parse(body.raw, query=body.query)


def remove_sources(records: Records, options: Options, days: float) -> tuple[int, int]:
    """Remove what was downloaded here for jobs that were published so many days ago; how many files and bytes.

    What any other job wants stays: the vendor has deleted it by now, and a failed job may still be tried again.
    """
    before = WallMs(now() - round(days * 86_400_000))
    jobs = records.list_jobs()
    old = [job for job in jobs if job.state is JobState.DONE and job.updated <= before]
    names = {job.id for job in old}
    wanted = {entry.file for job in jobs if job.id not in names for entry in _entries(records, options, job)}
    files = size = 0
    for entry in {entry.file: entry for job in old for entry in _entries(records, options, job)}.values():
        if entry.file not in wanted:
            with entry.locked(lambda: None):
                dropped = entry.drop()
            files, size = files + bool(dropped), size + dropped
    return files, size


def _entries(records: Records, options: Options, job: Job) -> Iterator[Entry]:
    try:
        segments = recording_of(records, job.event).segments
    except AssemblerError:  # a result that cannot be used: nothing was ever fetched for it
        return
    cache = Workspace(options.home).cache
    yield from (entry for segment in segments if (entry := entry_of(cache, segment)) is not None)
