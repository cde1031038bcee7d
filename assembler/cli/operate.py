"""The verbs for whoever runs the jobs: whether all is well, what they cost, what is removed."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from assembler.cli.jobs import Json, by_hand, open_jobs, open_records
from assembler.cli.verb import verb
from assembler.errors import JobError
from assembler.options import load_options


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


def _pair(name: str, text: str) -> Any:
    return typer.Option(name, help=f"{text}: warning and critical.", metavar="WARNING CRITICAL", show_default=True)


@verb
def check(
    queue_minutes: Annotated[
        tuple[float, float], _pair("--queue-minutes", "Age of the job that waits longest, in minutes")
    ] = (60, 240),
    failures: Annotated[tuple[float, float], _pair("--failures", "Jobs that failed within the last hour")] = (1, 10),
    missing: Annotated[tuple[float, float], _pair("--missing", "Results that did not come")] = (1, 50),
    links: Annotated[tuple[float, float], _pair("--links", "Waiting jobs whose files will be deleted within a day")] = (
        1,
        20,
    ),
    free_gib: Annotated[tuple[float, float], _pair("--free-gib", "Free space of home and output, in GiB")] = (10, 2),
    as_json: Json = False,
) -> int:
    """Check whether all is well, in one line for cron and probes: exit code 0, 1 (warning) or 2 (critical)."""
    from assembler.jobs.check import Limits, away, one_line, refuse_new_home, worst
    from assembler.jobs.check import check as check_all

    limits = Limits(
        queue_minutes=queue_minutes, failures=failures, missing=missing, expiring=links, free_gib=free_gib
    )  # fmt: skip
    try:
        refuse_new_home(load_options())
        rows = check_all(open_records(), load_options(), limits)
    except JobError as exc:
        rows = [away(exc)]
    if as_json:
        print(json.dumps([row.model_dump(mode="json") | {"level": row.level.name.lower()} for row in rows]))
    else:
        print(one_line(rows))
    return int(worst(rows))


@verb
def prune(
    days: Annotated[
        float | None,
        typer.Option("--older", help="Forget jobs that ended so many days ago (90, or the setting).", min=0),
    ] = None,
    sources: Annotated[
        float | None,
        typer.Option("--sources", help="Also remove downloads of jobs published so many days ago.", min=0),
    ] = None,
    outputs: Annotated[
        float | None,
        typer.Option("--outputs", help="Also remove playbacks published so many days ago, for good.", min=0),
    ] = None,
    work: Annotated[
        float, typer.Option("--work", help="Remove work folders of ended jobs untouched for so many days.", min=0)
    ] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
) -> int:
    """Forget jobs that are over, and remove what their work left; what they published stays."""
    from assembler.jobs.prune import BY_HAND
    from assembler.jobs.retention import Keep, keep_of, remove_old

    records, engine = open_jobs()
    options = load_options()
    kept = keep_of(options)
    keep = Keep(
        sources=kept.sources if sources is None else sources, outputs=kept.outputs if outputs is None else outputs,
        work=work, jobs=days if days is not None else kept.jobs or 90, with_failed=True,
        why=f"{BY_HAND} ({by_hand()})",
    )  # fmt: skip
    for one in remove_old(records, engine, options, keep, is_dry=dry_run):
        print(one.sentence(is_dry=dry_run))
    return 0
