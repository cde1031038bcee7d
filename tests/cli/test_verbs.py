"""The table of verbs says what their modules say."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import assembler.cli.main
from assembler.cli.main import app
from assembler.cli.verbs import VERBS, Group, NamedCommand, Verb

ROOM = Path(assembler.cli.main.__file__).parent
PROGRAM = "import sys; sys.argv[0] = 'assembler'; from assembler.cli.main import main; main()"


def walk(verbs: Mapping[str, Verb | Group], *before: str) -> Iterator[tuple[tuple[str, ...], Verb | Group]]:
    for name, row in verbs.items():
        yield (*before, name), row
        if isinstance(row, Group):
            yield from walk(row.verbs, *before, name)


ROWS = list(walk(VERBS))
GROUPS = [(), *(words for words, row in ROWS if isinstance(row, Group))]


def verbs_written_in(path: Path) -> set[str]:
    functions = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if any(ast.unparse(by) == "verb" for by in one.decorator_list)}


def test_every_verb_that_is_written_is_in_the_table_once() -> None:
    written = sorted(f"{path.stem}.{name}" for path in ROOM.glob("*.py") for name in verbs_written_in(path))
    assert len(written) > 30, "this test would not notice"
    assert sorted(row.function for _, row in ROWS if isinstance(row, Verb)) == written


def shown(capsys: pytest.CaptureFixture[str], program: Any, *words: str) -> str:
    program.main([*words, "--help"], prog_name="assembler", standalone_mode=False)
    return capsys.readouterr().out


def imported(command: Any) -> Any:
    """A command with all that is below it imported."""
    if isinstance(command, TyperGroup):
        command.commands = {name: imported(one) for name, one in command.commands.items()}
    return command.load() if isinstance(command, NamedCommand) else command


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_help_by_the_table_is_help_by_the_verbs_to_the_byte(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    by_table = shown(capsys, get_command(app), *words)
    assert "Commands" in by_table
    assert by_table == shown(capsys, imported(get_command(app)), *words)


@pytest.mark.parametrize("words", [words for words, row in ROWS if isinstance(row, Verb)], ids=" ".join)
def test_a_verb_shows_its_own_sentence_and_flags(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, get_command(app), *words)
    assert f" Usage: assembler {' '.join(words)} " in told
    assert "Options" in told
    assert "...]..." not in told
    assert "...}..." not in told


@pytest.mark.parametrize(
    ("words", "meant"), [("rum x.json", "run"), ("jobs lits", "list"), ("jobs refused tak", "take")], ids=str
)
def test_a_typo_has_all_verbs_of_its_group_to_choose_from(words: str, meant: str) -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM, *words.split()], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert f"Did you mean {meant!r}" in said.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("assembler ins", {"inspect"}),
        ("assembler run --la", {"--layout"}),
        ("assembler jobs re", {"retry", "refused"}),
        ("assembler jobs refused t", {"take"}),
        ("assembler work --log-", {"--log-level"}),
        ("assembler rum --la", set()),
    ],
)
def test_a_shell_completes_verbs_and_their_flags(typed: str, offered: set[str]) -> None:
    words = {"_ASSEMBLER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **words}, capture_output=True, text=True, check=True
    )
    assert set(said.stdout.split()) == offered


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("import assembler.options", "unset"),
        ("sys.argv[1:] = ['--version']; from assembler.__main__ import main; main()", "__all__"),
    ],
)
def test_plugins_of_pydantic_are_left_out_by_the_command_alone(code: str, wanted: str) -> None:
    told = "import atexit, os, sys; atexit.register(lambda: print(os.environ.get('PYDANTIC_DISABLE_PLUGINS', 'unset')))"
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    command = [sys.executable, "-c", f"{told}; {code}"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split()[-1] == wanted
