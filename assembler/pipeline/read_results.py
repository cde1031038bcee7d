"""Result files -> Recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from assembler.dialects import parse
from assembler.dialects.other_files import refuse_other_file
from assembler.errors import AssemblerError, InputError
from assembler.recording import Recording

LARGEST_RESULT = 64 * 2**20
"""Maximum size of a result, in bytes; a video given by mistake is not read into memory."""


def read_recordings(names: Sequence[str], standard_input: IO[bytes]) -> list[Recording]:
    """Every named file parsed; ``-`` is standard input. Raises InputError (CloudError) naming the file."""
    recordings = []
    for name in names:
        try:
            recordings.append(parse(_read(name, standard_input)))
        except AssemblerError as exc:
            source = "standard input" if name == "-" else name
            raise exc.reworded(f"{source}: {exc.sentence}") from exc
    return recordings


def _read(name: str, standard_input: IO[bytes]) -> bytes:
    try:
        if name == "-":
            body = standard_input.read(LARGEST_RESULT + 1)
        else:
            with Path(name).open("rb") as file:
                body = file.read(LARGEST_RESULT + 1)
    except FileNotFoundError as exc:
        raise InputError("no such file", hint="Name a result file, or - for standard input.") from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InputError(f"cannot be read: {reason}", hint="Name a result file you may read.") from exc
    if len(body) > LARGEST_RESULT:
        refuse_other_file(body)
        raise InputError(
            f"more than {LARGEST_RESULT // 2**20} MiB: no result of a class", hint="Name the JSON, not the video."
        )
    return body
