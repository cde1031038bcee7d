"""A worker without a job renders chunks of long classes that others are at, found in the home it shares with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from assembler.errors import AssemblerError
from assembler.jobs.worker.background import beside
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.help_out import CannotHelp, help_out
from assembler.options import Options
from assembler.processes import Stop
from assembler.workspace import Workspace

LOOK_SECONDS = 2.0
"""Time between two looks for offers, in s."""
END_SECONDS = 1.0
"""Maximum time that the end waits for the helper, in s."""


def helping(
    options: Options, name: str, is_idle: Callable[[], bool], stop: Stop, say: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Help whenever ``is_idle()``, until ``stop`` is set; ``name`` is the worker's."""
    return beside(lambda left: _help(options, name, is_idle, stop, left, say), END_SECONDS)


def _help(
    options: Options, name: str, is_idle: Callable[[], bool], stop: Stop, left: threading.Event,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    refused: set[tuple[int, int]] = set()
    while not left.wait(LOOK_SECONDS) and not stop.is_set():
        with suppress(AssemblerError, OSError):  # what is wrong with a home is said by its jobs
            for place in sorted(Workspace(options.home).shared.glob("*.json")):
                found = place.stat()
                if (found.st_ino, found.st_mtime_ns) in refused or not is_idle():
                    continue
                try:
                    program = find_ffmpeg(options.ffmpeg)
                    made = help_out(
                        place, name=name, program=program, processes=options.processes, stop=stop, may_go_on=is_idle
                    )
                except CannotHelp as exc:
                    refused.add((found.st_ino, found.st_mtime_ns))
                    say(f"warning: worker {name} cannot help with {place.stem}: {exc}")
                else:
                    if made:
                        say(f"worker {name}: rendered {made} pieces of {place.stem}")
