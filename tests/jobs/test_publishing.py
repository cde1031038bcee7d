"""What no job could get past is told before the first one, and where finished ones go."""

from __future__ import annotations

from pathlib import Path

import pytest

from assembler.errors import AssemblerError, InputError, MediaError, PublishError
from assembler.jobs.publishing import check_ready, output_of
from assembler.options import load_options


def test_finished_jobs_go_home_unless_another_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert output_of(load_options(home=Path("h"))) == str(tmp_path / "h" / "output")
    assert output_of(load_options(output="s3://bucket/x")) == "s3://bucket/x"


def test_plain_settings_are_ready_and_nothing_is_said() -> None:
    said: list[str] = []
    check_ready(load_options(), said.append)
    assert said == []


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"layout": "tiw-3"}, InputError, "tiw-3"),
        ({"background": "no colour"}, InputError, "background"),
        ({"media_dir": "nowhere"}, InputError, "the media folder"),
        ({"ffmpeg": "nowhere/ffmpeg"}, MediaError, "nowhere/ffmpeg"),
        ({"template": "{room}"}, InputError, "names no folder for every task"),
        ({"output": "ftp://host"}, PublishError, "ftp:// is not a place"),
        ({"notify_url": "http://h/x"}, InputError, "without ASSEMBLER_NOTIFY_SECRET"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else None,
)
def test_each_setting_is_looked_at(options: dict[str, str], error: type[AssemblerError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        check_ready(load_options(**options))


def test_a_variable_that_does_nothing_is_said_with_what_it_may_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setenv("ASSEMBLER_LAYUOT", "grid")
    monkeypatch.setenv("ASSEMBLER_ZZZ", "1")
    check_ready(load_options(), said.append)
    assert sorted(said) == [
        "warning: ASSEMBLER_LAYUOT is not a setting and does nothing: did you mean ASSEMBLER_LAYOUT?",
        "warning: ASSEMBLER_ZZZ is not a setting and does nothing",
    ]
