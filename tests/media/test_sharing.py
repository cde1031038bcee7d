"""Who takes which chunk: each once, whatever others do."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from lessons import camera, recording

from assembler.assemble import plan_only
from assembler.media.helping import CannotHelp, OpenOffer, help_out
from assembler.media.sharing import Turns, claimed, offer_place
from assembler.options import load_options
from assembler.processes import Stop, Stopped


@pytest.fixture
def claims(tmp_path: Path) -> dict[int, Path]:
    for name in ("claims", "chunks"):
        (tmp_path / name).mkdir()
    return {index: tmp_path / "claims" / str(index) for index in range(3)}


def take(turns: Turns) -> int:
    with turns.take() as index:
        return index


def test_a_claim_is_one_openings_alone_and_ends_with_it(tmp_path: Path) -> None:
    with claimed(tmp_path / "a") as first, claimed(tmp_path / "a") as second, claimed(tmp_path / "b") as other:
        assert (first, second, other) == (True, False, True)
    with claimed(tmp_path / "a") as again:
        assert again
    with claimed(tmp_path / "no folder" / "a") as nowhere:
        assert not nowhere


class TestTurns:
    def test_each_is_taken_once_in_the_given_order(self, claims: dict[int, Path]) -> None:
        turns = Turns([2, 0, 1], Stop(), claims, 60)
        assert [take(turns) for _ in range(3)] == [2, 0, 1]

    def test_one_that_another_has_is_passed_over_and_waited_for(self, claims: dict[int, Path]) -> None:
        turns, taken = Turns([2, 0, 1], Stop(), claims, 60), []
        with claimed(claims[2]):
            thread = threading.Thread(target=lambda: taken.extend(take(turns) for _ in range(3)))
            thread.start()
            time.sleep(0.4)
            assert taken == [0, 1]
        thread.join()
        assert taken == [0, 1, 2]

    def test_but_not_for_ever(self, claims: dict[int, Path]) -> None:
        turns = Turns([0], Stop(), claims, 0.3)
        with claimed(claims[0]):
            assert take(turns) == 0

    def test_whoever_waits_is_stopped(self, claims: dict[int, Path]) -> None:
        stop = Stop()
        threading.Timer(0.2, stop.set).start()
        with claimed(claims[0]), pytest.raises(Stopped):
            take(Turns([0], stop, claims, 60))


class TestOffers:
    @pytest.mark.parametrize(("minutes", "is_offered"), [(1, True), (1.01, False), (0, False)])
    def test_only_a_long_class_is_offered(self, tmp_path: Path, minutes: float, is_offered: bool) -> None:
        options = load_options(share_minutes=minutes)
        _, plan = plan_only(recording([camera("a", "ann", 0, 60_000)]), options)
        place = offer_place(plan, tmp_path / "work" / "abc", options)
        assert place == (options.home / "shared" / "abc.json" if is_offered else None)

    def test_one_of_another_version_is_no_use(self, tmp_path: Path) -> None:
        place = tmp_path / "abc.json"
        with pytest.raises(FileNotFoundError):
            OpenOffer(place)
        place.write_text('{"what": "is this"}')
        with pytest.raises(CannotHelp, match="another version"):
            OpenOffer(place)

    def test_none_is_no_error(self, tmp_path: Path) -> None:
        none: object = None
        done = help_out(
            tmp_path / "x.json", name="w", program=none, jobs=1, stop=Stop(), may_go_on=lambda: True,  # type: ignore[arg-type]  # not asked
        )  # fmt: skip
        assert done == 0
