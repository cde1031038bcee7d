"""A class of twice the files takes about twice the steps, of whatever nature it is: nothing grows with the square."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import assembler
from assembler.dialects import parse
from assembler.layout import arrange
from assembler.options import Options
from assembler.people import NOBODY
from assembler.pipeline.decide import plan_only
from assembler.pipeline.timelines import timeline_on_disk
from assembler.plan.json_parts import json_parts
from assembler.report.recordings import describe_recordings, names_of
from assembler.report.text import describe_plan
from assembler.times import span

pytestmark = pytest.mark.slow  # counting makes Python slow
FEW = 60
MOST_GROWTH = 2.6
"""For twice the files, of steps beside those of an empty class; what grows with the square comes near 4."""
START = 1_568_949_369
PACKAGE = str(Path(assembler.__file__).parent)

Body = dict[str, Any]


def video(n: int, at: int, length: int, user: str = "u", kind: int = 0, **more: object) -> Body:
    return {
        "VideoPlayTime": at, "VideoDuration": length, "VideoId": f"v{n}", "VideoType": kind, "UserId": user,
        "VideoUrl": "http://a.example/", **more,
    }  # fmt: skip


def body(videos: list[Body], pauses: list[Body] | None = None, **more: object) -> Body:
    data = {
        "TaskId": "t", "RoomId": 1, "FinishReason": "USER_CALL", "RecordStartTime": START, "VideoInfos": videos,
        "OmittedDurations": pauses or [], **more,
    }  # fmt: skip
    return {"EventType": "OnlineRecordFinished", "Timestamp": 1, "SdkAppId": 1, "EventData": data}


def pauses(n: int) -> list[Body]:
    """A second of every two."""
    first = START * 1000
    return [{"PauseTime": first + i * 2000, "ResumeTime": first + i * 2000 + 1000} for i in range(n)]


def lasting(seconds: int, cut: int) -> Body:
    return {"RecordStopTime": START + seconds, "TotalTime": (seconds - cut) * 1000}


def name(n: int) -> str:
    """A word of letters alone, another one for each number."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{n}")


NATURES: dict[str, Callable[[int], Body]] = {
    "files of one user over each other": lambda n: body([video(i, i * 10, 3_600_000) for i in range(n)]),
    "files of one user in a row": lambda n: body([video(i, i * 1000, 1000) for i in range(n)]),
    "files of one user with gaps": lambda n: body([video(i, i * 9000, 5000) for i in range(n)]),
    "users at once": lambda n: body([video(i, i * 10, 3_600_000, f"u{i}") for i in range(n)]),
    "users with names at once": lambda n: body([video(i, i * 10, 3_600_000, name(i)) for i in range(n)]),
    "users in turns": lambda n: body([video(i, i * 500, 14_780, f"u{i}") for i in range(n)]),
    "users in turns who wait": lambda n: body([video(i, i * 60, 14_780, f"u{i}") for i in range(n)]),
    "shares": lambda n: body([video(i, i * 10, 3_600_000, f"u{i}", 1) for i in range(n)]),
    "shares with a camera": lambda n: body([video(i, i * 10, 3_600_000, f"u{i}", i % 2) for i in range(n)]),
    "boards": lambda n: body([video(i, i * 1000, 5000, f"u{i % 5}", 2) for i in range(n)]),
    "mixed streams without a name": lambda n: body([video(i, i * 10, 3_600_000, "", 3) for i in range(n)]),
    "mixed streams": lambda n: body([video(i, i * 10, 3_600_000, f"tic_mixstream_1_{i}", 3) for i in range(n)]),
    "a mixed stream with gaps": lambda n: body([video(i, i * 9000, 8999, "tic_mixstream_1_1", 3) for i in range(n)]),
    "a mixed stream with large gaps": lambda n: body(
        [video(i, i * 9000, 5000, "tic_mixstream_1_1" if i % 2 else "u", 3 * (i % 2)) for i in range(n)]
    ),
    "a mixed stream with gaps, and cameras": lambda n: body(
        [video(i, i // 2 * 300_000, 297_500, *(("tic_mixstream_1_1", 3) if i % 2 else ("u", 0))) for i in range(n)]
    ),
    "sounds beside cameras": lambda n: body([video(i, i * 1000, 999, kind=4 * (i % 2)) for i in range(n)]),
    "sounds of all with their cameras": lambda n: body(
        [video(i, i // 2 * 1000, 9000, f"u{i // 2 % 50}", 4 * (i % 2)) for i in range(n)]
    ),
    "files of one id": lambda n: body([video(i, i * 10, 3_600_000, VideoId="x") for i in range(n)]),
    "files without an id": lambda n: body([video(i, i * 10, 1000, VideoId="") for i in range(n)]),
    "the same file": lambda n: body([video(0, 0, 9000, VideoUrl=f"http://a.example/?{i}") for i in range(n)]),
    "entries without a field": lambda n: body([video(0, 0, 9000), *({"a": 1} for _ in range(n))]),
    "entries with odd fields": lambda n: body(
        [video(i, i * 1000, 1000, VideoSize="x", Width="x", Height="y", VideoFormat=[]) for i in range(n)]
    ),
    "pauses": lambda n: body([video(0, 0, n * 2000)], pauses(n), **lasting(n * 2, n)),
    "pauses of many files": lambda n: body(
        [video(i, i * 20_000, 20_000, f"u{i % 3}") for i in range(n // 10)], pauses(n), **lasting(n * 2, n)
    ),
    "pauses on the playback axis": lambda n: body(
        [video(i, i * 1000, 1000, f"u{i % 3}") for i in range(n)],
        [{**pause, "VideoTime": i * 1000} for i, pause in enumerate(pauses(n))],
        **lasting(n * 2, n),
    ),
    "pauses over each other": lambda n: body(
        [video(0, 0, 9000)],
        [{"VideoTime": 0, "PauseTime": START * 1000 + i, "ResumeTime": START * 1000 + 900 + i} for i in range(n)],
    ),
    "odd interrupts": lambda n: body([video(0, 0, 9000)], Interrupts=[{"UserId": "u", "Count": "x"}] * n),
    "interrupts": lambda n: body([video(0, 0, 9000)], Interrupts=[{"UserId": f"u{i}", "Count": 1} for i in range(n)]),
    "files without a length": lambda n: body(
        [video(i, i * 1000, 0, f"u{i}") for i in range(n)], RecordStopTime=START + 9000, TotalTime=9_000_000
    ),
    "files before the start": lambda n: body([video(i, -i * 1000, 3_600_000, f"u{i}") for i in range(n)]),
}


def steps(work: Callable[[], object]) -> int:
    """The lines of this package that are executed for it: a figure that no other load of a machine changes, and that
    grows as the bytecodes do, which take twice as long to count."""
    count = 0

    def inside(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return inside

    def enter(frame: FrameType, event: str, _: object) -> Any:
        return inside if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def inspect_and_plan(given: Body) -> None:
    recordings = [parse(json.dumps(given))]
    describe_recordings(recordings, timeline_on_disk(recordings, Options()))
    plan = plan_only(recordings, Options())[1]
    describe_plan(plan, names_of(recordings))
    for _ in json_parts(plan):
        pass


def coming_and_going(n: int) -> Body:
    """A teacher who is there again and again, and others who are there all the time."""
    there = [video(i, i * 9000, 5000, "teacher") for i in range(n)]
    return body(there + [video(n + i, 0, n * 9000, f"u{i}") for i in range(n)])


def test_a_place_that_is_kept_is_offered_to_nobody_who_may_not_take_it() -> None:
    def plan(n: int) -> None:
        plan_only(parse(json.dumps(coming_and_going(n))), Options(teacher="teacher", layout="tiw-2"))

    one, two, four = (steps(partial(plan, n)) for n in (FEW, 2 * FEW, 4 * FEW))
    assert (four - two) / (two - one) < MOST_GROWTH, (one, two, four)


@pytest.mark.parametrize("nature", NATURES)
def test_twice_the_files_take_twice_the_steps(nature: str) -> None:
    make = NATURES[nature]
    one, two, four = (steps(partial(inspect_and_plan, make(n))) for n in (FEW, 2 * FEW, 4 * FEW))
    assert (four - two) / (two - one) < MOST_GROWTH, (one, two, four)


def joins_and_leaves(n: int) -> Body:
    """Everybody a while, about ten at once, beside a board that comes and goes."""
    boards = [video(n + i, i * 40_000, 25_000, "", 2) for i in range(n // 10)]
    return body([video(i, i * 3000, 31_000, f"u{i}") for i in range(n)] + boards)


def hundred_people(n: int) -> Body:
    """A hundred people all the time, whose files are short."""
    return body([video(i, i // 100 * 60_000 + i % 100 * 100, 55_000, f"u{i % 100}", 0) for i in range(4 * n)])


FLOWING: dict[str, Callable[[int], Body]] = {
    "joins and leaves": joins_and_leaves,
    "a hundred people": hundred_people,
    "users in turns": NATURES["users in turns"],
    "files of one user with gaps": NATURES["files of one user with gaps"],
    "users at once": NATURES["users at once"],
    "shares with a camera": NATURES["shares with a camera"],
}


@pytest.mark.parametrize(
    ("layout", "nature"), [*(("classroom", nature) for nature in FLOWING), ("grid", next(iter(FLOWING)))]
)
def test_twice_the_files_take_twice_the_steps_where_the_canvas_is_divided_anew(nature: str, layout: str) -> None:
    def plan(n: int) -> None:
        for _ in json_parts(plan_only([parse(json.dumps(FLOWING[nature](n)))], Options(layout=layout, reflow=True))[1]):
            pass

    plan(4 * FEW)  # divisions are worked out once: not counted
    one, two, four = (steps(partial(plan, n)) for n in (FEW, 2 * FEW, 4 * FEW))
    assert (four - two) / (two - one) < MOST_GROWTH, (one, two, four)


@pytest.mark.parametrize("people", [6, 40])
def test_twice_the_words_take_twice_the_steps(people: int) -> None:
    def plan(n: int) -> None:
        recording = parse(json.dumps(body([video(i, 0, n * 10_000, f"u{i}") for i in range(people)])))
        said = {f"u{i}": [span(k, k + 2500) for k in range(i * 700, n * 10_000, 9000)] for i in range(people)}
        timeline = timeline_on_disk([recording], Options())
        for layout in ("classroom", "speaker"):
            arrange(timeline, {}, {}, Options(layout=layout), NOBODY, said)

    plan(FEW)  # divisions are worked out once: not counted
    one, two, four = (steps(partial(plan, n)) for n in (FEW // 4, FEW // 2, FEW))
    assert (four - two) / (two - one) < MOST_GROWTH, (one, two, four)
