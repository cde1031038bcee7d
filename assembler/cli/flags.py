"""The flags of the command line: those of ``Options``, made from its rows, and the few that are not options."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from assembler.errors import InputError
from assembler.options import Options, flag_of, load_options
from assembler.progress import Bars, JsonLines, Progress
from assembler.settings import FORMER, frame_rate
from assembler.times import PlayMs, parse_clock


class ProgressStyle(StrEnum):
    """Form of progress on standard error."""

    BARS = "bars"
    """Bars for people."""
    JSON = "json"
    """One JSON object a line, for machines."""


def progress_of(shown: ProgressStyle) -> Progress:
    """Build the progress of a verb."""
    return JsonLines() if shown is ProgressStyle.JSON else Bars()


def _rate(text: str) -> Fraction:
    try:
        return frame_rate(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{exc}.") from exc


def _clock(text: str) -> PlayMs:
    try:
        return parse_clock(text)
    except InputError as exc:
        raise typer.BadParameter(f"{exc.sentence}. {exc.hint}") from exc


PARSERS: dict[Any, Callable[[str], Any]] = {Fraction: _rate, PlayMs: _clock}
"""Parsers of option types that the command line does not know."""
Results = Annotated[
    list[str] | None, typer.Argument(help="Result files (JSON); - reads standard input.", metavar="RESULT")
]
AgoraDir = Annotated[
    Path | None,
    typer.Option("--agora-dir", help="Folder with Agora's playlists and slices, without any body.", metavar="FOLDER"),
]
Json = Annotated[bool, typer.Option("--json", help="Machine output on standard output; people's text goes to stderr.")]
ShownAs = Annotated[ProgressStyle, typer.Option("--progress", help="Form of progress on standard error.")]


@functools.cache
def sentences() -> dict[str, str]:
    """Read the sentence under each option, for the help and the README: pydantic would take a tenth of each start for
    that, and parsing the module a fiftieth."""
    options = Path(inspect.getfile(Options)).read_text("utf-8").partition(f"class {Options.__name__}(")[2]
    return dict(re.findall(r'^    (\w+): .+\n    """(.+)"""$', options, re.MULTILINE))


def with_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a verb, in place of its parameter ``options``, a flag for each option whose row names the verb."""
    own = inspect.signature(function, eval_str=True)
    names = [name for name in Options.model_fields if (flag := flag_of(name)) and function.__name__ in flag.verbs]
    former = [name for name, present in FORMER.items() if present in names]

    @functools.wraps(function)
    def with_flags(**given: Any) -> int | None:
        values = {name: given.pop(name) for name in (*names, *former)}
        options = load_options(**{name: value for name, value in values.items() if value not in (unset[name], [])})
        return function(options=options, **given)

    added = [*map(_parameter, names), *map(_former, former)]
    unset = {one.name: one.default for one in added}
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        ones = added if parameter.name == "options" else [parameter]
        parameters += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in ones]
    del with_flags.__wrapped__
    with_flags.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by inspect
    with_flags.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_flags


def _parameter(option: str, *, name: str | None = None) -> inspect.Parameter:
    """An option as a parameter of a verb; its help is the sentence under the option's field."""
    field, flag = Options.model_fields[option], flag_of(option)
    assert flag is not None
    more: dict[str, Any] = {"help": sentences()[option], "show_default": False, "hidden": name is not None}
    if flag.metavar is not None:
        more["metavar"] = flag.metavar
    kinds = [kind for kind in typing.get_args(field.annotation) if kind is not type(None)] or [field.annotation]
    kind: Any = kinds[0]
    if kind in PARSERS:
        kind, more["parser"] = Any, PARSERS[kind]
    elif tuple in (typing.get_origin(field.annotation), typing.get_origin(kind)):
        kind = list[str] | None if flag.repeats else str | None
    elif kind is not bool or "/" in flag.name:
        kind = kind | None
    declared = typer.Option(flag.name if name is None else f"--{name}", **more)
    default = False if kind is bool and "/" not in flag.name else None
    annotation = Annotated[kind, declared]
    return inspect.Parameter(name or option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _former(name: str) -> inspect.Parameter:
    return _parameter(FORMER[name], name=name)
