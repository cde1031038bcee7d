"""Worker as a child process (``python -m`` this, how many ffmpegs at once, form and level of the log, whether standard
output takes it, too); the rest is in its environment."""

from __future__ import annotations

import sys

from assembler.errors import AssemblerError
from assembler.jobs.event_log import emit, logging_to, say
from assembler.jobs.worker.supervisor import SHOWN
from assembler.jobs.worker.worker import run_worker
from assembler.options import load_options


def main() -> int:
    """Run the worker; an error becomes its exit code."""
    given = dict(zip(("processes", "log", "log_level"), sys.argv[1:], strict=False))
    streams = (sys.stderr, sys.stdout) if SHOWN in sys.argv else (sys.stderr,)
    try:
        options = load_options(**given)
    except AssemblerError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return exc.exit_code
    with logging_to(options, *streams):
        try:
            return run_worker(options, say)
        except AssemblerError as exc:
            emit("error", "error", str(exc))
            return exc.exit_code


if __name__ == "__main__":
    sys.exit(main())
