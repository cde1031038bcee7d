"""What takes no quadratic time does what the simple way does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import camera, mix, omission, recording, screen

from assembler.choices import PlayTimes
from assembler.errors import InputError
from assembler.layout.seats import Stay, find_stays, uncovered
from assembler.timeline import build_timeline
from assembler.timeline.model import Clip
from assembler.timeline.pauses import Cuts
from assembler.times import PlayMs, Span, span, union

SIZES = (None, (320, 240), (640, 480))
lengths = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=12)


def naive_parts(files: Sequence[tuple[int, int, tuple[int, int] | None]]) -> list[list[int]]:
    """First fit, asked of every part."""
    parts: list[list[int]] = []
    for number, (at, _, size) in enumerate(files):
        for part in parts:
            other = files[part[-1]][2]
            end = max(files[n][0] + files[n][1] for n in part)
            if end - at <= 1000 and (size is None or other is None or size == other):
                part.append(number)
                break
        else:
            parts.append([number])
    return parts


@given(
    st.lists(st.tuples(st.integers(0, 9_000), st.integers(500, 5_000), st.sampled_from(SIZES)), min_size=1, max_size=9)
)
def test_unnamed_mixed_streams_are_told_apart_by_the_first_that_fits(
    files: list[tuple[int, int, tuple[int, int] | None]],
) -> None:
    files = sorted(files, key=lambda f: (f[0], -f[1]))
    lesson = [mix(f"m{n:02}", at, length, size=size) for n, (at, length, size) in enumerate(files)]
    tracks = build_timeline(recording(lesson)).tracks
    of = {int(clip.video_id[1:]): track.stream_id for track in tracks for clip in track.clips}
    for part in naive_parts(files):
        assert len({of[number] for number in part if number in of}) <= 1
    assert len(tracks) == len(naive_parts(files))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 25), st.sampled_from("abc")), max_size=10))
def test_of_shares_in_one_place_the_later_is_on_top(shares: list[tuple[int, int, str]]) -> None:
    lesson = [screen(f"s{n}", user, at * 1000, length * 1000) for n, (at, length, user) in enumerate(shares)]
    if not lesson:
        return
    timeline = build_timeline(recording(lesson))
    stays = find_stays((track.user, clip) for track, clip in timeline.clips())

    def naive(stays: Sequence[Stay]) -> list[tuple[Clip, Span]]:
        ordered = sorted(stays, key=lambda s: s.order)
        return [
            (clip, part)
            for place, stay in enumerate(ordered)
            for clip in stay.clips
            for part in (clip.picture or clip.span).without(
                c.span for later in ordered[place + 1 :] for c in later.clips
            )
        ]

    assert uncovered(stays) == naive(stays)


@given(lengths, st.integers(-5, 120))
def test_an_instant_moves_by_what_is_cut_before_it(given_cuts: list[tuple[int, int]], at: int) -> None:
    cuts = union(span(start, start + length) for start, length in given_cuts)
    gone = sum(1 for ms in range(at) if any(cut.holds(PlayMs(ms)) for cut in cuts))
    assert Cuts(cuts).earlier(PlayMs(at)) == at - gone


def test_more_pieces_than_a_class_can_have_are_refused_with_their_number() -> None:
    lesson = recording(
        [camera(f"v{n}", f"u{n}", 0, 2_000_000) for n in range(300)],
        omissions=[omission(None, n * 2000, n * 2000 + 1000) for n in range(900)],
        stop=2_000_000,
    )
    with pytest.raises(InputError, match=r"300 files are cut by 900 pauses into 270300 pieces, more than 10000\b"):
        build_timeline(lesson, play_times=PlayTimes.WALL)
