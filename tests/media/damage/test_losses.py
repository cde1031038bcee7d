"""Losses of all chunks are told together: near ones as one, many as one sentence."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assembler.findings import Fate, Outcome, note, warning
from assembler.media.damage.losses import MAX_SENTENCES, MERGE_GAP, Loss, build_findings, mark_repaired
from assembler.times import clock_text, span, union

places = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 3_000)).map(lambda one: (one[0], sum(one))), min_size=1
)


def losses(*places: tuple[int, int], name: str = "a", what: str = "it is gone") -> list[Loss]:
    return [Loss(video_id=name, span=span(*place), what=what) for place in places]


def told(*found: Loss) -> list[tuple[str, str]]:
    return [(finding.where, finding.sentence) for finding in build_findings(found)]


def test_a_loss_across_the_border_of_chunks_is_one_and_so_are_near_ones() -> None:
    near = 3_000 + MERGE_GAP - 1
    assert told(*losses((near, 5_000), (2_000, 3_000), (1_000, 2_000))) == [
        ("a", "Between 0:01 and 0:05 of the playback it is gone.")
    ]
    far = 3_000 + MERGE_GAP
    assert told(*losses((1_000, 3_000), (far, 5_000))) == [
        ("a", "Between 0:01 and 0:03 of the playback it is gone."),
        ("a", "Between 0:04 and 0:05 of the playback it is gone."),
    ]  # fmt: skip


def test_files_and_kinds_of_loss_are_told_separately() -> None:
    found = told(*losses((0, 1_000)), *losses((0, 1_000), name="b"), *losses((0, 1_000), what="it is held"))
    assert [where for where, _ in found] == ["a", "a", "b"]
    assert len({sentence for where, sentence in found if where == "a"}) == 2


@given(places)
def test_all_that_is_lost_lies_between_the_times_told(lost: list[tuple[int, int]]) -> None:
    found = [sentence for _, sentence in told(*losses(*lost))]
    merged = union(span(*one) for one in lost)
    apart = 1 + sum(b.start - a.end >= MERGE_GAP for a, b in pairwise(merged))
    assert len(found) == (apart if apart <= MAX_SENTENCES else 1)
    assert found[0].startswith(f"Between {clock_text(merged[0].start)} and ")
    assert f" and {clock_text(merged[-1].end)}" in found[-1]
    assert (f"in {apart} places" in found[0]) is (apart > MAX_SENTENCES)


def test_warnings_of_the_render_make_used_segments_repaired_and_leave_dropped_ones() -> None:
    outcomes = [
        Outcome(video_id="a", fate=Fate.USED, how=""),
        Outcome(video_id="b", fate=Fate.REPAIRED, how="It was short."),
        Outcome(video_id="c", fate=Fate.DROPPED, how="Gone."),
        Outcome(video_id="d", fate=Fate.USED, how=""),
    ]
    findings = [warning("a", "One."), warning("a", "Two."), warning("b", "Hurt."), warning("c", "x"), note("d", "y")]
    marked = mark_repaired(outcomes, findings)
    assert [(one.fate, one.how) for one in marked] == [
        (Fate.REPAIRED, "One. Two."),
        (Fate.REPAIRED, "It was short. Hurt."),
        (Fate.DROPPED, "Gone."),
        (Fate.USED, ""),
    ]
