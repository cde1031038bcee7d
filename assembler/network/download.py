"""The files of a recording, from where they are to where we can read them."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import stamina
import structlog

from assembler.errors import DiskFull, DownloadError
from assembler.findings import Finding
from assembler.network.cache import disk_errors, entry_of
from assembler.network.growing import Arrivals
from assembler.network.hosts import Session, discreet, open_session
from assembler.network.line import Line, Results
from assembler.network.local import find_local
from assembler.network.stopping import Halt
from assembler.options import Options
from assembler.processes import Stop, Stopped
from assembler.progress import Progress
from assembler.recording import Segment

WATCH_SECONDS = 0.1


@dataclass(frozen=True)
class Fetched:
    files: dict[str, Path]
    """Video id -> its whole file, in the order of the segments."""
    failures: dict[str, DownloadError]
    """Video id -> why there is no file; with ``files`` every segment exactly once."""
    findings: tuple[Finding, ...]
    """What was noticed, in the order of the segments."""


def fetch_all(
    segments: Sequence[Segment],
    *,
    cache: Path,
    options: Options,
    progress: Progress,
    stop: Stop | None = None,
    arrivals: Arrivals | None = None,
) -> Fetched:
    """Find or fetch the file of every segment, several at once, what is needed first on the playback first.

    ``arrivals`` is told as soon as something is known of every file, and how each of them grows.

    A file that cannot be had is a failure of its segment alone. Raised is only what concerns all: InputError (no
    such media folder), DiskFull, DownloadError (the cache folder cannot be used), processes.Stopped.
    """
    local = find_local(segments, options.media_dir)
    remote = [s for s in segments if s.video_id not in local.files and s.video_id not in local.failures]
    files, failures, findings = dict(local.files), dict(local.failures), list(local.findings)
    if remote:
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
        results = _fetch(remote, cache, options, progress, stop, arrivals, local.files)
        files |= results.files
        failures |= results.failures
        findings += results.findings
    order = {s.video_id: n for n, s in enumerate(segments)}
    return Fetched(
        files={s.video_id: files[s.video_id] for s in segments if s.video_id in files},
        failures={s.video_id: failures[s.video_id] for s in segments if s.video_id in failures},
        findings=tuple(sorted(findings, key=lambda f: order.get(f.where, -1))),
    )


def on_disk(segments: Sequence[Segment], *, cache: Path, options: Options) -> dict[str, Path]:
    """What is there already, by video id, without asking any server: for the disk check before the work."""
    files = dict(find_local(segments, options.media_dir).files)
    for segment in segments:
        entry = entry_of(cache, segment)
        if segment.video_id not in files and entry is not None and entry.whole() is not None:
            files[segment.video_id] = entry.file
    return files


def _fetch(
    remote: Sequence[Segment],
    cache: Path,
    options: Options,
    progress: Progress,
    stop: Stop | None,
    arrivals: Arrivals | None,
    local: Mapping[str, Path],
) -> Results:
    is_sized = all(s.size is not None and s.size > 0 for s in remote)
    total = float(sum(s.size or 0 for s in remote)) if is_sized else None
    _mute_retries()
    halt = Halt(stop)
    with (
        discreet(),
        progress.task("download", total, "B") as task,
        _sessions(options) as sessions,
        ExitStack() as locks,
    ):
        line = Line(cache, halt, sessions, task.advance, locks, arrivals, dict(local))
        line.admit(remote)
        with ThreadPoolExecutor(options.parallel, thread_name_prefix="download") as pool:
            servers = {pool.submit(line.serve) for _ in range(options.parallel)}
            try:
                for server in _as_they_end(servers, halt):
                    server.result()
            except BaseException:
                halt.set()
                line.close()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return line.results


def _as_they_end(pending: set[Future[None]], halt: Halt) -> Iterator[Future[None]]:
    while pending:
        halt.check()
        done, pending = wait(pending, timeout=WATCH_SECONDS, return_when=FIRST_COMPLETED)
        yield from done


@contextmanager
def _sessions(options: Options) -> Iterator[queue.SimpleQueue[Session]]:
    """One per thread: connections are used again, but no session is used by two at once."""
    sessions: queue.SimpleQueue[Session] = queue.SimpleQueue()
    with ExitStack() as stack:
        for _ in range(options.parallel):
            sessions.put(stack.enter_context(open_session(options.allow_hosts)))
        yield sessions


def _mute_retries() -> None:
    """stamina tells of each retry through structlog, and unconfigured that prints on standard output: not our place."""
    if not structlog.is_configured():
        stamina.instrumentation.set_on_retry_hooks(())


__all__ = ["DiskFull", "Fetched", "Stopped", "fetch_all", "on_disk"]
