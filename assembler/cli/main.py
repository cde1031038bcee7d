"""The program ``assembler``: its verbs by name, and what a mistake in the command line becomes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import assembler
from assembler.cli.verbs import Program

app = typer.Typer(
    name="assembler",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"assembler {assembler.__version__}")
        raise typer.Exit


@app.callback()
def every_verb(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """One synchronized playback file from the result of a finished online-class recording."""


def main() -> None:
    """Entry point of the ``assembler`` command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except SystemExit as exc:
        usage = exc.__context__
        if (
            "--json" in sys.argv and usage is not None and hasattr(usage, "format_message")
        ):  # a mistake in the command line itself
            from assembler.cli.verb import print_failure  # and with it what verbs need

            print_failure("Usage", usage.format_message(), "Look at --help.", 2)
        raise
    except OSError as exc:  # of a help text: a verb says it itself
        from assembler.cli.verb import lost_output, silence

        failure = lost_output(exc)
        print(f"error: {failure.sentence}\nhint: {failure.hint}", file=sys.stderr)
        silence(sys.stdout)
        sys.exit(failure.exit_code)
