"""States of a task over a clock: every state and every call, and all that happens by itself."""

from __future__ import annotations

import pytest

from assembler.cloud import Steer
from assembler.emulator.errors import Failure, Reason, Refused
from assembler.emulator.lesson import BUILT_IN, Lesson, Presence, Stretch
from assembler.emulator.state import advance, ask, finished, recorded, stretches
from assembler.emulator.task import Delays, Event, Happening, Phase, Task, Wishes
from assembler.times import WallMs

DELAYS = Delays()
T = 1_000_000
MINUTE = 60_000


def prepared(lesson: Lesson = BUILT_IN, **more: object) -> Task:
    return Task(
        id="t", api="v3", room=1, group="1", user="tic_record_user_1_1", base="", lesson=lesson, due=WallMs(T),
        seen=WallMs(T - 2000),
    ).changed(**more)  # fmt: skip


def at(task: Task, ms: int) -> Task:
    return advance(task, WallMs(T + ms), DELAYS)[0]


def told(task: Task, ms: int) -> list[tuple[Event, int]]:
    return [(one.event, one.at - T) for one in advance(task, WallMs(T + ms), DELAYS)[1]]


def in_phase(phase: Phase) -> Task:
    running = at(prepared(), 0)
    match phase:
        case Phase.PREPARED:
            return prepared()
        case Phase.RECORDING:
            return running
        case Phase.PAUSED:
            return at(ask(running, Steer.PAUSE, WallMs(T), DELAYS), 2000)
        case Phase.STOPPED:
            return at(ask(running, Steer.STOP, WallMs(T), DELAYS), 2000)
        case Phase.FINISHED:
            return finished(in_phase(Phase.STOPPED), WallMs(T + 9000), [])
        case _:
            return prepared(user="", phase=phase)


ALLOWED = {
    **{(phase, Steer.STOP): None for phase in (Phase.PREPARED, Phase.RECORDING, Phase.PAUSED)},
    (Phase.PREPARED, Steer.PAUSE): Reason.STATE, (Phase.PREPARED, Steer.RESUME): Reason.STATE,
    (Phase.RECORDING, Steer.PAUSE): None, (Phase.RECORDING, Steer.RESUME): Reason.STATE,
    (Phase.PAUSED, Steer.PAUSE): Reason.STATE, (Phase.PAUSED, Steer.RESUME): None,
    **{(phase, call): Reason.STOPPED for phase in (Phase.STOPPED, Phase.FINISHED) for call in Steer},
    **{(phase, call): Reason.NO_TASK for phase in (Phase.QUEUED, Phase.PROCESSING) for call in Steer},
}  # fmt: skip


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("call", Steer)
def test_every_call_in_every_state_is_granted_or_refused_as_documented(phase: Phase, call: Steer) -> None:
    task, refused = in_phase(phase), ALLOWED[phase, call]
    assert task.phase is phase
    if refused is not None:
        with pytest.raises(Refused) as caught:
            ask(task, call, WallMs(T + 9000), DELAYS)
        assert caught.value.reason is refused
        return
    asked = ask(task, call, WallMs(T + 9000), DELAYS)
    assert at(asked, 10_999).phase is (Phase.RECORDING if phase is Phase.PREPARED else phase), "2 s later, not at once"
    to = {Steer.PAUSE: Phase.PAUSED, Steer.RESUME: Phase.RECORDING, Steer.STOP: Phase.STOPPED}[call]
    assert at(asked, 11_000).phase is to
    for again in (call, *((Steer.PAUSE,) if call is Steer.STOP else ())):
        with pytest.raises(Refused):
            ask(asked, again, WallMs(T + 9001), DELAYS)


def test_a_pause_is_not_recorded() -> None:
    task = ask(in_phase(Phase.PAUSED), Steer.RESUME, WallMs(T + 9000), DELAYS)
    task = ask(at(task, 11_000), Steer.STOP, WallMs(T + 13_000), DELAYS)
    assert told(task, 20_000) == [(Event.STOPPED, 15_000)]
    task = at(task, 20_000)
    assert stretches(task) == [(T, T + 2000), (T + 11_000, T + 15_000)]
    assert (recorded(task), task.why) == (6000, "USER_CALL")


def test_calls_within_two_seconds_take_effect_one_after_the_other() -> None:
    task = ask(in_phase(Phase.RECORDING), Steer.PAUSE, WallMs(T + 1000), DELAYS)
    task = ask(task, Steer.RESUME, WallMs(T + 1500), DELAYS)
    assert [at(task, ms).phase for ms in (2999, 3000, 3499, 3500)] == [
        Phase.RECORDING, Phase.PAUSED, Phase.PAUSED, Phase.RECORDING,
    ]  # fmt: skip


def test_a_long_pause_is_warned_of_and_ends_the_recording() -> None:
    task = in_phase(Phase.PAUSED)
    assert told(task, 200 * MINUTE) == [
        (Event.PAUSED_LONG, 2000 + 20 * MINUTE),
        (Event.PAUSED_TOO_LONG, 2000 + 90 * MINUTE),
        (Event.STOPPED, 2000 + 90 * MINUTE),
    ]
    assert at(task, 200 * MINUTE).why == "FORCE_STOP"


def test_a_second_pause_is_warned_of_as_well() -> None:
    task = at(in_phase(Phase.PAUSED), 30 * MINUTE)
    task = at(ask(task, Steer.RESUME, WallMs(T + 30 * MINUTE), DELAYS), 31 * MINUTE)
    task = ask(task, Steer.PAUSE, WallMs(T + 31 * MINUTE), DELAYS)
    assert [event for event, _ in told(task, 60 * MINUTE)] == [Event.PAUSED_LONG]


def test_a_recording_ends_after_a_day() -> None:
    ended = at(in_phase(Phase.RECORDING), 25 * 60 * MINUTE)
    assert (ended.why, recorded(ended)) == ("FORCE_STOP", 24 * 60 * MINUTE)


@pytest.mark.parametrize(
    ("streams", "timeout", "end"),
    [
        ([(0, 10), (12, 30)], None, 30 + 300),
        ([(0, 10), (400, 500)], None, 10 + 300),
        ([], None, 300),
        ([(0, 10), (400, 500)], 600, 500 + 600),
        ([(0, 10), (250, None)], None, None),
    ],
)
def test_a_room_that_falls_silent_is_no_longer_recorded(
    streams: list[tuple[int, int | None]], timeout: int | None, end: int | None
) -> None:
    lesson = Lesson(streams=tuple(Presence(user="ann", since=a, until=b) for a, b in streams))
    task = at(prepared(lesson, wishes=Wishes(auto_stop=timeout)), 3 * 60 * MINUTE)
    assert (task.why, task.ended and (task.ended - T) // 1000) == (("AUTO", end) if end else ("", None))


def test_a_script_pauses_and_stops_by_itself() -> None:
    pauses = (Stretch(since=2, until=5), Stretch(since=6, until=7))
    task = at(prepared(BUILT_IN.model_copy(update={"pauses": pauses, "stop": 10.0})), 60_000)
    assert [(a - T, b - T) for a, b in stretches(task)] == [(0, 2000), (5000, 6000), (7000, 10_000)]
    assert task.why == "USER_CALL"


def test_it_does_not_matter_how_often_the_clock_is_looked_at() -> None:
    pauses = (Stretch(since=2, until=5), Stretch(since=6, until=7))
    task = prepared(BUILT_IN.model_copy(update={"pauses": pauses, "stop": 10.0}))
    whole, events = advance(task, WallMs(T + 12_000), DELAYS)
    seen: list[Happening] = []
    for ms in range(-500, 12_001, 100):
        task, more = advance(task, WallMs(T + ms), DELAYS)
        seen += more
    assert (task, seen) == (whole, events)


def test_a_start_that_fails_is_told_and_records_nothing() -> None:
    task = prepared(fails=True)
    assert told(task, 0) == [(Event.STARTED, 0), (Event.FINISHED, 0)]
    assert at(task, 0).failure is Failure.LOGIN
    assert recorded(at(task, 0)) == 0


def test_files_after_class_wait_in_a_queue() -> None:
    task = prepared(user="", phase=Phase.QUEUED)
    assert [at(task, ms).phase for ms in (-1, 0)] == [Phase.QUEUED, Phase.PROCESSING]
    assert told(task, 0) == [(Event.PROGRESS, 0)]


def test_one_factor_shortens_all_delays() -> None:
    fast = DELAYS.at_speed(60)
    assert (fast.prepare, fast.warn, fast.kept) == (33, 20_000, 72 * 60_000)
    assert min(dict(DELAYS.at_speed(10_000)).values()) >= 1
