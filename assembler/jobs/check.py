"""Check of the state of health: figures that are cheap to ask for, and what of them wants somebody to look."""

from __future__ import annotations

import shutil
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from assembler.errors import JobError
from assembler.jobs.costs import CostSum, sum_costs
from assembler.jobs.intake.gather import count_gatherings
from assembler.jobs.intake.tasks import count_missing
from assembler.jobs.listing import DEGRADED, count_jobs
from assembler.jobs.publishing import output_of
from assembler.jobs.store.database import database_file
from assembler.jobs.store.model import GIVEN_UP, QUEUED, JobState
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.seen import WORKER, count_seen
from assembler.jobs.store.tables import EVENT, IS_OTHER, JOB, NOTICE, REFUSED
from assembler.options import Options
from assembler.times import HOUR_MS
from assembler.values import Value

LINKS_HOURS = 72
"""Time after which the vendor deletes files, in h (DESIGN, What arrives)."""
AT_RISK_HOURS = 24
"""Minimum time that the links of a waiting job should still have, in h."""
ALIVE_SECONDS = 90
"""Maximum age of a worker's latest sign of life, in s: it gives one every 20."""
LATEST = 20
"""Number of playbacks over which the speed is measured, of the latest 200 jobs."""
GIB = 2**30
"""Bytes of a gibibyte."""


class Figures(Value):
    """Figures of one moment."""

    states: dict[JobState, int]
    """Jobs by state."""
    degraded: int
    """Jobs whose playback lacks something."""
    queue_seconds: int
    """Age of the job that waits longest, in s; 0 where none waits."""
    failures: int
    """Jobs that failed for good within the last hour."""
    missing: int
    """Tasks whose result did not come."""
    gathering: int
    """Recordings that are told of in parts, of which no job was made yet, or not of all."""
    others: int
    """Events that belong to no job."""
    expiring: int
    """Waiting jobs whose files were not fetched yet and will be deleted within a day."""
    notices: int
    """Notices to be sent."""
    refused: int
    """Refused callbacks that are kept."""
    workers: int
    """Workers that live."""
    speed: float | None
    """Class seconds per second of work, of the latest playbacks; None where there are none."""
    costs: CostSum
    """Sums of all that was ever done."""

    @property
    def waiting(self) -> int:
        """Jobs that a worker could take."""
        return sum(self.states[state] for state in QUEUED)


class Limits(Value):
    """Limits of what is well, each as (warning, critical)."""

    queue_minutes: tuple[float, float] = (60, 240)
    """Age of the job that waits longest, in minutes."""
    failures: tuple[float, float] = (1, 10)
    """Jobs that failed within the last hour."""
    missing: tuple[float, float] = (1, 50)
    """Tasks whose result did not come."""
    expiring: tuple[float, float] = (1, 20)
    """Waiting jobs whose files will be deleted within a day."""
    free_gib: tuple[float, float] = (10, 2)
    """Free space of home and output, in GiB."""


class Level(IntEnum):
    """State of health; its number is the exit code."""

    OK = 0
    """Well."""
    WARNING = 1
    """Work for today."""
    CRITICAL = 2
    """Work for this minute."""


class Check(Value):
    """One thing that was looked at."""

    name: str
    """Name of what was looked at."""
    level: Level
    """State of health."""
    value: float
    """Value found."""
    text: str
    """Value as words."""
    hint: str = ""
    """Next step; "" where all is well."""
    limits: tuple[float, float] | None = None
    """Limits of warning and critical; None where there are none."""


def measure(records: Records) -> Figures:
    """Measure the figures; each question has an index. Raises JobError where the database does not answer."""
    at = now()
    waits, failed, to_do = (
        JOB.c.state.in_([state.value for state in states]) for states in (QUEUED, GIVEN_UP, (*QUEUED, JobState.DELAYED))
    )
    ended = sa.func.coalesce(JOB.c.stop, JOB.c.sent, JOB.c.created)
    at_risk = ended < at - (LINKS_HOURS - AT_RISK_HOURS) * HOUR_MS
    latest = sa.select(JOB.c.length, JOB.c.wall).where(JOB.c.state == JobState.DONE.value)
    latest = latest.order_by(JOB.c.number.desc()).limit(200)
    count = sa.select(sa.func.count())
    with records.reading() as connection:

        def number(wanted: sa.Select[Any]) -> int:
            return int(connection.execute(wanted).scalar() or 0)

        oldest = number(sa.select(sa.func.min(JOB.c.updated)).where(waits))
        made = [row for row in connection.execute(latest) if row.length and row.wall][:LATEST]
        figures = {
            "failures": number(count.where(failed, JOB.c.updated > at - HOUR_MS)),
            "expiring": number(count.where(to_do, JOB.c.fetched.is_(None), at_risk)),
            "notices": number(count.where(~NOTICE.c.is_over)),
            "others": number(count.select_from(EVENT).where(sa.text(IS_OTHER), EVENT.c.gathering.is_(None))),
        }
    with records.refusals.reading() as connection:
        refused = int(connection.execute(count.select_from(REFUSED)).scalar_one())
    wall, counts = sum(row.wall for row in made), count_jobs(records)
    return Figures(
        **figures, states={state: counts[state] for state in JobState}, degraded=counts[DEGRADED],
        missing=count_missing(records), gathering=count_gatherings(records),
        queue_seconds=max(0, at - oldest) // 1000 if oldest else 0, refused=refused,
        workers=count_seen(records, WORKER, at - ALIVE_SECONDS * 1000),
        speed=round(sum(row.length for row in made) / wall, 3) if wall else None,
        costs=sum_costs(records, by=None)[0],
    )  # fmt: skip


def free_space(options: Options) -> dict[str, int]:
    """Free bytes by place: home, and output where that is a folder."""
    places = {"home": options.home.absolute()}
    if "://" not in output_of(options):
        places["output"] = Path(output_of(options)).expanduser().absolute()
    found = {}
    for name, path in places.items():
        there = next((p for p in (path, *path.parents) if p.exists()), Path("/"))
        with suppress(OSError):
            found[name] = shutil.disk_usage(there).free
    return found


def check(records: Records, options: Options, limits: Limits) -> list[Check]:
    """Check everything, the database first; where that is away, little else can be said."""
    try:
        figures = measure(records)
    except JobError as exc:
        return [away(exc), *_disk(options, limits)]
    return [
        Check(name="database", level=Level.OK, value=1, text="the database answers"),
        *judge(figures, options, limits),
    ]


def refuse_new_home(options: Options) -> None:
    """Raise JobError where there is no database yet: who looks makes none, least of all by a mistyped home."""
    path = database_file(options)
    if options.database_url is None and not path.exists():
        raise JobError(
            f"there is no database of jobs in {path.parent}",
            hint="Look at ASSEMBLER_HOME and ASSEMBLER_DATABASE_URL; `assembler serve` makes it when it first starts.",
        )


def away(exc: JobError) -> Check:
    """Tell that the database does not answer."""
    sentence = exc.sentence.partition(": ")[0]  # what follows names hosts
    return Check(name="database", level=Level.CRITICAL, value=0, text=sentence, hint=exc.hint)


def judge(figures: Figures, options: Options, limits: Limits) -> list[Check]:
    """Judge what was measured."""
    return [
        _workers(figures),
        _judged("queue", figures.queue_seconds / 60, limits.queue_minutes,
                f"waiting jobs: {figures.waiting}, the oldest for {figures.queue_seconds // 60} min"
            if figures.waiting
            else "waiting jobs: 0",
                "Start more workers (assembler work), or look at what the present ones do: assembler jobs list."),
        _judged("failures", figures.failures, limits.failures, f"failed in the last hour: {figures.failures}",
                "assembler jobs list --state failed names them, and why."),
        _judged("missing", figures.missing, limits.missing, f"missing results: {figures.missing}",
                "assembler jobs list --missing names them, and what to do."),
        _judged("links", figures.expiring, limits.expiring,
                f"waiting jobs whose files will be deleted within a day: {figures.expiring}",
                "Start more workers now: the vendor keeps files for three days."),
        *_disk(options, limits),
    ]  # fmt: skip


def _workers(figures: Figures) -> Check:
    is_dead = not figures.workers and figures.waiting > 0 and figures.queue_seconds > ALIVE_SECONDS
    text = f"live workers: {figures.workers}"
    return Check(
        name="workers", level=Level.CRITICAL if is_dead else Level.OK, value=figures.workers,
        text=f"no worker lives; waiting jobs: {figures.waiting}" if is_dead else text,
        hint="Start one: assembler work." if is_dead else "",
    )  # fmt: skip


def _disk(options: Options, limits: Limits) -> list[Check]:
    hint = "Make room: assembler jobs prune --dry-run tells what can go."
    return [
        _judged(
            f"disk_{place}", free / GIB, limits.free_gib, f"{free / GIB:.1f} GiB free in the {place} folder", hint, -1
        )
        for place, free in free_space(options).items()
    ]


def _judged(name: str, value: float, limits: tuple[float, float], text: str, hint: str, sign: int = 1) -> Check:
    """Compare a value with its limits; with ``sign`` -1 what is below them is bad."""
    warning, critical = (sign * limit for limit in limits)
    level = Level.CRITICAL if sign * value >= critical else Level.WARNING if sign * value >= warning else Level.OK
    return Check(
        name=name, level=level, value=round(value, 3), text=text, hint=hint if level else "", limits=limits
    )  # fmt: skip


def worst(rows: list[Check]) -> Level:
    """Find the worst level of all."""
    return max((row.level for row in rows), default=Level.OK)


def one_line(rows: list[Check]) -> str:
    """Write one line as monitoring plugins do: level, what is the matter (or all), values behind a bar."""
    level = worst(rows)
    told = [row for row in rows if row.level is level] if level else rows
    text = "; ".join(row.text + (f". {row.hint.rstrip('.')}" if row.hint else "") for row in told)
    return f"{level.name} - {text} | " + " ".join(map(_figure, rows))


def _figure(row: Check) -> str:
    return f"{row.name}={row.value:g}" + (f";{row.limits[0]:g};{row.limits[1]:g}" if row.limits else "")
