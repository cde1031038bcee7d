"""Published files of a job, for people: found by what is on record, never by a path from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.errors import PublishError
from assembler.jobs.publishing import FILE, output_of
from assembler.jobs.store.model import Job, JobState
from assembler.network.publish.card import CARD, read_card
from assembler.options import Options
from assembler.report.markup import source_of
from assembler.report.page import POLICY, STYLE
from assembler.workspace import MANIFEST, REPORT, assets_of

__all__ = ("ASSETS", "FILE", "MANIFEST", "REPORT", "Published", "find_published", "headers", "is_in_folder")

ASSETS = assets_of(Path(FILE)).name
"""Name of the assets folder in a class's folder."""
# a report of an older version looks like one, though its script no longer runs
_REPORT_POLICY = POLICY.replace(source_of(STYLE), "'unsafe-inline'")


@dataclass(frozen=True)
class Published:
    """Files of one job in the output folder."""

    video: Path
    """The playback."""
    report: Path | None
    """Report of the playback; None where it has none (older versions wrote none)."""
    manifest: Path | None
    """Manifest of the playback, for machines; the report links to it."""


def is_in_folder(job: Job) -> bool:
    """Tell whether its playback is a file; what lies in a bucket has only an address."""
    return job.state is JobState.DONE and bool(job.output) and "://" not in job.output


def find_published(job: Job, options: Options) -> Published | None:
    """The files of a finished job; None where it published none into the output folder, or another job has taken
    their place."""
    root = output_of(options)
    if not is_in_folder(job) or "://" in root:
        return None
    try:
        video = Path(job.output).resolve(strict=True)
        if video.name != FILE or not video.is_relative_to(Path(root).expanduser().resolve(strict=True)):
            return None
        card = video.parent / CARD
        if not video.is_file() or read_card(card.read_bytes(), str(card)).job != job.id:
            return None
        assets = video.parent / ASSETS
        return Published(video, _own_file(assets / REPORT), _own_file(assets / MANIFEST))
    except (OSError, RuntimeError, PublishError):  # RuntimeError: links in a circle
        return None


def _own_file(path: Path) -> Path | None:
    """The file, unless it is a link to somewhere else."""
    return path if path.resolve() == path and path.is_file() else None


def headers(*, is_report: bool) -> dict[str, str]:
    """Return the headers that bound what a browser does with a file, whoever wrote into the output folder: the report's
    own script may run."""
    policy = f"{_REPORT_POLICY}; frame-ancestors 'none'" if is_report else "default-src 'none'; media-src 'self'"
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
