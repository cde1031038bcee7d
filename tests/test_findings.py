"""Findings of one kind are folded, whoever they are about; others are all kept."""

from __future__ import annotations

from assembler.findings import MOST_OF_A_KIND, Finding, Severity, fold, note, warning


def about(names: list[str]) -> list[Finding]:
    return [
        warning(f"camera of {n}", f"No place is free from 0:0{i % 9} to 1:00: {n} is heard, not seen then.")
        for i, n in enumerate(names)
    ]


def test_what_is_said_of_many_people_is_said_of_the_first_and_counted() -> None:
    names = [*(f"{chr(97 + i % 26)}{chr(97 + i // 26)}{'yz'[i % 2]}" for i in range(499)), "Ann Mary Smith"]
    *kept, more = fold(about(names))
    assert kept == about(names)[:MOST_OF_A_KIND]
    assert more == warning(
        "camera of #", "And 480 more of the kind: No place is free from #:# to #:#: # is heard, not seen then."
    )
    assert fold([*kept, more]) == (*kept, more)


def test_ids_of_all_shapes_are_one_kind() -> None:
    *kept, more = fold(note(hex(i * 7919 * 104729), "Its sound is missing.") for i in range(1, 101))
    assert len(kept) == MOST_OF_A_KIND
    assert more == note("", "And 80 more of the kind: Its sound is missing.")


def test_kinds_are_not_mixed_up() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    different = [note(a, f"{a * 3} {a * 5} of the {a * 7} {a * 4} is") for a in letters]
    assert fold(different) == tuple(different)
    graver = [warning(f.where, f.sentence) for f in about([a * 2 for a in letters])]
    milder = [Finding(severity=Severity.NOTE, where=f.where, sentence=f.sentence) for f in graver]
    assert len(fold([*graver, *milder])) == 2 * (MOST_OF_A_KIND + 1)
