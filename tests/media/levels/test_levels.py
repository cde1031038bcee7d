"""How loud each file is over its time: the same numbers from the mixdown as from a child of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from chirps import BUNDLED, Library, build_library, probed, tone, with_tracks, write

from assembler.facts import Facts
from assembler.levels import NO_SOUND, QUIETEST, STEP, Levels
from assembler.media.levels.measure import levels_places, load_levels, measure_levels
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.options import Options
from assembler.plan.model import AudioBed, SoundPiece
from assembler.processes import Stop
from assembler.times import FileMs, Ms, span

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The files of the mixdown's tests: 16 codecs, rates and oddities; and a clock that drifts, and two tracks."""
    folder = tmp_path_factory.mktemp("sounds")
    whole = build_library(folder)
    files, facts = dict(whole.files), dict(whole.facts)
    files["tracks"] = with_tracks(folder / "tracks.mkv", tone(1, 0.5), 0.01 * tone(2.5, 0.5))
    facts["tracks"] = probed({"tracks": files["tracks"]}, folder)["tracks"]
    files["drifts"] = files["mp3"]
    slow = replace(facts["mp3"].sounds[0], pace=Fraction(1001, 1000))
    facts["drifts"] = replace(facts["mp3"], sounds=(slow,))
    files["phone"] = write(folder / "phone.mp4", tone(2, 0.25, rate=16_000), "-c:a", "aac", rate=16_000)
    facts |= probed({"phone": files["phone"]}, folder)
    return Library(files, facts)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Options(home=tmp_path / "home", processes=2))


def by_mixdown(files: dict[str, Path], facts: dict[str, Facts], folder: Path, end: int = 4000) -> dict[str, Levels]:
    folder.mkdir()
    pieces = tuple(SoundPiece(video_id=name, span=span(0, end), file_start=FileMs(0)) for name in sorted(files))
    places = {name: folder / f"{name}.json" for name in files}
    render_mixdown(
        AudioBed(pieces=pieces, reason="", copied=None), SourceFiles(files), facts, length=Ms(end),
        out=folder / "out.m4a", work=folder, ffmpeg=BUNDLED, loudness=None, stop=Stop(), on_seconds=None,
        stall_seconds=60, levels=places,
    )  # fmt: skip
    return load_levels(places)


def test_the_mixdown_measures_what_the_child_measures(library: Library, run: Run, tmp_path: Path) -> None:
    alone = measure_levels(library.files, library.facts, run)
    mixed = by_mixdown(library.files, library.facts, tmp_path / "mix")
    assert alone.keys() == library.files.keys() - {"silent"}
    assert mixed.keys() == alone.keys()
    for name, levels in alone.items():
        known = mixed[name].unpack()
        assert mixed[name].is_whole or name == "wild"
        assert known == levels.unpack()[: len(known)], name
        heard = library.facts[name].heard
        assert heard is not None
        assert len(known) * STEP >= min(heard[1], 4000) - STEP or name == "raw", name  # its rate changes, untold


def test_levels_are_in_decibels_and_in_their_places(library: Library, run: Run) -> None:
    found = {name: levels.unpack() for name, levels in measure_levels(library.files, library.facts, run).items()}
    assert set(found["mono"][5:70]) == {15}  # a sine of 0.25
    assert set(found["phone"][10:90]) == {15}
    assert set(found["stereo"][:75]) == {18}  # one side of two
    loud = [at for at, level in enumerate(found["hole"]) if level < 30]
    assert loud == [25, 26, 27, 90, 91, 92]
    assert set(found["hole"][45:67]) == {NO_SOUND}
    assert found["plain"][10] == QUIETEST
    assert found["picture_first"][:20] == bytes([NO_SOUND] * 20)
    assert list(found["tracks"][5:45]) + list(found["tracks"][55:120]) == [9] * 40 + [49] * 65
    late = next(at for at, level in enumerate(found["drifts"]) if level < 30)
    assert late == next(at for at, level in enumerate(found["mp3"]) if level < 30)


def test_a_file_read_in_part_is_measured_in_part(library: Library, run: Run, tmp_path: Path) -> None:
    whole = measure_levels({"mono": library.files["mono"]}, library.facts, run)["mono"]
    part = by_mixdown({"mono": library.files["mono"]}, library.facts, tmp_path / "mix", end=400)["mono"]
    assert not part.is_whole
    assert 20 <= len(part.unpack()) < len(whole.unpack())
    assert whole.unpack().startswith(part.unpack())


def test_what_was_measured_once_is_not_decoded_again(library: Library, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    shutil.copy(library.files["mono"], path)
    (place,) = levels_places(["a"], SourceFiles({"a": path}), {"a": library.facts["mono"]}, run.workspace).values()
    place.write_text(Levels.pack(bytes(50), is_whole=False).to_json())
    found = measure_levels({"a": path}, {"a": library.facts["mono"]}, run)["a"]
    assert found.is_whole, "levels of a part do not do for the whole"
    place.write_text(Levels.pack(bytes(77), is_whole=True).to_json())
    assert measure_levels({"a": path}, {"a": library.facts["mono"]}, run)["a"].unpack() == bytes(77)
    place.write_text('{"packed":"eJx', "ascii")
    assert measure_levels({"a": path}, {"a": library.facts["mono"]}, run)["a"] == found, "half a file is none"


def test_a_file_that_kills_the_child_has_no_levels_and_the_others_do(
    library: Library, run: Run, tmp_path: Path, deadly: Callable[[], Path]
) -> None:
    died = deadly()
    files = {"a": tmp_path / "a.mp4", "b": tmp_path / "killer.mp4", "c": tmp_path / "c.mp4"}
    for path in files.values():
        shutil.copy(library.files["mono"], path)
    assert measure_levels(files, dict.fromkeys(files, library.facts["mono"]), run).keys() == {"a", "c"}
    assert died.exists()
    assert not list(run.workspace.scratch.iterdir())


def test_damaged_and_unreadable_sound_has_levels_as_far_as_it_goes(library: Library, run: Run, tmp_path: Path) -> None:
    raw = library.files["cut"].read_bytes()
    cut, junk = tmp_path / "cut.webm", tmp_path / "junk.webm"
    cut.write_bytes(raw[: len(raw) // 2])
    junk.write_bytes(np.random.default_rng(1).bytes(5000))
    found = measure_levels({"cut": cut, "junk": junk}, dict.fromkeys(["cut", "junk"], library.facts["cut"]), run)
    assert 0.3 < len(found["cut"].unpack()) * STEP / 3000 < 0.7
    assert found["junk"].unpack() == b""
