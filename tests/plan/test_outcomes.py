"""Every segment has one outcome: used, repaired and how, or dropped and why."""

from __future__ import annotations

from typing import Any

import pytest
from lessons import board, camera, mix, segment

from assembler.findings import Fate, Outcome, note, warning
from assembler.plan.model import Account, AudioBed, Disposition, Ledger, SoundPiece
from assembler.plan.outcomes import REASONS, judge_segments
from assembler.recording import Segment, StreamKind
from assembler.times import FileMs, Ms, span

SOUND = segment("s", StreamKind.AUDIO, "ann", 0, 1_000)


def bed(*names: str) -> AudioBed:
    pieces = tuple(SoundPiece(video_id=name, span=span(0, 1_000), file_start=FileMs(0)) for name in names)
    return AudioBed(pieces=pieces, reason="", copied=None)


def judged(*segments: Segment, heard: tuple[str, ...] = (), **more: Any) -> dict[str, Outcome]:
    given = {"seen": (), "unusable": {}, "findings": (), "outside": (), **more}
    outcomes = judge_segments(segments, bed=bed(*heard), **given)
    names = [outcome.video_id for outcome in outcomes]
    assert names == sorted(s.video_id for s in segments)
    return dict(zip(names, outcomes, strict=True))


def why_dropped(one: Segment, *others: Segment, **more: Any) -> str:
    outcome = judged(one, *others, **more)[one.video_id]
    assert outcome.fate is Fate.DROPPED
    return outcome.how


def account(sound: int = 0, **lengths: int) -> Account:
    """A ledger of pictures, and so many ms of sound that are in the mixed stream."""
    by = {Disposition[name]: Ms(length) for name, length in lengths.items()}
    heard = {Disposition.IN_MIX: Ms(sound)} if sound else {}
    return Account(
        video_id="a",
        picture=Ledger(length=Ms(sum(lengths.values())), lengths=by),
        sound=Ledger(length=Ms(sound), lengths=heard),
    )


def test_what_is_seen_or_heard_is_used_and_a_warning_makes_it_repaired() -> None:
    segments = [camera(name, name, 0, 1_000) for name in "dcba"]
    findings = [warning("c", "It was short."), note("a", "Fine."), warning("c", "It was late."), warning("", "All.")]
    found = judged(*segments, seen=["a", "c"], heard=("b", "c"), findings=findings)
    assert [found[name].fate for name in "abcd"] == [Fate.USED, Fate.USED, Fate.REPAIRED, Fate.DROPPED]
    assert [found[name].how for name in "abc"] == ["", "", "It was short. It was late."]


def test_why_a_file_is_unusable_comes_before_all_else() -> None:
    found = why_dropped(
        camera("a", "a", 0, 1_000), seen=["a"], unusable={"a": "Gone."}, findings=[warning("a", "x")], outside=["a"]
    )
    assert found == "Gone."


def test_outside_the_window_is_said_of_what_is_neither_seen_nor_heard() -> None:
    segments = [camera("a", "a", 0, 1_000), camera("b", "b", 0, 1_000)]
    found = judged(*segments, seen=["b"], outside=["a", "b"])
    assert (found["a"].how, found["b"].fate) == ("It lies outside the window.", Fate.USED)


def test_a_mixed_stream_that_is_shown_contains_the_others() -> None:
    shown, other = mix("m", 0, 1_000), mix("n", 0, 1_000)
    assert why_dropped(SOUND, shown, seen=["m"]) == "The mixed stream that is shown contains it."
    assert why_dropped(other, shown, seen=["m"]) == "Another mixed stream is shown."
    assert why_dropped(other, board("w", 0, 1_000), seen=["w"]).startswith("The layout shows the single streams")
    assert why_dropped(SOUND, shown, seen=["w"]) == "It repeats the sound of its user's camera."


@pytest.mark.parametrize("became", REASONS, ids=lambda became: became.name)
def test_the_ledger_says_why_and_whether_there_is_sound(became: Disposition) -> None:
    one = camera("a", "ann", 0, 1_000)
    silent, loud = account(**{became.name: 5}), account(3, **{became.name: 5})
    assert why_dropped(one, accounts=[loud]) == REASONS[became]
    assert why_dropped(one, accounts=[silent]) == f"{REASONS[became][:-1]}, and it has no sound."


def test_the_weightiest_reason_is_the_one_that_is_told() -> None:
    one = camera("a", "ann", 0, 1_000)
    assert why_dropped(one, accounts=[account(3, NO_PLACE=900, LOST=1)]) == "What is in it is lost."
    assert why_dropped(one, accounts=[account(3, COVERED=0, NO_PLACE=9)]) == "The layout has no place for it."
    assert why_dropped(one, accounts=[account()]) == "Nothing usable is in it, and it has no sound."
    assert why_dropped(one) == "Nothing of it is shown, as far as is declared."
    assert why_dropped(one, findings=[warning("a", "Odd.")]).endswith("as far as is declared. Odd.")
