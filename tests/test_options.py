"""What wins: default < settings file < environment < flag."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from assembler.errors import InputError
from assembler.options import Options, load_options
from assembler.pipeline.decide import NO_MATTER
from assembler.settings import FormerName


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARALLEL", "0"),
        ("LOUDNESS", "3"),
        ("FPS", "fast"),
        ("PROCESSES", "two"),
        ("ALSO", "nonsense"),
        ("NOTIFY_EVENTS", "x"),
    ],
)
def test_a_bad_value_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ASSEMBLER_{name}", value)
    with pytest.raises(InputError, match=f"setting {name.lower()}") as caught:
        load_options()
    assert f"ASSEMBLER_{name} and" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["database_url", "callback_key", "callback_keys", "notify_url", "tickey", "usersig_key"]
)
def test_a_bad_secret_is_named_and_not_shown(name: str, file: Path) -> None:
    file.write_text(f"{name} = [5318008]\n")
    with pytest.raises(InputError, match=rf"setting {name}\b") as caught:
        load_options()
    assert "5318008" not in str(caught.value)


def test_a_former_name_means_the_option_of_today_and_says_so(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("jobs = 2\n")
    with pytest.warns(FormerName, match="jobs is called processes now"):
        assert load_options().processes == 2
    monkeypatch.setenv("ASSEMBLER_JOBS", "3")
    with pytest.warns(FormerName):
        assert load_options().processes == 3
    with pytest.warns(FormerName):
        assert Options(jobs=4).processes == 4  # type: ignore[call-arg]  # the former name
    monkeypatch.setenv("ASSEMBLER_PROCESSES", "5")
    with pytest.warns(FormerName):  # for the settings file's
        assert load_options().processes == 5


def test_a_broken_settings_file_is_named(file: Path) -> None:
    file.write_text("layout = \n")
    with pytest.raises(InputError, match="settings"):
        load_options()


def test_a_settings_file_that_was_named_has_to_be_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.unlink()
    with pytest.raises(InputError, match=f"the settings file {file} is not there") as caught:
        load_options()
    assert "ASSEMBLER_CONFIG" in caught.value.hint
    monkeypatch.setenv("ASSEMBLER_CONFIG", os.devnull)
    assert load_options().layout == "auto"
    monkeypatch.delenv("ASSEMBLER_CONFIG")
    assert load_options(layout="grid").layout == "grid", "whatever lies in the usual place, it need not be there"


def test_an_unknown_setting_in_the_file_is_named(file: Path) -> None:
    file.write_text("lay_out = 'grid'\n")
    with pytest.raises(InputError, match="lay_out"):
        load_options()


def test_options_that_change_no_playback_are_options() -> None:
    assert set(NO_MATTER) <= set(Options.model_fields)


@pytest.mark.parametrize("given", ["1601x900", "1600", "200x100", "5000x900", "x", "1600x", "1600x90"])
def test_a_size_that_no_picture_can_have_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="is not a size"):
        load_options(size=given)


def test_a_size_is_two_even_numbers() -> None:
    assert load_options(size="1280x720").size == (1280, 720)
    assert load_options().size is None
