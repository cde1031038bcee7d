"""A verb's flags are made from the rows of Options."""

from __future__ import annotations

import ast
import inspect
from fractions import Fraction
from itertools import pairwise

import pytest
import typer
from typer.testing import CliRunner

from assembler.cli.flags import sentences, with_options
from assembler.options import Options
from assembler.settings import FormerName


def given(*words: str) -> Options:
    """The options of a verb called ``run`` to which these words are given."""
    seen: list[Options] = []

    @with_options
    def run(*, options: Options) -> int:
        seen.append(options)
        return 0

    app = typer.Typer()
    app.command()(run)
    result = CliRunner().invoke(app, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return seen[0]


def test_a_flag_that_is_not_given_leaves_its_option_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLER_STRICT", "true")
    monkeypatch.setenv("ASSEMBLER_RENDER_AHEAD", "false")
    options = given()
    assert (options.strict, options.render_ahead, options.allow_hosts) == (True, False, ())


def test_every_kind_of_flag_reaches_its_option() -> None:
    words = ["--no-render-ahead", "--strict", "--allow-host", "a", "--allow-host", "b", "--screen-users", "c, d"]
    options = given(
        *words, "--from", "0:10", "--fps", "30000/1001", "--quality", "draft", "--processes", "3", "--size", "1280x720"
    )
    assert (options.render_ahead, options.strict, options.allow_hosts) == (False, True, ("a", "b"))
    assert (options.screen_users, options.start, options.fps) == (("c", "d"), 10_000, Fraction(30000, 1001))
    assert (options.quality.value, options.processes, options.size) == ("draft", 3, (1280, 720))


def test_a_flag_given_by_its_former_name_means_the_present_one() -> None:
    with pytest.warns(FormerName, match="jobs is called processes now"):
        assert given("--jobs", "4").processes == 4


def test_the_sentence_of_an_option_is_what_stands_under_it() -> None:
    (written,) = ast.parse(inspect.getsource(Options)).body
    assert isinstance(written, ast.ClassDef)
    found = {}
    for field, below in pairwise(written.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as sentence)):
                found[name] = sentence
    assert found.keys() == Options.model_fields.keys()
    assert sentences() == found
