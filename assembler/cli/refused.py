"""The verbs about callbacks that were refused: flags in, exit code out."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from assembler.cli.jobs import Json, by_hand, clock, open_jobs
from assembler.cli.verb import verb
from assembler.errors import InputError, JobError
from assembler.options import load_options

MOST = 1000
"""Maximum number of refused callbacks that are listed."""


@verb
def list_(as_json: Json = False) -> int:
    """List callbacks that were refused, the newest first."""
    from assembler.jobs.intake.bodies import list_refused

    records, _ = open_jobs()
    found = list_refused(records, MOST)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
    for one in [] if as_json else found:
        print(f"{one.id}  {clock(one.received)}  {one.status}  {one.size} B  {one.reason}")
    return 0


@verb
def show(number: Annotated[int, typer.Argument(help="Number of a refused callback.", metavar="NUMBER")]) -> int:
    """Print the body of one, byte by byte as it came; on a terminal, control characters are escaped."""
    from assembler.jobs.intake.refused import load_refused

    records, _ = open_jobs()
    raw = load_refused(records, number).raw
    if sys.stdout.isatty():
        told = raw.decode("utf-8", "backslashreplace")
        print("".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in told))
    else:
        sys.stdout.buffer.write(raw)
    return 0


@verb
def take_again(
    numbers: Annotated[list[int] | None, typer.Argument(help="Numbers of refused callbacks.", metavar="NUMBER")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Take all that are kept.")] = False,
) -> int:
    """Check them against today's keys; those that are signed with one become jobs and events as any other callback."""
    from assembler.jobs.control import take
    from assembler.jobs.intake.bodies import list_refused
    from assembler.jobs.web.keys import Keys

    if bool(numbers) == all_:
        raise InputError("say which", hint="Name numbers, as `assembler jobs refused list` shows them, or --all.")
    keys = Keys(load_options())
    if not keys:
        raise JobError(
            "there is no key to check callbacks with", hint="Set ASSEMBLER_CALLBACK_KEY to the key set at the vendor."
        )
    records, engine = open_jobs()
    wanted = [one.id for one in list_refused(records, MOST)] if all_ else numbers or []
    judged = take(records, engine, keys, sorted(wanted), by_hand())
    for number, verdict in judged.items():
        print(f"{number}: {'taken' if verdict.status == 200 else f'still refused: {verdict.reason}'}")
    left = [number for number, verdict in judged.items() if verdict.status != 200]
    if left and not all_:
        raise JobError(
            f"{len(left)} of {len(judged)} still refused",
            hint="Where you know that one is genuine: `assembler jobs refused show NUMBER > result.json`, then "
            "`assembler batch result.json`.",
        )
    return 0
