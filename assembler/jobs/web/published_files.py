"""Published files of a job, for people: found by what is on record, never by a path from outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assembler.errors import InputError, PublishError
from assembler.jobs.publishing import FILE, output_of
from assembler.jobs.store.model import Job, JobState
from assembler.network.publish.card import CARD, read_card
from assembler.options import Options
from assembler.plan.manifest import parse_manifest
from assembler.report.assets import load_extras
from assembler.report.markup import source_of
from assembler.report.page import POLICY, STYLE
from assembler.report.watch import policy, watch_page
from assembler.workspace import CHAPTERS, MANIFEST, REPORT, WATCH, assets_of

__all__ = (
    "ASSETS", "FILE", "MANIFEST", "REPORT", "WATCH", "Published", "draw_watch_page", "find_asset", "find_published",
    "headers", "is_in_folder", "kind_of", "watch_headers",
)  # fmt: skip

ASSETS = assets_of(Path(FILE)).name
"""Name of the assets folder in a class's folder."""
KINDS = {
    ".vtt": "text/vtt; charset=utf-8", ".m3u8": "application/vnd.apple.mpegurl", ".mp4": "video/mp4",
    ".m4s": "video/mp4", ".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".jpg": "image/jpeg", ".mkv": "video/x-matroska",
    ".otio": "application/json",
}  # fmt: skip
"""Kinds of files beside a playback, by the ending of their names."""
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
    return job.state is JobState.DONE and bool(job.output) and not job.withdrawn and "://" not in job.output


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


def find_asset(published: Published, path: str) -> Path | None:
    """Find a file of a package, captions or chapters by its path below the assets folder; None for one that the
    manifest does not list, and where there is none."""
    if published.manifest is None:
        return None
    known = published.manifest.stat()
    try:
        listed = _listed(published.manifest, known.st_mtime_ns, known.st_size)
    except InputError:
        return None
    return _own_file(published.manifest.parent / path) if path in listed else None


def kind_of(path: str) -> str:
    """Name the kind of a file by its ending; nothing that a browser would run."""
    return KINDS.get(Path(path).suffix.lower(), "application/octet-stream")


@lru_cache(maxsize=64)
def _listed(path: Path, _written: int, _size: int) -> frozenset[str]:
    """List the files that a manifest names; asked for once per file of a playlist."""
    manifest = parse_manifest(path.read_bytes(), path)
    packed = [file.path for package in manifest.packages for file in package.files]
    return frozenset([CHAPTERS, *(one.path for one in manifest.captions), *packed])


def draw_watch_page(published: Published) -> str | None:
    """Write the page on which the playback is watched, as this version makes it; None where no manifest can be read."""
    if published.manifest is None:
        return None
    try:
        manifest = parse_manifest(published.manifest.read_bytes(), published.manifest)
    except (InputError, OSError):
        return None
    return watch_page(manifest, published.video.name, load_extras(published.manifest.parent, manifest))


def watch_headers() -> dict[str, str]:
    """Return the headers of the page on which a playback is watched."""
    return _headers(f"{policy()}; frame-ancestors 'none'")


def headers(*, is_report: bool) -> dict[str, str]:
    """Return the headers that bound what a browser does with a file, whoever wrote into the output folder: the report's
    own script may run."""
    return _headers(
        f"{_REPORT_POLICY}; frame-ancestors 'none'" if is_report else "default-src 'none'; media-src 'self'"
    )


def _headers(bounds: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": bounds,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
