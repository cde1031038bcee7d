"""The command ``assembler``, also ``python -m assembler``: a Ctrl-C while its libraries are loaded ends it as well."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading

GARBAGE = 50_000
"""Number of objects made until cycles of garbage are looked for: modules, and a recorded class, are tens of thousands
of small values without any, and looking took a fifth of the time of a plan."""


def _stopped(*_: object) -> None:
    """End at once: before a verb has begun, and after it has ended, there is nothing to tidy up."""
    os.write(2, b"stopped\n")
    os._exit(128 + signal.SIGINT)


def main() -> None:
    """Entry point of the program; a verb takes the signal over, and gives it back."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # with nohup it is ignored
        signal.signal(signal.SIGINT, _stopped)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy multiplies no matrices here: its threads only wait
    # pydantic would look for plugins in each installed package; who wants them sets the variable to nothing
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(GARBAGE)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # its descriptor was closed: nothing comes from there, or nobody reads it
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 it lives as long as we do
    from assembler.cli.main import main as run

    try:
        run()
    except SystemExit as exc:
        if isinstance(exc.code, int):
            _end(exc.code)
        raise


def _end(code: int) -> None:
    """End without taking thousands of modules apart, which is a sixth of a second run's time; only where nobody else is
    at work here, and all that was said has arrived."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    if others or sys.getprofile() is not None or sys.gettrace() is not None:
        return
    atexit._run_exitfuncs()  # as the interpreter would
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # the interpreter says so
    os._exit(code)


if __name__ == "__main__":
    main()
