"""Which source's frame rate becomes the playback's, and for what kind of picture the encoder is set."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from lessons import facts

from assembler.choices import Fill
from assembler.facts import Facts
from assembler.layout.builtin import tiw_2
from assembler.layout.model import Arrangement, Placement, Rect
from assembler.layout.row import Needs
from assembler.plan.encoding import BUSY, choose_rate, find_imagery
from assembler.plan.model import Imagery, Lane, Piece
from assembler.recording import StreamKind
from assembler.times import Frame, Ms, PlayMs, span

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


def lane(video_id: str, width: int, frames: int) -> Lane:
    piece = Piece(video_id=video_id, first=Frame(0), end=Frame(frames), play_start=PlayMs(0))
    rect = Rect(x=0, y=0, width=width, height=100)
    return Lane(slot=video_id, rect=rect, z=1, fill=Fill.FIT, background="#000000", pieces=(piece,))


def of_rate(video_id: str, bits: Fraction, **more: bool) -> Facts:
    """A file of a minute with a picture of so many bit/s for each pixel."""
    known = facts(video_id, MINUTE, **more)
    width, height = known.picture.stretches[0].display_size
    sound = sum(each.bit_rate for each in known.sounds) * MINUTE // 1000
    return replace(known, size=round((bits * width * height * MINUTE / 1000 + sound) / 8))


KINDS = {"w": StreamKind.WHITEBOARD, "s": StreamKind.SCREEN, "a": StreamKind.CAMERA, "m": StreamKind.MIX}
QUIET = {name: of_rate(name, Fraction(1)) for name in KINDS}


class TestImagery:
    def test_what_fills_most_by_area_and_time_decides(self) -> None:
        def is_stage(*lanes: Lane) -> bool:
            return find_imagery(lanes, QUIET, KINDS).is_stage

        assert is_stage(lane("w", 200, 100), lane("a", 199, 100))
        assert not is_stage(lane("w", 200, 99), lane("a", 200, 100))
        assert is_stage(lane("s", 200, 100), lane("w", 10, 1), lane("a", 200, 100))

    def test_of_a_mixed_stream_and_of_an_empty_canvas_nothing_is_known(self) -> None:
        assert find_imagery([lane("m", 200, 100)], QUIET, KINDS) == Imagery() == find_imagery([], QUIET, KINDS)

    def test_a_file_is_busy_by_the_bits_of_its_picture_alone(self) -> None:
        def is_busy(known: Facts) -> bool:
            return find_imagery([lane("a", 200, 100)], {"a": known}, KINDS).is_busy

        assert is_busy(of_rate("a", BUSY * Fraction(101, 100)))
        assert not is_busy(of_rate("a", BUSY * Fraction(99, 100)))
        loud = of_rate("a", BUSY * Fraction(99, 100))
        loud = replace(loud, sounds=(replace(loud.sounds[0], bit_rate=320_000),), size=loud.size + 320_000 * 60 // 8)
        assert not is_busy(loud)

    def test_few_busy_files_among_many_quiet_ones_change_nothing(self) -> None:
        known = {"a": of_rate("a", Fraction(20)), "w": QUIET["w"]}
        assert not find_imagery([lane("a", 100, 100), lane("w", 100, 100)], known, KINDS).is_busy
        assert find_imagery([lane("a", 101, 100), lane("w", 100, 100)], known, KINDS).is_busy

    def test_what_is_unknown_or_has_no_picture_is_quiet(self) -> None:
        assert not find_imagery([lane("a", 200, 100)], {}, KINDS).is_busy
        assert not find_imagery([lane("a", 200, 100)], {"a": facts("a", MINUTE, picture=False)}, KINDS).is_busy
