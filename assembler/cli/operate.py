"""The verbs for whoever runs the jobs: what they cost, and whether all is well."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from assembler.cli.jobs import Json, open_records
from assembler.cli.verb import verb


class CostsBy(StrEnum):
    """Rows of the sums."""

    DAY = "day"
    """One row a day (UTC)."""
    ROOM = "room"
    """One row a room."""


@verb
def costs(
    since: Annotated[
        str | None, typer.Option("--since", help="Only the latest days, such as 7d (today is one).", metavar="DAYS")
    ] = None,
    by: Annotated[CostsBy, typer.Option("--by", help="Sums of each day, or of each room.")] = CostsBy.DAY,
    as_json: Json = False,
) -> int:
    """Print what the jobs cost: time, CPU, memory and bytes, also of jobs that were forgotten."""
    from assembler.jobs.costs import cost_table, first_day, sum_costs

    day = first_day(since)
    sums = sum_costs(open_records(), by=by.value, since=day)
    if as_json:
        print(json.dumps([{**one.model_dump(), "speed": one.speed} for one in sums], ensure_ascii=False))
    else:
        print(cost_table(sums, by.value))
    return 0
