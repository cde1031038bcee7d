"""What is installed: the command in its three ways, the public names, and what pyproject says of them."""

from __future__ import annotations

import pydoc
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import assembler
from assembler import errors
from assembler.errors import AssemblerError, InputError
from assembler.processes import cores

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def said_by(*words: str) -> str:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_python_minus_m_is_the_command() -> None:
    assert said_by("-m", "assembler", "--version") == f"assembler {assembler.__version__}\n"
    assert "inspect" in said_by("-m", "assembler", "--help")


@pytest.mark.parametrize("pattern", PROJECT["tool"]["setuptools"]["package-data"]["assembler"])
def test_package_data_is_there(pattern: str) -> None:
    assert list((ROOT / "assembler").glob(pattern))


def test_everything_in_the_package_that_is_no_code_is_package_data() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["assembler"]
    data = {p for pattern in patterns for p in (ROOT / "assembler").glob(pattern)}
    files = {p for p in (ROOT / "assembler").rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert files == data


@pytest.mark.parametrize("name", ["av", "imageio-ffmpeg"])
def test_what_changes_results_has_an_upper_bound(name: str) -> None:
    """Its ffmpeg is in every digest, and what libav finds in a file is kept as facts."""
    [bound] = [d for d in PROJECT["project"]["dependencies"] if d.startswith(f"{name}>=")]
    assert ",<" in bound


def test_help_shows_every_public_name_and_what_it_raises() -> None:
    page = pydoc.plain(pydoc.render_doc(assembler))
    head = page[: page.index("\nCLASSES")]
    for name in assembler.__all__:
        assert f"\n    {name} " in head
    assert "InputError" in head
    assert "\n    class Options(" in page
    assert "\n    parse(" in page


def test_an_error_as_text_holds_the_next_step() -> None:
    error = InputError("there is no file a", hint="Name another one.")
    assert str(error) == "there is no file a. Name another one."
    assert error.sentence == "there is no file a"
    assert str(error.reworded("b")) == "b. Name another one."
    assert str(AssemblerError("no hint")) == "no hint"


def test_every_error_class_is_in_the_table_of_errors() -> None:
    known = [n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, AssemblerError)]
    for name in set(known) - {"AssemblerError"}:
        assert name in (errors.__doc__ or "")


def test_cores_are_counted_where_there_is_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert cores() >= 1


def test_nobody_asks_for_the_affinity_but_cores() -> None:
    modules = (ROOT / "assembler").rglob("*.py")
    users = [p.parent.name for p in modules if "sched_getaffinity" in p.read_text("utf-8")]
    assert users == ["processes"]
