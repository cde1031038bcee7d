"""The decision alone: where stamps break, and how far each packet is moved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise

import pytest

from assembler.media.straighten.breaks import SECOND, StampLine
from assembler.media.straighten.shifts import StampShifts, arrange
from assembler.times import Ms

FPS = 10
SOUND_FPS = 50
WRAP = 2**33 * SECOND // 90_000

Run = tuple[float, float]
"""Stamps from, to, in seconds."""


def lines(pictures: Sequence[Run], sounds: Sequence[Run] = (), swapped: bool = False) -> list[StampLine]:
    """Streams whose packets are interleaved run by run."""
    found: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    place = count()
    longest = max(len(pictures), len(sounds))
    for number in range(longest):
        packets = []
        for stream, fps, runs in ((0, FPS, pictures), (1, SOUND_FPS, sounds)):
            if number < len(runs):
                start, end = runs[number]
                frames = round((end - start) * fps)
                packets += [(n / fps, stream, round((start + n / fps) * SECOND)) for n in range(frames)]
        for _, stream, stamp in sorted(packets):
            found[stream].append((next(place), stamp))
    made = []
    for stream, fps in ((0, FPS), (1, SOUND_FPS)):
        if found[stream]:
            places, stamps = zip(*found[stream], strict=True)
            made.append(StampLine(places, stamps, SECOND // fps, is_video=stream == 0))
    return made


def moved(found: StampShifts, line: StampLine, number: int = 0) -> list[float]:
    """Where the packets are put, in seconds."""
    after = []
    for index, stamp in enumerate(line.stamps):
        by = [move.by for move in found.moves[number] if move.first <= index][-1]
        if by is not None:
            after.append((stamp + by) / SECOND)
    return after


def is_even(stamps: Sequence[float], fps: int = FPS) -> bool:
    return all(abs(b - a - 1 / fps) < 0.03 for a, b in pairwise(stamps))


@pytest.mark.parametrize("fall", [0.5, 2, 3.9, 30])
def test_stamps_that_fall_back_go_on_where_the_declared_length_is_the_sum(fall: float) -> None:
    made = lines([(40, 44), (44 - fall, 48 - fall)], [(40, 44), (44 - fall, 48 - fall)])
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert found.is_whole
    for number, line in enumerate(made):
        after = moved(found, line, number)
        assert is_even(after, (FPS, SOUND_FPS)[number])
        assert len(after) == len(line.stamps)
    assert "fall back" in found.sentence


def test_three_parts_follow_each_other() -> None:
    made = lines([(0, 4), (0, 3), (0, 5)], [(0, 4), (0, 3), (0, 5)])
    found = arrange(made, declared=Ms(12_000))
    assert found is not None
    assert is_even(moved(found, made[0]))
    assert is_even(moved(found, made[1], 1), SOUND_FPS)


@pytest.mark.parametrize("declared", [4000, 20_000])
def test_where_the_declared_length_is_not_the_sum_the_first_part_is_kept_whole_and_the_rest_is_told(
    declared: int,
) -> None:
    made = lines([(0, 4), (0, 3)], [(0, 4), (0, 3)])
    found = arrange(made, declared=Ms(declared))
    assert found is not None
    assert not found.is_whole
    assert len(moved(found, made[0])) == 40
    assert len(moved(found, made[1], 1)) == 200
    assert "at 0:04 of the file" in found.sentence
    assert "0:03 are left out" in found.sentence


@pytest.mark.parametrize("jump", [60, 3600])
def test_a_jump_as_long_as_the_surplus_is_closed(jump: int) -> None:
    made = lines([(0, 4), (4 + jump, 8 + jump)], [(0, 4), (4 + jump, 8 + jump)])
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert found.is_whole
    assert is_even(moved(found, made[0]))
    assert is_even(moved(found, made[1], 1), SOUND_FPS)


@pytest.mark.parametrize("stream", [0, 1])
def test_a_jump_of_one_stream_alone_is_closed_in_that_one(stream: int) -> None:
    broken, plain = [(0, 4), (64, 68)], [(0, 4), (4, 8)]
    made = lines(*((broken, plain) if stream == 0 else (plain, broken)))
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert is_even(moved(found, made[0]))
    assert is_even(moved(found, made[1], 1), SOUND_FPS)


def test_a_hole_that_the_declared_length_holds_stays() -> None:
    made = lines([(0, 4), (14, 18)], [(0, 4), (14, 18)])
    assert arrange(made, declared=Ms(18_000)) is None


def test_of_a_real_hole_and_a_false_jump_only_the_jump_is_closed() -> None:
    made = lines([(0, 4), (9, 12), (72, 75)], [(0, 4), (9, 12), (72, 75)])
    found = arrange(made, declared=Ms(15_000))
    assert found is not None
    after = moved(found, made[0])
    assert after[40] == 9
    assert after[70] == pytest.approx(12)
    assert after[-1] == pytest.approx(14.9)


def test_a_wrap_of_the_counter_is_no_jump() -> None:
    (line,) = lines([(0, 8)])
    wrapped = line._replace(stamps=[(stamp + WRAP - 4 * SECOND) % WRAP for stamp in line.stamps])
    found = arrange([wrapped], declared=Ms(8000), wrap=WRAP)
    assert found is not None
    assert found.sentence == ""
    assert is_even(moved(found, wrapped))


def test_a_fall_that_a_reader_took_for_a_wrap_is_one() -> None:
    (line,) = lines([(100, 104), (1, 5)])
    taken = line._replace(stamps=[s if s >= 100 * SECOND else s + WRAP for s in line.stamps])
    found = arrange([taken], declared=Ms(8000), wrap=WRAP)
    assert found is not None
    assert is_even(moved(found, taken))


def test_back_and_then_ahead_again_is_one_line() -> None:
    made = lines([(0, 4), (2, 3), (5, 8)], [(0, 4), (2, 3), (5, 8)])
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert is_even(moved(found, made[0]))
    assert is_even(moved(found, made[1], 1), SOUND_FPS)


def test_ahead_and_then_back_again_is_one_line() -> None:
    made = lines([(0, 4), (64, 66), (6, 8)], [(0, 4), (64, 66), (6, 8)])
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert is_even(moved(found, made[0]))


def test_packets_out_of_order_are_sorted_and_not_moved() -> None:
    (line,) = lines([(0, 8)])
    stamps = list(line.stamps)
    stamps[30:33] = [stamps[32], stamps[30], stamps[31]]
    stamps[50:55] = [stamps[54], *stamps[50:54]]
    found = arrange([line._replace(stamps=stamps)], declared=Ms(8000))
    assert found is not None
    assert found.is_sorted
    assert [len(moves) for moves in found.moves] == [1]


def test_a_second_part_in_a_hole_of_the_first_is_sorted_in() -> None:
    made = lines([(0, 2), (4, 8), (2, 4)], [(0, 2), (4, 8), (2, 4)])
    found = arrange(made, declared=Ms(8000))
    assert found is not None
    assert found.is_sorted
    assert found.is_whole


def test_a_stream_that_only_the_second_part_has_goes_with_it() -> None:
    pictures, second = lines([(0, 4), (0, 4)]), lines([], [(0, 4)])[0]
    late = second._replace(places=[place + 1000 for place in second.places])
    again = pictures[0]._replace(places=[*range(40), *range(1000, 2000, 25)])
    found = arrange([again, late], declared=Ms(8000))
    assert found is not None
    assert moved(found, late, 1)[0] == pytest.approx(4)


def test_a_file_glued_on_begins_where_the_first_one_ends_even_if_its_stamps_are_higher() -> None:
    made = lines([(0, 4), (50, 54)], [(0, 4), (50, 54)])
    border = made[0].places[40]
    found = arrange(made, borders=[border], declared=Ms(8000))
    assert found is not None
    assert is_even(moved(found, made[0]))
    assert is_even(moved(found, made[1], 1), SOUND_FPS)


def test_what_needs_nothing_is_left_alone() -> None:
    jitter = [round(n * SECOND / SOUND_FPS) + (-1) ** n * 15_000 for n in range(400)]
    assert arrange([StampLine(range(400), jitter, SECOND // SOUND_FPS)], declared=Ms(8000)) is None
    assert arrange(lines([(-5, 3)], [(-5, 3)]), declared=Ms(8000)) is None
    assert arrange(lines([(0, 12)]), declared=Ms(8000)) is None
