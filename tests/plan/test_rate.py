"""Which source's frame rate becomes the playback's."""

from __future__ import annotations

from fractions import Fraction

import pytest
from lessons import facts

from assembler.layout.builtin import tiw_2
from assembler.layout.model import Arrangement, Placement
from assembler.layout.row import Needs
from assembler.plan.rate import choose_rate
from assembler.recording import StreamKind
from assembler.times import Ms, PlayMs, span

MINUTE = 60_000


def rate_of(*sources: tuple[int | Fraction, int, int]) -> Fraction:
    """Of a minute in which files of these rates are seen from here to there, in ms."""
    placements = [
        Placement(slot="user 1", video_id=f"v{n}", kind=StreamKind.CAMERA, span=span(PlayMs(start), PlayMs(end)))
        for n, (_, start, end) in enumerate(sources)
    ]
    known = {f"v{n}": facts(f"v{n}", MINUTE, rate=Fraction(rate)) for n, (rate, _, _) in enumerate(sources)}
    arrangement = Arrangement(layout=tiw_2(Needs()), reason="", placements=tuple(placements), findings=())
    return choose_rate(arrangement, known, Ms(MINUTE))


@pytest.mark.parametrize(
    ("sources", "rate"),
    [
        ([], Fraction(15)),
        ([(15, 0, MINUTE), (24, 0, 3_000)], 24),
        ([(15, 0, MINUTE), (24, 0, 2_999)], 15),
        ([(15, 0, MINUTE), (24, 0, 2_000), (24, 30_000, 31_000)], 24),
        ([(15, 0, MINUTE), (24, 0, 2_000), (24, 500, 2_500)], 15),
        ([(5, 0, 1_000), (10, 0, 1_000)], 10),
        ([(60, 0, MINUTE)], 30),
        ([(Fraction(30000, 1001), 0, MINUTE), (25, 0, MINUTE)], Fraction(30000, 1001)),
    ],
    ids=["none", "a twentieth", "less", "in two parts", "at once counts once", "all short", "capped", "a fraction"],
)
def test_the_largest_rate_that_is_seen_long_enough(sources: list[tuple[int, int, int]], rate: Fraction) -> None:
    assert rate_of(*sources) == rate


def test_a_file_without_picture_has_no_rate() -> None:
    place = Placement(slot="user 1", video_id="v", kind=StreamKind.CAMERA, span=span(PlayMs(0), PlayMs(MINUTE)))
    arrangement = Arrangement(layout=tiw_2(Needs()), reason="", placements=(place,), findings=())
    assert choose_rate(arrangement, {"v": facts("v", MINUTE, picture=False)}, Ms(MINUTE)) == 15
    assert choose_rate(arrangement, {}, Ms(MINUTE)) == 15
