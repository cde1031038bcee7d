"""The verb ``at``: flags in, exit code out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assembler.cli.flags import Json, with_options
from assembler.cli.verb import verb
from assembler.errors import InputError
from assembler.options import Options
from assembler.times import clock_text, parse_clock


@verb
@with_options
def at(
    playback: Annotated[Path, typer.Argument(help="A file made by `assembler run`.", metavar="PLAYBACK")],
    time: Annotated[
        list[str] | None,
        typer.Argument(help="Time of day: 10:35, 10:35:20, 2019-05-23 10:35:20; with +08:00 or Z.", metavar="TIME"),
    ] = None,
    instant: Annotated[
        str | None, typer.Option("--playback", help="Playback instant whose time of day is wanted.", metavar="TIME")
    ] = None,
    *,
    options: Options,
    as_json: Json = False,
) -> int:
    """Find a time of day in a playback, or the time of day of a playback instant, through all pauses."""
    from assembler.plan.manifest import load_manifest
    from assembler.timeline.time_of_day import choose_zone, find_moment, moment_at

    if bool(time) == bool(instant):
        raise InputError("name one time", hint="Write a time of day, or --playback and a playback instant.")
    manifest = load_manifest(playback)
    zone = choose_zone(options.timezone, manifest.timezone)
    if instant:
        moment = moment_at(parse_clock(instant), manifest.clock, manifest.length, zone)
    else:
        moment = find_moment(" ".join(time or ()), manifest.clock, manifest.length, zone)
    output = sys.stderr if as_json else sys.stdout
    print(zone.text(moment.wall) if instant else clock_text(moment.playback), file=output)
    if not moment.is_exact:
        print("known to +-1 s: the result names its start in whole seconds", file=sys.stderr)
    if moment.timezone_from == "machine":
        print(f"times of day are those of {moment.timezone}; --timezone names another", file=sys.stderr)
    if moment.pause is not None:
        length = clock_text(moment.pause.end - moment.pause.start)
        times = f"{zone.text(moment.pause.start)} to {zone.text(moment.pause.end)}"
        print(f"a pause of {length} is skipped there: {times}", file=sys.stderr)
    if as_json:
        print(moment.model_dump_json())
    return 0
