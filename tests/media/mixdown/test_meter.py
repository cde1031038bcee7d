"""Levels of samples: the same whatever the pieces in which they come, and in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chirps import Array
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from assembler.levels import NO_SOUND, QUIETEST, Levels
from assembler.media.mixdown import meter as meters
from assembler.media.mixdown.meter import CELL, LATE, Meter, join_tracks, write_levels
from assembler.media.mixdown.resample import PlacedSamples


def loud(cells: float, level: float, channels: int = 1) -> Array:
    return np.full((channels, round(cells * CELL)), level, np.float32)


def measured(*placed: tuple[int, Array], end: int = 100 * CELL) -> Meter:
    meter = Meter(end)
    for at, samples in placed:
        meter.add(PlacedSamples(at, samples), at + samples.shape[1])
    meter.finish()
    return meter


def test_levels_are_decibels_below_full_scale_over_all_channels() -> None:
    assert list(measured((0, loud(2, 1))).values) == [0, 0]
    assert list(measured((0, loud(1, 0.1))).values) == [20]
    assert list(measured((0, np.vstack([loud(1, 0.1), loud(1, 0)]))).values) == [23], "one side of two"
    assert list(measured((0, loud(1, 0))).values) == [QUIETEST]
    assert list(measured((0, loud(1, 4))).values) == [0], "louder than full scale"
    assert list(measured((0, loud(0.1, 1))).values) == [10], "a tenth of the step"


def test_where_no_sample_is_there_is_no_sound() -> None:
    found = measured((2 * CELL, loud(1, 1)), (5 * CELL, loud(1, 0.1))).values
    assert list(found) == [NO_SOUND, NO_SOUND, 0, NO_SOUND, NO_SOUND, 20]


def test_samples_far_behind_the_end_or_before_the_start_are_not_measured() -> None:
    end = 3 * CELL
    wild = (10**9, loud(1, 1))
    assert list(measured((0, loud(3, 1)), wild, end=end).values) == [0, 0, 0]
    late = measured((0, loud(60, 1)), end=end).values
    assert len(late) == (end + LATE) // CELL
    assert list(measured((-CELL, loud(2, 1))).values) == [0]


def test_only_what_no_later_sample_changes_is_settled() -> None:
    meter = Meter(100 * CELL)
    meter.add(PlacedSamples(0, loud(2.5, 1)), 2 * CELL + CELL // 2)
    assert list(meter.values) == [0, 0]
    assert not meter.is_whole
    meter.add(PlacedSamples(CELL, loud(1.5, 1)), 3 * CELL)
    assert list(meter.values) == [0, 0], "what is settled stays"
    meter.finish()
    assert (len(meter.values), meter.is_whole) == (3, True)


@examples(50)
@given(st.lists(st.integers(1, 3 * CELL), min_size=1, max_size=8), st.integers(0, 2 * CELL), st.sampled_from([1, 1000]))
def test_the_pieces_in_which_samples_come_do_not_matter(sizes: list[int], at: int, batch: int) -> None:
    count = sum(sizes)
    samples = np.sin(np.arange(count, dtype=np.float32) / 7)[None] * np.linspace(0, 1, count, dtype=np.float32)
    whole = measured((at, samples)).values
    pieces = [(at + sum(sizes[:n]), samples[:, sum(sizes[:n]) : sum(sizes[: n + 1])]) for n in range(len(sizes))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meters, "BATCH", batch)
        found = measured(*pieces).values
    assert len(found) == len(whole)
    assert all(abs(a - b) <= 1 for a, b in zip(found, whole, strict=True))


def test_of_several_tracks_the_loudest_counts_as_far_as_all_were_measured() -> None:
    one, other = measured((0, loud(3, 0.1))), measured((CELL, loud(1, 1)))
    joined = join_tracks([one, other])
    assert (list(joined.unpack()), joined.is_whole) == ([20, 0, 20], True)
    half = Meter(100 * CELL)
    half.add(PlacedSamples(0, loud(2, 1)), 2 * CELL)
    part = join_tracks([one, half])
    assert (list(part.unpack()), part.is_whole) == ([0, 0], False)


def test_levels_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    levels = Levels.pack(b"\1\2", is_whole=True)
    write_levels(tmp_path / "a.json", levels)
    assert Levels.from_json((tmp_path / "a.json").read_bytes()) == levels
    (tmp_path / "folder").mkdir()
    write_levels(tmp_path / "folder", levels)
    write_levels(tmp_path / "missing/a.json", levels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "folder"]
