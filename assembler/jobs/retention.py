"""Retention: what is removed after so many days, by hand or once a day by a worker, and what it would be."""

from __future__ import annotations

from assembler.jobs.engine import Engine
from assembler.jobs.prune import BY_HAND, OVER, prune, remove_outputs, remove_work
from assembler.jobs.sources import remove_sources
from assembler.jobs.store.model import GIVEN_UP
from assembler.jobs.store.records import Records
from assembler.options import Options
from assembler.values import Value


class Keep(Value):
    """Days for which each kind is kept; None: for good."""

    sources: float | None = None
    """Downloads of published jobs."""
    outputs: float | None = None
    """Published playbacks."""
    work: float | None = None
    """Work folders of ended jobs that nobody touched."""
    jobs: float | None = None
    """Jobs that ended."""
    with_failed: bool = False
    """True where failed jobs, which published nothing, are forgotten, too."""
    why: str = BY_HAND
    """Name of who removes, for the reason that a job without its playback gives."""


class Removed(Value):
    """Removal of one kind."""

    kind: str
    """Kind: downloads, playbacks, work folders or jobs."""
    count: int
    """Number of them."""
    size: int | None
    """Bytes; None where they are not counted."""

    def sentence(self, *, is_dry: bool) -> str:
        """Tell the removal, or what it would be."""
        done = "forgotten" if self.kind == "jobs" else "removed"
        size = "" if self.size is None else f", {self.size / 2**20:.1f} MiB"
        return f"{self.count} {self.kind} {'would be ' if is_dry else ''}{done}{size}"


def keep_of(options: Options) -> Keep:
    """Read what the settings keep. Jobs are kept a day longer than what belongs to them: who forgot a job does not know
    its files any more."""
    sources, outputs, jobs = options.keep_sources_days, options.keep_outputs_days, options.keep_jobs_days
    later = [days + 1 for days in (sources, outputs) if days is not None]
    kept = None if jobs is None else max(jobs, *later, 0)
    return Keep(sources=sources, outputs=outputs, jobs=kept, why="the retention of ASSEMBLER_KEEP_OUTPUTS_DAYS")


def remove_old(
    records: Records, engine: Engine, options: Options, keep: Keep, *, is_dry: bool = False
) -> list[Removed]:
    """Remove what is older than it is kept, and only what is published: downloads first, jobs last. Raises JobError,
    PublishError, DownloadError."""
    removed = []
    if keep.sources is not None:
        files, size = remove_sources(records, options, keep.sources, is_dry=is_dry)
        removed.append(Removed(kind="downloads", count=files, size=size))
    if keep.outputs is not None:
        count = remove_outputs(records, options, keep.outputs, why=keep.why, is_dry=is_dry)
        removed.append(Removed(kind="playbacks", count=count, size=None))
    if keep.work is not None:
        folders, size = remove_work(records, options, keep.work, is_dry=is_dry)
        if folders:
            removed.append(Removed(kind="work folders", count=folders, size=size))
    if keep.jobs is not None:
        states = OVER if keep.with_failed else [state for state in OVER if state not in GIVEN_UP]
        count = prune(records, engine, options, keep.jobs, states=states, is_dry=is_dry)
        removed.append(Removed(kind="jobs", count=count, size=None))
    return removed
