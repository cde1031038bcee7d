"""Facts of a file, or of its straightened copy: which of the two, and what is said of it."""

from __future__ import annotations

import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from chirps import tone, write
from synthetic import Recipe, make

from assembler.facts import Facts
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.child import probe_file
from assembler.media.probe.order import LateStream, ProbeInput, UnusableFile
from assembler.media.probe.straightened import probe_straightened
from assembler.times import Ms


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> dict[str, Path]:
    """A plain mp4; a ts whose stamps begin anew; two mkv files in one."""
    folder = tmp_path_factory.mktemp("files")
    plain = make(Recipe(identity="red", seconds=Fraction(1), fps=Fraction(10), width=64, height=48), bundled_ffmpeg)
    found = {"plain": plain, "again": folder / "again.ts", "two": folder / "two.mkv"}
    for name, suffix in (("again", "ts"), ("two", "mkv")):
        part = write(folder / f"part.{suffix}", tone(2, 0.3), "-c:a", "aac").read_bytes()
        found[name].write_bytes(part + part)
    return found


def asked(path: Path, folder: Path, declared: int | None = 4000) -> ProbeInput:
    return ProbeInput("v", path, False, declared=None if declared is None else Ms(declared), straight=folder / "copy")


def test_a_file_that_needs_nothing_is_described_as_it_is(files: dict[str, Path], tmp_path: Path) -> None:
    answer = probe_straightened(asked(files["plain"], tmp_path, 1000), probe_file)
    assert answer.facts is not None
    assert (answer.straight, answer.notes, answer.warnings) == (None, (), ())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["again", "two"])
def test_a_crooked_file_is_described_by_its_copy_and_that_is_said(
    files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    answer = probe_straightened(asked(files[name], tmp_path), probe_file)
    assert answer.straight == tmp_path / "copy"
    assert answer.facts is not None
    assert 3950 < answer.facts.end < 4100
    assert len(answer.notes) == 1
    assert answer.warnings == ()
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_repair_that_leaves_something_out_is_a_warning(files: dict[str, Path], tmp_path: Path) -> None:
    answer = probe_straightened(asked(files["again"], tmp_path, 2000), probe_file)
    assert len(answer.warnings) == 1
    assert answer.notes == ()


def test_where_no_copy_may_be_made_yet_a_crooked_file_waits_or_is_used_as_it_is(
    files: dict[str, Path], tmp_path: Path
) -> None:
    none = replace(asked(files["two"], tmp_path), straight=None)
    with pytest.raises(UnusableFile, match="have to be repaired first"):
        probe_straightened(none, probe_file)
    plain = probe_straightened(replace(none, path=files["again"]), probe_file)
    assert plain.facts is not None
    with pytest.raises(UnusableFile, match="have to be repaired first"):
        probe_straightened(replace(asked(files["again"], tmp_path), hole=(1, 2)), lambda _: crooked(files))


def crooked(files: dict[str, Path]) -> tuple[Facts, Reach]:
    return probe_file(ProbeInput("v", files["again"], False))


def test_a_repair_that_fails_is_told_and_the_file_used_as_it_is(files: dict[str, Path], tmp_path: Path) -> None:
    def probe(wanted: ProbeInput) -> tuple[Facts, Reach]:
        if wanted.straight is None or wanted.path != wanted.straight:
            return probe_file(wanted)
        raise ValueError("spoiled")

    answer = probe_straightened(asked(files["again"], tmp_path), probe)
    assert answer.straight is None
    assert answer.warnings == (
        "Its stamps or its streams are broken and could not be repaired (ValueError: spoiled): used as they are.",
    )
    with pytest.raises(UnusableFile, match="cannot be read: ValueError: spoiled"):
        probe_straightened(asked(files["two"], tmp_path), probe)


def test_a_file_that_fails_unforeseen_and_needs_no_repair_is_unusable(files: dict[str, Path], tmp_path: Path) -> None:
    def probe(wanted: ProbeInput) -> tuple[Facts, Reach]:
        raise ValueError("spoiled")

    with pytest.raises(UnusableFile, match="cannot be read: ValueError: spoiled"):
        probe_straightened(asked(files["plain"], tmp_path, 1000), probe)


def test_a_full_disk_is_no_fault_of_the_file(files: dict[str, Path], tmp_path: Path) -> None:
    def probe(wanted: ProbeInput) -> tuple[Facts, Reach]:
        raise av.error.OSError(errno.ENOSPC, "full") if wanted.path == wanted.straight else LateStream

    with pytest.raises(OSError, match="No space left") as caught:
        probe_straightened(asked(files["again"], tmp_path), probe)
    assert (type(caught.value), caught.value.errno) == (OSError, errno.ENOSPC)


def test_what_is_known_of_the_file_itself_holds_for_its_copy(files: dict[str, Path], tmp_path: Path) -> None:
    def probe(wanted: ProbeInput) -> tuple[Facts, Reach]:
        facts, reach = probe_file(wanted)
        is_copy = wanted.path == wanted.straight
        assert not is_copy or wanted.size is None, "the copy has no declared size"
        return replace(facts, left_out=("both", "copy" if is_copy else "file"), is_truncated=not is_copy), reach

    answer = probe_straightened(replace(asked(files["again"], tmp_path), size=7), probe)
    assert answer.facts is not None
    assert answer.facts.left_out == ("both", "file", "copy")
    assert answer.facts.is_truncated
