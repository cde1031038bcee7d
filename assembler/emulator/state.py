"""States of recording tasks over a clock that the caller gives: nothing here waits, sends or writes.

PREPARED -> RECORDING <-> PAUSED -> STOPPED -> FINISHED, and of files made after class QUEUED -> PROCESSING -> FINISHED.
A call takes effect some 2 s after it was made; whether a further one is allowed is judged by what was asked for last.
"""

from __future__ import annotations

from typing import NamedTuple

from assembler.cloud import Steer
from assembler.emulator.errors import Failure, Reason, Refused
from assembler.emulator.lesson import in_ms
from assembler.emulator.task import Delays, Event, Happening, Pause, Phase, Task
from assembler.times import Ms, WallMs

FROM = {Steer.PAUSE: Phase.RECORDING, Steer.RESUME: Phase.PAUSED}
"""State from which a call is allowed."""
TO = {Steer.PAUSE: Phase.PAUSED, Steer.RESUME: Phase.RECORDING, Steer.STOP: Phase.STOPPED}
"""State to which it leads."""


def ask(task: Task, call: Steer, now: WallMs, delays: Delays) -> Task:
    """Accept a call, which takes effect later. Raises Refused where the state does not allow it."""
    if task.is_offline:
        raise Refused(Reason.NO_TASK)
    if not task.is_running:
        raise Refused(Reason.STOPPED)
    if call in FROM and task.goes_to is not FROM[call]:
        raise Refused(Reason.STATE, f"a task that is {task.goes_to} cannot {call}: it has to be {FROM[call]}")
    due = WallMs(max(now, task.due) + delays.react)
    return task.changed(asked=(*task.asked, (TO[call], due)))


class _Step(NamedTuple):
    at: WallMs
    rank: int  # the lowest comes first where several are due at the same instant
    to: Phase | None
    why: str = ""
    is_call: bool = False


def advance(task: Task, now: WallMs, delays: Delays) -> tuple[Task, list[Happening]]:
    """Do all that is due by now, in its order; returns the task and what is to be told."""
    told: list[Happening] = []
    while (step := min(_steps(task, delays), key=lambda one: one[:2], default=None)) is not None and step.at <= now:
        task = _done(task, step, told)
    return task.changed(seen=WallMs(max(now, task.seen))), told


def _steps(task: Task, delays: Delays) -> list[_Step]:
    """List what may happen next; the earliest does."""
    steps: list[_Step] = []
    match task.phase:
        case Phase.PREPARED:
            return [_Step(task.due, 0, Phase.RECORDING)]
        case Phase.QUEUED:
            return [_Step(task.due, 0, Phase.PROCESSING)]
        case Phase.PAUSED | Phase.RECORDING:
            assert task.began is not None
            if task.asked:
                to, due = task.asked[0]
                steps.append(_Step(due, 1, to, "USER_CALL", is_call=True))
            steps.append(_Step(WallMs(task.began + delays.longest), 2, Phase.STOPPED, "FORCE_STOP"))
            steps += _by_script(task, task.began)
        case _:
            return []
    if task.phase is Phase.PAUSED:
        pause = task.pauses[-1].begin
        if not task.warned:
            steps.append(_Step(WallMs(pause + delays.warn), 0, None))
        steps.append(_Step(WallMs(pause + delays.force), 2, Phase.STOPPED, "LONG_PAUSE"))
    else:
        silence = delays.silence
        if task.wishes.auto_stop is not None:
            silence = Ms(max(1, delays.silence * task.wishes.auto_stop // 300))
        silent = task.lesson.silent_since(silence)
        if silent is not None:
            back = task.pauses[-1].end if task.pauses else None
            steps.append(_Step(WallMs(max(task.began + silent, back or 0)), 3, Phase.STOPPED, "AUTO"))
    return steps


def _by_script(task: Task, began: WallMs) -> list[_Step]:
    """List what the app of the room itself asks for later on."""
    steps: list[_Step] = []
    for pause in task.lesson.pauses:
        if task.phase is Phase.RECORDING:
            steps.append(_Step(WallMs(began + in_ms(pause.since)), 1, Phase.PAUSED))
        elif pause.until is not None:
            steps.append(_Step(WallMs(began + in_ms(pause.until)), 1, Phase.RECORDING))
    if task.lesson.stop is not None:
        steps.append(_Step(WallMs(began + in_ms(task.lesson.stop)), 1, Phase.STOPPED, "USER_CALL"))
    return [step for step in steps if step.at > task.seen]


def _done(task: Task, step: _Step, told: list[Happening]) -> Task:
    """The task after one step."""
    at = step.at
    task = task.changed(seen=at)
    if step.to is None:
        told.append(Happening(Event.PAUSED_LONG, at))
        return task.changed(warned=True)
    was = task.phase
    if step.is_call:
        task = task.changed(asked=task.asked[1:])
    if step.to is was:  # the script was faster than the call
        return task
    match step.to:
        case Phase.RECORDING if was is Phase.PREPARED:
            told.append(Happening(Event.STARTED, at))
            if task.fails:
                task = task.changed(failure=Failure.LOGIN, why="EXCEPTION", asked=(), ended=at)
                return finished(task, at, told)
            task = task.changed(began=at)
        case Phase.PROCESSING:
            told.append(Happening(Event.PROGRESS, at))
        case Phase.RECORDING:
            last = task.pauses[-1].model_copy(update={"end": at})
            task = task.changed(pauses=(*task.pauses[:-1], last))
        case Phase.PAUSED:
            task = task.changed(pauses=(*task.pauses, Pause(begin=at)), warned=False)
        case Phase.STOPPED:
            if step.why == "LONG_PAUSE":
                told.append(Happening(Event.PAUSED_TOO_LONG, at))
            told.append(Happening(Event.STOPPED, at))
            why = "FORCE_STOP" if step.why == "LONG_PAUSE" else step.why
            task = task.changed(ended=at, why=why, asked=())
        case _:
            pass
    return task.changed(phase=step.to)


def finished(task: Task, at: WallMs, told: list[Happening]) -> Task:
    """The task with its result, which is told."""
    told.append(Happening(Event.GENERATED if task.is_offline else Event.FINISHED, at))
    return task.changed(phase=Phase.FINISHED, over=at, seen=WallMs(max(at, task.seen)))


def stretches(task: Task) -> list[tuple[WallMs, WallMs]]:
    """List what was recorded between the pauses: (first instant, first one behind)."""
    if task.began is None or task.ended is None:
        return []
    found, begin = [], task.began
    for pause in task.pauses:
        found.append((begin, pause.begin))
        begin = pause.end or task.ended
    return [(a, b) for a, b in [*found, (begin, task.ended)] if b > a]


def recorded(task: Task) -> Ms:
    """Length of the playback."""
    return Ms(sum(end - begin for begin, end in stretches(task)))
