"""The result of a task: asked for once, or until it is there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from assembler.cloud import Kind
from assembler.cloud.client import Answer, Cloud
from assembler.dialects import parse
from assembler.errors import AssemblerError, CloudError, NotFinished, RecordingFailed
from assembler.recording import Recording

SLOWEST_SECONDS = 60.0
"""Maximum pause between two questions, in s, however long the class lasts."""
MOST_FAILURES = 60
"""Maximum questions in a row without a proper answer, about an hour; after it somebody has to look."""
UNREAD = 20005
"""Number of generation 1 for data that could not be read: of a moment, or of a task that is kept no longer."""
MOST_UNREAD = 10
"""Maximum repeats of a question after that answer, about ten minutes."""


@dataclass(frozen=True)
class Result:
    """State and result of a task, as the vendor tells them."""

    task: str
    """Id of the task."""
    answer: Answer
    """Answer of the vendor; its body is what `assembler run` reads."""
    recording: Recording | None
    """The finished recording; None where there is none (yet)."""
    problem: AssemblerError | None
    """Reason why there is none: NotFinished, RecordingFailed, InputError."""

    @property
    def state(self) -> str:
        """The vendor's word, in capitals; FAILED where nothing can come any more."""
        if isinstance(self.problem, RecordingFailed):
            return "FAILED"
        progress = self.answer.text("Progress", "progress")
        status = self.answer.text("Status", "status").upper()
        return status or (f"{progress} of 100" if progress and self.recording is None else "FINISHED")

    @property
    def body(self) -> bytes:
        """The answer as a body that names its task, which the vendor leaves out where the task failed."""
        if self.answer.task:
            return self.answer.raw
        values = json.loads(self.answer.raw)
        inner = values.get("Response", values)
        inner["task_id" if inner is values else "TaskId"] = self.task
        return json.dumps(values, ensure_ascii=False).encode()


def ask(cloud: Cloud, task: str, kind: Kind = Kind.ONLINE) -> Result:
    """Ask once. Raises CloudError where that is refused."""
    answer = cloud.send(cloud.query(task, kind))
    try:
        return Result(task, answer, parse(answer.raw), None)
    except AssemblerError as exc:
        named = exc.sentence if task in exc.sentence else f"task {task}: {exc.sentence}"
        return Result(task, answer, None, exc.reworded(f"{named} ({answer.mark})"))


def wait(cloud: Cloud, task: str, kind: Kind, say: Callable[[str], None], *, every: float) -> Result:
    """Ask until the task is over, at first after ``every`` seconds, then less often; says each change of its state.

    Raises CloudError where the first question fails, or one that will not be granted later either.
    """
    before, pause, failures, unread = "", every, -1, 0
    while True:
        try:
            result = ask(cloud, task, kind)
        except CloudError as exc:
            unread = unread + 1 if exc.number == UNREAD else 0
            if not exc.retry or not 0 <= failures < MOST_FAILURES or unread > MOST_UNREAD:
                raise
            failures += 1
            most = f" {MOST_UNREAD - unread + 1} times at most: the task may be kept no longer" if unread else ""
            say(f"{exc.sentence}; asking again{most}")
        else:
            failures = unread = 0
            if not isinstance(result.problem, NotFinished):
                return result
            if result.state != before:
                say(f"task {task}: {result.state}")
                before, pause = result.state, every
        time.sleep(pause)
        pause = min(pause * 1.5, max(SLOWEST_SECONDS, every))
