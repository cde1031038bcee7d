"""The verb ``schema``: flags in, exit code out."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from assembler.cli.verb import verb
from assembler.errors import InputError


@verb
def schema(
    name: Annotated[str, typer.Argument(help="playback, class, recording or notice.", metavar="NAME")],
) -> int:
    """Print the JSON Schema of playback.json, a class card, a recording of another system, or a notice."""
    from assembler.schemas import SCHEMAS, build_schema

    if name not in SCHEMAS:
        raise InputError(f"there is no schema {name!r}", hint=f"There are: {', '.join(SCHEMAS)}.")
    print(json.dumps(build_schema(name), indent=1, ensure_ascii=False))
    return 0
