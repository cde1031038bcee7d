"""The verb ``demo``: flags in, exit code out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from assembler.cli.flags import ProgressStyle, ShownAs, progress_of, with_options
from assembler.cli.verb import verb
from assembler.options import Options


@verb
@with_options
def demo(
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder for the demo.")] = Path("assembler-demo"),
    live: Annotated[
        bool, typer.Option("--live", help="Record a class by API in a stand-in cloud, and assemble it by callback.")
    ] = False,
    *,
    options: Options,
    progress: ShownAs = ProgressStyle.BARS,
) -> int:
    """Make a small class, serve it on loopback, and inspect, plan, run and verify it."""
    if live:
        from assembler.emulator.live import show_live

        show_live(out / "live", options, partial(print, flush=True))
        return 0
    from assembler.demo.show import show

    show(out, options, progress_of(progress), print)
    return 0
