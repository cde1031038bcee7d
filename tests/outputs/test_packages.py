"""Packages: every row of the table, beside a playback of every kind, is whole or absent."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_disk import SmallDisk

from assembler.choices import PackageName
from assembler.errors import DiskFull, InputError
from assembler.findings import Severity, Verdict
from assembler.options import load_options
from assembler.outputs import packages
from assembler.outputs.material import Material, hold
from assembler.outputs.packages import OUTPUTS, check_extras, find_missing, is_settled, make_packages
from assembler.plan.manifest import load_manifest
from assembler.workspace import assets_of
from outputs.conftest import SHARE, Made

ROWS = list(OUTPUTS)


def files_of(made: Made, name: PackageName) -> dict[str, bytes]:
    folder = assets_of(made.material.playback) / name.value
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_package_has_a_row() -> None:
    assert list(PackageName) == ROWS


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("playback", ["encoded", "copied"], indirect=True)  # one frame: TestWholeOrAbsent
class TestEveryRow:
    def test_it_is_made_and_listed_and_made_once(self, playback: Made, name: PackageName) -> None:
        told = make_packages(playback.asking(name))
        assert [f for f in told.findings if f.severity is Severity.WARNING] == []
        assert load_manifest(playback.material.playback) == told
        (package,) = (one for one in told.packages if one.name is name)
        made = files_of(playback, name)
        assert {f"{name.value}/{path}": len(data) for path, data in made.items()} == {
            one.path: one.size for one in package.files
        }
        assert made
        assert find_missing(playback.material.playback, told, [name]) == []
        assert make_packages(playback.asking(name)) == told


@pytest.mark.parametrize("name", ROWS)
class TestWholeOrAbsent:
    @pytest.fixture
    def one(self, one_frame: Made) -> Made:
        """A playback without packages."""
        told = one_frame.material.manifest.model_dump_json()
        (assets_of(one_frame.material.playback) / "playback.json").write_text(told)
        make_packages(one_frame.asking())
        assert [path.name for path in assets_of(one_frame.material.playback).iterdir() if path.is_dir()] == []
        return one_frame

    def test_a_run_killed_before_it_was_checked_leaves_nothing_under_its_name(
        self, one: Made, name: PackageName
    ) -> None:
        child = os.fork()
        if child == 0:
            OUTPUTS[name] = replace(OUTPUTS[name], check=lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            make_packages(one.asking(name))
            os._exit(1)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert files_of(one, name) == {}
        told = load_manifest(one.material.playback)
        assert [f.sentence for f in told.findings if f.where == f"package {name.value}"] == [packages.UNFINISHED]
        assert [p.name for p in make_packages(one.asking(name)).packages] == [name]
        assert files_of(one, name)

    @pytest.mark.parametrize("stays_full", [False, True])
    def test_where_the_disk_fills_it_is_missing_and_said_so_and_the_playback_stays(
        self, one: Made, name: PackageName, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, stays_full: bool
    ) -> None:
        def make(material: Material, folder: Path) -> None:
            disk.fill()
            try:
                row.make(material, folder)
            finally:
                if not stays_full:
                    disk.make_room()

        row, material = OUTPUTS[name], moved(one.asking(name), disk.place)
        was = material.playback.read_bytes()
        with monkeypatch.context() as patch:
            patch.setitem(OUTPUTS, name, replace(row, make=make))
            told = make_packages(material)
        disk.make_room()
        (missing,) = (f for f in told.findings if f.where == f"package {name.value}")
        assert missing.severity is Severity.WARNING
        assert missing.sentence.startswith("The package is missing: ")
        assert any(word in missing.sentence for word in (" is full", " free, about ")) is not stays_full
        assert told.verdict is Verdict.DEGRADED
        assert load_manifest(material.playback) == told
        assert material.playback.read_bytes() == was
        assert [path.name for path in assets_of(material.playback).iterdir() if path.is_dir()] == []
        again = make_packages(replace(material, manifest=told))
        assert [p.name for p in again.packages] == [name]
        assert again.verdict is Verdict.OK


def moved(material: Material, place: Path) -> Material:
    """The same with a copy of the playback and what tells of it, in another folder."""
    there = place / material.playback.name
    shutil.copy(material.playback, there)
    shutil.copytree(assets_of(material.playback), assets_of(there))
    return replace(material, playback=there)


def test_on_a_disk_that_is_full_before_nothing_is_changed(copied: Made, disk: SmallDisk) -> None:
    material = moved(copied.asking(PackageName.POSTER, PackageName.HLS), disk.place)
    shutil.rmtree(assets_of(material.playback) / "poster", ignore_errors=True)
    was = {path: path.read_bytes() for path in assets_of(material.playback).rglob("*") if path.is_file()}
    disk.fill()
    with pytest.raises(DiskFull):
        make_packages(material)
    disk.make_room()
    assert {path: path.read_bytes() for path in was} == was


def test_what_nobody_asks_for_any_more_is_not_missed(copied: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    row = OUTPUTS[PackageName.AUDIO]
    shutil.rmtree(assets_of(copied.material.playback) / "audio", ignore_errors=True)
    monkeypatch.setitem(OUTPUTS, PackageName.AUDIO, replace(row, check=lambda *_: hold(False, "it is noise")))
    told = make_packages(copied.asking(PackageName.AUDIO))
    assert [f.sentence for f in told.findings] == ["The package is missing: it is noise."]
    assert not is_settled(copied.material.playback, told, [])
    assert make_packages(copied.asking()).verdict is Verdict.OK


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    yield small
    small.close()


def test_packages_of_another_playback_and_of_a_changed_kind_are_removed_or_made_anew(
    copied: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_packages(copied.asking(PackageName.POSTER))
    other = replace(copied.asking(), manifest=first.model_copy(update={"digest": "another"}))
    assert make_packages(other).packages == ()
    assert files_of(copied, PackageName.POSTER) == {}
    (assets_of(copied.material.playback) / "playback.json").write_text(first.model_dump_json())
    again = make_packages(copied.asking(PackageName.POSTER))
    monkeypatch.setattr(packages, "OUTPUT_VERSION", 0)
    assert make_packages(copied.asking(PackageName.POSTER)).packages != again.packages


def test_a_package_whose_file_was_cut_is_made_anew(copied: Made) -> None:
    make_packages(copied.asking(PackageName.POSTER))
    poster = assets_of(copied.material.playback) / "poster" / "poster.jpg"
    whole = poster.read_bytes()
    poster.write_bytes(whole[:100])
    make_packages(copied.asking(PackageName.POSTER))
    assert poster.read_bytes() == whole


def test_a_package_that_somebody_deleted_and_nobody_asks_for_is_not_listed_any_more(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    first = SHARE.assemble(tmp_path, bundled_ffmpeg, also=("audio", "poster"), start=0, end=200, quality="draft")
    shutil.rmtree(assets_of(first.path) / "poster")
    second = SHARE.assemble(tmp_path, bundled_ffmpeg, also=("audio",), start=0, end=200, quality="draft")
    assert second.was_there
    assert [package.name for package in second.manifest.packages] == [PackageName.AUDIO]
    assert load_manifest(first.path) == second.manifest
    assert "poster/poster.jpg" not in (assets_of(first.path) / "index.html").read_text()


def test_what_was_said_of_a_package_stays_when_another_is_made(copied: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    make_packages(copied.asking())
    monkeypatch.setitem(OUTPUTS, PackageName.POSTER, replace(OUTPUTS[PackageName.POSTER], remark=lambda _: "Dark."))
    shutil.rmtree(assets_of(copied.material.playback) / "poster", ignore_errors=True)
    make_packages(copied.asking(PackageName.POSTER))
    told = make_packages(copied.asking(PackageName.POSTER, PackageName.AUDIO))
    assert [f.sentence for f in told.findings if f.where == "package poster"] == ["Dark."]


def test_an_extra_that_is_not_installed_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="opentimelineio, which is not installed") as caught:
        check_extras([PackageName.HLS, PackageName.OTIO])
    assert "assembler[otio]" in caught.value.hint


def test_an_unknown_package_is_told_with_all_that_there_are() -> None:
    with pytest.raises(InputError, match=r"'hls', 'archive'.*got 'hsl'"):
        load_options(also="hsl")
