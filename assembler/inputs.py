"""Result files -> Recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from assembler.dialects import parse
from assembler.errors import CloudError, InputError
from assembler.recording import Recording

LARGEST_RESULT = 64 * 2**20
"""No result of a class is anywhere near this; a video given by mistake is not read into memory."""


def read_recordings(names: Sequence[str], standard_input: IO[bytes]) -> list[Recording]:
    """Every named file parsed; ``-`` is standard input. Raises InputError (CloudError) naming the file."""
    recordings = []
    for name in names:
        try:
            recordings.append(parse(_read(name, standard_input)))
        except InputError as exc:
            source = "standard input" if name == "-" else name
            raise type(exc)(f"{source}: {exc.sentence}", hint=exc.hint) from exc
        except CloudError as exc:
            source = "standard input" if name == "-" else name
            raise CloudError(f"{source}: {exc.sentence}", hint=exc.hint, retry=exc.retry) from exc
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
        raise InputError(
            f"more than {LARGEST_RESULT // 2**20} MiB: no result of a class", hint="Name the JSON, not the video."
        )
    return body
