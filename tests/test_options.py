"""What wins: default < settings file < environment < flag."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from assembler.errors import InputError
from assembler.options import load_options


@pytest.fixture
def file() -> Path:
    return Path(os.environ["ASSEMBLER_CONFIG"])


def test_each_source_wins_over_the_one_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_options().layout == "auto"
    file.write_text('layout = "grid"\n')
    assert load_options().layout == "grid"
    monkeypatch.setenv("ASSEMBLER_LAYOUT", "stage")
    assert load_options().layout == "stage"
    assert load_options(layout="tiw-1").layout == "tiw-1"


def test_hosts_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLER_ALLOW_HOSTS", "media.lan, 10.0.0.7")
    assert load_options().allow_hosts == ("media.lan", "10.0.0.7")


def test_hosts_in_the_file_are_a_list(file: Path) -> None:
    file.write_text('allow_hosts = ["media.lan"]\n')
    assert load_options().allow_hosts == ("media.lan",)


def test_an_empty_variable_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLER_TEACHER", "")
    assert load_options().teacher is None


def test_a_rate_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLER_FPS", "30000/1001")
    assert load_options().fps == Fraction(30000, 1001)


@pytest.mark.parametrize(("name", "value"), [("PARALLEL", "0"), ("LOUDNESS", "3"), ("FPS", "fast"), ("JOBS", "two")])
def test_a_bad_value_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ASSEMBLER_{name}", value)
    with pytest.raises(InputError, match=f"setting {name.lower()}") as caught:
        load_options()
    assert f"ASSEMBLER_{name}" in caught.value.hint


def test_a_broken_settings_file_is_named(file: Path) -> None:
    file.write_text("layout = \n")
    with pytest.raises(InputError, match="settings"):
        load_options()


def test_an_unknown_setting_in_the_file_is_named(file: Path) -> None:
    file.write_text("lay_out = 'grid'\n")
    with pytest.raises(InputError, match="lay_out"):
        load_options()
