"""Frame shared by all verbs of the command line: errors become a message, a hint and an exit code."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, ParamSpec, TextIO, cast

import typer

from assembler.errors import FULL_DISK, AssemblerError, DiskFull, MediaError, without_queries
from assembler.processes import Stopped
from assembler.settings import FormerName

P = ParamSpec("P")

_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

OUR_FAULT = 70
"""Exit code of a bug in assembler (EX_SOFTWARE)."""
INTERRUPTED = 130
"""Exit code of a stopped run, as shells have it: 128 + SIGINT."""
NOBODY_READS = 141
"""Exit code where nobody reads the output any more (``| head``): 128 + SIGPIPE."""


class Plain:
    """An output on which text of strangers turns no line around and shows no signature: a terminal obeys marks of
    direction, and logs are kept. What stands for a mark is right in JSON as well.

    Where it cannot be written (a full disk) it is lost from then on; DiskFull or MediaError is raised, once, if it is
    ``needed``: a result, and not what is told on the way.
    """

    def __init__(self, output: TextIO, *, needed: bool) -> None:
        self._output, self._needed = output, needed

    def write(self, text: str) -> int:
        """Write the text made plain; returns the number of characters given."""
        plain = without_queries(text)
        if not plain.isascii():
            plain = _TURNS.sub(lambda mark: f"\\u{ord(mark[0]):04x}", plain)
        with self._kept():
            self._output.write(plain)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        with self._kept():
            self._output.flush()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as exc:
            silence(self._output)  # what is left in it, and an error as JSON
            if self._needed:
                raise lost_output(exc) from exc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def silence(output: TextIO) -> None:
    """Lead an output to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


def lost_output(exc: OSError) -> MediaError:
    """Make the error for an output (or terminal) that cannot be written."""
    if exc.errno in FULL_DISK:
        return DiskFull(f"the disk of the output is full: {exc.strerror}", hint="Make room, or send it elsewhere.")
    return MediaError(f"the output cannot be written: {exc.strerror}", hint="Send it elsewhere.")


def verb(function: Callable[P, int | None]) -> Callable[P, None]:
    """A verb of the command line: errors become a message, a hint and an exit code."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        before = _listen()
        outputs = sys.stdout, sys.stderr
        sys.stdout = cast(TextIO, Plain(outputs[0], needed=True))
        sys.stderr = cast(TextIO, Plain(outputs[1], needed=False))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", FormerName)
                warnings.showwarning = cast(Any, _print_warning)
                code = function(*args, **kwargs)
            sys.stdout.flush()
        except AssemblerError as exc:
            code = _fail(type(exc).__name__, exc.sentence, exc.hint, exc.exit_code, as_json=as_json)
        except (KeyboardInterrupt, Stopped):
            code = _stopped(as_json)
        except MemoryError:
            hint = "Give it more (see `ulimit -v`, the limits of the container), or lower ASSEMBLER_PROCESSES."
            code = _fail("OutOfMemory", "there is not enough memory for this", hint, MediaError.exit_code, as_json)
        except BrokenPipeError:
            for stream in outputs:
                silence(stream)
            code = NOBODY_READS
        except Exception as exc:  # noqa: BLE001 an exception that is not an AssemblerError is our bug: say so with all there is
            if (
                signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            ):  # told to stop, in a library that wraps what is raised
                code = _stopped(as_json)
            else:
                traceback.print_exc()
                hint = "Please report it with the lines above."
                code = _fail(type(exc).__name__, "this is a bug in assembler", hint, OUR_FAULT, as_json)
        finally:
            sys.stdout, sys.stderr = outputs
        if code != INTERRUPTED:  # then nothing is to disturb the end
            for name, handler in before.items():
                signal.signal(name, handler)
        raise typer.Exit(code or 0)

    return guarded


def _print_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print one line for the user."""
    print(f"warning: {message}", file=sys.stderr)


def _listen() -> dict[signal.Signals, Any]:
    """SIGTERM ends a verb like Ctrl-C; a Ctrl-C that is ignored (nohup) stays ignored. Returns the former handlers."""
    before: dict[signal.Signals, Any] = {}
    with suppress(ValueError):  # not the main thread: then signals are somebody else's
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, _told_to_stop)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, _told_to_stop)
    return before


def _told_to_stop(*_: object) -> NoReturn:
    """The first time counts: a second one would only disturb the tidying up, which takes seconds at most."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def _stopped(as_json: bool) -> int:
    return _fail("Stopped", "stopped", "The same command continues where it stopped.", INTERRUPTED, as_json)


def _fail(kind: str, sentence: str, hint: str, code: int, as_json: bool) -> int:
    """Say what went wrong, to people and, where that was asked for, to a machine."""
    label = "" if code == INTERRUPTED else "error: "
    print(label + sentence + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    if as_json:
        with suppress(MediaError):  # it was said above that this is lost
            print_failure(kind, sentence, hint, code)
    return code


def print_failure(kind: str, sentence: str, hint: str, code: int) -> None:
    """Print a failure as one JSON object on standard output."""
    error = {"kind": kind, "sentence": sentence, "hint": hint, "exit": code}
    print(json.dumps({"verdict": "failed", "error": error}), flush=True)
