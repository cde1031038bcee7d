"""The files that have to be fetched: several at once, by one line of work."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path

from assembler.network.download.arrivals import Arrivals
from assembler.network.download.halt import Halt
from assembler.network.download.limits import SumLimit
from assembler.network.download.queue import DownloadQueue
from assembler.network.http import Session, discreet, open_session
from assembler.options import Options
from assembler.processes import Stop
from assembler.progress import Progress
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles

WATCH_SECONDS = 0.1
"""Time between two looks at the caller's ``stop``, in s."""


def fetch_remote(
    remote: Sequence[Segment],
    cache: Path,
    options: Options,
    progress: Progress,
    stop: Stop | None,
    arrivals: Arrivals | None,
    local: Mapping[str, Path],
    app: str = "",
    limit: SumLimit | None = None,
) -> SegmentFiles:
    """Fetch what is not ``local``; ``limit``: of those that are parts of one file. Everything else as in
    ``fetch_all``."""
    is_sized = all(s.size is not None and s.size > 0 for s in remote)
    total = float(sum(s.size or 0 for s in remote)) if is_sized else None
    halt = Halt(stop)
    with (
        discreet(),
        progress.task("download", total, "B") as task,
        _sessions(options, halt) as sessions,
        ExitStack() as locks,
    ):
        line = DownloadQueue(
            cache, halt, sessions, task.advance, locks, arrivals, dict(local), app, limit or SumLimit({})
        )
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
def _sessions(options: Options, halt: Halt) -> Iterator[queue.SimpleQueue[Session]]:
    """One per thread: connections are used again, but no session is used by two at once."""
    sessions: queue.SimpleQueue[Session] = queue.SimpleQueue()
    with ExitStack() as stack:
        for _ in range(options.parallel):
            session = stack.enter_context(open_session(options.allow_hosts))
            session.is_halted = halt.is_set
            sessions.put(session)
        yield sessions
