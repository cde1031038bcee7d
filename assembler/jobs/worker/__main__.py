"""Worker as a child process (``python -m`` this, how many ffmpegs at once); the rest is in its environment."""

from __future__ import annotations

import sys

from assembler.errors import AssemblerError
from assembler.jobs.worker.worker import run_worker
from assembler.options import load_options


def say(sentence: str) -> None:
    """Write to standard error, at once: it is a log that somebody may be following."""
    print(sentence, file=sys.stderr, flush=True)


def main() -> int:
    """Run the worker; an error becomes its exit code."""
    try:
        return run_worker(load_options(processes=sys.argv[1] if len(sys.argv) > 1 else None), say)
    except AssemblerError as exc:
        say(f"error: {exc.sentence}" + (f"\nhint: {exc.hint}" if exc.hint else ""))
        return exc.exit_code


if __name__ == "__main__":
    sys.exit(main())
