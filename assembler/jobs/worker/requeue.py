"""A process of a moment: what a dead worker had in hand goes back into the queue (``python -m`` this, its name)."""

from __future__ import annotations

import sys

from assembler.errors import AssemblerError
from assembler.jobs.engine import give_back
from assembler.options import load_options

SECONDS = 8.0


def main() -> int:
    try:
        return 0 if give_back(load_options(), sys.argv[1], SECONDS) else 1
    except AssemblerError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_code


if __name__ == "__main__":
    sys.exit(main())
