"""How long parsing, placing and planning take: ``python tests/bench/planning.py``.

1,000 segments parsed and placed; a class of three hours with at least 400 scenes planned. No files, no network.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from assembler.dialects import parse
from assembler.options import load_options
from assembler.pipeline.decide import plan_only
from assembler.timeline import build_timeline

HOUR = 3_600_000


def body(files: int, users: int, length: int) -> bytes:
    """A v1 result: a board and users who come and go, ``files`` files in all."""
    each = (files - 1) // users
    stride = length // each
    videos = [{"video_play_time": 0, "video_duration": length, "video_id": "w", "video_type": 2, "user_id": ""}]
    for user in range(users):
        for turn in range(each):
            start = turn * stride + user * 997
            videos.append(
                {
                    "video_play_time": start,
                    "video_duration": min(stride * 3 // 4, length - start),
                    "video_id": f"u{user}-{turn}",
                    "video_type": 0,
                    "user_id": f"user{user}",
                }
            )
    for number, video in enumerate(videos):
        video |= {"video_size": 1000, "video_format": "mp4", "video_url": f"http://example.com/{number}.mp4"}
    result = {"room_id": 1, "start_time": 1_600_000_000, "stop_time": 1_600_000_000 + length // 1000}
    return json.dumps(result | {"total_time": length, "video_info": videos}).encode()


def best(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    options = load_options(layout="tiw-2")
    thousand = body(1001, 40, 3 * HOUR)
    recording = parse(thousand)
    print(f"{len(recording.segments)} segments: parsed in {best(lambda: parse(thousand)):.3f} s, ", end="")
    print(f"placed in {best(lambda: build_timeline(recording)):.3f} s")
    lesson = parse(body(241, 4, 3 * HOUR))
    _, plan = plan_only(lesson, options)
    print(f"3 h, {len(lesson.segments)} segments, {len(plan.scenes)} scenes: ", end="")
    print(f"planned in {best(lambda: plan_only(lesson, options)):.3f} s (goal: under 1 s for 400 scenes)")
    _, crowded = plan_only(recording, options)
    print(f"3 h, {len(recording.segments)} segments, {len(crowded.scenes)} scenes: ", end="")
    print(f"planned in {best(lambda: plan_only(recording, options), 1):.3f} s")


if __name__ == "__main__":
    main()
