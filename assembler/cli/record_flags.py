"""Flags of the verbs that talk to the recording cloud, and the fields of a request that they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assembler.cloud import Api
from assembler.errors import InputError

Generation = Annotated[
    Api | None, typer.Option("--api", help="Generation of the API; the one whose credentials are set if not given.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the request without its secrets; ask nobody.")]
Offline = Annotated[bool, typer.Option("--offline", help="A task of `record generate`, not of a live recording.")]
Task = Annotated[str, typer.Argument(help="Id of the task, as `record start` printed it.", metavar="TASK")]
Group = Annotated[str | None, typer.Option("--group", help="IM group of the board; the room's number if not given.")]
Board = Annotated[str | None, typer.Option("--board", help="Size of the board's video.", metavar="WIDTHxHEIGHT")]
InitParam = Annotated[str | None, typer.Option("--init-param", help="Parameters of the board's SDK.", metavar="JSON")]
Concat = Annotated[bool, typer.Option("--concat", help="Have the files of one stream joined over its pauses.")]
Mix = Annotated[
    str | None, typer.Option("--mix", help="Also record a mixed stream by this layout.", metavar="NAME|FILE.json")
]
Teacher = Annotated[
    str | None, typer.Option("--teacher", help="User with the first place of --mix tiw-1 or tiw-2.", metavar="USER")
]
More = Annotated[
    Path | None,
    typer.Option(
        "--with", help="Further fields of the request, as the vendor's page spells them.", metavar="FILE.json"
    ),
]
SECRET_FILE = "a file, or - for standard input"
"""Source of a secret, for help texts."""


def read_text(path: Path) -> str:
    """Read a file, or standard input for ``-``."""
    try:
        return (sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()).decode("utf-8-sig").strip()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise InputError(f"{path} cannot be read: {reason}", hint="Name an existing file.") from exc


def stream_fields(
    board: str | None, init: str | None, concat: bool, mix: str | None, teacher: str | None
) -> dict[str, Any]:
    """Build the fields of the board, the joined files and the mixed stream."""
    from assembler.cloud.bodies import mix_by

    fields: dict[str, Any] = {"concat": {"enabled": True}} if concat else {}
    if board is not None or init is not None:
        sizes = dict(zip(("width", "height"), board.lower().split("x"), strict=False)) if board else {}
        if board is not None and (len(sizes) != 2 or not all(size.isdecimal() for size in sizes.values())):
            raise InputError(f"{board!r} is not a size", hint="Write --board 1280x960.")
        fields["whiteboard"] = {**sizes, **({"init_param": init} if init is not None else {})}
    if mix is not None:
        fields["mix_stream"] = mix_by(mix, teacher)
    elif teacher is not None:
        raise InputError("--teacher has no mixed stream to be in", hint="Add --mix tiw-1 or --mix tiw-2.")
    return fields


def further_fields(path: Path | None) -> dict[str, Any]:
    """Read the fields of ``--with``."""
    from assembler.dialects.body import load_object

    return dict(load_object(read_text(path))) if path is not None else {}
