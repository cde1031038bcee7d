"""What the doctor sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import Desk, three_streams

from assembler.doctor import Symptom, examine
from assembler.media.artwork import fonts
from assembler.options import load_options


def seen(name: str, **options: object) -> Symptom:
    return next(s for s in examine(load_options(**options)) if s.name == name)


def test_a_whole_installation_is_well(ffmpeg: str) -> None:
    symptoms = examine(load_options(ffmpeg=ffmpeg))
    assert [s.name for s in symptoms if not s.is_well and s.name not in ("disk", "names")] == []
    assert {"ffmpeg", "ffmpeg encoders", "ffmpeg filters", "packages", "home", "disk", "settings"} <= {
        s.name for s in symptoms
    }


def test_a_layout_is_recommended_to_who_chose_none() -> None:
    assert seen("layout").text == "auto (recommended: ASSEMBLER_LAYOUT=auto-classroom)"
    assert seen("layout", layout="tiw-2").text == "tiw-2"


def test_an_ffmpeg_that_is_not_there_is_named_with_what_to_do() -> None:
    symptom = seen("ffmpeg", ffmpeg="/nowhere/ffmpeg")
    assert not symptom.is_well
    assert "/nowhere/ffmpeg" in symptom.text
    assert "ASSEMBLER_FFMPEG" in symptom.hint


def test_scripts_in_which_no_name_can_be_drawn_are_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for cache in (fonts.load_font, fonts._packaged, fonts._files):
        cache.cache_clear()
    monkeypatch.setattr(fonts, "PACKAGES", fonts.PACKAGES[:1])
    monkeypatch.setattr(fonts, "FOLDERS", ())
    symptom = seen("names")
    fonts._packaged.cache_clear()
    fonts._files.cache_clear()
    assert not symptom.is_well
    assert symptom.is_warning
    assert "Latin" in symptom.text.partition("(")[0]
    assert "Chinese: no font here has CJK letters" in symptom.text
    assert "assembler[fonts]" in symptom.hint


def test_a_speech_model_that_is_none_is_told_and_none_is_no_fault(tmp_path: Path) -> None:
    assert seen("speech").is_well
    symptom = seen("speech", transcribe=tmp_path / "lost")
    assert not symptom.is_well
    assert "--transcribe" in symptom.text


def test_databases_that_others_may_read_are_a_warning_and_no_exit_code(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, three_streams(3), bundled_ffmpeg)
    usual = desk.say("doctor").code
    desk.home.mkdir(exist_ok=True)
    (desk.home / "jobs.sqlite").touch()
    (desk.home / "jobs.sqlite").chmod(0o644)
    said = desk.say("doctor")
    assert "warn privacy: others may read jobs.sqlite" in said.out
    assert "chmod 600" in said.out
    assert said.code == usual


def fake(folder: Path, encoders: str, version: str = "9.0.2") -> str:
    path = folder / "ffmpeg"
    cases = f"*-version*) echo ffmpeg version {version} x;; *-encoders*) echo '{encoders}';;"
    path.write_text(f'#!/bin/sh\ncase "$*" in {cases} esac\n')
    path.chmod(0o755)
    return str(path)


def test_missing_encoders_and_filters_are_named(tmp_path: Path) -> None:
    program = fake(tmp_path, " A..... aac  AAC")
    assert seen("ffmpeg encoders", ffmpeg=program).text == "missing: libx264"
    filters = seen("ffmpeg filters", ffmpeg=program)
    assert not filters.is_well
    assert "xstack" in filters.text
    assert filters.hint


def test_an_old_ffmpeg_is_named_with_its_version(tmp_path: Path) -> None:
    symptom = seen("ffmpeg", ffmpeg=fake(tmp_path, "", "4.2.7"))
    assert not symptom.is_well
    assert "4.2.7" in symptom.text


def test_a_home_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    symptom = seen("home", home=tmp_path / "file")
    assert not symptom.is_well
    assert "ASSEMBLER_HOME" in symptom.hint


def test_a_setting_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen("settings").is_well
    monkeypatch.setenv("ASSEMBLER_LAYUOT", "grid")
    symptom = seen("settings")
    assert not symptom.is_well
    assert "ASSEMBLER_LAYUOT" in symptom.text
    assert "ASSEMBLER_LAYOUT" in symptom.hint


def test_the_home_is_not_made_just_by_looking(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert seen("home", home=home).is_well
    assert not home.exists()
