"""Questions to the vendor beside the work: for results that did not come (a lost callback is not a lost class), and for
fresh links where those of a result have expired.

Only credentials of our own are used, never a callback key. What is found goes the way of a callback: same task, same
job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

import sqlalchemy as sa

from assembler.cloud import Api, Kind
from assembler.cloud.choose import choose_api, open_cloud
from assembler.cloud.fetch import ask
from assembler.dialects import find_generation
from assembler.errors import AssemblerError, CloudError, InputError, NotFinished
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import Body, keep
from assembler.jobs.intake.intake import take_in
from assembler.jobs.intake.tasks import ASKED, EXPECTED, Task, incomplete, missing
from assembler.jobs.store.records import Records, now
from assembler.jobs.store.tables import TASK
from assembler.jobs.worker.background import beside
from assembler.options import Options
from assembler.times import DAY_MS, WallMs

LOOK_SECONDS = 15.0
"""Time between two looks for tasks that are due, in s."""
FIRST_SECONDS = 60
"""Time from the latest event of a task to the first question, in s; each further one takes twice as long."""
SLOWEST_SECONDS = 3600
"""Maximum time between two questions, in s."""
LONGEST_DAYS = 3
"""Maximum age of the latest event, in days: the vendor deletes results then."""
END_SECONDS = 1.0
"""Maximum time that the end waits for a silent vendor, in s: another worker repeats the question."""
GENERATIONS = {1: Api.V1, 3: Api.V3}
"""Generations of the API by the number that ``find_generation`` gives."""
MOST_FRESH = 3
"""Maximum results asked for one job: a file that is missing after fresh links is gone."""
NOTHING_MORE = -1
"""Value of ``Task.asks`` where nothing will come."""


def asking(
    options: Options, records: Callable[[], Records], engine: Callable[[], Engine], say: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Ask for what is due until the ``with`` is left; nothing without credentials, or where the settings say so."""
    apis = list_apis(options)

    def ask_on(left: threading.Event) -> None:
        while not left.is_set():
            with suppress(AssemblerError):  # the database is away: the worker says so
                ask_due(options, records(), engine(), say, left.is_set)
            left.wait(LOOK_SECONDS)

    return beside(ask_on, END_SECONDS) if apis else nullcontext()


def list_apis(options: Options) -> list[Api]:
    """List the generations that may be asked: those whose credentials are set."""
    found = []
    for api in Api if options.reconcile else ():
        with suppress(InputError):
            found.append(choose_api(options, api))
    return found


def ask_due(
    options: Options, records: Records, engine: Engine, say: Callable[[str], None], is_over: Callable[[], bool]
) -> int:
    """Ask for every task that is due, one after the other; return how many results came. Raises JobError."""
    apis, came = list_apis(options), 0
    renewed = [task.model_copy(update={"asks": max(task.asks or 0, 0)}) for task in incomplete(records, MOST_FRESH)]
    for task in [*missing(records), *renewed]:
        api = find_api(task, options, apis)
        if is_over():
            break
        if api is not None and is_due(task, now()) and _claim(records, task):
            came += _ask(options, records, engine, task, api, say)
    return came


def find_api(task: Task, options: Options, apis: list[Api]) -> Api | None:
    """Find whom to ask for a task: the generation it came from, and only for tasks of our own app."""
    if task.app not in (None, str(options.sdk_app_id)):
        return None
    if task.kind == EXPECTED:
        return apis[0] if apis else None
    api = GENERATIONS.get(find_generation(task.kind) or 0)
    return api if api in apis else None


def is_due(task: Task, at: WallMs) -> bool:
    """Return True if a task is to be asked for at this time, Unix ms."""
    asks = task.asks or 0
    wait = min(FIRST_SECONDS * 2 ** min(max(asks, 0), 16), SLOWEST_SECONDS)
    is_old = at - task.updated > LONGEST_DAYS * DAY_MS
    return asks != NOTHING_MORE and not is_old and at >= max(task.updated, task.asked or 0) + wait * 1000


def _claim(records: Records, task: Task) -> bool:
    """Take a question for this process; False where another one was faster."""
    wanted = sa.update(TASK).where(TASK.c.task == task.task, TASK.c.asked.is_not_distinct_from(task.asked))
    with records.transaction() as connection:
        return connection.execute(wanted.values(asked=now(), asks=(task.asks or 0) + 1)).rowcount > 0


def _ask(options: Options, records: Records, engine: Engine, task: Task, api: Api, say: Callable[[str], None]) -> bool:
    kind = Kind.OFFLINE if "offline" in task.kind.lower() else Kind.ONLINE
    try:
        with open_cloud(options, api) as cloud:
            result = ask(cloud, task.task, kind)
    except (CloudError, InputError) as exc:
        if not task.asks:
            say(f"warning: task {task.task} was asked for: {exc.sentence}")
        _note(records, task, exc.sentence, is_last=False)  # a key may be put right meanwhile
        return False
    if isinstance(result.problem, NotFinished):
        _note(records, task, result.state, is_last=False)
        return False
    numbers = keep(records, [Body(result.body, task.app or str(options.sdk_app_id), ASKED, now())])
    take_in(records, engine, numbers)
    _note(records, task, result.state, is_last=True)
    say(f"task {task.task} was asked for: {result.state}")
    return True


def _note(records: Records, task: Task, answer: str, *, is_last: bool) -> None:
    values = {"answer": answer, **({"asks": NOTHING_MORE} if is_last else {})}
    with records.transaction() as connection:
        connection.execute(sa.update(TASK).where(TASK.c.task == task.task).values(values))
