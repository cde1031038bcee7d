"""Files that share sound: what is an offset, what moves together, and against what."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, omission, recording, screen, segment

from assembler.echoes import Echo, Peak
from assembler.facts import Facts
from assembler.recording import Recording, StreamKind
from assembler.timeline import build_timeline
from assembler.timeline.alignment import LEAST, align_bodies, find_bodies, moves_of, tell_alignments, with_moves
from assembler.timeline.offsets import find_offsets
from assembler.times import Ms

ALL = 4_000
"""Height of a peak at which all forty windows agree."""


def echo(source: str, other: str, *peaks: tuple[float, int], windows: int = 40) -> Echo:
    """Peaks at so many ms, and low ones behind."""
    told = [*peaks, (1_700.0, 150), (-900.0, 140), (300.0, 130)]
    return Echo(source, other, windows, tuple(Peak(round(1000 * late), height) for late, height in told[:3]))


def heard(source: str, other: str, late: float) -> Echo:
    return echo(source, other, (late, ALL))


def class_of(*users: str, extra: Sequence[object] = ()) -> Recording:
    return recording([*(camera(u, u, 1_000, 60_000) for u in users), *extra])  # type: ignore[list-item]


def moves(made: Recording, echoes: Sequence[Echo], *, teacher: str | None = None, **known: Facts) -> Mapping[str, int]:
    found = {s.video_id: facts(s.video_id, 60_000) for s in made.segments}
    bodies = find_bodies(build_timeline(made, {**found, **known}))
    aligned = align_bodies(bodies, echoes, teacher)
    for one in tell_alignments(aligned):
        print(one.where, one.sentence)
    return moves_of(aligned)


def test_a_file_that_has_a_sound_later_is_moved_forward() -> None:
    assert moves(class_of("ann", "bob"), [heard("ann", "bob", 313)], teacher="ann") == {"bob": -313}


def test_whoever_is_the_source_the_same_file_is_moved() -> None:
    assert moves(class_of("ann", "bob"), [heard("bob", "ann", -313)], teacher="ann") == {"bob": -313}


def test_of_two_that_hear_each_other_the_delay_of_the_echo_is_taken_off() -> None:
    echoes = [heard("ann", "bob", 313 + 180), heard("bob", "ann", -313 + 180)]
    assert moves(class_of("ann", "bob"), echoes, teacher="ann") == {"bob": -313}
    (offset,) = find_offsets(echoes)
    assert offset.echo == 180


def test_of_two_that_talk_at_once_the_delay_is_taken_off_as_well() -> None:
    echoes = [echo("ann", "bob", (313 + 180, ALL), (313 - 180, 2_500))]
    assert moves(class_of("ann", "bob"), echoes, teacher="ann") == {"bob": -313}


def test_two_ways_that_agree_leave_no_delay_unknown() -> None:
    made, echoes = class_of("ann", "bob"), [heard("ann", "bob", 250), heard("bob", "ann", -246)]
    aligned = align_bodies(find_bodies(build_timeline(made)), echoes, "ann")
    assert [(one.moved, one.echo) for one in aligned if one.moved] == [(-248, 0)]
    assert any("both ways they share it without a delay" in f.sentence for f in tell_alignments(aligned))


def test_an_echo_that_is_heard_before_it_is_said_moves_nothing() -> None:
    echoes = [heard("ann", "bob", 200), heard("bob", "ann", -400)]
    assert moves(class_of("ann", "bob"), echoes) == {}
    assert "otherwise in the one" in find_offsets(echoes)[0].doubt


@pytest.mark.parametrize(
    "peaks",
    [
        [(313, ALL), (-687, 3_900), (1_313, 3_800)],
        [(313, ALL), (-1_687, 3_000)],
        [(313, 280)],
        [(1_995, ALL)],
    ],
    ids=["many equal peaks", "two far ones", "a single sound", "the edge of what is looked at"],
)
def test_what_is_not_sure_moves_nothing(peaks: list[tuple[float, int]]) -> None:
    assert moves(class_of("ann", "bob"), [echo("ann", "bob", *peaks)]) == {}


def test_an_offset_that_changes_moves_nothing() -> None:
    echoes = [heard("ann", "bob", 300), heard("ann", "bob", 300), heard("ann", "bob", 330)]
    assert moves(class_of("ann", "bob"), echoes) == {}
    assert find_offsets(echoes)[0].doubt == "it changes by 30 ms during the class"


def test_less_than_ten_ms_is_left_and_told() -> None:
    made = class_of("ann", "bob")
    assert moves(made, [heard("ann", "bob", 9)]) == {}
    aligned = align_bodies(find_bodies(build_timeline(made)), [heard("ann", "bob", 9)], "ann")
    (told,) = tell_alignments(aligned)
    assert told.sentence == "It stays: declared at 0:01, at 0:00.991 by the sound it shares with ann (0.96)."


def test_the_mixed_stream_stays_even_against_the_teacher() -> None:
    made = class_of("ann", "bob", extra=[mix("m", 1_000, 60_000)])
    echoes = [heard("ann", "m", -250), heard("bob", "m", -400)]
    assert moves(made, echoes, teacher="ann") == {"ann": -250, "bob": -400}


def test_where_nobody_is_named_most_stay() -> None:
    made = class_of("ann", "bob", "cem", "dan")
    echoes = [heard("ann", "bob", -500), heard("ann", "cem", -503), heard("bob", "dan", 2)]
    assert moves(made, echoes) == {"ann": -500}


def test_loops_that_nearly_close_share_their_error() -> None:
    made = class_of("ann", "bob", "cem")
    echoes = [heard("ann", "bob", 300), heard("bob", "cem", 100), heard("ann", "cem", 412)]
    found = moves(made, echoes, teacher="ann")
    assert found == {"bob": pytest.approx(-304, abs=1), "cem": pytest.approx(-408, abs=1)}


def test_loops_that_do_not_close_stay_and_what_hangs_on_them_and_others_move() -> None:
    made = class_of("ann", "bob", "cem", "dan", "eva")
    loop = [heard("ann", "bob", 300), heard("bob", "cem", 100), heard("ann", "cem", 500)]
    echoes = [*loop, heard("cem", "dan", 200), heard("ann", "eva", 150)]
    assert moves(made, echoes, teacher="ann") == {"eva": -150}
    aligned = align_bodies(find_bodies(build_timeline(made)), echoes, "ann")
    assert {one.user for one in aligned if "contradict each other by 100 ms" in one.doubt} == {"bob", "cem", "dan"}


def test_the_order_of_what_was_measured_does_not_matter() -> None:
    made = class_of("ann", "bob", "cem", "dan", "eva")
    echoes = [heard(a, b, 10 * (ord(b[0]) - ord(a[0]))) for a in ("ann", "bob", "cem") for b in ("dan", "eva")]
    found = [moves(made, random.Random(n).sample(echoes, len(echoes))) for n in range(5)]
    assert found == found[:1] * 5
    assert found[0]


def test_pictures_and_repeated_sound_of_a_user_move_with_the_sound() -> None:
    sound = segment("bob-mic", StreamKind.AUDIO, "bob", 900, 60_000)
    film = segment("bob-film", StreamKind.SCREEN_AUDIO, "bob", 5_000, 20_000)
    made = class_of("ann", "bob", extra=[sound, film, screen("bob-share", "bob", 5_100, 20_000), board("w", 0, 60_000)])
    silent = {name: facts(name, 60_000, sound=False) for name in ("bob", "bob-share")}
    echoes = [heard("ann", "bob-mic", 250), heard("ann", "bob-film", -120)]
    found = moves(made, echoes, teacher="ann", bob=silent["bob"], **{"bob-share": silent["bob-share"]})
    assert found == {"bob-mic": -250, "bob": -250, "bob-film": 120, "bob-share": 120}
    assert moves(made, [heard("ann", "bob", 250)], teacher="ann") == {"bob": -250, "bob-mic": -250}


def test_files_after_a_reconnect_are_each_placed_by_themselves() -> None:
    again = camera("bob-2", "bob", 70_000, 60_000)
    made = class_of("ann", "bob", extra=[again])
    assert moves(made, [heard("ann", "bob", 250)], teacher="ann") == {"bob": -250}
    assert moves(made, [heard("ann", "bob-2", -80), heard("ann", "bob", 250)], teacher="ann") == {
        "bob": -250,
        "bob-2": 80,
    }


def test_the_first_file_begins_the_playback_also_where_it_was_moved() -> None:
    made = recording([camera("ann", "ann", 0, 60_000), camera("bob", "bob", 200, 60_000)])
    found = with_moves(made, {"bob": Ms(-500)})
    assert [s.play_time for s in found.segments] == [300, 0]
    assert (found.start or 0) == (made.start or 0) - 300
    assert with_moves(made, {"eva": Ms(-500)}) == made


def test_where_pauses_or_a_length_are_declared_the_beginning_stays() -> None:
    made = recording(
        [camera("ann", "ann", 0, 60_000), camera("bob", "bob", 200, 60_000)],
        omissions=[omission(30_000, 30_000, 40_000)],
    )
    assert [s.play_time for s in with_moves(made, {"bob": Ms(-500)}).segments] == [0, -300]


def test_where_nothing_is_shared_it_is_said() -> None:
    (told,) = tell_alignments(align_bodies(find_bodies(build_timeline(class_of("ann", "bob"))), [], None))
    assert told.sentence == "No two people's files share sound: all stay where they were declared."


@given(
    st.lists(st.integers(-900, 900), min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 300)), max_size=12),
    st.randoms(),
)
def test_whatever_is_wrong_is_right_behind_it(
    wrong: list[int], more: list[tuple[int, int, int]], chance: random.Random
) -> None:
    """Everybody is joined to somebody before; some hear each other, with an echo of the same delay both ways."""
    users = [f"u{n:02}" for n in range(len(wrong))]
    pairs = [(chance.randrange(n), n, 0) for n in range(1, len(users))]
    pairs += [(a, b, delay) for a, b, delay in more if a < b < len(users) and (a, b, 0) not in pairs]
    echoes = []
    for a, b, delay in {(a, b): (a, b, delay) for a, b, delay in pairs}.values():
        late = wrong[b] - wrong[a]
        if abs(late) + delay < 1_990:
            echoes += [heard(users[a], users[b], late + delay), heard(users[b], users[a], -late + delay)]
    chance.shuffle(echoes)
    bodies = find_bodies(build_timeline(class_of(*users)))
    moved = moves_of(align_bodies(bodies, echoes, users[0]))
    joined = {users[0]}
    for _ in users:
        joined |= {e.other for e in echoes if e.source in joined}
    for user, by in zip(users, wrong, strict=True):
        if user in joined:
            assert abs(by - wrong[0] + moved.get(user, 0)) < LEAST + 1


def test_a_thousand_files_are_placed_in_no_time() -> None:
    """Every user comes back a hundred times."""
    segments = [camera(f"u{u}-{n:03}", f"u{u}", 20_000 * n, 19_000) for u in range(10) for n in range(100)]
    echoes = [heard(f"u{u}-{n:03}", f"u{u + 1}-{n:03}", 5 * u) for u in range(9) for n in range(100)]
    echoes += [heard(f"u{u}-{n:03}", f"u{u + 2}-{n:03}", 10 * u + 5) for u in range(8) for n in range(100)]
    made = recording(segments)
    aligned = align_bodies(find_bodies(build_timeline(made)), echoes, "u0")
    assert len(aligned) == 900
