"""What holds for every recording."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from lessons import START
from strategies import examples, recordings

from assembler.errors import InputError
from assembler.options import load_options
from assembler.pipeline.decide import plan_only
from assembler.pipeline.timelines import timeline_only
from assembler.plan.model import Plan
from assembler.recording import Recording
from assembler.timeline import playback_at, wall_at
from assembler.timeline.model import Clock, Jump, Timeline
from assembler.times import Ms, PlayMs, WallMs

clocks = st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 50_000)), max_size=5).map(
    lambda pairs: Clock(
        start=WallMs(START),
        is_exact=True,
        jumps=tuple(
            Jump(at=PlayMs(at), length=Ms(length), pause=None, reason="omission")
            for at, length in sorted(dict(pairs).items())
        ),
    )
)


@given(clocks, st.integers(0, 200_000))
def test_playback_of_wall_is_the_same_playback(clock: Clock, at: int) -> None:
    wall = wall_at(clock, PlayMs(at))
    assert wall is not None
    assert playback_at(clock, wall) == at


@given(clocks, st.integers(0, 400_000))
def test_wall_of_playback_is_the_same_wall_outside_pauses(clock: Clock, after: int) -> None:
    wall = WallMs(START + after)
    at = playback_at(clock, wall)
    assert at is not None
    back = wall_at(clock, at)
    assert back is not None
    in_pause = any(j.at == at for j in clock.jumps)
    assert back == wall or (in_pause and back >= wall)


def made(recording: Recording) -> tuple[Timeline, Plan]:
    try:
        return plan_only(recording, load_options(layout="tiw-2"))
    except InputError:
        assume(False)
        raise


@examples(60)
@given(recordings())
def test_scenes_partition_the_playback(recording: Recording) -> None:
    _, plan = made(recording)
    assert plan.scenes[0].first == 0
    assert plan.scenes[-1].end == plan.frames
    assert all(a.end == b.first and a.first < a.end for a, b in pairwise(plan.scenes))


@examples(60)
@given(recordings())
def test_clips_of_a_track_never_overlap_and_lie_on_the_playback(recording: Recording) -> None:
    timeline, _ = made(recording)
    for track in timeline.tracks:
        assert track.clips[0].span.start >= 0
        assert all(a.span.end <= b.span.start for a, b in pairwise(track.clips))


@examples(60)
@given(recordings(), st.integers(0, 100))
def test_the_order_of_segments_does_not_matter(recording: Recording, seed: int) -> None:
    shuffled = list(recording.segments)
    random.Random(seed).shuffle(shuffled)
    other = recording.model_copy(update={"segments": tuple(shuffled)})
    assert made(recording)[1].scenes == made(other)[1].scenes
    assert made(recording)[1].bed == made(other)[1].bed


@examples(60)
@given(recordings(), st.integers(-(10**9), 10**9))
def test_shifting_all_wall_times_changes_no_plan(recording: Recording, by: int) -> None:
    def later(at: WallMs | None) -> WallMs | None:
        return None if at is None else WallMs(at + by * 1000)

    shifted = recording.model_copy(
        update={
            "start": later(recording.start),
            "stop": later(recording.stop),
            "omissions": tuple(
                o.model_copy(update={"pause": later(o.pause), "resume": later(o.resume)}) for o in recording.omissions
            ),
        }
    )
    assume(all(o.resume is None or o.resume > 0 for o in shifted.omissions))
    first, second = made(recording)[1], made(shifted)[1]
    assert (first.scenes, first.bed, first.lanes) == (second.scenes, second.bed, second.lanes)


@examples(40)
@given(recordings())
def test_a_timeline_is_written_and_read_back_equal(recording: Recording) -> None:
    try:
        timeline = timeline_only(recording, load_options())
    except InputError:
        assume(False)
        raise
    assert Timeline.model_validate_json(timeline.model_dump_json()) == timeline
