"""The files of a recording, from where they are to where we can read them."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import stamina
import structlog

from assembler.errors import DiskFull, DownloadError
from assembler.findings import Finding, note, warning
from assembler.network import fetch
from assembler.network.cache import CacheBroken, Entry, Known, disk_errors, entry_of
from assembler.network.hosts import Session, TryAgain, discreet, host_of, open_session
from assembler.network.local import find_local
from assembler.network.revalidate import is_fresh, revalidate
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


@dataclass
class _Work:
    """What the threads share."""

    cache: Path
    halt: Halt
    sessions: queue.SimpleQueue[Session]
    advance: Callable[[float], None]
    silent: set[str] = field(default_factory=set)
    """Hosts that could not be reached at all: asked once per file from then on, not with all retries."""


def fetch_all(
    segments: Sequence[Segment], *, cache: Path, options: Options, progress: Progress, stop: Stop | None = None
) -> Fetched:
    """Find or fetch the file of every segment, several at once.

    A file that cannot be had is a failure of its segment alone. Raised is only what concerns all: InputError (no
    such media folder), DiskFull, DownloadError (the cache folder cannot be used), processes.Stopped.
    """
    local = find_local(segments, options.media_dir)
    remote = [s for s in segments if s.video_id not in local.files and s.video_id not in local.failures]
    files, failures, findings = dict(local.files), dict(local.failures), list(local.findings)
    if remote:
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
        _fetch(remote, cache, options, progress, stop, (files, failures, findings))
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


_Results = tuple[dict[str, Path], dict[str, DownloadError], list[Finding]]


def _fetch(
    remote: Sequence[Segment],
    cache: Path,
    options: Options,
    progress: Progress,
    stop: Stop | None,
    results: _Results,
) -> None:
    files, failures, findings = results
    is_sized = all(s.size is not None and s.size > 0 for s in remote)
    total = float(sum(s.size or 0 for s in remote)) if is_sized else None
    _mute_retries()
    halt = Halt(stop)
    with discreet(), progress.task("download", total, "B") as task, _sessions(options) as sessions:
        work = _Work(cache, halt, sessions, task.advance)
        with ThreadPoolExecutor(options.parallel, thread_name_prefix="download") as pool:
            try:
                futures = {pool.submit(_obtain, work, s): s for s in remote}
                for future in _as_they_end(set(futures), halt):
                    segment = futures[future]
                    try:
                        files[segment.video_id], noticed = future.result()
                        findings += noticed
                    except CacheBroken:
                        raise
                    except DownloadError as failure:
                        failures[segment.video_id] = failure
            except BaseException:
                halt.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


_Obtained = tuple[Path, list[Finding]]


def _as_they_end(pending: set[Future[_Obtained]], halt: Halt) -> Iterator[Future[_Obtained]]:
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


def _obtain(work: _Work, segment: Segment) -> _Obtained:
    """One segment's file, in a thread of the pool."""
    work.halt.check()
    if segment.url is None:
        raise DownloadError(
            "it has no URL, and there is no file of its id",
            hint="Put the file into a folder as <video id>.mp4 and give it with --media-dir.",
        )
    host = host_of(segment.url)
    entry = entry_of(work.cache, segment)
    assert entry is not None, "host_of refuses what entry_of cannot read"
    session = work.sessions.get()
    try:
        with entry.locked(work.halt.check):
            findings = _bring(work, segment, segment.url, host, entry, session)
            size = entry.file.stat().st_size
    finally:
        work.sessions.put(session)
    if segment.size and size != segment.size:
        sentence = f"the file has {size:,} bytes, declared were {segment.size:,}"
        findings.append(note(segment.video_id, sentence))
    return entry.file, findings


def _bring(work: _Work, segment: Segment, url: str, host: str, entry: Entry, session: Session) -> list[Finding]:
    """Make the cached file the server's current one, or keep what was fetched where the server does not help."""
    known = entry.whole()
    meter = fetch.Meter(work.advance)
    findings: list[Finding] = []
    if known is not None:
        size = known.size or 0
        if is_fresh(known):
            meter.reach(size)
            return findings
        answer = revalidate(session, url, known, is_reachable=host not in work.silent)
        if not answer.was_reached:
            work.silent.add(host)
        if not answer.is_changed:
            entry.confirm(known)
            meter.reach(size)
            return [note(segment.video_id, answer.doubt)] if answer.doubt else findings
    try:
        _fetch_one(work, fetch.Fetch(segment, url, entry, session, work.halt, meter), host)
    except DownloadError as failure:
        if known is None or isinstance(failure, CacheBroken):
            raise
        findings.append(
            warning(segment.video_id, f"changed on its server, but {failure}: the older file fetched before is used")
        )
    return findings


def _fetch_one(work: _Work, download: fetch.Fetch, host: str) -> Known:
    try:
        return download.run(attempts=1 if host in work.silent else None)
    except TryAgain as failure:
        if not failure.was_answered:
            work.silent.add(host)
        raise


__all__ = ["DiskFull", "Fetched", "Stopped", "fetch_all", "on_disk"]
