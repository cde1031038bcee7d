"""The durable queue: DBOS behind five functions. The only module that imports it.

A try of a job is one workflow: steps whose results are written down, so that the next worker does not repeat
them. Five functions are all that others see of it (``submit``, ``status``, ``list``, ``cancel``, ``events``) and
``forget``, which clears away; a worker also uses ``working``, ``owners`` and ``give_back``. What is relied on is kept
by tests/jobs/test_dbos_facts.py.
"""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer
from dbos import error as dbos_error

from assembler.errors import JobError
from assembler.jobs.store.database import database_errors
from assembler.options import Options
from assembler.times import WallMs
from assembler.workspace import make_private

APPLICATION = "assembler"
"""Name of the application in the engine's database (stored)."""
VERSION = "1"
"""Version of the workflow (stored): DBOS's default changes with every edit of it, which strands the jobs that wait.
Raised only where the steps of a workflow change so that one under way cannot go on."""
QUEUE = "assembler-jobs"
"""Name of the queue (stored)."""
WORKFLOW = "assembler-job"
"""Name of the workflow (stored)."""
POLL_SECONDS = 1.5
"""Time between two looks of a worker into the queue, in s."""

Results = dict[str, dict[str, Any]]
"""Results of the steps done so far, by their names."""
Step = Callable[[str, Results], dict[str, Any]]
"""Function of the workflow's name and the results so far; returns JSON, and is not called again once that is written
down."""


class Phase(StrEnum):
    """Phase of one try, as the engine knows it."""

    WAITING = "waiting"
    """Try in the queue, perhaps not before a certain time."""
    RUNNING = "running"
    """Some worker has it."""
    ENDED = "ended"
    """Try of which the last step was done."""
    CANCELLED = "cancelled"
    """Ended from outside."""
    BROKEN = "broken"
    """Workflow that itself failed: a bug."""


_PHASES = {
    "ENQUEUED": Phase.WAITING,
    "DELAYED": Phase.WAITING,
    "PENDING": Phase.RUNNING,
    "SUCCESS": Phase.ENDED,
    "CANCELLED": Phase.CANCELLED,
    "ERROR": Phase.BROKEN,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": Phase.BROKEN,
}


class Happened(NamedTuple):
    """A step that was done."""

    step: str
    """Name of the step."""
    started: WallMs | None
    """Time at which it began, Unix ms."""
    ended: WallMs | None
    """Time at which it was written down, Unix ms."""


class TrySteps(Protocol):
    """Steps of one try, as a worker brings them."""

    @property
    def steps(self) -> Sequence[tuple[str, Step]]:
        """Names and functions, in order. A step that returns ``{"over": true, ...}`` is followed by the last one
        only."""

    def begin(self, workflow: str) -> bool:
        """Called whenever a worker takes the try up, also again; False: there is nothing to do."""


class Json(Serializer):
    """Serializer whose text any program can read, and that is harmless when read (the default is pickle)."""

    def serialize(self, data: Any) -> str:
        """Return JSON; a value without a form in it becomes its ``repr``."""
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        """Read it back."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """Name of the format in the engine's database (stored)."""
        return "assembler_json"


class Engine:
    """The queue, as anybody sees it who does not work on it. Raises JobError where the database does not answer."""

    def __init__(self, options: Options) -> None:
        url = database_of(options)
        if options.database_url is None:
            make_private(engine_file(options))
        with engine_errors():
            DBOS.migrate(url)
            _log_ahead(url)
            self._client = DBOSClient(
                system_database_url=url,
                serializer=Json(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
            self._client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()

    def submit(self, workflow: str, *, delay: float = 0) -> None:
        """Put a try into the queue; the same name again changes nothing."""
        with engine_errors():
            self._client.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": workflow,
                    "app_version": VERSION,
                    **({"delay_seconds": delay} if delay > 0 else {}),  # type: ignore[typeddict-item]  # it is a float
                },
                workflow,
            )

    def status(self, workflow: str) -> Phase | None:
        """Return the phase of a try; None where the engine does not know it."""
        return self.list([workflow]).get(workflow)

    def list(self, workflows: Sequence[str] | None = None) -> dict[str, Phase]:
        """Return the phases of these tries; of all that are not over if none are named."""
        with engine_errors():
            found = self._client.list_workflows(
                workflow_ids=None if workflows is None else builtins.list(workflows),
                status=["ENQUEUED", "DELAYED", "PENDING"] if workflows is None else None,
                name=WORKFLOW,
                load_input=False,
                load_output=False,
            )
        return {one.workflow_id: _PHASES[one.status] for one in found}

    def cancel(self, workflow: str) -> None:
        """Cancel a try: it is not begun any more, and ends behind its present step."""
        with engine_errors():
            self._client.cancel_workflow(workflow)

    def events(self, workflow: str) -> builtins.list[Happened]:
        """The steps that were done."""
        with engine_errors():
            steps = self._client.list_workflow_steps(workflow)
        return [
            Happened(str(s["function_name"]), _instant(s, "started_at_epoch_ms"), _instant(s, "completed_at_epoch_ms"))
            for s in steps
        ]

    def forget(self, workflows: Sequence[str]) -> None:
        """Remove tries that are over, so that their names can be used anew."""
        with engine_errors():
            self._client.delete_workflows(builtins.list(workflows))

    def owners(self) -> set[str]:
        """The workers that have a try in hand, dead ones too."""
        with engine_errors():
            found = self._client.list_workflows(status="PENDING", name=WORKFLOW, load_input=False, load_output=False)
        return {one.executor_id for one in found if one.executor_id}


def _instant(step: Mapping[str, Any], name: str) -> WallMs | None:
    value = step.get(name)
    return WallMs(value) if isinstance(value, int) else None


def database_of(options: Options) -> str:
    """The engine's database: the one that was named, else a file of its own in the home."""
    if options.database_url is not None:
        url = sa.make_url(options.database_url.get_secret_value())
        return url.set(drivername="postgresql").render_as_string(hide_password=False)
    return sa.URL.create("sqlite", database=str(engine_file(options))).render_as_string()


def engine_file(options: Options) -> Path:
    """The engine's database where none was named."""
    return options.home.absolute() / "engine.sqlite"


def _log_ahead(url: str) -> None:
    """A SQLite file is told, once for all, to write a log ahead: a commit then waits for the disk once, not thrice."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, connect_args={"timeout": 30})
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        engine.dispose()


@contextmanager
def engine_errors() -> Iterator[None]:
    """Raise JobError for whatever the engine raises inside of the ``with``."""
    try:
        with database_errors():
            yield
    except dbos_error.DBOSException as exc:
        raise JobError(f"the job engine refused: {exc}", hint="Look at ASSEMBLER_DATABASE_URL.") from exc


def _config(options: Options, executor: str) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": database_of(options),
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": Json(),
        "log_level": "WARNING",
        "enable_otlp": False,
    }


@contextmanager
def working(options: Options, executor: str, work: TrySteps) -> Iterator[None]:
    """Take tries from the queue, one at a time, and first those that an earlier run under this name left behind.

    Whoever calls holds the name: two processes with one name would do a job twice. Leaving the ``with`` stops
    taking; a step under way is not waited for.
    """

    def run(workflow: str) -> None:
        if not work.begin(workflow):
            return
        *steps, last = work.steps
        results: Results = {}
        for name, step in steps:
            results[name] = DBOS.run_step({"name": name}, step, workflow, results)
            if results[name].get("over"):
                break
        DBOS.run_step({"name": last[0]}, last[1], workflow, results)

    with engine_errors():
        DBOS(config=_config(options, executor))
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(run)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)
    try:
        yield
    finally:
        DBOS.destroy(destroy_registry=True)


def give_back(options: Options, executor: str, seconds: float) -> bool:
    """Put what a dead worker had in hand back into the queue; for a short process of its own.

    Whoever calls holds that worker's name. Returns False where it did not happen in time.
    """
    with engine_errors():
        client = DBOSClient(system_database_url=database_of(options), serializer=Json(), application_name=APPLICATION)
        DBOS(config=_config(options, executor))
        DBOS.listen_queues([])
        DBOS.launch()
        end = time.monotonic() + seconds
        while True:
            left = client.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
            if not left or time.monotonic() > end:
                break
            time.sleep(0.05)
        DBOS.destroy()
        client.destroy()
    return not left
