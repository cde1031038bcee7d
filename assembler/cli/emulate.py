"""The verb ``emulate``: a stand-in for the recording cloud, to practise on."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from assembler.cli.verb import verb
from assembler.errors import InputError


@verb
def emulate(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; without it nobody outside can.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen at.", min=0, max=65535)] = 8090,
    key: Annotated[
        str | None, typer.Option("--key", help="TicKey (v1) and SecretKey (v3) that requests are signed with.")
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", help="Factor that shortens all delays of the cloud.", min=0.1, max=10_000)
    ] = 60.0,
    lesson: Annotated[
        Path | None, typer.Option("--lesson", help="Script (JSON) of what happens in a room.", metavar="FILE")
    ] = None,
    quirk: Annotated[
        list[str] | None, typer.Option("--quirk", help="An oddity of the results, by name; `list` lists them.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="A fault of files and callbacks, by name; `list` lists them.")
    ] = None,
    refuse: Annotated[
        str,
        typer.Option(
            "--refuse",
            help="Refuse every request with this code: 20099, InternalError, ...",
            metavar="CODE",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Run a stand-in for the recording cloud: its API, its callbacks, and real files of what happened in a room."""
    from assembler.emulator.quirks import FAULTS, QUIRKS

    quirks, faults = frozenset(quirk or ()), frozenset(fault or ())
    if "list" in quirks | faults:
        for name, sentence in (QUIRKS if "list" in quirks else FAULTS).items():
            print(f"{name:26}{sentence}")
        return 0
    for given, known, flag in ((quirks, QUIRKS, "--quirk"), (faults, FAULTS, "--fault")):
        if given - known.keys():
            raise InputError(f"there is no {flag} {min(given - known.keys())}", hint=f"{flag} list names them.")
    from assembler.emulator.app import run
    from assembler.emulator.cloud import APP, KEY, Cloud, Setup
    from assembler.emulator.lesson import BUILT_IN, load_lesson
    from assembler.jobs.web.listener import listen_at
    from assembler.media.ffmpeg import find_ffmpeg
    from assembler.options import load_options
    from assembler.times import WallMs

    script = load_lesson(lesson) if lesson is not None else BUILT_IN
    program = find_ffmpeg(load_options().ffmpeg).path
    with listen_at(host, port) as door, tempfile.TemporaryDirectory(prefix="assembler-emulator-") as folder:
        base = f"http://{host}:{door.getsockname()[1]}"
        shown = KEY if key is None else "the key that was given"
        print(
            f"{base}/ shows what happens. Generation 1 is at {base}/record/v1/, generation 3 at {base}/",
            file=sys.stderr,
        )
        print(f"SdkAppId {APP}, TicKey and SecretKey: {shown}; any SecretId", file=sys.stderr, flush=True)
        setup = Setup(
            key=KEY if key is None else key, speed=speed, lesson=script, quirks=quirks, faults=faults, refuse=refuse,
            folder=Path(folder), ffmpeg=program,
        )  # fmt: skip
        try:
            run(Cloud(setup, lambda: WallMs(time.time_ns() // 1_000_000)), door, host)
        except KeyboardInterrupt:
            return 0  # that is how a server ends
    return 0
