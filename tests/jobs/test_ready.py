"""Settings are proved before anything starts, and what is said of a job names what exists for jobs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from terminal import Desk, three_streams

from assembler.jobs.web.advice import in_a_job
from assembler.options import Options
from jobs.intake.test_once import event

VERBS = (("serve", "--insecure", "--port", "9"), ("work",), ("batch", "-"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, three_streams())


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layout", "tiw-3"),
        ("layout", "nowhere.json"),
        ("layout", "bad.json"),
        ("background", "no colour"),
        ("media_dir", "nowhere"),
        ("config", "nowhere.toml"),
        ("config", "."),
        ("template", "{room}"),
        ("ffmpeg", "nowhere/ffmpeg"),
    ],
)
def test_a_setting_that_no_job_could_get_past_is_told_at_once(
    desk: Desk, words: tuple[str, ...], name: str, value: str
) -> None:
    (desk.folder / "bad.json").write_text('{"Canvas": {}}')
    said = desk.say(*words, stdin=event().decode(), **{name: value})
    assert said.code == (5 if name == "ffmpeg" else 2)
    assert Path(value).stem in said.err.splitlines()[0]
    assert "Traceback" not in said.err
    assert not (desk.home / "jobs.sqlite").exists(), "nothing was begun"


def test_a_name_that_is_no_setting_is_a_warning_and_refuses_nothing(desk: Desk) -> None:
    said = desk.say("batch", "-", stdin=event().decode(), layuot="grid", zzz="1")
    assert said.code == 0
    assert "warning: ASSEMBLER_LAYUOT is not a setting and does nothing: did you mean ASSEMBLER_LAYOUT?" in said.err
    assert "warning: ASSEMBLER_ZZZ is not a setting and does nothing\n" in said.err


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Give it with --media-dir.", "Give it with ASSEMBLER_MEDIA_DIR."),
        ("--strict: x. Leave out --strict.", "ASSEMBLER_STRICT: x. Leave out ASSEMBLER_STRICT."),
        ("Take --layout auto, or --from 0.", "Take ASSEMBLER_LAYOUT auto, or ASSEMBLER_START 0."),
        ("If you trust it, give --allow-host h, or name it in ASSEMBLER_ALLOW_HOSTS.",
         "If you trust it, name it in ASSEMBLER_ALLOW_HOSTS."),
        ("Run the same command again: it continues.", "Type `assembler jobs retry t1`: it continues."),
        ("Make room; then run again.", "Make room; then type `assembler jobs retry t1`."),
        ("verify --decode looks at all", "verify --decode looks at all"),
    ],
)  # fmt: skip
def test_hints_of_a_job_name_settings_and_verbs_of_jobs(said: str, meant: str) -> None:
    assert in_a_job(said, "t1") == meant


def test_every_hint_of_the_pipeline_names_what_exists_for_jobs() -> None:
    package = Path(__file__).parents[2] / "assembler"
    rooms = ("network", "media", "layout", "timeline", "plan", "dialects")
    paths = [p for room in rooms for p in (package / room).rglob("*.py")]
    hints = [hint for p in paths for hint in re.findall(r"hint=f?\"([^\"]+)\"", p.read_text("utf-8"))]
    assert len(hints) > 50
    settings = {f"ASSEMBLER_{name.upper()}" for name in Options.model_fields}
    for hint in hints:
        told = in_a_job(hint, "t1")
        assert "--" not in told.replace("`assembler", ""), told
        assert "ommand again" not in told
        assert set(re.findall(r"ASSEMBLER_[A-Z0-9_]+", told)) <= settings, told
