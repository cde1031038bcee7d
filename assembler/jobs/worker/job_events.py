"""Lines of the event log about one job: its steps, and how a try ended."""

from __future__ import annotations

from typing import Any

from assembler.jobs.costs import TryCost
from assembler.jobs.event_log import emit
from assembler.jobs.store.model import Job


class JobEvents:
    """Events of the jobs of one worker."""

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def begun(self, job: Job, step: str) -> None:
        """Tell that a step began."""
        self._emit("job.step", "debug", job, step=step, status="begun")

    def step(self, job: Job, step: str, seconds: float, result: dict[str, Any]) -> None:
        """Tell how a step ended."""
        status = "failed" if "error" in result else "over" if result.get("over") else "done"
        self._emit("job.step", "info", job, step=step, status=status, seconds=round(seconds, 3))

    def retry(self, job: Job, seconds: float, reason: str) -> None:
        """Tell that a try failed, and when the next one begins."""
        self._emit("job.retry", "warning", job, seconds=round(seconds, 3), reason=reason)

    def failed(self, job: Job, reason: str) -> None:
        """Tell that a job failed for good."""
        self._emit("job.failed", "error", job, reason=reason)

    def done(self, job: Job, verdict: str, cost: TryCost | None) -> None:
        """Tell that a job was published, and what its last try took."""
        took = (
            {}
            if cost is None
            else {
                "seconds": cost.wall / 1000,
                "cpu_seconds": cost.cpu / 1000,
                "class_seconds": (cost.length or 0) / 1000,
            }
        )
        self._emit("job.done", "info", job, verdict=verdict, **took)

    def _emit(self, event: str, level: str, job: Job, **keys: Any) -> None:
        emit(event, level, job=job.id, task=job.task, room=job.room, **keys, worker=self._worker)
