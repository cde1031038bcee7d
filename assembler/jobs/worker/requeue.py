"""Requeue the jobs of a dead worker (``python -m`` this, its name), in a process of its own."""

from __future__ import annotations

import sys

from assembler.errors import AssemblerError
from assembler.jobs.engine import give_back
from assembler.options import load_options

SECONDS = 8.0
"""Maximum time in which the work is given back, in s."""


def main() -> int:
    """Requeue the jobs of the worker named in the arguments."""
    try:
        return 0 if give_back(load_options(), sys.argv[1], SECONDS) else 1
    except AssemblerError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_code


if __name__ == "__main__":
    sys.exit(main())
