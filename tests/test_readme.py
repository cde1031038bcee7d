"""The README says what the code says."""

from __future__ import annotations

import json
import re
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from synthetic import Recipe, make
from terminal import Desk, three_streams

from assembler import errors
from assembler.cli.flags import sentences
from assembler.cli.verbs import VERBS, NamedCommand, Verb
from assembler.dialects import parse
from assembler.layout.builtin import LAYOUTS
from assembler.options import Options, flag_of
from assembler.pipeline.timelines import timeline_only
from assembler.recording import Recording, Segment
from assembler.report.recordings import describe_recordings
from assembler.settings import variable_of

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text("utf-8")


def settings_table() -> str:
    """The table of all settings, made from the code; printed by ``python tests/test_readme.py``."""
    lines = ["| setting | flag | environment | meaning |", "|---|---|---|---|"]
    for name in Options.model_fields:
        flag = flag_of(name)
        shown = "" if flag is None else f"`{flag.name}`"
        lines.append(f"| `{name}` | {shown} | `{variable_of(name)}` | {sentences()[name]} |")
    return "\n".join(lines)


def test_the_settings_table_is_the_one_in_the_code() -> None:
    between = TEXT.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert between.strip() == settings_table()


@pytest.mark.parametrize("verb", sorted(name for name, one in VERBS.items() if isinstance(one, Verb)))
def test_a_verb_has_the_flags_of_the_options_that_name_it(verb: str) -> None:
    flags = [flag for name in Options.model_fields if (flag := flag_of(name))]
    assert {name for flag in flags for name in flag.verbs} <= VERBS.keys()
    row = VERBS[verb]
    assert isinstance(row, Verb)
    options = {name for one in NamedCommand(verb, row).load().params for name in one.opts}
    assert {flag.name.split("/")[0] for flag in flags if verb in flag.verbs} <= options
    assert not {flag.name.split("/")[0] for flag in flags if verb not in flag.verbs} & options


def test_every_verb_is_named() -> None:
    for verb in VERBS:
        assert f"assembler {verb}" in TEXT


def test_every_exit_code_of_the_error_tree_is_named() -> None:
    codes = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.AssemblerError)}
    for code in codes:
        assert f"| {code} |" in TEXT


def test_the_first_line_with_the_demo_is_the_whole_first_command() -> None:
    first = next(line for line in TEXT.splitlines() if "assembler demo" in line)
    assert first.startswith("python3 -m venv")
    assert first.endswith(".venv/bin/assembler demo")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_a_small_picture(layout: str) -> None:
    name = f"fixtures/layouts/{layout}.png"
    assert f"`{layout}`: {LAYOUTS[layout].sentence}<br>![{layout}]({name})" in TEXT
    assert re.search(rf"\| Layout: .*\b{layout},", TEXT), "options.py lists it, too"
    assert (README.parent / name).stat().st_size < 30_000


def test_the_drawn_timeline_is_what_inspect_prints() -> None:
    result = re.search(r"assembler inspect (fixtures/\S+json)", TEXT)
    assert result is not None
    recording = parse((README.parent / result[1]).read_bytes())
    said = describe_recordings([recording], timeline_only(recording, Options()), 100).splitlines()
    drawn = TEXT.split("```")[1].strip().splitlines()
    assert [line for line in drawn if line not in said] == []


SYSTEMS = re.findall(r"^assembler inspect (fixtures/systems/\S.*)$", TEXT, re.MULTILINE)


def test_each_system_of_the_table_has_an_example() -> None:
    table = TEXT.partition("| system | give | placed | not read |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert len(SYSTEMS) == len(table) == 7


@pytest.mark.parametrize("files", SYSTEMS)
def test_the_example_of_a_system_is_recognised(desk: Desk, files: str) -> None:
    said = desk.say("inspect", *(str(README.parent / file) for file in files.split()))
    system = re.split(r"[/-]", files)[2]
    assert said.code == 0, said.err
    assert f"({system}), " in said.out.splitlines()[0]
    assert "from 0:00" in said.out or ": 0:00–" in said.out


def test_the_recording_of_another_system_becomes_a_playback(desk: Desk, bundled_ffmpeg: str) -> None:
    example, command = re.findall(r"```(?:json)?\n(.*?)```", _neutral(), re.DOTALL)
    (desk.folder / "lesson.json").write_text(example)
    (desk.folder / "recorded").mkdir()
    segments = json.loads(example)["segments"]
    for segment in segments:
        made = make(Recipe(seconds=Fraction(segment["duration"], 1000)), bundled_ffmpeg)
        shutil.copy(made, desk.folder / "recorded" / f"{segment['video_id']}.mp4")
    said = desk.say(*command.split()[1:], "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["verdict"] == "ok"
    assert told["length"] == 5000
    assert {outcome["fate"] for outcome in told["outcomes"]} == {"used"}
    assert [chapter["at"] for chapter in told["chapters"]] == [0, 3000]


def test_every_field_of_the_neutral_form_that_is_explained_is_one() -> None:
    named = re.findall(r"^\| (`[^|]+`) \|", TEXT.split("<!-- /neutral -->")[1].split("###")[0], re.MULTILINE)
    names = [name for cell in named for name in re.findall(r"`([\w.\[\]]+)`", cell)]
    assert len(names) > 8, "this test would not notice"
    for name in names:
        fields = Segment if name.startswith("segments[].") else Recording
        known = fields.model_fields.keys() | ({"wall"} if fields is Segment else set())  # it is read as a play time
        assert name.removeprefix("segments[].").removesuffix("[]") in known


@pytest.mark.parametrize(
    "page", ["README.md", "assembler/DESIGN.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md"]
)
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    path = README.parent / page
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", path.read_text("utf-8")):
        assert (path.parent / link).exists(), link


def _neutral() -> str:
    return TEXT.split("<!-- neutral -->")[1].split("<!-- /neutral -->")[0]


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, three_streams(4), bundled_ffmpeg)


if __name__ == "__main__":
    head, rest = TEXT.split("<!-- settings -->")
    tail = rest.split("<!-- /settings -->")[1]
    README.write_text(f"{head}<!-- settings -->\n{settings_table()}\n<!-- /settings -->{tail}", "utf-8")
